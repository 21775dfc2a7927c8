//! UDP: to connect, and to send to an address, is to reach a peer.

use std::net::{Ipv4Addr, Ipv6Addr};

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::protocol::{Carrier, Request};
use interdict_tests::service::Udp;

const POLICY: &[(&str, &str)] = &[(
    "names",
    "deny udp connect to 127.0.0.0/8 port 5353 unless exe=/usr/bin/good\n",
)];
const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
const INET: i32 = libc::AF_INET;
const INET6: i32 = libc::AF_INET6;

/// Sockets on the protected port and on another.
struct Host {
    case: Case,
    names: Udp,
    beside: Udp,
}

impl Host {
    fn new() -> Self {
        Self {
            case: Case::under(POLICY),
            names: Udp::on("0.0.0.0:5353"),
            beside: Udp::on("0.0.0.0:5354"),
        }
    }

    /// The call that `call` makes of a socket and an address: denied, allowed to
    /// the port beside, and to the program that the rule makes an exception for.
    /// One that sends has arrived where it was allowed and nowhere else.
    #[track_caller]
    fn protects(
        &mut self,
        family: i32,
        decided: &Decided,
        to: impl Fn(u16) -> Address,
        call: impl Fn(i64, &Address) -> Request,
        arrives: usize,
    ) {
        let mut actor = Actor::user();
        let socket = actor.socket(family, libc::SOCK_DGRAM);
        let denied = call(socket, &to(5353));
        let event = self.case.denies(&mut actor, &denied, decided);
        event.says("/decision/family", "udp");
        event.says("/decision/operation", "connect");
        assert_eq!(self.names.received(), 0);
        self.case.allows(&mut actor, &call(socket, &to(5354)));
        assert_eq!(self.beside.received(), arrives);
        let mut good = Actor::good();
        let socket = good.socket(family, libc::SOCK_DGRAM);
        self.case.allows(&mut good, &call(socket, &to(5353)));
        assert_eq!(self.names.received(), arrives);
    }
}

fn by_connect() -> Decided {
    Decided::connect("names/1", Object::ip("127.0.0.1", 5353))
}

fn by_send() -> Decided {
    Decided::send("names/1", Object::ip("127.0.0.1", 5353))
}

fn home(port: u16) -> Address {
    Address::ip(HOME, port)
}

#[test]
fn connect() {
    let mut host = Host::new();
    host.protects(INET, &by_connect(), home, calls::connect, 0);
    // The same port over IPv6 is not protected.
    let mut actor = Actor::user();
    let socket = actor.socket(INET6, libc::SOCK_DGRAM);
    let over_ipv6 = Address::ip(Ipv6Addr::LOCALHOST, 5353);
    host.case
        .allows(&mut actor, &calls::connect(socket, &over_ipv6));
}

#[test]
fn sendto() {
    let mut host = Host::new();
    let send = |socket, to: &Address| calls::sendto(socket, b"a", 0, Some(to));
    host.protects(INET, &by_send(), home, send, 1);
}

#[test]
fn sendmsg() {
    let mut host = Host::new();
    let send = |socket, to: &Address| calls::sendmsg(socket, b"a", 0, Some(to));
    host.protects(INET, &by_send(), home, send, 1);
}

#[test]
fn sendmmsg() {
    let mut host = Host::new();
    let send = |socket, to: &Address| calls::sendmmsg(socket, b"a", 0, std::slice::from_ref(to));
    host.protects(INET, &by_send(), home, send, 1);
}

#[test]
fn a_message_after_others_in_one_call() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    let socket = actor.udp();
    let peers = [5354, 5354, 5353, 5354].map(home);
    let reply = actor.ask(&calls::sendmmsg(socket, b"a", 0, &peers));
    assert_eq!(reply.result, 2, "those before the one that was refused");
    host.case
        .event()
        .speaks_of(&by_send(), &actor.subject, &reply);
    assert_eq!((host.names.received(), host.beside.received()), (0, 2));
}

#[test]
fn by_io_uring() {
    let mut host = Host::new();
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        let send = |socket, to: &Address| calls::ring_sendmsg(socket, 0, to, by);
        host.protects(INET, &by_send(), home, send, 1);
        let connect = |socket, to: &Address| calls::ring_connect(socket, to, by);
        host.protects(INET, &by_connect(), home, connect, 0);
    }
}

