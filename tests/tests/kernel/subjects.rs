//! What a rule can ask of a process besides its program, its name and its
//! effective ids.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::engine::{Reloaded, replace};
use interdict_tests::event::{Decided, Event, Object};
use interdict_tests::place;
use interdict_tests::protocol::{Argument, Carrier, Request};
use interdict_tests::service::{Service, Tcp};
use rustix::io::Errno;

/// A policy about one service, and that service.
pub(crate) struct Host {
    pub(crate) case: Case,
    _web: Tcp,
}

impl Host {
    /// Rules are `deny tcp connect to 127.0.0.1 port 8080` and what follows that.
    #[track_caller]
    pub(crate) fn with(rules: &[&str]) -> Self {
        let rules = rules
            .iter()
            .map(|rest| format!("deny tcp connect to 127.0.0.1 port 8080 {rest}\n"));
        let policy: String = rules.collect();
        Self {
            case: Case::under(&[("subjects", &policy)]),
            _web: Tcp::on("127.0.0.1:8080"),
        }
    }

    #[track_caller]
    pub(crate) fn denies(&mut self, actor: &mut Actor, rule: &'static str) -> Event {
        let socket = actor.tcp();
        let event = self.case.denies(actor, &web(socket), &decided(rule));
        actor.must(&calls::close(socket));
        event
    }

    #[track_caller]
    pub(crate) fn allows(&mut self, actor: &mut Actor) {
        let socket = actor.tcp();
        self.case.allows(actor, &web(socket));
        actor.must(&calls::close(socket));
    }
}

pub(crate) fn web(socket: i64) -> Request {
    calls::connect(socket, &Address::ip(Ipv4Addr::LOCALHOST, 8080))
}

pub(crate) fn decided(rule: &'static str) -> Decided {
    Decided::connect(rule, Object::ip("127.0.0.1", 8080))
}

#[test]
fn the_real_user_and_group() {
    let mut host = Host::with(&[
        "if ruid = 1000 id user",
        "if rgid in { 7, 2000-2999 } id group",
    ]);
    let mut actor = Actor::other();
    host.allows(&mut actor);
    // The effective ones do not matter.
    actor.must(&calls::set_gids(-1, 2500, -1));
    actor.must(&calls::set_uids(-1, 1000, -1));
    (actor.subject.uid, actor.subject.gid) = (1000, 2500);
    host.allows(&mut actor);
    let mut actor = Actor::other();
    actor.must(&calls::set_uids(1000, 0, 0));
    host.denies(&mut actor, "user")
        .says("/workload/process/real_user/id", 1000);
    actor.must(&calls::set_uids(1001, 0, 0));
    host.allows(&mut actor);
    for (gid, denied) in [
        (6, false),
        (7, true),
        (8, false),
        (1999, false),
        (2999, true),
    ] {
        actor.must(&calls::set_gids(gid, 0, 0));
        if denied {
            host.denies(&mut actor, "group");
        } else {
            host.allows(&mut actor);
        }
    }
}

#[test]
fn a_login_that_never_was_is_missing() {
    let mut host = Host::with(&[
        "if loginuid >= 0 and uid = 1000 id some",
        "unless loginuid = 1001 or uid = 1000 id none",
    ]);
    let mut daemon = Actor::user();
    host.allows(&mut daemon);
    let event = host.denies(&mut Actor::other(), "none");
    event.says("/decision/subject/loginuid", None::<u32>);
    // Whoever logs in keeps it, whichever user he becomes.
    let mut login = Actor::other();
    login.write_file("/proc/self/loginuid", "1001");
    host.allows(&mut login);
    login.must(&calls::set_uids(-1, 1000, -1));
    login.subject.uid = 1000;
    let event = host.denies(&mut login, "some");
    event.says("/decision/subject/loginuid", 1001);
    login.must(&calls::set_uids(-1, 0, -1));
    login.subject.uid = 0;
    login.exec(place::good());
    host.allows(&mut login);
}

