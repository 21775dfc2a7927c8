//! What a rule can ask of a process besides its program, its name and its
//! effective ids.

use std::net::Ipv4Addr;

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Event, Object};
use interdict_tests::place;
use interdict_tests::protocol::{Argument, Carrier, Request};
use interdict_tests::service::{Service, Tcp};
use rustix::io::Errno;

/// A policy about one service, and that service.
struct Host {
    case: Case,
    _web: Tcp,
}

impl Host {
    /// Rules are `deny tcp connect to 127.0.0.1 port 8080` and what follows that.
    #[track_caller]
    fn with(rules: &[&str]) -> Self {
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
    fn denies(&mut self, actor: &mut Actor, rule: &'static str) -> Event {
        let socket = actor.tcp();
        let event = self.case.denies(actor, &web(socket), &decided(rule));
        actor.must(&calls::close(socket));
        event
    }

    #[track_caller]
    fn allows(&mut self, actor: &mut Actor) {
        let socket = actor.tcp();
        self.case.allows(actor, &web(socket));
        actor.must(&calls::close(socket));
    }
}

fn web(socket: i64) -> Request {
    calls::connect(socket, &Address::ip(Ipv4Addr::LOCALHOST, 8080))
}

fn decided(rule: &'static str) -> Decided {
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
