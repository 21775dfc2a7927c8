//! Making sockets: every family by its word and by its number, and what the
//! kernel makes for itself.

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::case::Case;
use interdict_tests::event::Decided;
use interdict_tests::protocol::{Carrier, Request};
use policy_lang::words::family::WORDS;
use rustix::io::Errno;

const INET: i32 = libc::AF_INET;
const INET6: i32 = libc::AF_INET6;
const STREAM: i32 = libc::SOCK_STREAM;
const DGRAM: i32 = libc::SOCK_DGRAM;
const RAW: i32 = libc::SOCK_RAW;
const IPPROTO_DCCP: i32 = 33;
const IPPROTO_L2TP: i32 = 115;
const SOCK_DCCP: i32 = 6;

/// What sockets over IPv4 and IPv6 are called.
const OVER_IP: &[(&str, i32, i32, i32)] = &[
    ("tcp", INET, STREAM, 0),
    ("tcp", INET6, STREAM | libc::SOCK_CLOEXEC, libc::IPPROTO_TCP),
    ("tcp", INET, STREAM | libc::SOCK_NONBLOCK, IPPROTO_MPTCP),
    ("tcp", INET6, STREAM, IPPROTO_MPTCP),
    ("udp", INET, DGRAM, 0),
    ("udp", INET6, DGRAM, libc::IPPROTO_UDP),
    ("udp", INET, DGRAM, libc::IPPROTO_UDPLITE),
    ("sctp", INET, STREAM, libc::IPPROTO_SCTP),
    ("sctp", INET6, libc::SOCK_SEQPACKET, libc::IPPROTO_SCTP),
    ("sctp", INET, libc::SOCK_SEQPACKET, 0),
    ("icmp", INET, DGRAM, libc::IPPROTO_ICMP),
    ("icmp", INET6, DGRAM, libc::IPPROTO_ICMPV6),
    ("raw", INET, RAW, libc::IPPROTO_ICMP),
    ("raw", INET6, RAW, libc::IPPROTO_RAW),
    ("raw", INET, RAW, libc::IPPROTO_TCP),
    // Words finer than `ip` have none of these.
    ("ip", INET, SOCK_DCCP, IPPROTO_DCCP),
    ("ip", INET, DGRAM, IPPROTO_L2TP),
];

#[test]
fn sockets_over_ip_by_word() {
    let policy = "deny ip create unless exe = /usr/bin/good id closed\n";
    let mut case = Case::under(&[("create", policy)]);
    std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 65535").unwrap();
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    for (word, family, kind, protocol) in OVER_IP {
        let make = calls::socket(*family, *kind, *protocol);
        let event = case.denies(&mut actor, &make, &Decided::create("closed"));
        event.says("/decision/family", *word);
        event.says("/decision/operation", "create");
        event.says("/id", 1034);
        // In Tracee's order; without the flags that the kernel takes off.
        for (at, (name, value)) in [
            ("family", *family),
            ("type", kind & 0xf),
            ("protocol", *protocol),
            ("kern", 0),
        ]
        .into_iter()
        .enumerate()
        {
            event.says(&format!("/data/{at}/name"), name);
            event.says(&format!("/data/{at}/int32"), value);
        }
        // Not every kernel has every protocol; no refusal is ours.
        let result = outcome(&good.ask(&make));
        let absent = [Errno::PROTONOSUPPORT, Errno::SOCKTNOSUPPORT];
        assert!(
            result.is_ok() || result.is_err_and(|errno| absent.contains(&errno)),
            "{word} {family} {kind} {protocol}: {result:?}"
        );
    }
    // Beside it, other families are made.
    case.allows(&mut actor, &calls::socket(libc::AF_UNIX, STREAM, 0));
    case.allows(&mut actor, &calls::socket(libc::AF_NETLINK, RAW, 0));
}

#[test]
fn one_word_closes_its_own_sockets() {
    let words = ["tcp", "udp", "sctp", "icmp", "raw"];
    for closed in words {
        let policy = format!("deny {closed} create id closed\n");
        let mut case = Case::under(&[("create", &policy)]);
        let mut actor = Actor::other();
        for (word, family, kind, protocol) in OVER_IP {
            let make = calls::socket(*family, *kind, *protocol);
            if *word == closed {
                case.denies(&mut actor, &make, &Decided::create("closed"));
            } else {
                let result = outcome(&actor.ask(&make));
                assert_ne!(
                    result,
                    Err(Errno::PERM),
                    "{closed}: {word} {kind} {protocol}"
                );
            }
        }
    }
}

