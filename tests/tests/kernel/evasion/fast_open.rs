//! TCP Fast Open: sends that connect.

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::Carrier;
use interdict_tests::skip::skipped;

use super::network::{ANYWHERE, EXACT, HOME, INET, INET6, Net, STREAM, home, web_by_send};

/// The flag of a send that connects.
pub(super) const FAST: i32 = libc::MSG_FASTOPEN;

#[test]
fn fast_open_with_other_flags() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    for flags in [
        libc::MSG_DONTWAIT,
        libc::MSG_MORE,
        libc::MSG_NOSIGNAL,
        libc::MSG_OOB,
        libc::MSG_CONFIRM,
        libc::MSG_DONTROUTE,
        libc::MSG_ZEROCOPY,
        libc::MSG_EOR,
    ] {
        let send = calls::sendto(socket, b"hi", FAST | flags, Some(&home(8080)));
        net.case.denies(&mut actor, &send, &web_by_send());
    }
    // Of no bytes at all it would connect as well.
    let send = calls::sendto(socket, b"", FAST, Some(&home(8080)));
    net.case.denies(&mut actor, &send, &web_by_send());
    let send = calls::sendto(socket, b"hi", FAST | libc::MSG_NOSIGNAL, Some(&home(8081)));
    net.case.allows(&mut actor, &send);
    assert_eq!(net.beside.first_bytes(), b"hi");
}

#[test]
fn fast_open_in_a_list_of_messages() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    let list = |ports: [u16; 2]| calls::sendmmsg(socket, b"hi", FAST, &ports.map(home));
    net.case
        .denies(&mut actor, &list([8080, 8081]), &web_by_send());
    let reply = actor.ask(&list([8081, 8080]));
    assert_eq!(reply.result, 1, "the one before the refused one");
    net.case
        .event()
        .speaks_of(&web_by_send(), &actor.subject, &reply);
    assert_eq!(net.beside.first_bytes(), b"hi");
}

#[test]
fn fast_open_beside_a_deferred_connect() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    let option = libc::TCP_FASTOPEN_CONNECT;
    actor.must(&calls::set_option(socket, libc::IPPROTO_TCP, option, 1));
    net.case
        .allows(&mut actor, &calls::connect(socket, &home(8081)));
    let send = |flags| calls::sendto(socket, b"hi", flags, Some(&home(8080)));
    net.case.denies(&mut actor, &send(FAST), &web_by_send());
    // Without the flag the kernel looks at no address: it goes where connect led.
    net.case.allows(&mut actor, &send(0));
    assert_eq!(net.beside.first_bytes(), b"hi");
}

#[test]
fn fast_open_to_nowhere_from_a_bound_socket() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let exact = Decided::send("exact", Object::ip("127.0.0.9", 4444));
    let send = |socket, to: &Address| calls::sendto(socket, b"hi", FAST, Some(to));
    let socket = actor.tcp();
    actor.must(&calls::bind(socket, &Address::ip(EXACT, 0)));
    let nowhere = |port| Address::ip(ANYWHERE, port);
    net.case
        .denies(&mut actor, &send(socket, &nowhere(4444)), &exact);
    net.case.allows(&mut actor, &send(socket, &nowhere(8081)));
    assert_eq!(net.beside.first_bytes(), b"hi");
    let socket = actor.socket(INET6, STREAM);
    actor.must(&calls::bind(socket, &Address::mapped(EXACT, 0)));
    let mapped = Address::mapped(ANYWHERE, 4444);
    net.case.denies(&mut actor, &send(socket, &mapped), &exact);
}

#[test]
fn multipath_fast_open_by_every_send() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    for (family, to) in [(INET, home(8080)), (INET6, Address::mapped(HOME, 8080))] {
        let socket = actor.must(&calls::socket(family, STREAM, IPPROTO_MPTCP));
        for send in [
            calls::sendmsg(socket, b"hi", FAST, Some(&to)),
            calls::sendmmsg(socket, b"hi", FAST, std::slice::from_ref(&to)),
            calls::ring_sendmsg(socket, FAST, &to, Carrier::Worker),
        ] {
            net.case.denies(&mut actor, &send, &web_by_send());
        }
    }
    let socket = actor.must(&calls::socket(INET, STREAM, IPPROTO_MPTCP));
    net.case
        .allows(&mut actor, &calls::connect(socket, &home(8081)));
}

/// `AF_SMC` has a TCP socket inside, to which it falls back.
#[test]
fn fast_open_of_shared_memory() {
    const AF_SMC: i32 = 43;
    let mut net = Net::new();
    let mut actor = Actor::user();
    let made = actor.ask(&calls::socket(AF_SMC, STREAM, 0));
    if made.result < 0 {
        assert_eq!(made.result, -i64::from(libc::EAFNOSUPPORT));
        skipped("this kernel has no AF_SMC");
        return;
    }
    let socket = made.result;
    let send = |port| calls::sendto(socket, b"hi", FAST, Some(&home(port)));
    net.case
        .denies(&mut actor, &send(8080), &web_by_send())
        .says("/decision/family", "smc");
    net.case.allows(&mut actor, &send(8081));
    assert_eq!(net.beside.first_bytes(), b"hi");
}
