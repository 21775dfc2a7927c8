//! Sockets that change hands, and connections that are older than the rule.

use std::fs;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::{Argument, Request};
use interdict_tests::service::Service;
use interdict_tests::{place, tricks};

use super::{Guard, OPEN, POLICY, folder, guarded, listens};

/// Hands a descriptor from one process to another, by a connection of theirs.
pub(super) fn pass(from: &mut Actor, to: &mut Actor, descriptor: i64) -> i64 {
    let meeting = Address::abstract_name(b"meeting-point");
    let listener = listens(to, &meeting);
    let socket = from.unix();
    from.must(&calls::connect(socket, &meeting));
    let connection = to.must(&tricks::accept(listener));
    from.must(&tricks::pass(socket, descriptor));
    let reply = to.ask(&tricks::receive(connection));
    assert_eq!(reply.result, 1, "{reply:?}");
    for descriptor in [listener, connection] {
        to.must(&calls::close(descriptor));
    }
    from.must(&calls::close(socket));
    tricks::received(&reply.rooms)
}

/// Takes a descriptor out of another process.
pub(super) fn steal(from: &Actor, to: &mut Actor, descriptor: i64) -> i64 {
    let process = to.must(&tricks::process(from.pid()));
    to.must(&tricks::steal(process, descriptor))
}

fn to_guarded(socket: i64) -> Request {
    calls::connect(socket, &Address::path(guarded("exe")))
}

fn send(socket: i64) -> Request {
    calls::sendto(socket, b"a", 0, None)
}

#[test]
fn a_socket_that_was_passed_on() {
    let mut guard = Guard::of("exe");
    let (mut good, mut other) = (Actor::good(), Actor::other());
    let made = good.unix();
    let passed = pass(&mut good, &mut other, made);
    guard.refuses_by(&mut other, &to_guarded(passed));
    // What counts is who connects, and not who made it.
    guard.case.allows(&mut good, &to_guarded(made));
    let made = other.unix();
    let passed = pass(&mut other, &mut good, made);
    guard.case.allows(&mut good, &to_guarded(passed));
}

#[test]
fn a_socket_that_was_taken_from_the_exempt_program() {
    let mut guard = Guard::of("exe");
    let (mut good, mut other) = (Actor::good(), Actor::other());
    let made = good.unix();
    let stolen = steal(&good, &mut other, made);
    guard.refuses_by(&mut other, &to_guarded(stolen));
    guard.case.allows(&mut good, &to_guarded(made));
}

/// A connection of streams is opened once: the rule is about that.
#[test]
fn a_connection_that_was_passed_on() {
    let mut guard = Guard::of("exe");
    let (mut good, mut other) = (Actor::good(), Actor::other());
    let made = good.unix();
    guard.case.allows(&mut good, &to_guarded(made));
    let passed = pass(&mut good, &mut other, made);
    guard.case.allows(&mut other, &send(passed));
    let stolen = steal(&good, &mut other, made);
    guard.case.allows(&mut other, &send(stolen));
    // One of its own it does not get.
    guard.refuses(&mut other);
}

/// A service of datagrams in the guarded place, and one in the open place.
fn datagrams() -> (Case, Service, Service) {
    place::make_good();
    folder();
    let case = Case::under(POLICY);
    let services = (Service::datagrams(guarded("exe")), Service::datagrams(OPEN));
    (case, services.0, services.1)
}

fn datagram() -> Decided {
    Decided::datagram("exe", Object::path("/run/evasion/exe"))
}

fn datagram_connect() -> Decided {
    Decided::datagram_connect("exe", Object::path("/run/evasion/exe"))
}

#[test]
fn a_datagram_connection_that_was_passed_on() {
    let (mut case, service, open) = datagrams();
    let (mut good, mut other) = (Actor::good(), Actor::other());
    let made = good.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    case.allows(&mut good, &to_guarded(made));
    case.allows(&mut good, &send(made));
    let passed = pass(&mut good, &mut other, made);
    case.denies(&mut other, &send(passed), &datagram());
    let stolen = steal(&good, &mut other, made);
    case.denies(&mut other, &calls::write(stolen, b"a"), &datagram());
    assert!(service.datagram().is_some());
    assert_eq!(service.datagram(), None);
    let own = other.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    case.allows(&mut other, &calls::connect(own, &Address::path(OPEN)));
    case.allows(&mut other, &send(own));
    assert!(open.datagram().is_some());
}