#[test]
fn the_type_and_the_protocol_of_the_socket() {
    const SOCKET: &str = "/run/typed.sock";
    let policy = "deny unix connect to /run/typed.sock if type = seqpacket id packets\n\
                  deny tcp connect to 127.0.0.1 port 8080 if protocol = 262 id mptcp\n\
                  deny udp connect to 127.0.0.1 port 8080 if protocol != 17 id other\n\
                  deny { tcp, udp } connect to 127.0.0.1 port 8081 unless type in { dgram, raw } id streams\n";
    let mut case = Case::under(&[("subjects", policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::other();
    let to = Address::path(SOCKET);
    for (kind, packets) in [(libc::SOCK_STREAM, false), (libc::SOCK_SEQPACKET, true)] {
        let _service = if packets {
            Service::packets(SOCKET)
        } else {
            Service::stream(SOCKET)
        };
        let socket = actor.socket(libc::AF_UNIX, kind);
        let connect = calls::connect(socket, &to);
        if packets {
            let decided = Decided::stream("packets", Object::path(SOCKET));
            case.denies(&mut actor, &connect, &decided);
        } else {
            case.allows(&mut actor, &connect);
        }
    }
    let mut connects = |kind, protocol, port, rule: Option<&'static str>| {
        let socket = actor.must(&calls::socket(libc::AF_INET, kind, protocol));
        let connect = calls::connect(socket, &Address::ip(Ipv4Addr::LOCALHOST, port));
        if let Some(rule) = rule {
            let decided = Decided::connect(rule, Object::ip("127.0.0.1", port));
            case.denies(&mut actor, &connect, &decided);
        } else if port == 8080 {
            case.allows(&mut actor, &connect);
        } else {
            case.fails(&mut actor, &connect, Errno::CONNREFUSED);
        }
    };
    connects(libc::SOCK_STREAM, 0, 8080, None);
    connects(libc::SOCK_STREAM, libc::IPPROTO_TCP, 8080, None);
    connects(libc::SOCK_STREAM, libc::IPPROTO_MPTCP, 8080, Some("mptcp"));
    connects(libc::SOCK_DGRAM, 0, 8080, None);
    connects(libc::SOCK_STREAM, 0, 8081, Some("streams"));
}

/// `CAP_NET_BIND_SERVICE`, `CAP_NET_ADMIN`, `CAP_NET_RAW`.
const BIND: u32 = 10;
const ADMIN: u32 = 12;
const RAW: u32 = 13;
/// `CAP_CHECKPOINT_RESTORE`, the last one, in the upper half.
const LAST: u32 = 40;

#[test]
fn a_capability_in_the_initial_namespace() {
    let mut host = Host::with(&[
        "unless cap = net_bind_service id without",
        "if cap in { net_raw, checkpoint_restore } and cap != net_admin id some",
    ]);
    let mut root = Actor::other();
    host.allows(&mut root);
    root.must(&calls::set_capabilities(&[BIND, LAST]));
    host.denies(&mut root, "some");
    let mut root = Actor::other();
    root.must(&calls::set_capabilities(&[BIND, RAW]));
    host.denies(&mut root, "some");
    root.must(&calls::set_capabilities(&[BIND]));
    host.allows(&mut root);
    root.must(&calls::set_capabilities(&[]));
    host.denies(&mut root, "without");
    let mut user = Actor::user();
    host.denies(&mut user, "without");
    // All capabilities there are, in a namespace of one's own.
    user.user_namespace();
    user.must(&calls::set_capabilities(&[BIND, ADMIN, RAW]));
    host.denies(&mut user, "without");
}

#[test]
fn capabilities_are_the_threads_own_and_a_rings_submitters() {
    let mut host = Host::with(&["unless cap = net_bind_service id without"]);
    let mut root = Actor::other();
    let socket = root.tcp();
    let in_thread = Request::Thread(Box::new(Request::Sequence(vec![
        calls::set_capabilities(&[]),
        web(socket),
    ])));
    host.case.denies(&mut root, &in_thread, &decided("without"));
    host.allows(&mut root);
    let to = Address::ip(Ipv4Addr::LOCALHOST, 8080);
    for by in [Carrier::Worker, Carrier::Poller] {
        let mut root = Actor::other();
        let socket = root.tcp();
        host.case
            .allows(&mut root, &calls::ring_connect(socket, &to, by));
        root.must(&calls::set_capabilities(&[]));
        let socket = root.tcp();
        let connect = calls::ring_connect(socket, &to, by);
        host.case.denies(&mut root, &connect, &decided("without"));
    }
}

#[test]
fn namespaces_against_those_of_the_first_process() {
    let mut host = Host::with(&[
        "if userns = other id user",
        "if mntns = other and userns = host id mount",
        "if cgroupns = other id cgroup",
        "unless pidns = host id pid",
        "unless netns = host id net",
    ]);
    host.allows(&mut Actor::other());
    host.allows(&mut Actor::user());
    let mut user = Actor::user();
    user.user_namespace();
    host.denies(&mut user, "user");
    for (flag, rule) in [
        (libc::CLONE_NEWNS, "mount"),
        (libc::CLONE_NEWCGROUP, "cgroup"),
        (libc::CLONE_NEWNET, "net"),
    ] {
        let mut actor = Actor::other();
        let home = actor.must(&calls::open(namespace(flag), libc::O_RDONLY));
        actor.must(&calls::unshare(flag));
        host.denies(&mut actor, rule);
        // A thread can go back alone, or its process before it.
        let back = calls::call(
            libc::SYS_setns,
            vec![Argument::Number(home), Argument::Number(0)],
        );
        actor.must(&back);
        host.allows(&mut actor);
    }
}

/// The file in /proc that stands for one's namespace of a kind.
fn namespace(flag: i32) -> &'static str {
    match flag {
        libc::CLONE_NEWNS => "/proc/self/ns/mnt",
        libc::CLONE_NEWCGROUP => "/proc/self/ns/cgroup",
        libc::CLONE_NEWNET => "/proc/self/ns/net",
        _ => unreachable!(),
    }
}

#[test]
fn the_process_namespace_is_its_own_and_not_its_childrens() {
    let mut host = Host::with(&["if pidns = other id pid"]);
    let mut actor = Actor::other();
    actor.must(&calls::unshare(libc::CLONE_NEWPID));
    host.allows(&mut actor);
    let socket = actor.tcp();
    // The child is the first of its namespace, and says so.
    let reply = actor.ask(&Request::Fork(Box::new(web(socket))));
    assert_eq!(outcome(&reply), Err(Errno::PERM));
    assert_eq!(reply.pid, 1);
    let event = host.case.event();
    event.says("/decision/rule", "pid");
    event.says("/workload/process/pid", 1);
}

/// Adds a line to a file of accounts, as the tools do: beside it, then renamed.
fn add_account(file: &str, line: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    replace(Path::new(file), &format!("{text}{line}\n"));
}

#[test]
fn users_and_groups_by_name() {
    add_account("/etc/passwd", "alice:x:1501:1501::/:/bin/sh");
    add_account("/etc/group", "wheelers:x:1601:alice");
    let mut host = Host::with(&[
        "if user in { alice, nobody-at-all } id alice",
        "if group = wheelers and user != alice id wheelers",
        "unless group in { root, wheelers } or user = alice id neither",
    ]);
    host.allows(&mut Actor::other());
    host.denies(&mut Actor::start(place::other(), 1501), "alice");
    host.denies(&mut Actor::start(place::other(), 1601), "wheelers");
    let mut actor = Actor::user();
    host.denies(&mut actor, "neither");
    // What the file says of members is not what the process is in.
    let mut actor = Actor::other();
    actor.must(&calls::set_gids(-1, 1601, -1));
    actor.subject.gid = 1601;
    host.denies(&mut actor, "wheelers");
    actor.must(&calls::set_gids(-1, 5, -1));
    actor.subject.gid = 5;
    host.denies(&mut actor, "neither");
    // Supplementary groups, wherever they stand among many.
    for others in [0, 1, 2, 3, 30, 1000] {
        for place in [0, others / 2, others] {
            let group = |at: u32| match at.cmp(&place) {
                std::cmp::Ordering::Less => 10 + at % 1500,
                std::cmp::Ordering::Equal => 1601,
                std::cmp::Ordering::Greater => 100_000 + at,
            };
            let all: Vec<u32> = (0..=others).map(group).collect();
            actor.must(&calls::set_groups(&all));
            host.denies(&mut actor, "wheelers");
        }
        let none: Vec<u32> = (0..others).map(|at| 1602 + at).collect();
        actor.must(&calls::set_groups(&none));
        host.denies(&mut actor, "neither");
    }
    // As many as a process can have.
    let most: Vec<u32> = (0..65_535).map(|at| 2000 + at).chain([1601]).collect();
    actor.must(&calls::set_groups(&most));
    host.denies(&mut actor, "wheelers");
    actor.must(&calls::set_groups(&[7, 0]));
    host.allows(&mut actor);
}

#[test]
fn accounts_that_change_after_the_policy() {
    let policy = "deny tcp connect to 127.0.0.1 port 8080 if group = latecomers id late\n\
                  deny tcp connect to 127.0.0.1 port 8080 if user = latecomer id user\n";
    let mut case = Case::under(&[("subjects", policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    let host = |actor: &mut Actor, case: &mut Case, rule: Option<&'static str>| {
        let socket = actor.tcp();
        match rule {
            Some(rule) => drop(case.denies(actor, &web(socket), &decided(rule))),
            None => drop(case.allows(actor, &web(socket))),
        }
        actor.must(&calls::close(socket));
    };
    let mut group = Actor::other();
    group.must(&calls::set_groups(&[1701]));
    let mut user = Actor::start(place::other(), 1701);
    host(&mut group, &mut case, None);
    host(&mut user, &mut case, None);
    for (file, line) in [
        ("/etc/group", "latecomers:x:1701:"),
        ("/etc/passwd", "latecomer:x:1701:1:::"),
    ] {
        let from = case.engine().errors.count();
        let begun = Instant::now();
        add_account(file, line);
        let reloaded = case.engine().reloaded(from);
        assert!(matches!(reloaded, Reloaded::InForce { .. }), "{reloaded:?}");
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
        host(&mut group, &mut case, Some("late"));
    }
    // His own group is of that number too; in another he is refused as himself.
    host(&mut user, &mut case, Some("late"));
    let mut user = Actor::other();
    user.must(&calls::set_uids(-1, 1701, -1));
    user.subject.uid = 1701;
    host(&mut user, &mut case, Some("user"));
}

#[test]
fn a_parent_is_who_created_the_process() {
    let mut host = Host::with(&[
        "unless parent.comm = keeper or uid = 1000 id comm",
        "unless parent.exe = /usr/bin/good or uid != 1000 id exe",
        "if parent.uid = 1000 and uid = 1001 id uid",
    ]);
    // This very test created it.
    let mut actor = Actor::good();
    host.denies(&mut actor, "comm");
    actor.must(&calls::set_name("keeper"));
    actor.subject.comm = "keeper".to_owned();
    host.denies(&mut actor, "comm");
    let child = |request| Request::Fork(Box::new(request));
    let after = |first, request| Request::Sequence(vec![first, request]);
    let socket = actor.tcp();
    host.case.allows(&mut actor, &child(web(socket)));
    // What the creator calls itself later changes nothing; nor does what the
    // child calls itself.
    let socket = actor.tcp();
    let renamed = child(after(calls::set_name("anything"), web(socket)));
    host.case.allows(&mut actor, &renamed);
    // By a thread of another name, too: a process has the name of its main one.
    let socket = actor.tcp();
    let by_thread = Request::Thread(Box::new(after(
        calls::set_name("worker"),
        child(web(socket)),
    )));
    host.case.allows(&mut actor, &by_thread);
    // The program and the user, as they were then.
    let socket = actor.tcp();
    let other_user = child(after(calls::set_uids(1000, 1000, 1000), web(socket)));
    host.case.allows(&mut actor, &other_user);
    let mut other = Actor::other();
    other.must(&calls::set_name("keeper"));
    let socket = other.tcp();
    other.subject.comm = "keeper".to_owned();
    other.subject.uid = 1000;
    let other_user = child(after(calls::set_uids(1000, 1000, 1000), web(socket)));
    host.case.denies(&mut other, &other_user, &decided("exe"));
    let socket = other.tcp();
    other.subject.uid = 1001;
    let by_user = after(
        calls::set_uids(0, 1000, 0),
        child(after(
            calls::set_uids(-1, 0, -1),
            after(calls::set_uids(1001, 1001, 1001), web(socket)),
        )),
    );
    host.case.denies(&mut other, &by_user, &decided("uid"));
}

#[test]
fn no_fork_and_no_exec_changes_the_parent() {
    let mut host = Host::with(&["if parent.comm = keeper id child"]);
    let mut actor = Actor::good();
    actor.must(&calls::set_name("keeper"));
    let child = |request| Request::Fork(Box::new(request));
    // The grandchild's parent is the child, which still has the name.
    let socket = actor.tcp();
    actor.subject.comm = "keeper".to_owned();
    let both = child(child(web(socket)));
    host.case.denies(&mut actor, &both, &decided("child"));
    let socket = actor.tcp();
    let renamed = child(Request::Sequence(vec![
        calls::set_name("between"),
        child(web(socket)),
    ]));
    host.case.allows(&mut actor, &renamed);
}

/// What a thread that executes a program keeps of its process.
#[test]
fn an_exec_by_a_thread_keeps_the_parent() {
    let mut host = Host::with(&["if parent.comm = kernel id child"]);
    let name = std::fs::read_to_string("/proc/self/comm").unwrap();
    assert_eq!(name.trim(), "kernel", "the tests' own main thread");
    let mut actor = Actor::good();
    host.denies(&mut actor, "child");
    let in_thread = Request::Thread(Box::new(calls::exec(place::other())));
    actor.must(&in_thread);
    actor.subject.exe = Some(place::other());
    actor.subject.comm = "other".to_owned();
    host.denies(&mut actor, "child");
    actor.exec(place::good());
    host.denies(&mut actor, "child");
}

#[test]
fn a_parents_name_and_program_by_pattern() {
    let mut host = Host::with(&[
        "if parent.comm = \"k??p*\" id comm",
        "if parent.exe = /usr/b*/goo? id exe",
        "unless parent.exe = /usr/bin/** id any",
    ]);
    let mut tests = Actor::good();
    // This very test created it, and lies elsewhere.
    host.denies(&mut tests, "any");
    let child = |request| Request::Fork(Box::new(request));
    let mut child_is = |actor: &mut Actor, rule: Option<&'static str>| {
        let socket = actor.tcp();
        let connect = child(web(socket));
        if let Some(rule) = rule {
            host.case.denies(actor, &connect, &decided(rule));
        } else {
            host.case.allows(actor, &connect);
        }
        actor.must(&calls::close(socket));
    };
    child_is(&mut tests, Some("exe"));
    let mut other = Actor::other();
    child_is(&mut other, None);
    for (name, rule) in [
        ("keeper", Some("comm")),
        ("keep", Some("comm")),
        ("kee", None),
    ] {
        other.must(&calls::set_name(name));
        other.subject.comm = name.to_owned();
        child_is(&mut other, rule);
    }
}
