//! connect and bind of the families that are neither unix, nor tcp, nor udp.

use std::net::{Ipv4Addr, Ipv6Addr};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::skip::skipped;
use rustix::io::Errno;

const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
const INET: i32 = libc::AF_INET;
const INET6: i32 = libc::AF_INET6;
const RAW: i32 = libc::SOCK_RAW;

/// An ICMP echo request, of any version: the kernel fills the rest in.
const ECHO: &[u8] = &[8, 0, 0, 0, 0, 0, 0, 1];

#[test]
fn raw_sockets() {
    let policy = "deny raw connect to { 127.0.0.0/8, ::1 } unless exe = /usr/bin/good id closed\n";
    let mut case = Case::under(&[("raw", policy)]);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    for (to, canonical) in [
        (Address::ip(HOME, 0), "127.0.0.1"),
        (Address::ip(HOME, 4444), "127.0.0.1"),
        (Address::ip(Ipv4Addr::UNSPECIFIED, 0), "127.0.0.1"),
        (
            Address::v4_of_family(libc::AF_UNSPEC, Ipv4Addr::new(127, 2, 2, 2), 0),
            "127.2.2.2",
        ),
    ] {
        let send = |socket| calls::sendto(socket, ECHO, 0, Some(&to));
        let make = calls::socket(INET, RAW, libc::IPPROTO_ICMP);
        let socket = actor.must(&make);
        let decided = Decided::send("closed", Object::ip(canonical, 0));
        let event = case.denies(&mut actor, &send(socket), &decided);
        event.says("/decision/family", "raw");
        let socket = good.must(&make);
        case.allows(&mut good, &send(socket));
    }
    // Over IPv6 an address of no family is an IPv6 one.
    let make = calls::socket(INET6, RAW, libc::IPPROTO_ICMPV6);
    let Address(mut nameless) = Address::ip(Ipv6Addr::LOCALHOST, 0);
    nameless[..2].fill(0);
    for to in [Address::ip(Ipv6Addr::LOCALHOST, 0), Address(nameless)] {
        let socket = actor.must(&make);
        let send = calls::sendto(socket, ECHO, 0, Some(&to));
        let decided = Decided::send("closed", Object::ip("::1", 0));
        case.denies(&mut actor, &send, &decided);
        let socket = good.must(&make);
        case.allows(&mut good, &calls::sendto(socket, ECHO, 0, Some(&to)));
    }
    // connect(2), and sending without an address then.
    let socket = actor.must(&calls::socket(INET, RAW, libc::IPPROTO_ICMP));
    let decided = Decided::connect("closed", Object::ip("127.0.0.1", 0));
    let connect = calls::connect(socket, &Address::ip(HOME, 0));
    case.denies(&mut actor, &connect, &decided);
    case.fails(
        &mut actor,
        &calls::sendto(socket, ECHO, 0, None),
        Errno::DESTADDRREQ,
    );
    case.allows(&mut actor, &calls::connect(socket, &Address::none()));
}

#[test]
fn ping_sockets() {
    let policy = "deny icmp connect to { 127.0.0.0/8, ::1 } unless exe = /usr/bin/good id closed\n";
    let mut case = Case::under(&[("ping", policy)]);
    std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 65535").unwrap();
    let (mut actor, mut good) = (Actor::user(), Actor::good());
    for (family, protocol, to, canonical) in [
        (INET, libc::IPPROTO_ICMP, Address::ip(HOME, 0), "127.0.0.1"),
        (
            INET6,
            libc::IPPROTO_ICMPV6,
            Address::ip(Ipv6Addr::LOCALHOST, 0),
            "::1",
        ),
    ] {
        let make = calls::socket(family, libc::SOCK_DGRAM, protocol);
        let echo = if family == INET { 8 } else { 128 };
        let echo = [echo, 0, 0, 0, 0, 0, 0, 1];
        let socket = actor.must(&make);
        let send = calls::sendto(socket, &echo, 0, Some(&to));
        let decided = Decided::send("closed", Object::ip(canonical, 0));
        let event = case.denies(&mut actor, &send, &decided);
        event.says("/decision/family", "icmp");
        let decided = Decided::connect("closed", Object::ip(canonical, 0));
        case.denies(&mut actor, &calls::connect(socket, &to), &decided);
        let socket = good.must(&make);
        case.allows(&mut good, &calls::sendto(socket, &echo, 0, Some(&to)));
    }
}

/// `struct sockaddr_nl`.
fn netlink(family: u16) -> Address {
    let mut bytes = [0; 12];
    bytes[..2].copy_from_slice(&family.to_ne_bytes());
    Address(bytes.to_vec())
}

