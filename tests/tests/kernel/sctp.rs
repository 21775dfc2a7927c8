//! SCTP: associations and local addresses, one or several at a time, by every
//! call that names them.

use std::net::{Ipv4Addr, Ipv6Addr};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::{Argument, Carrier, Request};
use interdict_tests::skip::skipped;
use rustix::io::Errno;

const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
const INET: i32 = libc::AF_INET;
const INET6: i32 = libc::AF_INET6;
/// One association a socket.
const STREAM: i32 = libc::SOCK_STREAM;
/// Many of them.
const PACKETS: i32 = libc::SOCK_SEQPACKET;
const SCTP: i32 = libc::IPPROTO_SCTP;
/// Options of level 132. Linux, include/uapi/linux/sctp.h.
const BINDX_ADD: i32 = 100;
const CONNECTX_OLD: i32 = 107;
const CONNECTX: i32 = 110;
const CONNECTX_BY_GET: i32 = 111;
/// Control messages of that level.
const SENDER: u32 = 2;
const TO_IPV4: u32 = 7;
const TO_IPV6: u32 = 8;

const CONNECTS: &[(&str, &str)] = &[(
    "sctp",
    "deny sctp connect to { 127.0.0.9, ::1 } port 7000 unless exe = /usr/bin/good id closed\n",
)];

/// An address that the rule names, and one that it does not.
fn closed(port: u16) -> Address {
    Address::ip(Ipv4Addr::new(127, 0, 0, 9), port)
}

fn open(port: u16) -> Address {
    Address::ip(HOME, port)
}

fn list(addresses: &[Address]) -> Vec<u8> {
    addresses.iter().flat_map(|one| one.0.clone()).collect()
}

fn connectx(socket: i64, addresses: &[Address]) -> Request {
    calls::set_bytes(socket, SCTP, CONNECTX, &list(addresses))
}

/// `sctp_connectx(3)` as its library has it: by getsockopt(2), which the hook of
/// options does not see.
fn connectx_by_get(socket: i64, addresses: &[Address]) -> Request {
    let list = list(addresses);
    // No association yet, the length of the addresses, where they lie.
    let words = i64::try_from(list.len()).unwrap() << 32;
    let asked = Argument::Words(vec![Argument::Number(words), Argument::Bytes(list)]);
    let numbers = [socket, SCTP.into(), CONNECTX_BY_GET.into()].map(Argument::Number);
    let length = Argument::Bytes(16_u32.to_ne_bytes().to_vec());
    let arguments = [&numbers[..], &[asked, length]].concat();
    calls::call(libc::SYS_getsockopt, arguments)
}

fn bindx(socket: i64, addresses: &[Address]) -> Request {
    calls::set_bytes(socket, SCTP, BINDX_ADD, &list(addresses))
}