#[test]
fn an_ipv4_address_on_an_ipv6_socket() {
    let mut host = Host::new();
    let send = |socket, to: &Address| calls::sendto(socket, b"a", 0, Some(to));
    host.protects(INET6, &by_connect(), home, calls::connect, 0);
    host.protects(INET6, &by_send(), home, send, 1);
    let mapped = |port| Address::mapped(HOME, port);
    host.protects(INET6, &by_connect(), mapped, calls::connect, 0);
    host.protects(INET6, &by_send(), mapped, send, 1);
}

#[test]
fn an_address_without_a_family() {
    let mut host = Host::new();
    // A send over IPv4 takes it for IPv4.
    let unspecified = |port| Address::v4_of_family(libc::AF_UNSPEC, HOME, port);
    let send = |socket, to: &Address| calls::sendto(socket, b"a", 0, Some(to));
    host.protects(INET, &by_send(), unspecified, send, 1);
    // A connect dissolves the association.
    let mut actor = Actor::user();
    let socket = actor.udp();
    host.case
        .allows(&mut actor, &calls::connect(socket, &home(5354)));
    host.case
        .allows(&mut actor, &calls::connect(socket, &unspecified(5353)));
    host.case
        .denies(&mut actor, &send(socket, &home(5353)), &by_send());
    // A send over IPv6 takes it for no address, and there is no other; but the
    // socket could be one of IPv4 by then.
    let socket = actor.socket(INET6, libc::SOCK_DGRAM);
    host.case
        .denies(&mut actor, &send(socket, &unspecified(5353)), &by_send());
    let reply = actor.ask(&send(socket, &unspecified(5354)));
    assert!(reply.result < 0, "{reply:?}");
    assert_eq!((host.names.received(), host.beside.received()), (0, 0));
}

#[test]
fn an_unspecified_destination() {
    let mut host = Host::new();
    let anywhere = |port| Address::ip(Ipv4Addr::UNSPECIFIED, port);
    let send = |socket, to: &Address| calls::sendto(socket, b"a", 0, Some(to));
    host.protects(INET, &by_connect(), anywhere, calls::connect, 0);
    host.protects(INET, &by_send(), anywhere, send, 1);
    let mapped = |port| Address::mapped(Ipv4Addr::UNSPECIFIED, port);
    host.protects(INET6, &by_send(), mapped, send, 1);
}

#[test]
fn a_connected_socket_is_not_judged_again() {
    let mut host = Host::new();
    let mut actor = Actor::good();
    let socket = actor.udp();
    host.case
        .allows(&mut actor, &calls::connect(socket, &home(5353)));
    actor.exec(place::other());
    let decisions = host.case.counted().counter("decisions");
    host.case
        .allows(&mut actor, &calls::sendto(socket, b"a", 0, None));
    host.case.allows(&mut actor, &calls::write(socket, b"a"));
    assert_eq!(host.names.received(), 2);
    assert_eq!(host.case.counted().counter("decisions"), decisions);
    // With an address it is.
    let send = calls::sendto(socket, b"a", 0, Some(&home(5353)));
    host.case.denies(&mut actor, &send, &by_send());
    let send = calls::sendto(socket, b"a", 0, Some(&home(5354)));
    host.case.allows(&mut actor, &send);
}

#[test]
fn udp_lite() {
    const UDP_LITE: i32 = 136;
    let mut host = Host::new();
    let mut actor = Actor::user();
    let made = actor.ask(&calls::socket(INET, libc::SOCK_DGRAM, UDP_LITE));
    if made.result < 0 {
        // Linux has taken it out since; where there is none, none gets through.
        assert_eq!(made.result, -i64::from(libc::EPROTONOSUPPORT));
        assert_eq!(std::env::var("INTERDICT_KERNEL").as_deref(), Ok("7.3"));
        return;
    }
    let connect = calls::connect(made.result, &home(5353));
    host.case.denies(&mut actor, &connect, &by_connect());
    host.case
        .allows(&mut actor, &calls::connect(made.result, &home(5354)));
}
