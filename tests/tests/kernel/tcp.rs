//! TCP: every way to open a connection, and every way to write its address.

use std::net::{Ipv4Addr, Ipv6Addr};

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::Carrier;
use interdict_tests::service::Tcp;
use rustix::io::Errno;

const POLICY: &[(&str, &str)] = &[(
    "web",
    "deny tcp connect to 127.0.0.0/8 port 8080 unless exe=/usr/bin/good\n",
)];
const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
const INET: i32 = libc::AF_INET;
const INET6: i32 = libc::AF_INET6;
const STREAM: i32 = libc::SOCK_STREAM;

/// Listeners on the port that is protected and on another, over IPv4, and on
/// the protected port over IPv6, where it is not.
struct Host {
    case: Case,
    web: Tcp,
    beside: Tcp,
    _over_ipv6: Tcp,
}

impl Host {
    fn new() -> Self {
        Self {
            case: Case::under(POLICY),
            web: Tcp::on("0.0.0.0:8080"),
            beside: Tcp::on("0.0.0.0:8081"),
            _over_ipv6: Tcp::on("[::1]:8080"),
        }
    }

    /// The same connect with a new socket: denied, allowed to the port beside,
    /// and allowed to the program that the rule makes an exception for.
    #[track_caller]
    fn protects(&mut self, family: i32, protocol: i32, to: impl Fn(u16) -> Address) {
        let mut actor = Actor::user();
        let make = calls::socket(family, STREAM, protocol);
        let socket = actor.must(&make);
        let connect = calls::connect(socket, &to(8080));
        let event = self
            .case
            .denies(&mut actor, &connect, &by_connect("127.0.0.1"));
        event.says("/decision/family", "tcp");
        event
            .says("/data/0/name", "sockfd")
            .says("/data/0/int32", socket);
        self.case
            .allows(&mut actor, &calls::connect(socket, &to(8081)));
        let mut good = Actor::good();
        let socket = good.must(&make);
        self.case
            .allows(&mut good, &calls::connect(socket, &to(8080)));
    }
}

fn by_connect(address: &str) -> Decided {
    Decided::connect("web/1", Object::ip(address, 8080))
}

fn by_send() -> Decided {
    Decided::send("web/1", Object::ip("127.0.0.1", 8080))
}

#[test]
fn connect() {
    let mut host = Host::new();
    host.protects(INET, 0, |port| Address::ip(HOME, port));
    let mut actor = Actor::other();
    let socket = actor.tcp();
    // The whole network, and the same port over IPv6.
    let connect = calls::connect(socket, &Address::ip([127, 255, 255, 254], 8080));
    let event = host
        .case
        .denies(&mut actor, &connect, &by_connect("127.255.255.254"));
    assert_eq!(event.typed()["sin_addr"], "127.255.255.254");
    assert_eq!(event.typed()["sin_port"], 8080);
    let socket = actor.socket(INET6, STREAM);
    let connect = calls::connect(socket, &Address::ip(Ipv6Addr::LOCALHOST, 8080));
    host.case.allows(&mut actor, &connect);
}

#[test]
fn connect_to_a_port_where_nobody_listens() {
    let mut case = Case::under(POLICY);
    let mut actor = Actor::other();
    let socket = actor.tcp();
    let connect = calls::connect(socket, &Address::ip(HOME, 8080));
    case.denies(&mut actor, &connect, &by_connect("127.0.0.1"));
    let beside = calls::connect(socket, &Address::ip(HOME, 8081));
    case.fails(&mut actor, &beside, Errno::CONNREFUSED);
}

#[test]
fn without_blocking() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    let socket = actor.must(&calls::socket(INET, STREAM | libc::SOCK_NONBLOCK, 0));
    let connect = calls::connect(socket, &Address::ip(HOME, 8080));
    host.case
        .denies(&mut actor, &connect, &by_connect("127.0.0.1"));
    let beside = calls::connect(socket, &Address::ip(HOME, 8081));
    host.case.fails(&mut actor, &beside, Errno::INPROGRESS);
}

#[test]
fn multipath() {
    let mut host = Host::new();
    host.protects(INET, IPPROTO_MPTCP, |port| Address::ip(HOME, port));
    host.protects(INET6, IPPROTO_MPTCP, |port| Address::mapped(HOME, port));
}

