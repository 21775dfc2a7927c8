//! An address written in ways that the kernel takes for one that a rule names.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::process::Command;

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::{Argument, Request};
use interdict_tests::service::Udp;
use interdict_tests::skip::skipped;
use interdict_tests::tricks;
use rustix::io::Errno;

use super::network::{
    ANYWHERE, DGRAM, EXACT, HOME, INET, INET6, Net, STREAM, bare, home, kernel_refuses, lengths,
    names_by_send, refuses_unread, web_by_connect, web_by_send,
};

const ONE: Ipv6Addr = Ipv6Addr::LOCALHOST;

/// An address with more bytes than it needs.
fn stretched(Address(mut bytes): Address, length: usize) -> Address {
    bytes.resize(length, 0x55);
    Address(bytes)
}

fn send(socket: i64, to: &Address) -> Request {
    calls::sendto(socket, b"a", 0, Some(to))
}

#[test]
fn every_length_of_an_ipv4_address() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let (tcp, udp) = (actor.tcp(), actor.udp());
    for length in lengths(16) {
        let at = |port| stretched(home(port), length);
        let connect = calls::connect(tcp, &at(8080));
        let sent = send(udp, &at(5353));
        if (16..=128).contains(&length) {
            net.case.denies(&mut actor, &connect, &web_by_connect());
            net.case.denies(&mut actor, &sent, &names_by_send());
        } else {
            kernel_refuses(&mut net.case, &mut actor, &connect);
            kernel_refuses(&mut net.case, &mut actor, &sent);
        }
        if matches!(length, 16 | 17 | 127 | 128) {
            net.case.allows(&mut actor, &send(udp, &at(5354)));
            assert_eq!(net.open.received(), 1, "{length}");
        }
    }
    assert_eq!(net.names.received(), 0);
    let at = stretched(home(8081), 128);
    net.case.allows(&mut actor, &calls::connect(tcp, &at));
}

#[test]
fn every_length_of_an_ipv6_address() {
    let mut net = Net::new();
    let open = Udp::on("[::1]:5354");
    let mut actor = Actor::user();
    let (tcp, udp) = (actor.socket(INET6, STREAM), actor.socket(INET6, DGRAM));
    let web = Decided::connect("web", Object::ip("::1", 8080));
    let names = Decided::send("names", Object::ip("::1", 5353));
    for length in lengths(24) {
        let at = |port| stretched(Address::ip(ONE, port), length);
        let connect = calls::connect(tcp, &at(8080));
        let sent = send(udp, &at(5353));
        if (24..=128).contains(&length) {
            net.case.denies(&mut actor, &connect, &web);
            net.case.denies(&mut actor, &sent, &names);
            // What is a scope elsewhere means nothing here.
            net.case.allows(&mut actor, &send(udp, &at(5354)));
            assert_eq!(open.received(), 1, "{length}");
        } else {
            kernel_refuses(&mut net.case, &mut actor, &connect);
            kernel_refuses(&mut net.case, &mut actor, &sent);
        }
    }
}

/// Lengths that are no lengths.
#[test]
fn lengths_that_are_none() {
    let mut case = bare();
    let mut actor = Actor::user();
    let (tcp, udp) = (actor.tcp(), actor.udp());
    let bytes = |port| Argument::Bytes(stretched(home(port), 128).0);
    for length in [-1, -16, i64::from(i32::MIN), i64::from(i32::MAX), 1 << 16] {
        let arguments = vec![Argument::Number(tcp), bytes(8080), Argument::Number(length)];
        let connect = calls::call(libc::SYS_connect, arguments);
        case.fails(&mut actor, &connect, Errno::INVAL);
        let arguments = vec![
            Argument::Number(udp),
            Argument::Bytes(b"a".to_vec()),
            Argument::Number(1),
            Argument::Number(0),
            bytes(5353),
            Argument::Number(length),
        ];
        case.fails(
            &mut actor,
            &calls::call(libc::SYS_sendto, arguments),
            Errno::INVAL,
        );
    }
    // The kernel looks at 32 bits of it.
    let length = Argument::Number((1 << 32) + 16);
    let arguments = vec![Argument::Number(tcp), bytes(8080), length];
    let connect = calls::call(libc::SYS_connect, arguments);
    case.denies(&mut actor, &connect, &web_by_connect());
}

