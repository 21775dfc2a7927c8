//! Datagrams that go elsewhere than their socket does.

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::tricks;

use super::fast_open::FAST;
use super::network::{DGRAM, EXACT, HOME, INET, INET6, Net, home, names_by_connect, names_by_send};

#[test]
fn a_connected_datagram_socket_that_sends_elsewhere() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    for (family, peer) in [(INET, home(5354)), (INET6, Address::mapped(HOME, 5354))] {
        let socket = actor.socket(family, DGRAM);
        net.case.allows(&mut actor, &calls::connect(socket, &peer));
        for send in [
            calls::sendto(socket, b"a", 0, Some(&home(5353))),
            calls::sendmsg(socket, b"a", 0, Some(&home(5353))),
            calls::sendmmsg(socket, b"a", 0, &[home(5353)]),
        ] {
            net.case.denies(&mut actor, &send, &names_by_send());
        }
        net.case
            .allows(&mut actor, &calls::sendto(socket, b"a", 0, None));
        assert_eq!((net.names.received(), net.open.received()), (0, 1));
    }
}

#[test]
fn a_second_connect_of_a_datagram_socket() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.udp();
    let connect = |to: &Address| calls::connect(socket, to);
    net.case.allows(&mut actor, &connect(&home(5354)));
    net.case
        .denies(&mut actor, &connect(&home(5353)), &names_by_connect());
    // The refused one has changed nothing.
    net.case.allows(&mut actor, &calls::write(socket, b"a"));
    assert_eq!((net.names.received(), net.open.received()), (0, 1));
    net.case.allows(&mut actor, &connect(&Address::none()));
    net.case
        .denies(&mut actor, &connect(&home(5353)), &names_by_connect());
}

/// What is held back goes to the first address, whatever later sends say.
#[test]
fn datagrams_that_are_held_back() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.udp();
    let more = libc::MSG_MORE;
    let send = |flags, port| calls::sendto(socket, b"a", flags, Some(&home(port)));
    net.case
        .denies(&mut actor, &send(more, 5353), &names_by_send());
    net.case.allows(&mut actor, &send(more, 5354));
    net.case
        .denies(&mut actor, &send(more, 5353), &names_by_send());
    net.case.allows(&mut actor, &send(0, 5354));
    assert_eq!((net.names.received(), net.open.received()), (0, 1));
    let cork = |on| calls::set_option(socket, libc::IPPROTO_UDP, libc::UDP_CORK, on);
    actor.must(&cork(1));
    net.case
        .denies(&mut actor, &send(0, 5353), &names_by_send());
    net.case.allows(&mut actor, &send(0, 5354));
    actor.must(&cork(0));
    assert_eq!((net.names.received(), net.open.received()), (0, 1));
}

#[test]
fn datagrams_with_other_flags() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.udp();
    actor.must(&calls::set_option(
        socket,
        libc::SOL_SOCKET,
        libc::SO_ZEROCOPY,
        1,
    ));
    // `MSG_PROBE`, which sends nothing.
    for flags in [FAST, 0x10, libc::MSG_EOR, libc::MSG_OOB] {
        let send = calls::sendto(socket, b"a", flags, Some(&home(5353)));
        net.case.denies(&mut actor, &send, &names_by_send());
    }
    for flags in [
        libc::MSG_CONFIRM,
        libc::MSG_DONTROUTE,
        libc::MSG_DONTWAIT,
        libc::MSG_NOSIGNAL,
        libc::MSG_ZEROCOPY,
    ] {
        net.sends(&mut actor, socket, |socket, port| {
            calls::sendto(socket, b"a", flags, Some(&home(port)))
        });
    }
}

#[test]
fn datagrams_with_control_messages() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.udp();
    let [own, named] = [HOME, EXACT].map(|address| address.octets());
    let information = [[0; 4], own, named].concat();
    for control in [
        tricks::control(libc::IPPROTO_IP, libc::IP_PKTINFO, &information),
        tricks::control(libc::IPPROTO_IP, libc::IP_TTL, &9_i32.to_ne_bytes()),
        tricks::control(libc::IPPROTO_UDP, libc::UDP_SEGMENT, &9_u16.to_ne_bytes()),
    ] {
        net.sends(&mut actor, socket, |socket, port| {
            calls::send_with(socket, b"a", &home(port), &control)
        });
    }
}