#[test]
fn netlink_sockets() {
    let policy = "deny netlink { connect, bind } unless exe = /usr/bin/good id closed\n";
    let mut case = Case::under(&[("netlink", policy)]);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    let make = calls::socket(libc::AF_NETLINK, RAW, libc::NETLINK_ROUTE);
    let (to, none) = (netlink(16), netlink(0));
    // A message that does nothing (`NLMSG_NOOP`).
    let mut noop = [0_u8; 16];
    noop[0] = 16;
    noop[4] = 1;
    let socket = actor.must(&make);
    let good_socket = good.must(&make);
    let bind = Decided::bind("closed", Object::Nothing);
    case.denies(&mut actor, &calls::bind(socket, &to), &bind);
    case.allows(&mut good, &calls::bind(good_socket, &to));
    let connect = Decided::connect("closed", Object::Nothing);
    case.denies(&mut actor, &calls::connect(socket, &to), &connect);
    case.allows(&mut good, &calls::connect(good_socket, &to));
    let send = Decided::send("closed", Object::Nothing);
    let event = case.denies(
        &mut actor,
        &calls::sendto(socket, &noop, 0, Some(&to)),
        &send,
    );
    event.says("/decision/family", "netlink");
    case.allows(&mut good, &calls::sendto(good_socket, &noop, 0, Some(&to)));
    // No family dissolves; no address goes to the kernel, which is no peer that
    // anybody named.
    case.allows(&mut actor, &calls::connect(socket, &none));
    case.allows(&mut actor, &calls::sendto(socket, &noop, 0, None));
}

#[test]
fn packet_sockets() {
    let policy = "deny packet { connect, bind } unless exe = /usr/bin/good id closed\n";
    let mut case = Case::under(&[("packet", policy)]);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    // `struct sockaddr_ll` of the loopback interface.
    let mut address = [0_u8; 20];
    address[0] = 17;
    address[2..4].copy_from_slice(&0x88b5_u16.to_be_bytes());
    address[4] = 1;
    address[11] = 6;
    let own = Address(address.to_vec());
    let make = calls::socket(libc::AF_PACKET, libc::SOCK_DGRAM, 0);
    let socket = actor.must(&make);
    let bind = Decided::bind("closed", Object::Nothing);
    case.denies(&mut actor, &calls::bind(socket, &own), &bind);
    let send = calls::sendto(socket, b"frame", 0, Some(&own));
    let decided = Decided::send("closed", Object::Nothing);
    let event = case.denies(&mut actor, &send, &decided);
    event.says("/decision/family", "packet");
    let socket = good.must(&make);
    case.allows(&mut good, &calls::bind(socket, &own));
    case.allows(&mut good, &calls::sendto(socket, b"frame", 0, Some(&own)));
}

/// `struct sockaddr_vm` of this machine itself.
fn vsock(port: u32) -> Address {
    const VMADDR_CID_LOCAL: u32 = 1;
    let parts: [&[u8]; 5] = [
        &40_u16.to_ne_bytes(),
        &[0; 2],
        &port.to_ne_bytes(),
        &VMADDR_CID_LOCAL.to_ne_bytes(),
        &[0; 4],
    ];
    Address(parts.concat())
}

#[test]
fn vsock_sockets() {
    let policy = "deny vsock { connect, bind, listen } unless exe = /usr/bin/good id closed\n";
    let mut case = Case::under(&[("vsock", policy)]);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    let make = calls::socket(40, libc::SOCK_STREAM, 0);
    let socket = match outcome(&actor.ask(&make)) {
        Ok(socket) => socket,
        Err(errno) => {
            assert_eq!(errno, Errno::AFNOSUPPORT);
            skipped("this kernel has no vsock");
            return;
        }
    };
    let bind = Decided::bind("closed", Object::Nothing);
    case.denies(&mut actor, &calls::bind(socket, &vsock(5000)), &bind);
    let connect = Decided::connect("closed", Object::Nothing);
    case.denies(&mut actor, &calls::connect(socket, &vsock(5000)), &connect);
    let listen = Decided::listen("closed", Object::Nothing);
    case.denies(&mut actor, &calls::listen(socket), &listen)
        .says("/decision/family", "vsock");
    let socket = good.must(&make);
    let result = outcome(&good.ask(&calls::connect(socket, &vsock(5000))));
    assert_ne!(result, Err(Errno::PERM));
}

#[test]
fn crypto_sockets() {
    let policy = "deny alg { bind, accept } unless exe = /usr/bin/good id closed\n";
    let mut case = Case::under(&[("alg", policy)]);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    // `struct sockaddr_alg`.
    let mut address = [0_u8; 88];
    address[..2].copy_from_slice(&38_u16.to_ne_bytes());
    address[2..6].copy_from_slice(b"hash");
    address[24..30].copy_from_slice(b"sha256");
    let own = Address(address.to_vec());
    let make = calls::socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0);
    let socket = match outcome(&actor.ask(&make)) {
        Ok(socket) => socket,
        Err(errno) => {
            assert_eq!(errno, Errno::AFNOSUPPORT);
            skipped("this kernel has no AF_ALG");
            return;
        }
    };
    let bind = Decided::bind("closed", Object::Nothing);
    case.denies(&mut actor, &calls::bind(socket, &own), &bind)
        .says("/decision/family", "alg");
    let accept = Decided::accept("closed", Object::Nothing);
    case.denies(&mut actor, &calls::accept(socket), &accept);
    let socket = good.must(&make);
    let result = outcome(&good.ask(&calls::bind(socket, &own)));
    assert!(matches!(result, Ok(_) | Err(Errno::NOENT)), "{result:?}");
}