/// The other family's address: UDP over IPv6 takes it, nobody else. TCP over IPv6
/// is judged all the same, since it can be IPv4 by the time it looks.
#[test]
fn the_other_familys_address() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let fast = |socket, to: &Address| calls::sendto(socket, b"hi", libc::MSG_FASTOPEN, Some(to));
    for protocol in [0, IPPROTO_MPTCP] {
        let six = actor.must(&calls::socket(INET6, STREAM, protocol));
        let (to, beside) = (home(8080), home(8081));
        net.case
            .denies(&mut actor, &calls::connect(six, &to), &web_by_connect());
        net.case.denies(&mut actor, &fast(six, &to), &web_by_send());
        kernel_refuses(&mut net.case, &mut actor, &calls::connect(six, &beside));
        kernel_refuses(&mut net.case, &mut actor, &fast(six, &beside));
        let four = actor.must(&calls::socket(INET, STREAM, protocol));
        let to = Address::mapped(HOME, 8080);
        kernel_refuses(&mut net.case, &mut actor, &calls::connect(four, &to));
        kernel_refuses(&mut net.case, &mut actor, &fast(four, &to));
    }
    let four = actor.udp();
    let mapped = send(four, &Address::mapped(HOME, 5353));
    kernel_refuses(&mut net.case, &mut actor, &mapped);
    let six = actor.socket(INET6, DGRAM);
    net.sends(&mut actor, six, |socket, port| send(socket, &home(port)));
    // One that has closed itself to IPv4 is refused all the same.
    let six = actor.socket(INET6, DGRAM);
    actor.must(&calls::set_option(
        six,
        libc::IPPROTO_IPV6,
        libc::IPV6_V6ONLY,
        1,
    ));
    net.case
        .denies(&mut actor, &send(six, &home(5353)), &names_by_send());
    let beside = send(six, &home(5354));
    kernel_refuses(&mut net.case, &mut actor, &beside);
}

/// Families that are none, or nearly one.
#[test]
fn numbers_that_are_no_family() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let (tcp, udp) = (actor.tcp(), actor.udp());
    for number in [1, 3, 10, 16, 255, 256, 0x0200, 0x0202, 0xffff] {
        let at = |port| stretched(Address::v4_of_family(number, HOME, port), 28);
        let connect = calls::connect(tcp, &at(8080));
        kernel_refuses(&mut net.case, &mut actor, &connect);
        kernel_refuses(&mut net.case, &mut actor, &send(udp, &at(5353)));
    }
    net.sends(&mut actor, udp, |socket, port| send(socket, &home(port)));
}

/// No family on a connected socket of IPv6: the datagram goes to its peer. Where
/// it would go if the socket were IPv4 by then is judged as well.
#[test]
fn no_family_over_ipv6() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.socket(INET6, DGRAM);
    let none = |port| Address::v4_of_family(libc::AF_UNSPEC, HOME, port);
    let open = Udp::on("[::1]:5354");
    let connect = |port| calls::connect(socket, &Address::ip(ONE, port));
    let decided = Decided::connect("names", Object::ip("::1", 5353));
    net.case.denies(&mut actor, &connect(5353), &decided);
    net.case.allows(&mut actor, &connect(5354));
    let closed = send(socket, &stretched(none(5353), 28));
    net.case.denies(&mut actor, &closed, &names_by_send());
    let sent = send(socket, &stretched(none(5355), 28));
    net.case.allows(&mut actor, &sent);
    assert_eq!((net.names.received(), open.received()), (0, 1));
    // A peer of IPv4 the kernel does not find then.
    let mapped = calls::connect(socket, &Address::mapped(HOME, 5354));
    net.case.allows(&mut actor, &mapped);
    kernel_refuses(&mut net.case, &mut actor, &sent);
    assert_eq!((net.names.received(), net.open.received()), (0, 0));
    // TCP's Fast Open takes it for none.
    let socket = actor.tcp();
    let fast = calls::sendto(socket, b"hi", libc::MSG_FASTOPEN, Some(&none(8080)));
    kernel_refuses(&mut net.case, &mut actor, &fast);
}