/// A control message of SCTP's level.
fn control(kind: u32, data: &[u8]) -> Vec<u8> {
    let length = 16 + data.len();
    let mut bytes = (length as u64).to_ne_bytes().to_vec();
    bytes.extend(132_u32.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(data);
    bytes.resize(length.next_multiple_of(8), 0);
    bytes
}

/// Whether this kernel has SCTP; if not, the test is skipped.
fn has(actor: &mut Actor) -> bool {
    match outcome(&actor.ask(&calls::socket(INET, STREAM, SCTP))) {
        Ok(socket) => {
            actor.must(&calls::close(socket));
            true
        }
        Err(errno) => {
            assert!(
                matches!(errno, Errno::PROTONOSUPPORT | Errno::SOCKTNOSUPPORT),
                "{errno}"
            );
            skipped("this kernel has no SCTP");
            false
        }
    }
}

fn decided(address: &str) -> Decided {
    Decided::association("closed", Object::ip(address, 7000))
}

/// A request ends as the protocol has it, and not by the engine: nobody listens.
#[track_caller]
fn passes(case: &mut Case, actor: &mut Actor, request: &Request) {
    let result = outcome(&actor.ask(request));
    let own = [Errno::CONNREFUSED, Errno::INPROGRESS, Errno::ADDRNOTAVAIL];
    let fine = result.is_ok() || result.is_err_and(|errno| own.contains(&errno));
    assert!(fine, "{request:?}: {result:?}");
    assert!(case.rest().is_empty(), "{request:?}");
}

#[test]
fn connects_by_getsockopt() {
    let mut case = Case::under(CONNECTS);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    if !has(&mut actor) {
        return;
    }
    for kind in [STREAM, PACKETS] {
        let make = calls::socket(INET, kind | libc::SOCK_NONBLOCK, SCTP);
        for addresses in [vec![closed(7000)], vec![open(7000), closed(7000)]] {
            let socket = actor.must(&make);
            let connect = connectx_by_get(socket, &addresses);
            case.denies(&mut actor, &connect, &decided("127.0.0.9"));
            let socket = good.must(&make);
            let connect = connectx_by_get(socket, &addresses);
            passes(&mut case, &mut good, &connect);
        }
        let socket = actor.must(&make);
        let connect = connectx_by_get(socket, &[open(7000)]);
        passes(&mut case, &mut actor, &connect);
    }
}

#[test]
fn connects() {
    let mut case = Case::under(CONNECTS);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    if !has(&mut actor) {
        return;
    }
    for (family, kind) in [
        (INET, STREAM),
        (INET, PACKETS),
        (INET6, STREAM),
        (INET6, PACKETS),
    ] {
        let make = calls::socket(family, kind | libc::SOCK_NONBLOCK, SCTP);
        let socket = actor.must(&make);
        let connect = calls::connect(socket, &closed(7000));
        let event = Decided::connect("closed", Object::ip("127.0.0.9", 7000));
        case.denies(&mut actor, &connect, &event)
            .says("/decision/family", "sctp")
            .says("/decision/operation", "connect");
        let connect = calls::connect(socket, &closed(7001));
        passes(&mut case, &mut actor, &connect);
        let socket = good.must(&make);
        let connect = calls::connect(socket, &closed(7000));
        passes(&mut case, &mut good, &connect);
    }
    let socket = actor.must(&calls::socket(INET6, STREAM, SCTP));
    let connect = calls::connect(socket, &Address::ip(Ipv6Addr::LOCALHOST, 7000));
    let event = Decided::connect("closed", Object::ip("::1", 7000));
    case.denies(&mut actor, &connect, &event);
    let connect = calls::ring_connect(
        socket,
        &Address::mapped(Ipv4Addr::new(127, 0, 0, 9), 7000),
        Carrier::Worker,
    );
    let event = Decided::connect("closed", Object::ip("127.0.0.9", 7000));
    case.denies(&mut actor, &connect, &event);
}

/// The one address that matters can stand anywhere in the list.
#[test]
fn lists_of_peers() {
    let mut case = Case::under(CONNECTS);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    if !has(&mut actor) {
        return;
    }
    let make = calls::socket(INET6, PACKETS | libc::SOCK_NONBLOCK, SCTP);
    for place in [0, 1, 4, 7] {
        let mut addresses: Vec<Address> = (1..=8)
            .map(|last| Address::ip(Ipv4Addr::new(127, 0, 1, last), 7000))
            .collect();
        addresses[place] = closed(7000);
        let socket = actor.must(&make);
        let event = case.denies(
            &mut actor,
            &connectx(socket, &addresses),
            &decided("127.0.0.9"),
        );
        event
            .says("/decision/family", "sctp")
            .says("/decision/operation", "connect")
            .says("/data/0/name", "sockfd")
            .says("/data/0/int32", socket)
            .says("/data/2/name", "remote_addr")
            .says("/data/2/sockaddr/sin_addr", "127.0.0.9");
        addresses[place] = open(7000);
        passes(&mut case, &mut actor, &connectx(socket, &addresses));
    }
    // Of both kinds, whose sizes differ.
    let mixed = [
        open(7000),
        Address::ip(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), 7000),
        Address::mapped(Ipv4Addr::new(127, 0, 0, 9), 7000),
    ];
    let socket = actor.must(&make);
    case.denies(&mut actor, &connectx(socket, &mixed), &decided("127.0.0.9"));
    let last = [open(7000), Address::ip(Ipv6Addr::LOCALHOST, 7000)];
    case.denies(&mut actor, &connectx(socket, &last), &decided("::1"));
    let old = calls::set_bytes(socket, SCTP, CONNECTX_OLD, &list(&last));
    case.denies(&mut actor, &old, &decided("::1"));
    let socket = good.must(&make);
    let both = connectx(socket, &[open(7000), closed(7000)]);
    passes(&mut case, &mut good, &both);
}