#[test]
fn shared_memory_communications() {
    const AF_SMC: i32 = 43;
    const IPPROTO_SMC: i32 = 256;
    let mut host = Host::new();
    let kernel = std::env::var("INTERDICT_KERNEL").unwrap();
    let mut actor = Actor::user();
    let made = actor.ask(&calls::socket(AF_SMC, STREAM, 0));
    if kernel == "7.3" {
        // Built without it: nobody gets through.
        assert_eq!(made.result, -i64::from(libc::EAFNOSUPPORT));
    } else {
        let socket = made.result;
        let connect = calls::connect(socket, &Address::ip(HOME, 8080));
        let event = host
            .case
            .denies(&mut actor, &connect, &by_connect("127.0.0.1"));
        event.says("/decision/family", "smc");
        // It falls back to TCP.
        let beside = calls::connect(socket, &Address::ip(HOME, 8081));
        host.case.allows(&mut actor, &beside);
        let mut good = Actor::good();
        let socket = good.socket(AF_SMC, STREAM);
        let connect = calls::connect(socket, &Address::ip(HOME, 8080));
        host.case.allows(&mut good, &connect);
    }
    if kernel == "6.12" {
        host.protects(INET, IPPROTO_SMC, |port| Address::ip(HOME, port));
    }
}

#[test]
fn a_mapped_address() {
    let mut host = Host::new();
    host.protects(INET6, 0, |port| Address::mapped(HOME, port));
    // Linux takes it without the scope, too.
    host.protects(INET6, 0, |port| Address::mapped(HOME, port).cut(24));
}

#[test]
fn an_address_longer_than_its_family_needs() {
    let mut host = Host::new();
    host.protects(INET, 0, |port| {
        let Address(mut bytes) = Address::ip(HOME, port);
        bytes.resize(128, 0x55);
        Address(bytes)
    });
}

#[test]
fn by_io_uring() {
    let mut host = Host::new();
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        let mut actor = Actor::other();
        let socket = actor.tcp();
        let to = Address::ip(HOME, 8080);
        let connect = calls::ring_connect(socket, &to, by);
        let event = host
            .case
            .denies(&mut actor, &connect, &by_connect("127.0.0.1"));
        // The ring's own call names no socket.
        assert_ne!(event.text("/data/0/name"), "sockfd", "{event:?}");
        let beside = calls::ring_connect(socket, &Address::ip(HOME, 8081), by);
        host.case.allows(&mut actor, &beside);
        let mut good = Actor::good();
        let socket = good.tcp();
        host.case
            .allows(&mut good, &calls::ring_connect(socket, &to, by));
    }
}

#[test]
fn fast_open() {
    let mut host = Host::new();
    let flag = libc::MSG_FASTOPEN;
    let mut actor = Actor::user();
    let to = Address::ip(HOME, 8080);
    let beside = Address::ip(HOME, 8081);
    let socket = actor.tcp();
    for send in [
        calls::sendto(socket, b"hi", flag, Some(&to)),
        calls::sendmsg(socket, b"hi", flag, Some(&to)),
        calls::sendmmsg(socket, b"hi", flag, std::slice::from_ref(&to)),
        calls::ring_sendmsg(socket, flag, &to, Carrier::Submitter),
        calls::ring_sendmsg(socket, flag, &to, Carrier::Worker),
    ] {
        let event = host.case.denies(&mut actor, &send, &by_send());
        event.says("/decision/family", "tcp");
        event.says("/decision/operation", "connect");
    }
    let mapped = actor.socket(INET6, STREAM);
    let send = calls::sendto(mapped, b"hi", flag, Some(&Address::mapped(HOME, 8080)));
    host.case.denies(&mut actor, &send, &by_send());
    // It does connect where it may.
    let send = calls::sendto(socket, b"hi", flag, Some(&beside));
    host.case.allows(&mut actor, &send);
    assert_eq!(host.beside.first_bytes(), b"hi");
    let mut good = Actor::good();
    let socket = good.tcp();
    host.case
        .allows(&mut good, &calls::sendto(socket, b"ho", flag, Some(&to)));
    assert_eq!(host.web.first_bytes(), b"ho");
}

#[test]
fn fast_open_at_connect() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    let option = libc::TCP_FASTOPEN_CONNECT;
    actor.must(&calls::set_option(socket, libc::IPPROTO_TCP, option, 1));
    let connect = calls::connect(socket, &Address::ip(HOME, 8080));
    host.case
        .denies(&mut actor, &connect, &by_connect("127.0.0.1"));
    let beside = calls::connect(socket, &Address::ip(HOME, 8081));
    host.case.allows(&mut actor, &beside);
    host.case.allows(&mut actor, &calls::write(socket, b"hi"));
    assert_eq!(host.beside.first_bytes(), b"hi");
}

