//! Names and numbers that a process has, and how it comes by others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::place;
use interdict_tests::protocol::{Carrier, Request};
use interdict_tests::tricks;
use rustix::io::Errno;

use super::{Guard, guarded, tried, user};

/// The group that the policy calls `games`.
fn games() -> u32 {
    let groups = fs::read_to_string("/etc/group").unwrap();
    let line = groups.lines().find(|line| line.starts_with("games:"));
    line.unwrap().split(':').nth(2).unwrap().parse().unwrap()
}

#[track_caller]
fn called(actor: &mut Actor, name: &str) {
    actor.must(&calls::set_name(name));
    name.clone_into(&mut actor.subject.comm);
}

/// A name proves nothing: the rule is about the name all the same, and the
/// event tells the program.
#[test]
fn a_name_that_anyone_can_take() {
    let mut guard = Guard::of("comm");
    let mut actor = Actor::user();
    guard.refuses(&mut actor);
    called(&mut actor, "trusted");
    guard.admits(&mut actor);
    called(&mut actor, "other");
    guard.refuses(&mut actor);
    let program = place::install(place::fresh("names").join("trusted"));
    guard.admits(&mut user_of(&program));
}

fn user_of(program: &std::path::Path) -> Actor {
    Actor::start(program, 1000)
}

#[test]
fn a_name_that_is_written_to_proc() {
    let mut guard = Guard::of("comm");
    let mut actor = Actor::user();
    let rename = |file: &str, then: Request| {
        let open = calls::open(file, libc::O_WRONLY);
        Request::Sequence(vec![open, then])
    };
    // A thread's own name is of no account, by this way either.
    let connect = guard.connect(&mut actor);
    let file = actor.must(&calls::open("/dev/null", libc::O_WRONLY)) + 1;
    let write = Request::Sequence(vec![calls::write(file, b"trusted"), connect]);
    let in_thread = Request::Thread(Box::new(rename("/proc/thread-self/comm", write)));
    guard.refuses_by(&mut actor, &in_thread);
    actor.must(&calls::close(file));
    // Another process cannot, and the main thread can be named by any other.
    let mut stranger = Actor::user();
    let theirs = stranger.must(&calls::open(
        format!("/proc/{}/comm", actor.pid()),
        libc::O_WRONLY,
    ));
    let write = calls::write(theirs, b"trusted");
    assert_eq!(tried(&mut stranger, &write), Err(Errno::INVAL));
    guard.refuses(&mut actor);
    let connect = guard.connect(&mut actor);
    let file = actor.must(&calls::open("/dev/null", libc::O_WRONLY)) + 1;
    let write = Request::Sequence(vec![calls::write(file, b"trusted"), connect]);
    let in_thread = Request::Thread(Box::new(rename("/proc/self/comm", write)));
    guard.case.allows(&mut actor, &in_thread);
}

#[test]
fn names_that_are_nearly_the_name() {
    let mut guard = Guard::of("comm");
    let mut actor = Actor::user();
    for name in [
        "Trusted",
        "trusted ",
        " trusted",
        "truste",
        "trusted2",
        "trusted\n",
    ] {
        actor.must(&calls::set_name(name));
        // What cannot be shown is escaped.
        actor.subject.comm = name.replace('\n', r"\x0a");
        guard.refuses(&mut actor);
    }
    // The kernel ends a name at the first NUL.
    actor.must(&tricks::set_name(b"trusted\0evil"));
    guard.admits(&mut actor);
    actor.must(&tricks::set_name(b"\0trusted"));
    actor.subject.comm = String::new();
    guard.refuses(&mut actor);
}

#[test]
fn a_name_of_fifteen_bytes_and_longer_ones() {
    let mut guard = Guard::of("fifteen");
    let mut actor = Actor::user();
    for name in ["fifteen-letter", "fifteen-letterz"] {
        called(&mut actor, name);
        guard.refuses(&mut actor);
    }
    // The kernel cuts what is longer: all of these are one name.
    for name in [
        "fifteen-letters",
        "fifteen-letters1",
        "fifteen-letters-and-more",
    ] {
        actor.must(&calls::set_name(name));
        guard.admits(&mut actor);
    }
}

#[test]
fn a_name_that_forges_the_log() {
    let mut guard = Guard::of("comm");
    let mut actor = Actor::user();
    actor.must(&tricks::set_name(b"\x1b[2J\n\"},{\xff"));
    actor.subject.comm = r#"\x1b[2J\x0a"},{\xff"#.to_owned();
    let event = guard.refuses(&mut actor);
    let shown = actor.subject.comm.as_str();
    event.says("/workload/process/thread/name", shown);
    event.says("/decision/subject/comm_hex", "1b5b324a0a227d2c7bff");
    called(&mut actor, "trusted");
    guard.admits(&mut actor);
}

#[test]
fn a_setuid_program_in_a_user_namespace() {
    let mut guard = Guard::of("uid");
    let raised = place::install("/usr/bin/raised");
    fs::set_permissions(&raised, fs::Permissions::from_mode(0o4755)).unwrap();
    let mut actor = Actor::user();
    guard.refuses(&mut actor);
    // Where root has no number, nobody becomes root.
    actor.user_namespace();
    actor.exec(&raised);
    guard.refuses(&mut actor);
    let mut actor = Actor::user();
    actor.exec(&raised);
    actor.subject.uid = 0;
    guard.admits(&mut actor);
    fs::remove_file(raised).unwrap();
}