#[test]
fn a_datagram_by_sendfile_and_splice() {
    let (mut case, service, open) = datagrams();
    let (mut good, mut other) = (Actor::good(), Actor::other());
    let file = place::fresh("files").join("file");
    fs::write(&file, "abc").unwrap();
    let made = good.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    case.allows(&mut good, &to_guarded(made));
    let passed = pass(&mut good, &mut other, made);
    let from = other.must(&calls::open(&file, libc::O_RDONLY));
    case.denies(&mut other, &calls::copy(passed, from), &datagram());
    let ends = other.fetch(&calls::call(libc::SYS_pipe, vec![Argument::Room(8)]));
    let end = |at: usize| i64::from(i32::from_ne_bytes(ends[at..at + 4].try_into().unwrap()));
    other.must(&calls::write(end(4), b"abc"));
    let splice = |to: i64| {
        let none = || Argument::Number(0);
        let arguments = vec![
            Argument::Number(end(0)),
            none(),
            Argument::Number(to),
            none(),
            Argument::Number(3),
            none(),
        ];
        calls::call(libc::SYS_splice, arguments)
    };
    case.denies(&mut other, &splice(passed), &datagram());
    assert_eq!(service.datagram(), None);
    // The same to the open one.
    let own = other.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    case.allows(&mut other, &calls::connect(own, &Address::path(OPEN)));
    let from = other.must(&calls::open(&file, libc::O_RDONLY));
    assert_eq!(case.allows(&mut other, &calls::copy(own, from)), 3);
    assert_eq!(open.datagram().as_deref(), Some(&b"abc"[..]));
}

#[test]
fn a_raw_socket_is_one_of_datagrams() {
    let (mut case, service, open) = datagrams();
    let mut actor = Actor::user();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_RAW);
    case.denies(&mut actor, &to_guarded(socket), &datagram_connect());
    let path = Address::path(guarded("exe"));
    let to_it = calls::sendto(socket, b"a", 0, Some(&path));
    case.denies(&mut actor, &to_it, &datagram());
    let beside = calls::sendto(socket, b"a", 0, Some(&Address::path(OPEN)));
    case.allows(&mut actor, &beside);
    assert_eq!(service.datagram(), None);
    assert!(open.datagram().is_some());
}

#[test]
fn a_connection_that_was_dissolved() {
    let (mut case, _service, open) = datagrams();
    let mut actor = Actor::user();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    case.allows(&mut actor, &calls::connect(socket, &Address::path(OPEN)));
    case.denies(&mut actor, &to_guarded(socket), &datagram_connect());
    // The refused connect has changed nothing.
    case.allows(&mut actor, &send(socket));
    assert!(open.datagram().is_some());
    case.allows(&mut actor, &calls::connect(socket, &Address::none()));
    case.fails(&mut actor, &send(socket), rustix::io::Errno::NOTCONN);
    case.denies(&mut actor, &to_guarded(socket), &datagram_connect());
}

#[test]
fn a_datagram_socket_that_was_connected_before_the_policy_came() {
    place::make_good();
    let root = folder();
    let case = Case::under(&[("evasion", "deny unix connect to @nobody id other\n")]);
    let service = Service::datagrams(root.join("exe"));
    let mut actor = Actor::other();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    actor.must(&to_guarded(socket));
    actor.must(&send(socket));
    assert!(service.datagram().is_some());
    drop(case);
    let mut case = Case::under(POLICY);
    // Each datagram is judged. A stream was, when it was connected.
    case.denies(&mut actor, &send(socket), &datagram());
    assert_eq!(service.datagram(), None);
    let mut good = Actor::good();
    let own = good.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    case.allows(&mut good, &to_guarded(own));
    case.allows(&mut good, &send(own));
    assert!(service.datagram().is_some());
}

#[test]
fn a_stream_that_was_connected_before_the_policy_came() {
    place::make_good();
    let root = folder();
    let case = Case::under(&[("evasion", "deny unix connect to @nobody id other\n")]);
    let _service = Service::stream(root.join("exe"));
    let mut actor = Actor::other();
    let stream = actor.unix();
    actor.must(&to_guarded(stream));
    drop(case);
    let mut case = Case::under(POLICY);
    case.allows(&mut actor, &send(stream));
    let again = actor.unix();
    let decided = Decided::stream("exe", Object::path("/run/evasion/exe"));
    case.denies(&mut actor, &to_guarded(again), &decided);
}

/// A datagram's peer has as many names as a stream's.
#[test]
fn a_datagram_by_other_names() {
    let (mut case, service, open) = datagrams();
    let links = place::fresh("links");
    for name in ["exe", "open"] {
        std::os::unix::fs::symlink(guarded(name), links.join(name)).unwrap();
        fs::hard_link(guarded(name), guarded(&format!("hard-{name}"))).unwrap();
    }
    let mounted = place::fresh("mounted");
    let mut actor = Actor::user();
    actor.user_namespace();
    actor.must(&calls::bind_mount("/run/evasion", &mounted));
    actor.must(&calls::chdir("/run"));
    let folder = actor.must(&calls::open("/run/evasion", libc::O_PATH));
    let names: [&dyn Fn(&str) -> String; 6] = [
        &|name| format!("{}/{name}", links.display()),
        &|name| format!("/run/evasion/hard-{name}"),
        &|name| format!("/proc/self/root/run/evasion/{name}"),
        &|name| format!("/proc/self/fd/{folder}/{name}"),
        &|name| format!("{}/{name}", mounted.display()),
        &|name| format!("evasion/.//{name}"),
    ];
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    for typed in names {
        let send = |name| calls::sendto(socket, b"a", 0, Some(&Address::path(typed(name))));
        case.denies(&mut actor, &send("exe"), &datagram());
        case.allows(&mut actor, &send("open"));
        assert!(open.datagram().is_some());
    }
    assert_eq!(service.datagram(), None);
}