#[test]
fn multipath_fast_open() {
    let mut host = Host::new();
    let flag = libc::MSG_FASTOPEN;
    let mut actor = Actor::user();
    let socket = actor.must(&calls::socket(INET, STREAM, IPPROTO_MPTCP));
    let to = Address::ip(HOME, 8080);
    let send = calls::sendto(socket, b"hi", flag, Some(&to));
    host.case.denies(&mut actor, &send, &by_send());
    let beside = calls::sendto(socket, b"hi", flag, Some(&Address::ip(HOME, 8081)));
    if std::env::var("INTERDICT_KERNEL").as_deref() == Ok("6.1") {
        // This kernel's MPTCP has no Fast Open.
        host.case.fails(&mut actor, &beside, Errno::OPNOTSUPP);
    } else {
        host.case.allows(&mut actor, &beside);
        assert_eq!(host.beside.first_bytes(), b"hi");
    }
}

#[test]
fn an_unspecified_destination() {
    let mut host = Host::new();
    let anywhere = Ipv4Addr::UNSPECIFIED;
    host.protects(INET, 0, |port| Address::ip(anywhere, port));
    host.protects(INET6, 0, |port| Address::mapped(anywhere, port));
    // A bound socket goes to the address it is bound to.
    let mut actor = Actor::user();
    let socket = actor.tcp();
    actor.must(&calls::bind(socket, &Address::ip([127, 0, 0, 2], 0)));
    let connect = calls::connect(socket, &Address::ip(anywhere, 8080));
    let event = host
        .case
        .denies(&mut actor, &connect, &by_connect("127.0.0.2"));
    // As the caller wrote it; zero stands for nothing in Tracee's shape.
    assert_eq!(event.typed()["sa_family"], "AF_INET");
    let beside = calls::connect(socket, &Address::ip(anywhere, 8081));
    host.case.allows(&mut actor, &beside);
}

#[test]
fn an_unspecified_destination_over_ipv6() {
    let mut host = Host::new();
    let anywhere = Address::ip(Ipv6Addr::UNSPECIFIED, 8080);
    let mut actor = Actor::user();
    let socket = actor.socket(INET6, STREAM);
    actor.must(&calls::bind(socket, &Address::mapped(HOME, 0)));
    let connect = calls::connect(socket, &anywhere);
    host.case
        .denies(&mut actor, &connect, &by_connect("127.0.0.1"));
    // Else it is ::1, which is not protected.
    let socket = actor.socket(INET6, STREAM);
    host.case
        .allows(&mut actor, &calls::connect(socket, &anywhere));
}

#[test]
fn what_the_protocol_refuses_is_not_judged() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    let to = Address::ip(HOME, 8080);
    for length in [0, 1, 2, 8, 15] {
        let cut = calls::connect(socket, &to.clone().cut(length));
        // Two bytes are a family, and this one's address is too short.
        host.case.fails(&mut actor, &cut, Errno::INVAL);
    }
    // TCP ignores the address of a send.
    let send = calls::sendto(socket, b"hi", libc::MSG_NOSIGNAL, Some(&to));
    host.case.fails(&mut actor, &send, Errno::PIPE);
    // Neither do these reach anybody; the whole address does not, either.
    assert_eq!(host.case.counted().counter("decisions"), 0);
    host.case.denies(
        &mut actor,
        &calls::connect(socket, &to),
        &by_connect("127.0.0.1"),
    );
}

#[test]
fn dissolving_an_association() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    host.case.allows(
        &mut actor,
        &calls::connect(socket, &Address::ip(HOME, 8081)),
    );
    host.case
        .allows(&mut actor, &calls::connect(socket, &Address::none()));
    let again = calls::connect(socket, &Address::ip(HOME, 8080));
    host.case
        .denies(&mut actor, &again, &by_connect("127.0.0.1"));
}

#[test]
fn what_is_connected_stays_so() {
    let mut host = Host::new();
    let mut actor = Actor::good();
    let socket = actor.tcp();
    let connect = calls::connect(socket, &Address::ip(HOME, 8080));
    host.case.allows(&mut actor, &connect);
    actor.exec(interdict_tests::place::other());
    host.case.allows(&mut actor, &calls::write(socket, b"hi"));
    assert_eq!(host.web.first_bytes(), b"hi");
    let socket = actor.tcp();
    let connect = calls::connect(socket, &Address::ip(HOME, 8080));
    host.case
        .denies(&mut actor, &connect, &by_connect("127.0.0.1"));
}