/// What surrounds an IPv6 address: flow label and scope.
#[test]
fn scopes_and_flow_labels() {
    let mut net = Net::new();
    let open = Udp::on("[::1]:5354");
    let mut actor = Actor::user();
    let with = |address: Ipv6Addr, port, flow: u32, scope: u32| {
        let Address(mut bytes) = Address::ip(address, port);
        bytes[4..8].copy_from_slice(&flow.to_be_bytes());
        bytes[24..28].copy_from_slice(&scope.to_ne_bytes());
        Address(bytes)
    };
    let socket = actor.socket(INET6, DGRAM);
    let one = Decided::send("names", Object::ip("::1", 5353));
    for (flow, scope) in [(0, 1), (0, 77), (0, u32::MAX), (0xfff0_0000, 0)] {
        let to = with(ONE, 5353, flow, scope);
        net.case.denies(&mut actor, &send(socket, &to), &one);
        let beside = with(ONE, 5354, flow, scope);
        net.case.allows(&mut actor, &send(socket, &beside));
        assert_eq!(open.received(), 1);
    }
    let local: Ipv6Addr = "fe80::1".parse().unwrap();
    for scope in [0, 1, 2, 77] {
        let decided = Decided::send("names", Object::ip("fe80::1", 5353));
        let to = with(local, 5353, 0, scope);
        net.case.denies(&mut actor, &send(socket, &to), &decided);
    }
    let mapped = with(HOME.to_ipv6_mapped(), 5353, 0xff, 77);
    net.case
        .denies(&mut actor, &send(socket, &mapped), &names_by_send());
}

/// IPv6 addresses that have the bytes of an IPv4 one in them, and are others.
#[test]
fn addresses_that_only_look_like_it() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    for text in [
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "2002:7f00:1::1",
        "::fffe:127.0.0.1",
        "::1:ffff:127.0.0.1",
    ] {
        let address: Ipv6Addr = text.parse().unwrap();
        let udp = actor.socket(INET6, DGRAM);
        let result = outcome(&actor.ask(&send(udp, &Address::ip(address, 5353))));
        assert_ne!(result, Err(Errno::PERM), "{text}");
        let tcp = actor.must(&calls::socket(INET6, STREAM | libc::SOCK_NONBLOCK, 0));
        let result = outcome(&actor.ask(&calls::connect(tcp, &Address::ip(address, 8080))));
        assert_ne!(result, Err(Errno::PERM), "{text}");
    }
    assert!(net.case.rest().is_empty());
    assert_eq!(net.names.received(), 0, "they lead elsewhere");
    let udp = actor.socket(INET6, DGRAM);
    net.sends(&mut actor, udp, |socket, port| {
        send(socket, &Address::mapped(HOME, port))
    });
}

/// Every address of the network is guarded, its first and last one too.
#[test]
fn the_ends_of_a_network() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let udp = actor.udp();
    actor.must(&calls::set_option(
        udp,
        libc::SOL_SOCKET,
        libc::SO_BROADCAST,
        1,
    ));
    for last in ["127.0.0.0", "127.255.255.255", "127.128.0.1"] {
        let address: Ipv4Addr = last.parse().unwrap();
        let decided = Decided::send("names", Object::ip(last, 5353));
        let to = Address::ip(address, 5353);
        net.case.denies(&mut actor, &send(udp, &to), &decided);
    }
    for beside in [
        Ipv4Addr::new(126, 255, 255, 255),
        Ipv4Addr::new(128, 0, 0, 0),
    ] {
        let to = send(udp, &Address::ip(beside, 5353));
        kernel_refuses(&mut net.case, &mut actor, &to);
    }
}

