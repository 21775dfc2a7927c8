//! Passing for a process of the host from a namespace of one's own.

use std::net::Ipv4Addr;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::protocol::Request;
use interdict_tests::tricks;
use rustix::io::Errno;

use super::{Guard, guarded, tried};

#[test]
fn a_user_namespace_within_another() {
    let mut guard = Guard::of("userns");
    let mut actor = Actor::user();
    guard.admits(&mut actor);
    actor.user_namespace();
    guard.refuses(&mut actor);
    actor.must(&calls::unshare(libc::CLONE_NEWUSER));
    guard.refuses(&mut actor);
    actor.exec("/usr/bin/other");
    guard.refuses(&mut actor);
}

#[test]
fn a_child_that_begins_in_a_user_namespace() {
    let mut guard = Guard::of("userns");
    let mut actor = Actor::user();
    for flags in [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWUSER | libc::CLONE_VM,
        libc::CLONE_NEWUSER | libc::CLONE_NEWPID,
    ] {
        let connect = guard.connect(&mut actor);
        let child = Request::Clone {
            flags,
            request: Box::new(connect),
        };
        guard.refuses_elsewhere(&mut actor, &child);
        guard.admits(&mut actor);
    }
}

#[test]
fn the_way_back_to_the_hosts_namespace() {
    let mut guard = Guard::of("netns");
    let mut actor = Actor::user();
    guard.admits(&mut actor);
    let home = actor.must(&calls::open("/proc/self/ns/net", libc::O_RDONLY));
    actor.user_namespace();
    actor.must(&calls::unshare(libc::CLONE_NEWNET));
    guard.refuses(&mut actor);
    // It would need a capability over the host's namespace.
    assert_eq!(tried(&mut actor, &tricks::enter(home)), Err(Errno::PERM));
    let first = calls::open("/proc/1/ns/net", libc::O_RDONLY);
    assert_eq!(tried(&mut actor, &first), Err(Errno::ACCESS));
    guard.refuses(&mut actor);
}

#[test]
fn a_thread_in_a_namespace_of_its_own() {
    let mut guard = Guard::of("netns");
    let mut actor = Actor::other();
    let connect = guard.connect(&mut actor);
    let alone = Request::Thread(Box::new(Request::Sequence(vec![
        calls::unshare(libc::CLONE_NEWNET),
        connect,
    ])));
    guard.refuses_by(&mut actor, &alone);
    guard.admits(&mut actor);
    // The other way round the process has left, and one thread is at home.
    let home = actor.must(&calls::open("/proc/self/ns/net", libc::O_RDONLY));
    actor.must(&calls::unshare(libc::CLONE_NEWNET));
    let connect = guard.connect(&mut actor);
    let at_home = Request::Thread(Box::new(Request::Sequence(vec![
        tricks::enter(home),
        connect,
    ])));
    guard.case.allows(&mut actor, &at_home);
    guard.refuses(&mut actor);
}

#[test]
fn a_socket_of_the_hosts_namespace() {
    let mut guard = Guard::of("netns");
    let (mut inside, mut outside) = (Actor::other(), Actor::other());
    inside.must(&calls::unshare(libc::CLONE_NEWNET));
    let process = inside.must(&tricks::process(outside.pid()));
    let made = outside.unix();
    let stolen = inside.must(&tricks::steal(process, made));
    let to = Address::path(guarded("netns"));
    // The process is asked about, and not its socket.
    guard.refuses_by(&mut inside, &calls::connect(stolen, &to));
    let process = outside.must(&tricks::process(inside.pid()));
    let made = inside.unix();
    let stolen = outside.must(&tricks::steal(process, made));
    guard
        .case
        .allows(&mut outside, &calls::connect(stolen, &to));
}

#[test]
fn an_orphan_in_a_process_namespace() {
    let mut guard = Guard::of("pidns");
    let mut actor = Actor::user();
    let within = |request| Request::Clone {
        flags: libc::CLONE_NEWUSER | libc::CLONE_NEWPID,
        request: Box::new(request),
    };
    let connect = guard.connect(&mut actor);
    guard.refuses_elsewhere(&mut actor, &within(connect.clone()));
    let orphan = Request::Orphan(Box::new(connect.clone()));
    guard.refuses_elsewhere(&mut actor, &within(orphan.clone()));
    guard.case.allows(&mut actor, &orphan);
}

#[test]
fn root_that_enters_a_users_namespace() {
    let mut guard = Guard::of("userns");
    let mut inside = Actor::user();
    inside.user_namespace();
    let mut root = Actor::other();
    guard.admits(&mut root);
    let theirs = format!("/proc/{}/ns/user", inside.pid());
    let theirs = root.must(&calls::open(theirs, libc::O_RDONLY));
    root.must(&tricks::enter(theirs));
    guard.refuses(&mut root);
}

/// The host's address in another network is another host's: rules of addresses
/// do not know networks, and deny there as well.
#[test]
fn an_address_in_another_network() {
    let policy = "deny tcp connect to 127.0.0.1 port 8080 unless netns = host id network\n";
    let mut case = interdict_tests::case::Case::under(&[("evasion", policy)]);
    let _web = interdict_tests::service::Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::user();
    let socket = actor.tcp();
    let to = Address::ip(Ipv4Addr::LOCALHOST, 8080);
    case.allows(&mut actor, &calls::connect(socket, &to));
    actor.user_namespace();
    actor.must(&calls::unshare(libc::CLONE_NEWNET));
    let socket = actor.tcp();
    let decided = interdict_tests::event::Decided::connect(
        "network",
        interdict_tests::event::Object::ip("127.0.0.1", 8080),
    );
    case.denies(&mut actor, &calls::connect(socket, &to), &decided);
}