/// What comes after the eighth address is not judged one by one: it counts as
/// one that nobody can read, which a deny rule takes for its own.
#[test]
fn a_list_that_is_too_long() {
    let mut case = Case::under(CONNECTS);
    case.provokes("unreadable_addresses");
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    if !has(&mut actor) {
        return;
    }
    let addresses: Vec<Address> = (1..=9)
        .map(|last| Address::ip(Ipv4Addr::new(127, 0, 1, last), 7000))
        .collect();
    let make = calls::socket(INET, PACKETS | libc::SOCK_NONBLOCK, SCTP);
    let socket = actor.must(&make);
    let reply = actor.ask(&connectx(socket, &addresses));
    assert_eq!(outcome(&reply), Err(Errno::PERM));
    case.event()
        .says("/decision/rule", "closed")
        .says("/decision/object/unreadable", true);
    let socket = good.must(&make);
    passes(&mut case, &mut good, &connectx(socket, &addresses));
}

/// A send opens an association; more addresses for it ride along.
#[test]
fn sends() {
    let mut case = Case::under(CONNECTS);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    if !has(&mut actor) {
        return;
    }
    let make = calls::socket(INET6, PACKETS | libc::SOCK_NONBLOCK, SCTP);
    let socket = actor.must(&make);
    let plain = |socket, to: &Address| calls::sendto(socket, b"x", 0, Some(to));
    case.denies(
        &mut actor,
        &plain(socket, &closed(7000)),
        &decided("127.0.0.9"),
    );
    passes(&mut case, &mut actor, &plain(socket, &closed(7001)));
    let ring = calls::ring_sendmsg(socket, 0, &closed(7000), Carrier::Worker);
    case.denies(&mut actor, &ring, &decided("127.0.0.9"));

    let four = control(TO_IPV4, &[127, 0, 0, 9]);
    let six = control(TO_IPV6, &Ipv6Addr::LOCALHOST.octets());
    let other = control(TO_IPV4, &[127, 0, 0, 8]);
    let sender = control(SENDER, &[0; 16]);
    let by_send = |address| Decided::send("closed", Object::ip(address, 7000));
    for (messages, address) in [
        (vec![&four], "127.0.0.9"),
        (vec![&six], "::1"),
        (vec![&sender, &other, &four], "127.0.0.9"),
        (
            vec![&other, &other, &other, &other, &other, &other, &other, &six],
            "::1",
        ),
    ] {
        let bytes = messages
            .iter()
            .flat_map(|one| one.iter().copied())
            .collect::<Vec<u8>>();
        let socket = actor.must(&make);
        let send = calls::send_with(socket, b"x", &open(7000), &bytes);
        case.denies(&mut actor, &send, &by_send(address))
            .says("/decision/operation", "connect")
            .says("/decision/family", "sctp");
        let send = calls::send_with(socket, b"x", &open(7003), &bytes);
        passes(&mut case, &mut actor, &send);
        let socket = good.must(&make);
        let send = calls::send_with(socket, b"x", &open(7000), &bytes);
        passes(&mut case, &mut good, &send);
    }
    // Nine of them are more than are looked at.
    case.provokes("unreadable_addresses");
    let many = other.repeat(9);
    let socket = actor.must(&make);
    let send = calls::send_with(socket, b"x", &open(7004), &many);
    assert_eq!(outcome(&actor.ask(&send)), Err(Errno::PERM));
    case.event()
        .says("/decision/rule", "closed")
        .says("/decision/object/unreadable", true);
}