#[test]
fn root_in_a_namespace_within_a_namespace() {
    let mut guard = Guard::of("uid");
    let mut actor = Actor::user();
    actor.user_namespace();
    guard.refuses(&mut actor);
    // As its root it makes another, and is root there as well.
    actor.must(&calls::unshare(libc::CLONE_NEWUSER));
    actor.write_file("/proc/self/uid_map", "0 0 1");
    assert_eq!(actor.must(&calls::call(libc::SYS_geteuid, vec![])), 0);
    guard.refuses(&mut actor);
    guard.admits(&mut Actor::other());
}

/// A ring's operations are made with the credentials that it was given, whoever
/// the process is by then: what counts is with whose power the kernel acts.
#[test]
fn credentials_that_a_ring_has_kept() {
    let mut guard = Guard::of("uid");
    let to = Address::path(guarded("uid"));
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        let mut root = Actor::other();
        let socket = root.unix();
        let kept = tricks::ring_connect_as_before(socket, &to, 1000, by);
        guard.case.allows(&mut root, &kept);
        root.subject.uid = 1000;
        guard.refuses(&mut root);
        let mut actor = Actor::other();
        actor.must(&calls::set_uids(-1, 1000, -1));
        let socket = actor.unix();
        let kept = tricks::ring_connect_as_before(socket, &to, 0, by);
        actor.subject.uid = 1000;
        guard.refuses_by(&mut actor, &kept);
        actor.subject.uid = 0;
        guard.admits(&mut actor);
    }
}

/// Who has subordinate ids is another user by them, in the initial namespace too.
#[test]
fn a_user_by_his_subordinate_ids() {
    let mut guard = Guard::of("person");
    let mut actor = Actor::user();
    guard.refuses(&mut actor);
    actor.must(&calls::unshare(libc::CLONE_NEWUSER));
    // As newuidmap does it for him, who has 100000 in /etc/subuid.
    let map = format!("/proc/{}/uid_map", actor.pid());
    fs::write(map, "0 1000 1\n1 100000 1\n").unwrap();
    guard.refuses(&mut actor);
    actor.must(&calls::set_uids(1, 1, 1));
    actor.subject.uid = 100_000;
    guard.admits(&mut actor);
    // What he cannot leave is his namespace.
    let mut guard = {
        drop(guard);
        Guard::of("userns")
    };
    guard.refuses(&mut actor);
}

/// A process of user 1000 with a group more.
fn member(group: u32) -> Actor {
    let mut actor = Actor::other();
    actor.must(&calls::set_groups(&[group]));
    actor.must(&calls::set_gids(1000, 1000, 1000));
    actor.must(&calls::set_uids(1000, 1000, 1000));
    (actor.subject.uid, actor.subject.gid) = (1000, 1000);
    // Its files in /proc are its own again.
    actor.exec(place::other());
    actor
}

#[test]
fn a_group_that_is_to_be_lost_in_a_user_namespace() {
    let mut guard = Guard::of("group");
    let mut actor = member(games());
    guard.refuses(&mut actor);
    let none = calls::set_groups(&[]);
    assert_eq!(tried(&mut actor, &none), Err(Errno::PERM));
    actor.user_namespace();
    assert_eq!(tried(&mut actor, &none), Err(Errno::PERM));
    let other = calls::set_gids(0, 0, 0);
    actor.must(&other);
    guard.refuses(&mut actor);
    guard.admits(&mut Actor::user());
}

#[test]
fn a_group_that_is_to_be_had_in_a_user_namespace() {
    let mut guard = Guard::of("member");
    let mut actor = Actor::user();
    guard.refuses(&mut actor);
    actor.user_namespace();
    for request in [
        calls::set_groups(&[games()]),
        calls::set_gids(-1, games().into(), -1),
    ] {
        assert!(tried(&mut actor, &request).is_err(), "{request:?}");
    }
    guard.refuses(&mut actor);
    let mut member = member(games());
    guard.admits(&mut member);
    member.user_namespace();
    guard.admits(&mut member);
}

/// Who never logged in may say once who did: the kernel's rule, and not ours.
#[test]
fn a_login_that_a_daemon_gives_itself() {
    let mut guard = Guard::of("login");
    let mut actor = Actor::user();
    guard.refuses(&mut actor);
    actor.write_file("/proc/self/loginuid", "1001");
    guard.admits(&mut actor);
}

#[test]
fn a_login_that_a_user_would_change() {
    let mut guard = Guard::of("login");
    let mut actor = user(1002);
    actor.write_file("/proc/self/loginuid", "1002");
    let event = guard.refuses(&mut actor);
    event.says("/decision/subject/loginuid", 1002);
    let file = actor.must(&calls::open("/proc/self/loginuid", libc::O_WRONLY));
    for login in [&b"1001"[..], b"4294967295"] {
        let write = calls::write(file, login);
        assert_eq!(tried(&mut actor, &write), Err(Errno::PERM));
    }
    guard.refuses(&mut actor);
    // Nor in a namespace of his own, where he may do anything.
    actor.user_namespace();
    let file = actor.must(&calls::open("/proc/self/loginuid", libc::O_WRONLY));
    assert!(tried(&mut actor, &calls::write(file, b"0")).is_err());
    guard.refuses(&mut actor);
    let mut login = Actor::other();
    login.write_file("/proc/self/loginuid", "1001");
    guard.admits(&mut login);
}
