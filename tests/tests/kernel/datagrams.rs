//! Unix datagrams: each send is judged, with the sender of that moment.

use std::fs;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::protocol::{Carrier, Request};
use interdict_tests::service::Service;
use rustix::io::Errno;

const SOCKET: &str = "/run/docker.sock";
const OTHER: &str = "/run/other.sock";
const POLICY: &[(&str, &str)] = &[(
    "docker",
    "deny unix connect to /run/docker.sock unless comm=dockerd\n",
)];

fn object() -> Object {
    Object::path(SOCKET)
}

fn by_send() -> Decided {
    Decided::datagram("docker/1", object())
}

fn dockerd() -> Actor {
    Actor::start(place::install("/usr/bin/dockerd"), 0)
}

#[test]
fn connects() {
    let mut case = Case::under(POLICY);
    let _docker = Service::datagrams(SOCKET);
    let other = Service::datagrams(OTHER);
    let mut actor = Actor::user();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let decided = Decided::datagram_connect("docker/1", object());
    let connect = calls::connect(socket, &Address::path(SOCKET));
    let event = case.denies(&mut actor, &connect, &decided);
    assert_eq!(event.typed()["sun_path"], SOCKET);
    event.says("/data/1/int32", libc::SOCK_DGRAM);
    case.allows(&mut actor, &calls::connect(socket, &Address::path(OTHER)));
    case.allows(&mut actor, &calls::sendto(socket, b"a", 0, None));
    assert_eq!(other.datagram().as_deref(), Some(&b"a"[..]));

    let mut dockerd = dockerd();
    let socket = dockerd.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let connect = calls::connect(socket, &Address::path(SOCKET));
    case.allows(&mut dockerd, &connect);
}

#[test]
fn sends_to_an_address() {
    let mut case = Case::under(POLICY);
    let docker = Service::datagrams(SOCKET);
    let other = Service::datagrams(OTHER);
    let mut actor = Actor::user();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let (to, beside) = (Address::path(SOCKET), Address::path(OTHER));
    for send in [
        calls::sendto(socket, b"a", 0, Some(&to)),
        calls::sendmsg(socket, b"a", 0, Some(&to)),
        calls::sendmmsg(socket, b"a", 0, std::slice::from_ref(&to)),
        calls::ring_sendmsg(socket, 0, &to, Carrier::Submitter),
        calls::ring_sendmsg(socket, 0, &to, Carrier::Worker),
    ] {
        case.denies(&mut actor, &send, &by_send());
    }
    assert_eq!(docker.datagram(), None, "nothing has come through");
    case.allows(&mut actor, &calls::sendto(socket, b"b", 0, Some(&beside)));
    assert_eq!(other.datagram().as_deref(), Some(&b"b"[..]));

    let mut dockerd = dockerd();
    let socket = dockerd.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    case.allows(&mut dockerd, &calls::sendto(socket, b"c", 0, Some(&to)));
    assert_eq!(docker.datagram().as_deref(), Some(&b"c"[..]));
}

#[test]
fn a_message_after_others_in_one_call() {
    let mut case = Case::under(POLICY);
    let docker = Service::datagrams(SOCKET);
    let other = Service::datagrams(OTHER);
    let mut actor = Actor::other();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let peers = [OTHER, OTHER, SOCKET, OTHER].map(Address::path);
    let reply = actor.ask(&calls::sendmmsg(socket, b"a", 0, &peers));
    // The kernel says how many went out before the one that was refused.
    assert_eq!(reply.result, 2);
    case.event().speaks_of(&by_send(), &actor.subject, &reply);
    assert_eq!(docker.datagram(), None);
    assert!(other.datagram().is_some() && other.datagram().is_some());
    assert_eq!(other.datagram(), None);
}

#[test]
fn on_a_connected_descriptor_the_sender_of_that_moment_counts() {
    let mut case = Case::under(POLICY);
    let docker = Service::datagrams(SOCKET);
    let mut actor = dockerd();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    case.allows(&mut actor, &calls::connect(socket, &Address::path(SOCKET)));
    let send = calls::sendto(socket, b"a", 0, None);
    case.allows(&mut actor, &send);
    case.allows(&mut actor, &calls::write(socket, b"a"));
    // The same process under another name.
    actor.must(&calls::set_name("renamed"));
    actor.subject.comm = "renamed".to_owned();
    case.denies(&mut actor, &send, &by_send());
    case.denies(&mut actor, &calls::write(socket, b"a"), &by_send());
    actor.must(&calls::set_name("dockerd"));
    actor.subject.comm = "dockerd".to_owned();
    case.allows(&mut actor, &send);
    // A child that has only the descriptor.
    let child = Request::Fork(Box::new(Request::Sequence(vec![
        calls::set_name("child"),
        send.clone(),
    ])));
    actor.subject.comm = "child".to_owned();
    case.denies(&mut actor, &child, &by_send());
    // Another program that has inherited it.
    actor.exec(place::other());
    case.denies(&mut actor, &send, &by_send());
    let received = std::iter::from_fn(|| docker.datagram()).count();
    assert_eq!(received, 3, "those that were allowed");
}

#[test]
fn to_a_socket_that_was_renamed() {
    let mut case = Case::under(POLICY);
    let mut docker = Service::datagrams(SOCKET);
    let mut actor = Actor::user();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let send = calls::sendto(socket, b"a", 0, Some(&Address::path(SOCKET)));
    case.denies(&mut actor, &send, &by_send());
    fs::rename(SOCKET, "/run/moved.sock").unwrap();
    docker.moved("/run/moved.sock");
    let moved = Address::path("/run/moved.sock");
    let send_there = calls::sendto(socket, b"a", 0, Some(&moved));
    case.denies(&mut actor, &send_there, &by_send());
    case.fails(&mut actor, &send, Errno::NOENT);
    assert_eq!(docker.datagram(), None);
}

#[test]
fn a_dead_socket_is_the_kernels_to_refuse() {
    let mut case = Case::under(POLICY);
    drop(Service::datagrams(SOCKET));
    let mut actor = Actor::good();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let to = Address::path(SOCKET);
    let send = calls::sendto(socket, b"a", 0, Some(&to));
    case.fails(&mut actor, &send, Errno::NOENT);
    let mut server = Actor::other();
    let bound = server.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    server.must(&calls::bind(bound, &to));
    server.must(&calls::close(bound));
    case.fails(&mut actor, &send, Errno::CONNREFUSED);
    case.fails(&mut actor, &calls::connect(socket, &to), Errno::CONNREFUSED);
    let _docker = Service::datagrams(SOCKET);
    case.denies(&mut actor, &send, &by_send());
}
