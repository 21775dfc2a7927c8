//! Sockets that change hands.

use interdict_tests::actor::Actor;
use interdict_tests::calls;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use rustix::io::Errno;

use super::descriptors::{pass, steal};
use super::fast_open::FAST;
use super::network::{INET, Net, STREAM, bare, home, names_by_send, web_by_connect, web_by_send};

#[test]
fn a_socket_that_changed_hands() {
    let mut net = Net::new();
    let (mut good, mut other) = (Actor::good(), Actor::other());
    let made = good.tcp();
    for socket in [
        pass(&mut good, &mut other, made),
        steal(&good, &mut other, made),
    ] {
        let connect = calls::connect(socket, &home(8080));
        net.case.denies(&mut other, &connect, &web_by_connect());
        let send = calls::sendto(socket, b"hi", FAST, Some(&home(8080)));
        net.case.denies(&mut other, &send, &web_by_send());
    }
    net.case
        .allows(&mut good, &calls::connect(made, &home(8080)));
}

/// A connection is opened once: the rule is about that.
#[test]
fn a_connection_that_changed_hands() {
    let mut net = Net::new();
    let (mut good, mut other) = (Actor::good(), Actor::other());
    let (tcp, udp) = (good.tcp(), good.udp());
    net.case
        .allows(&mut good, &calls::connect(tcp, &home(8080)));
    net.case
        .allows(&mut good, &calls::connect(udp, &home(5353)));
    let passed = pass(&mut good, &mut other, tcp);
    net.case.allows(&mut other, &calls::write(passed, b"hi"));
    assert_eq!(net.web.first_bytes(), b"hi");
    let stolen = steal(&good, &mut other, udp);
    net.case.allows(&mut other, &calls::write(stolen, b"hi"));
    assert_eq!(net.names.received(), 1);
    // Its own are refused, and so is an address on that very socket.
    let own = other.tcp();
    let connect = calls::connect(own, &home(8080));
    net.case.denies(&mut other, &connect, &web_by_connect());
    let send = calls::sendto(stolen, b"hi", 0, Some(&home(5353)));
    net.case.denies(&mut other, &send, &names_by_send());
}

#[test]
fn a_listener_that_changed_hands() {
    let mut case = bare();
    let (mut good, mut other) = (Actor::good(), Actor::other());
    let listener = good.must(&calls::socket(INET, STREAM | libc::SOCK_NONBLOCK, 0));
    good.must(&calls::bind(listener, &home(7071)));
    good.must(&calls::listen(listener));
    let decided = Decided::accept("take", Object::ip("127.0.0.1", 7071));
    for socket in [
        pass(&mut good, &mut other, listener),
        steal(&good, &mut other, listener),
    ] {
        for accept in [calls::accept(socket), calls::accept4(socket)] {
            case.denies(&mut other, &accept, &decided);
        }
    }
    case.fails(&mut good, &calls::accept(listener), Errno::AGAIN);
    good.exec(place::other());
    let kept = calls::accept(listener);
    case.denies(&mut good, &kept, &decided);
}