#[test]
fn nowhere_from_a_bound_datagram_socket() {
    let mut net = Net::new();
    let service = Udp::on("127.0.0.9:4444");
    let (mut actor, mut good) = (Actor::user(), Actor::good());
    let nowhere = |port| Address::ip(ANYWHERE, port);
    let exact = |decided: fn(&'static str, Object) -> Decided| {
        decided("exact", Object::ip("127.0.0.9", 4444))
    };
    for (family, own) in [
        (INET, Address::ip(EXACT, 0)),
        (INET6, Address::mapped(EXACT, 0)),
    ] {
        let bound = |actor: &mut Actor| {
            let socket = actor.socket(family, DGRAM);
            actor.must(&calls::bind(socket, &own));
            socket
        };
        let socket = bound(&mut actor);
        let by_send = exact(Decided::send);
        net.case
            .denies(&mut actor, &send(socket, &nowhere(4444)), &by_send);
        let connect = calls::connect(socket, &nowhere(4444));
        net.case
            .denies(&mut actor, &connect, &exact(Decided::connect));
        net.case.allows(&mut actor, &send(socket, &nowhere(5354)));
        assert_eq!((service.received(), net.open.received()), (0, 1));
        let socket = bound(&mut good);
        net.case.allows(&mut good, &send(socket, &nowhere(4444)));
        assert_eq!(service.received(), 1);
    }
    // Without a source it is 127.0.0.1, which `exact` says nothing of.
    let socket = actor.udp();
    net.case.allows(&mut actor, &send(socket, &nowhere(4444)));
    assert_eq!(service.received(), 0);
}

/// `::` on a socket that a connect has given a mapped source.
#[test]
fn nowhere_from_a_socket_that_was_connected() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.socket(INET6, DGRAM);
    actor.must(&calls::connect(socket, &Address::mapped(HOME, 5354)));
    net.sends(&mut actor, socket, |socket, port| {
        send(socket, &Address::ip(Ipv6Addr::UNSPECIFIED, port))
    });
    // Dissolved it has none, and `::` is ::1.
    actor.must(&calls::connect(socket, &Address::none()));
    let one = Decided::send("names", Object::ip("::1", 5353));
    let to = Address::ip(Ipv6Addr::UNSPECIFIED, 5353);
    net.case.denies(&mut actor, &send(socket, &to), &one);
}

#[test]
fn nowhere_from_an_address_of_nobodys() {
    let mut net = Net::new();
    let mut actor = Actor::other();
    let socket = actor.tcp();
    for option in [libc::IP_FREEBIND, libc::IP_TRANSPARENT] {
        actor.must(&calls::set_option(socket, libc::IPPROTO_IP, option, 1));
    }
    let own = Address::ip([10, 9, 9, 9], 0);
    actor.must(&calls::bind(socket, &own));
    let connect = |port| calls::connect(socket, &Address::ip(ANYWHERE, port));
    let exact = Decided::connect("exact", Object::ip("10.9.9.9", 4444));
    net.case.denies(&mut actor, &connect(4444), &exact);
    // A source that is reserved at the connect.
    let socket = actor.tcp();
    let option = libc::IP_BIND_ADDRESS_NO_PORT;
    actor.must(&calls::set_option(socket, libc::IPPROTO_IP, option, 1));
    actor.must(&calls::bind(socket, &Address::ip(EXACT, 0)));
    let connect = |port| calls::connect(socket, &Address::ip(ANYWHERE, port));
    let exact = Decided::connect("exact", Object::ip("127.0.0.9", 4444));
    net.case.denies(&mut actor, &connect(4444), &exact);
    net.case.allows(&mut actor, &connect(8081));
}