/// Every `AF_` word and a number without one. That the kernel lacks a family
/// shows in its own errno; the hook is asked before it looks.
#[test]
fn every_address_family() {
    for (word, number) in WORDS.iter().filter(|(_, number)| *number < 46) {
        // The tests' own program makes unix sockets to start another.
        let policy = format!("deny {word} create if exe = /usr/bin/other with EACCES id closed\n");
        let mut case = Case::under(&[("create", &policy)]);
        let mut actor = Actor::other();
        let family = i32::from(*number);
        let event = case.denies_with(
            &mut actor,
            &calls::socket(family, RAW, 0),
            &Decided::create("closed"),
            (Errno::ACCESS, "EACCES"),
        );
        event.says("/decision/family", *word);
        event.says("/data/0/int32", family);
        // The next family is nobody's, but for what a word covers beside. Bluetooth
        // is not made: 6.1 warns of a self-test of its module's.
        let beside = if matches!(family, 30 | 45) {
            1
        } else {
            family + 1
        };
        let result = outcome(&actor.ask(&calls::socket(beside, RAW, 0)));
        assert_ne!(result, Err(Errno::ACCESS), "{word} closes {beside}");
    }
}

#[test]
fn a_family_by_number() {
    let mut case = Case::under(&[("create", "deny { 16, 0 } create id closed\n")]);
    let mut actor = Actor::other();
    let netlink = calls::socket(libc::AF_NETLINK, RAW, 0);
    case.denies(&mut actor, &netlink, &Decided::create("closed"))
        .says("/decision/family", "netlink");
    case.denies(
        &mut actor,
        &calls::socket(0, STREAM, 0),
        &Decided::create("closed"),
    );
    case.allows(&mut actor, &calls::socket(INET, STREAM, 0));
}

/// An old way to write a packet socket.
#[test]
fn packet_sockets_by_type() {
    const SOCK_PACKET: i32 = 10;
    let mut case = Case::under(&[("create", "deny packet create id closed\n")]);
    let mut actor = Actor::other();
    for make in [
        calls::socket(libc::AF_PACKET, RAW, 0),
        calls::socket(libc::AF_PACKET, DGRAM, 0),
        calls::socket(INET, SOCK_PACKET, 0),
    ] {
        let event = case.denies(&mut actor, &make, &Decided::create("closed"));
        event.says("/decision/family", "packet");
    }
    case.allows(&mut actor, &calls::socket(INET, RAW, libc::IPPROTO_ICMP));
}

#[test]
fn pairs() {
    // The tests' own program makes such pairs to start another.
    let policy = "deny unix create if exe = /usr/bin/other id closed\n";
    let mut case = Case::under(&[("create", policy)]);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    for kind in [STREAM, DGRAM, libc::SOCK_SEQPACKET] {
        let pair = calls::socketpair(kind);
        case.denies(&mut actor, &pair, &Decided::create("closed"))
            .says("/decision/family", "unix");
        case.allows(&mut good, &pair);
    }
    // What was there before is used on.
    case.allows(&mut actor, &calls::socket(INET, STREAM, 0));
}

#[test]
fn a_record_of_each_socket() {
    let mut case = Case::under(&[("create", "record udp create id seen\n")]);
    let mut actor = Actor::user();
    let event = case.records(&mut actor, &calls::socket(INET, DGRAM, 0), &["seen"]);
    event.says("/decision/family", "udp");
    let counted = case.counted();
    assert_eq!(counted.counter("allowed"), counted.counter("decisions"));
}

/// A socket of MPTCP has one of TCP inside, which the kernel makes for itself.
#[test]
fn what_the_kernel_makes_for_itself_is_let_go() {
    let mut case = Case::under(&[("create", "record { tcp, smc } create id seen\n")]);
    let mut actor = Actor::other();
    let make = calls::socket(INET, STREAM, IPPROTO_MPTCP);
    let event = case.records(&mut actor, &make, &["seen"]);
    event.says("/data/2/int32", IPPROTO_MPTCP);
    // Newer kernels make the one inside when it is needed.
    let socket = actor.must(&Request::Sequence(vec![make]));
    case.event().says("/decision/recorded", ["seen"].as_slice());
    let own = interdict_tests::address::Address::ip([127, 0, 0, 1], 0);
    case.allows(&mut actor, &calls::bind(socket, &own));
    assert!(case.counted().counter("kernel_sockets") > 0);
}

#[test]
fn by_io_uring() {
    let mut case = Case::under(&[("create", "deny tcp create id closed\n")]);
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        let mut actor = Actor::other();
        let make = calls::ring_socket(INET, STREAM, by);
        case.denies(&mut actor, &make, &Decided::create("closed"));
        case.allows(&mut actor, &calls::ring_socket(INET, DGRAM, by));
    }
}

/// Requests of other operations are as they were.
#[test]
fn creating_is_not_connecting() {
    let mut case = Case::under(&[("create", "deny udp create id closed\n")]);
    let mut actor = Actor::other();
    let socket = actor.tcp();
    let to = interdict_tests::address::Address::ip([127, 0, 0, 1], 9);
    let connect: Request = calls::connect(socket, &to);
    case.fails(&mut actor, &connect, Errno::CONNREFUSED);
}