/// What goes over an association that is there was judged when it was made.
#[test]
fn an_association_that_is_there() {
    let mut case = Case::under(CONNECTS);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    if !has(&mut actor) {
        return;
    }
    let server = good.must(&calls::socket(INET, PACKETS, SCTP));
    good.must(&calls::bind(server, &closed(7000)));
    good.must(&calls::listen(server));
    let client = good.must(&calls::socket(INET, STREAM, SCTP));
    case.allows(&mut good, &calls::connect(client, &closed(7000)));
    good.exec(interdict_tests::place::other());
    case.allows(&mut good, &calls::sendto(client, b"x", 0, None));
    case.allows(
        &mut good,
        &calls::sendto(client, b"x", 0, Some(&closed(7000))),
    );
    let fresh = actor.must(&calls::socket(INET, STREAM, SCTP));
    let decided = Decided::connect("closed", Object::ip("127.0.0.9", 7000));
    case.denies(&mut actor, &calls::connect(fresh, &closed(7000)), &decided);
}

const BINDS: &[(&str, &str)] = &[(
    "low",
    "deny sctp bind on any port 1-1023 unless exe = /usr/bin/good id closed\n",
)];

#[test]
fn binds() {
    let mut case = Case::under(BINDS);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    if !has(&mut actor) {
        return;
    }
    let low = |last, port| Address::ip(Ipv4Addr::new(127, 0, 0, last), port);
    for (family, kind) in [(INET, STREAM), (INET6, PACKETS)] {
        let make = calls::socket(family, kind, SCTP);
        let socket = actor.must(&make);
        let by_bind = Decided::bind("closed", Object::ip("127.0.0.3", 777));
        case.denies(&mut actor, &calls::bind(socket, &low(3, 777)), &by_bind)
            .says("/decision/family", "sctp");
        let by_list = Decided::association("closed", Object::ip("127.0.0.3", 777));
        let event = case.denies(&mut actor, &bindx(socket, &[low(3, 777)]), &by_list);
        event
            .says("/decision/operation", "bind")
            .says("/data/2/name", "local_addr")
            .says("/data/2/sockaddr/sin_port", 777);
        let list = bindx(socket, &[low(3, 7777), low(4, 7777)]);
        case.allows(&mut actor, &list);
        actor.must(&calls::close(socket));
        let socket = good.must(&make);
        case.allows(&mut good, &bindx(socket, &[low(3, 777), low(4, 777)]));
        good.must(&calls::close(socket));
    }
}

/// A port that the kernel chose is judged by the listen or accept that shows it.
#[test]
fn a_port_that_nobody_gave() {
    let policy = "deny sctp bind on any port 1024-65535 unless exe = /usr/bin/good id closed\n";
    let mut case = Case::under(&[("high", policy)]);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    if !has(&mut actor) {
        return;
    }
    for by_list in [false, true] {
        let take = |socket| {
            if by_list {
                bindx(socket, &[Address::ip(HOME, 0)])
            } else {
                calls::bind(socket, &Address::ip(HOME, 0))
            }
        };
        let make = calls::socket(INET, STREAM, SCTP);
        let socket = actor.must(&make);
        case.allows(&mut actor, &take(socket));
        let listen = calls::listen(socket);
        assert_eq!(outcome(&actor.ask(&listen)), Err(Errno::PERM));
        case.event()
            .says("/decision/rule", "closed")
            .says("/decision/hook", "socket_listen")
            .says("/decision/operation", "bind")
            .says("/decision/family", "sctp");
        let socket = good.must(&make);
        case.allows(&mut good, &take(socket));
        case.allows(&mut good, &calls::listen(socket));
    }
}