/// `IP_PKTINFO`: a message that names its source leads nowhere there. Whose
/// source it is nobody reads, so that every rule for the port is about it.
#[test]
fn nowhere_from_a_source_that_a_message_names() {
    const IPV6_PKTINFO: i32 = 50;
    let mut net = Net::new();
    net.case.provokes("unreadable_addresses");
    let service = Udp::on("127.0.0.9:4444");
    let (mut actor, mut good) = (Actor::user(), Actor::good());
    let four = [&[0; 4], &EXACT.octets()[..], &[0; 4]].concat();
    let six = [&EXACT.to_ipv6_mapped().octets()[..], &[0; 4]].concat();
    for (family, control, nowhere) in [
        (
            INET,
            tricks::control(libc::IPPROTO_IP, libc::IP_PKTINFO, &four),
            Address::ip as fn(Ipv4Addr, u16) -> Address,
        ),
        (
            INET6,
            tricks::control(libc::IPPROTO_IPV6, IPV6_PKTINFO, &six),
            Address::mapped,
        ),
    ] {
        let to = |socket, address, port| {
            calls::send_with(socket, b"a", &nowhere(address, port), &control)
        };
        let send = |socket, port| to(socket, ANYWHERE, port);
        let socket = actor.socket(family, DGRAM);
        refuses_unread(&mut net.case, &mut actor, &send(socket, 4444), "exact");
        assert_eq!(service.received(), 0);
        net.case.allows(&mut actor, &to(socket, HOME, 5354));
        assert_eq!(net.open.received(), 1);
        // It does lead there.
        let socket = good.socket(family, DGRAM);
        net.case.allows(&mut good, &send(socket, 4444));
        assert_eq!(service.received(), 1);
    }
}

/// Runs `ip` with these words.
pub(super) fn ip(words: &str) -> bool {
    let output = Command::new("ip").args(words.split(' ')).output();
    output.is_ok_and(|output| output.status.success())
}

/// A socket of one interface: nowhere is that interface's own address.
#[test]
fn nowhere_by_an_interface() {
    const IP_UNICAST_IF: i32 = 50;
    if !ip("link add evasion0 type dummy") {
        skipped("no `ip` or no dummy interface");
        return;
    }
    assert!(ip("address add 10.9.9.9/24 dev evasion0"));
    assert!(ip("link set evasion0 up"));
    let mut net = Net::new();
    net.case.provokes("unreadable_addresses");
    let service = Udp::on("10.9.9.9:4444");
    let (mut actor, mut good) = (Actor::user(), Actor::good());
    let index = std::fs::read_to_string("/sys/class/net/evasion0/ifindex").unwrap();
    let index: i32 = index.trim().parse().unwrap();
    let bound = |socket| {
        calls::set_bytes(
            socket,
            libc::SOL_SOCKET,
            libc::SO_BINDTODEVICE,
            b"evasion0\0",
        )
    };
    let chosen = |socket| calls::set_option(socket, libc::IPPROTO_IP, IP_UNICAST_IF, index.to_be());
    let nowhere = |port| Address::ip(ANYWHERE, port);
    for by in [&bound as &dyn Fn(i64) -> Request, &chosen] {
        let socket = actor.udp();
        actor.must(&by(socket));
        let sent = send(socket, &nowhere(4444));
        refuses_unread(&mut net.case, &mut actor, &sent, "exact");
        let connect = calls::connect(socket, &nowhere(4444));
        refuses_unread(&mut net.case, &mut actor, &connect, "exact");
        assert_eq!(service.received(), 0);
        let own = Address::ip([10, 9, 9, 9], 5354);
        net.case.allows(&mut actor, &send(socket, &own));
        assert_eq!(net.open.received(), 1);
        // It does lead there.
        let socket = good.udp();
        good.must(&by(socket));
        net.case.allows(&mut good, &send(socket, &nowhere(4444)));
        assert_eq!(service.received(), 1);
    }
    let socket = actor.tcp();
    actor.must(&bound(socket));
    let connect = calls::connect(socket, &nowhere(4444));
    refuses_unread(&mut net.case, &mut actor, &connect, "exact");
    assert!(ip("link delete evasion0"));
}

/// The source of SMC is that of a socket inside it, which nobody reads.
#[test]
fn nowhere_over_shared_memory() {
    const AF_SMC: i32 = 43;
    const IPPROTO_SMC: i32 = 256;
    let mut net = Net::new();
    let (mut actor, mut good) = (Actor::user(), Actor::good());
    let mut known = false;
    for (family, protocol) in [(AF_SMC, 0), (INET, IPPROTO_SMC)] {
        let make = calls::socket(family, STREAM, protocol);
        let Ok(socket) = outcome(&actor.ask(&make)) else {
            continue;
        };
        known = true;
        actor.must(&calls::bind(socket, &Address::ip(EXACT, 0)));
        let connect = |socket, port| calls::connect(socket, &Address::ip(ANYWHERE, port));
        refuses_unread(&mut net.case, &mut actor, &connect(socket, 4444), "exact");
        let beside = calls::connect(socket, &home(8081));
        net.case.allows(&mut actor, &beside);
        let socket = good.must(&make);
        net.case.allows(&mut good, &connect(socket, 8080));
    }
    if known {
        net.case.provokes("unreadable_addresses");
    } else {
        skipped("this kernel has no SMC");
    }
}

/// A source route makes the first hop another one: the option is a rule's to close.
#[test]
fn a_source_route() {
    const IP_OPTIONS: i32 = 4;
    let mut net = Net::new();
    let mut actor = super::user(super::network::WATCHED);
    let socket = actor.tcp();
    // Loose source and record route: by 127.0.0.2.
    let route = [131, 7, 4, 127, 0, 0, 2, 0];
    let set = |socket, name| calls::set_bytes(socket, libc::IPPROTO_IP, name, &route);
    net.case.denies(
        &mut actor,
        &set(socket, IP_OPTIONS),
        &Decided::option("option"),
    );
    // Whom no rule keeps from it is judged by the address he names.
    let mut other = Actor::other();
    let socket = other.tcp();
    net.case.allows(&mut other, &set(socket, IP_OPTIONS));
    net.case.denies(
        &mut other,
        &calls::connect(socket, &home(8080)),
        &web_by_connect(),
    );
}

/// A routing header of one segment, which is no route any more, sends a datagram
/// to that segment under another address's name. Whoever gets it must take such
/// headers: Linux does not by itself.
#[test]
fn a_routing_header() {
    const IPV6_RTHDR: i32 = 57;
    const SWITCHES: [&str; 2] = ["all", "lo"];
    let switch = |on: &str| {
        let paths = SWITCHES.map(|name| format!("/proc/sys/net/ipv6/conf/{name}/seg6_enabled"));
        paths.iter().all(|path| std::fs::write(path, on).is_ok())
    };
    if !switch("1") {
        skipped("this kernel knows no segments");
        return;
    }
    let mut case = bare();
    let guarded = Udp::on("[::1]:5353");
    // Version 4, of two units of eight bytes, none of its segments left.
    let header = [&[0, 2, 4, 0, 0, 0, 0, 0][..], &ONE.octets()].concat();
    let set = |socket| calls::set_bytes(socket, libc::IPPROTO_IPV6, IPV6_RTHDR, &header);
    // Of the same sum as ::1: the datagram's checksum is made for the name.
    let elsewhere = Address::ip("2001:db8::d247".parse::<Ipv6Addr>().unwrap(), 5353);

    let mut actor = super::user(super::network::WATCHED);
    let socket = actor.socket(INET6, DGRAM);
    case.denies(&mut actor, &set(socket), &Decided::option("option"));
    let direct = Decided::send("names", Object::ip("::1", 5353));
    case.denies(&mut actor, &send(socket, &Address::ip(ONE, 5353)), &direct);

    // Whom no rule keeps from it is judged by the address that he names.
    let mut other = Actor::user();
    let socket = other.socket(INET6, DGRAM);
    case.allows(&mut other, &set(socket));
    case.allows(&mut other, &send(socket, &elsewhere));
    assert_eq!(guarded.received(), 1);
    switch("0");
}
