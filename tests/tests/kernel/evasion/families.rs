//! Families beside tcp, udp and unix, and options by other numbers.

use std::net::{Ipv4Addr, Ipv6Addr};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::case::merge_or_full;
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::{Argument, Carrier};
use interdict_tests::skip::skipped;
use interdict_tests::tricks;
use rustix::io::Errno;

use super::network::{
    DGRAM, HOME, INET, INET6, Net, RAW, STREAM, WATCHED, bare, home, kernel_refuses,
    names_by_connect, names_by_send, web_by_connect,
};
use super::{tried, user};

/// Whom the rule `kernel` keeps from netlink.
const UNPLUGGED: u32 = 1005;
/// What `bare` guards, and an address beside.
const BARE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const ECHO: &[u8] = &[8, 0, 0, 0, 0, 0, 0, 1];

/// `struct sockaddr_nl`.
fn netlink(port: u32, groups: u32) -> Address {
    let parts = [
        [16_u16, 0].map(u16::to_ne_bytes).concat(),
        [port, groups].map(u32::to_ne_bytes).concat(),
    ];
    Address(parts.concat())
}

#[test]
fn netlink_by_other_ports_and_groups() {
    let mut case = bare();
    let (mut actor, mut other) = (user(UNPLUGGED), Actor::other());
    let make = calls::socket(libc::AF_NETLINK, RAW, libc::NETLINK_ROUTE);
    let mut noop = [0_u8; 16];
    noop[0] = 16;
    noop[4] = 1;
    let socket = actor.must(&make);
    let fresh = other.must(&make);
    for (port, groups) in [(0, 0), (0, 1), (77, 0), (u32::MAX, u32::MAX)] {
        let to = netlink(port, groups);
        let bind = Decided::bind("kernel", Object::Nothing);
        case.denies(&mut actor, &calls::bind(socket, &to), &bind);
        let connect = Decided::connect("kernel", Object::Nothing);
        case.denies(&mut actor, &calls::connect(socket, &to), &connect);
        let send = Decided::send("kernel", Object::Nothing);
        for by in [
            calls::sendto(socket, &noop, 0, Some(&to)),
            calls::ring_sendmsg(socket, 0, &to, Carrier::Worker),
        ] {
            case.denies(&mut actor, &by, &send);
        }
    }
    case.allows(&mut other, &calls::bind(fresh, &netlink(0, 1)));
    let sent = calls::sendto(fresh, &noop, 0, Some(&netlink(0, 0)));
    case.allows(&mut other, &sent);
}

/// A group is joined by an option as well, which is not a bind.
#[test]
fn netlink_groups_by_an_option() {
    const SOL_NETLINK: i32 = 270;
    const ADD_MEMBERSHIP: i32 = 1;
    let mut case = bare();
    let mut actor = user(UNPLUGGED);
    let make = calls::socket(libc::AF_NETLINK, RAW, libc::NETLINK_ROUTE);
    let socket = actor.must(&make);
    let join = |socket| calls::set_option(socket, SOL_NETLINK, ADD_MEMBERSHIP, 1);
    case.allows(&mut actor, &join(socket));
    let bind = Decided::bind("kernel", Object::Nothing);
    case.denies(&mut actor, &calls::bind(socket, &netlink(0, 1)), &bind);
    // The option is a rule's to close, and so is the socket itself.
    let mut watched = user(WATCHED);
    case.denies(&mut watched, &make, &Decided::create("rare"));
    let reply = watched.ask(&calls::socketpair(STREAM));
    assert_eq!(reply.result, 0);
    let pair = i64::from(i32::from_ne_bytes(reply.rooms[0][..4].try_into().unwrap()));
    case.denies(&mut watched, &join(pair), &Decided::option("option"));
}

/// The hook is asked with the whole of each number, and the kernel looks first.
#[test]
fn numbers_that_are_cut() {
    let mut case = bare();
    let mut actor = user(WATCHED);
    for family in [-1, 46, 255, 65_536 + 17, i32::MAX, i32::MIN] {
        case.fails(
            &mut actor,
            &calls::socket(family, RAW, 0),
            Errno::AFNOSUPPORT,
        );
    }
    for kind in [-1, 11, 15, 0x100 + RAW, 0x1000 + RAW] {
        let make = calls::socket(libc::AF_PACKET, kind, 0);
        case.fails(&mut actor, &make, Errno::INVAL);
    }
    // The upper half of a register is nobody's.
    let number = |value: i64| Argument::Number(value + (1 << 32));
    let packet = vec![number(17), number(i64::from(RAW)), number(0)];
    let make = calls::call(libc::SYS_socket, packet);
    case.denies(&mut actor, &make, &Decided::create("rare"));
    case.allows(&mut actor, &calls::socket(INET, STREAM, 0));
}

/// Each of them with every type of socket, its flags included, and as a pair; with
/// `--full` in all combinations.
#[test]
fn rare_families_by_every_type() {
    let mut case = bare();
    let mut actor = user(WATCHED);
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let all = [1, 2, 3, 4, 5, 6, 10];
    let each = all.into_iter().flat_map(|kind| [kind, kind | flags]);
    let kinds = merge_or_full(vec![1, DGRAM | flags, RAW, 10], each.collect());
    // alg, vsock, kcm, qipcrtr, xdp, netlink, packet.
    for family in [38, 40, 41, 42, 44, 16, 17] {
        for kind in &kinds {
            let make = calls::socket(family, *kind, 0);
            case.denies(&mut actor, &make, &Decided::create("rare"));
        }
        let pair = calls::pair(family, DGRAM);
        case.denies(&mut actor, &pair, &Decided::create("rare"));
    }
    case.allows(&mut actor, &calls::socketpair(DGRAM));
}

#[test]
fn raw_sockets_by_every_protocol() {
    let mut case = bare();
    let (mut actor, mut other) = (user(WATCHED), Actor::other());
    for family in [INET, INET6] {
        for protocol in [0, 1, 6, 17, 58, 132, 136, 254, 255] {
            let make = calls::socket(family, RAW, protocol);
            case.denies(&mut actor, &make, &Decided::create("rare"));
            let result = tried(&mut other, &make);
            assert_ne!(result, Err(Errno::PERM), "{family} {protocol}");
        }
    }
    case.allows(&mut actor, &calls::socket(INET, DGRAM, 0));
}

/// Raw sends by every call; an IPv4 header of one's own changes nothing of it.
#[test]
fn raw_sends_to_an_address() {
    let mut case = bare();
    let mut actor = Actor::other();
    let make = calls::socket(INET, RAW, libc::IPPROTO_ICMP);
    let decided = Decided::send("bare", Object::ip("127.0.0.2", 0));
    let beside = Address::ip(HOME, 0);
    for own_header in [0, 1] {
        let socket = actor.must(&make);
        let option = libc::IP_HDRINCL;
        actor.must(&calls::set_option(
            socket,
            libc::IPPROTO_IP,
            option,
            own_header,
        ));
        for port in [0, 80] {
            let to = Address::ip(BARE, port);
            for send in [
                calls::sendto(socket, ECHO, 0, Some(&to)),
                calls::sendmsg(socket, ECHO, 0, Some(&to)),
                calls::sendmmsg(socket, ECHO, 0, std::slice::from_ref(&to)),
                calls::ring_sendmsg(socket, 0, &to, Carrier::Worker),
            ] {
                case.denies(&mut actor, &send, &decided)
                    .says("/decision/family", "raw");
            }
        }
        if own_header == 0 {
            let send = calls::sendto(socket, ECHO, 0, Some(&beside));
            case.allows(&mut actor, &send);
        }
    }
}

/// What lies inside a packet of one's own is not read: the header says the
/// guarded address, the call another.
#[test]
fn a_destination_inside_a_raw_packet() {
    let mut case = bare();
    let mut actor = Actor::other();
    let socket = actor.must(&calls::socket(INET, RAW, libc::IPPROTO_RAW));
    // An IPv4 header of 20 bytes, ICMP within; the kernel fills in the rest.
    let mut packet = [
        &[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0][..],
        &[127, 0, 0, 1],
    ]
    .concat();
    packet.extend(BARE.octets());
    packet.extend(ECHO);
    let send = |to| calls::sendto(socket, &packet, 0, Some(&Address::ip(to, 0)));
    let decided = Decided::send("bare", Object::ip("127.0.0.2", 0));
    case.denies(&mut actor, &send(BARE), &decided);
    case.allows(&mut actor, &send(HOME));
    // Who is to send no such packets is denied the socket.
    let mut watched = user(WATCHED);
    let make = calls::socket(INET, RAW, libc::IPPROTO_RAW);
    case.denies(&mut watched, &make, &Decided::create("rare"));
}

#[test]
fn ping_sockets_by_every_send() {
    let mut case = bare();
    std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 65535").unwrap();
    let mut actor = Actor::other();
    let make = calls::socket(INET, DGRAM, libc::IPPROTO_ICMP);
    let socket = actor.must(&make);
    let decided = Decided::send("bare", Object::ip("127.0.0.2", 0));
    let to = Address::ip(BARE, 0);
    for send in [
        calls::sendto(socket, ECHO, 0, Some(&to)),
        calls::sendmsg(socket, ECHO, 0, Some(&to)),
        calls::sendmmsg(socket, ECHO, 0, std::slice::from_ref(&to)),
        calls::ring_sendmsg(socket, 0, &to, Carrier::Submitter),
    ] {
        case.denies(&mut actor, &send, &decided)
            .says("/decision/family", "icmp");
    }
    let connect = Decided::connect("bare", Object::ip("127.0.0.2", 0));
    case.denies(&mut actor, &calls::connect(socket, &to), &connect);
    let send = calls::sendto(socket, ECHO, 0, Some(&Address::ip(HOME, 0)));
    case.allows(&mut actor, &send);
}

/// UDP-Lite is udp, by every send.
#[test]
fn light_datagrams() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let make = calls::socket(INET, DGRAM, libc::IPPROTO_UDPLITE);
    let Ok(socket) = outcome(&actor.ask(&make)) else {
        skipped("this kernel has no UDP-Lite");
        return;
    };
    let to = home(5353);
    for send in [
        calls::sendto(socket, b"a", 0, Some(&to)),
        calls::sendmsg(socket, b"a", 0, Some(&to)),
        calls::sendmmsg(socket, b"a", 0, std::slice::from_ref(&to)),
        calls::ring_sendmsg(socket, 0, &to, Carrier::Worker),
    ] {
        net.case
            .denies(&mut actor, &send, &names_by_send())
            .says("/decision/family", "udp");
    }
    let connect = calls::connect(socket, &to);
    net.case.denies(&mut actor, &connect, &names_by_connect());
    let six = actor.must(&calls::socket(INET6, DGRAM, libc::IPPROTO_UDPLITE));
    let mapped = calls::sendto(six, b"a", 0, Some(&Address::mapped(HOME, 5353)));
    net.case.denies(&mut actor, &mapped, &names_by_send());
    let beside = calls::sendto(socket, b"a", 0, Some(&home(5354)));
    net.case.allows(&mut actor, &beside);
}

/// DCCP and L2TP, which only `ip` covers.
#[test]
fn protocols_without_a_word() {
    const DCCP: (i32, i32) = (6, 33);
    const L2TP: (i32, i32) = (DGRAM, 115);
    let mut case = bare();
    let mut actor = Actor::other();
    let mut known = false;
    for (kind, protocol) in [DCCP, L2TP] {
        let make = calls::socket(INET, kind, protocol);
        let Ok(socket) = outcome(&actor.ask(&make)) else {
            continue;
        };
        known = true;
        let to = Address::ip(BARE, 1);
        let connect = Decided::connect("bare", Object::ip("127.0.0.2", 0));
        case.denies(&mut actor, &calls::connect(socket, &to), &connect);
        if protocol == L2TP.1 {
            let decided = Decided::send("bare", Object::ip("127.0.0.2", 0));
            for family in [INET, libc::AF_UNSPEC] {
                let to = Address::v4_of_family(family, BARE, 0);
                let sent = calls::sendto(socket, b"abcd", 0, Some(&to));
                case.denies(&mut actor, &sent, &decided);
            }
        }
        let beside = calls::connect(socket, &Address::ip(HOME, 1));
        let result = tried(&mut actor, &beside);
        assert_ne!(result, Err(Errno::PERM));
    }
    if !known {
        skipped("this kernel has neither DCCP nor L2TP");
    }
}

#[test]
fn shared_memory_over_ipv6() {
    const AF_SMC: i32 = 43;
    const SMC6: i32 = 1;
    let mut net = Net::new();
    let mut actor = Actor::user();
    let make = calls::socket(AF_SMC, STREAM, SMC6);
    let Ok(socket) = outcome(&actor.ask(&make)) else {
        skipped("this kernel has no AF_SMC");
        return;
    };
    let connect = |to: &Address| calls::connect(socket, to);
    let mapped = connect(&Address::mapped(HOME, 8080));
    net.case.denies(&mut actor, &mapped, &web_by_connect());
    let one = connect(&Address::ip(Ipv6Addr::LOCALHOST, 8080));
    let decided = Decided::connect("web", Object::ip("::1", 8080));
    net.case.denies(&mut actor, &one, &decided);
    let short = connect(&Address::mapped(HOME, 8080).cut(23));
    kernel_refuses(&mut net.case, &mut actor, &short);
    let beside = connect(&Address::mapped(HOME, 8081));
    net.case.allows(&mut actor, &beside);
}

/// `struct sockaddr_ll` of the loopback interface.
fn frame(family: u8) -> Address {
    let mut address = [0_u8; 20];
    address[0] = family;
    address[2..4].copy_from_slice(&0x88b5_u16.to_be_bytes());
    address[4] = 1;
    address[11] = 6;
    Address(address.to_vec())
}

#[test]
fn frames_by_every_send() {
    let mut case = bare();
    let mut actor = Actor::other();
    for make in [
        calls::socket(libc::AF_PACKET, DGRAM, 0),
        calls::socket(libc::AF_PACKET, RAW, 0),
        calls::socket(INET, 10, 0),
    ] {
        let socket = actor.must(&make);
        let to = frame(17);
        let decided = Decided::send("frames", Object::Nothing);
        for send in [
            calls::sendto(socket, &[0; 64], 0, Some(&to)),
            calls::sendmsg(socket, &[0; 64], 0, Some(&to)),
            calls::sendmmsg(socket, &[0; 64], 0, std::slice::from_ref(&to)),
            calls::ring_sendmsg(socket, 0, &to, Carrier::Worker),
            calls::sendto(socket, &[0; 64], 0, Some(&frame(0))),
        ] {
            case.denies(&mut actor, &send, &decided);
        }
        let bind = Decided::bind("frames", Object::Nothing);
        case.denies(&mut actor, &calls::bind(socket, &to), &bind);
    }
    let mut good = Actor::good();
    let socket = good.must(&calls::socket(libc::AF_PACKET, DGRAM, 0));
    let send = calls::sendto(socket, &[0; 64], 0, Some(&frame(17)));
    case.allows(&mut good, &send);
}

/// `struct sockaddr_vm`.
fn machine(id: u32, port: u32) -> Address {
    let parts: [&[u8]; 5] = [
        &40_u16.to_ne_bytes(),
        &[0; 2],
        &port.to_ne_bytes(),
        &id.to_ne_bytes(),
        &[0; 4],
    ];
    Address(parts.concat())
}

#[test]
fn virtual_machines_by_every_number() {
    let mut case = bare();
    let mut actor = Actor::other();
    let mut good = Actor::good();
    for kind in [STREAM, DGRAM, libc::SOCK_SEQPACKET] {
        let make = calls::socket(40, kind, 0);
        let Ok(socket) = outcome(&actor.ask(&make)) else {
            if kind == STREAM {
                skipped("this kernel has no vsock");
                return;
            }
            continue;
        };
        let decided = Decided::connect("frames", Object::Nothing);
        // Any, this machine, the hypervisor, the host, nobody.
        for id in [u32::MAX, 1, 0, 2, 77] {
            let connect = calls::connect(socket, &machine(id, 5000));
            case.denies(&mut actor, &connect, &decided);
            let ring = calls::ring_connect(socket, &machine(id, 5000), Carrier::Worker);
            case.denies(&mut actor, &ring, &decided);
        }
        let to = calls::sendto(socket, b"a", 0, Some(&machine(1, 5000)));
        case.denies(&mut actor, &to, &Decided::send("frames", Object::Nothing));
        let socket = good.must(&make);
        let result = tried(&mut good, &calls::connect(socket, &machine(1, 5000)));
        assert_ne!(result, Err(Errno::PERM));
    }
}

/// The same option on sockets of every kind, with every length of a value.
#[test]
fn an_option_on_any_socket() {
    let mut case = bare();
    let mut actor = user(WATCHED);
    let decided = Decided::option("option");
    for make in [
        calls::socket(INET, STREAM, 0),
        calls::socket(INET6, STREAM, 0),
        calls::socket(INET, STREAM, IPPROTO_MPTCP),
        calls::socket(INET, DGRAM, 0),
        calls::socket(INET6, DGRAM, 0),
        calls::socket(libc::AF_UNIX, STREAM, 0),
    ] {
        let socket = actor.must(&make);
        for bytes in [&b""[..], b"\x01", b"\x01\0\0\0", &[1; 64]] {
            let (level, name) = (libc::SOL_SOCKET, libc::SO_KEEPALIVE);
            let set = calls::set_bytes(socket, level, name, bytes);
            case.denies(&mut actor, &set, &decided);
        }
        // An IPv4 option, which sockets of IPv6 take as well.
        let set = calls::set_option(socket, libc::IPPROTO_IP, libc::IP_FREEBIND, 1);
        case.denies(&mut actor, &set, &decided);
        let beside = calls::set_option(socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1);
        case.allows(&mut actor, &beside);
    }
}

/// Options by which the kernel does the same, under numbers of their own.
#[test]
fn options_of_like_effect() {
    const IPV6_TRANSPARENT: i32 = 75;
    const IPV6_FREEBIND: i32 = 78;
    let mut case = bare();
    let mut actor = user(WATCHED);
    let socket = actor.socket(INET6, STREAM);
    let four = calls::set_option(socket, libc::IPPROTO_IP, libc::IP_FREEBIND, 1);
    case.denies(&mut actor, &four, &Decided::option("option"));
    let six = calls::set_option(socket, libc::IPPROTO_IPV6, IPV6_FREEBIND, 1);
    case.allows(&mut actor, &six);
    let four = calls::set_option(socket, libc::IPPROTO_IP, libc::IP_TRANSPARENT, 1);
    case.denies(&mut actor, &four, &Decided::option("option"));
    // It needs a capability, which the user does not have: the kernel's to say.
    let six = calls::set_option(socket, libc::IPPROTO_IPV6, IPV6_TRANSPARENT, 1);
    assert_eq!(tried(&mut actor, &six), Err(Errno::PERM));
    assert!(case.rest().is_empty());
}

/// setsockopt(2) by its 32-bit number.
#[test]
fn an_option_by_32_bit_calls() {
    let mut case = bare();
    let mut actor = user(WATCHED);
    if actor.ask(&tricks::narrow(20, Vec::new())).result <= 0 {
        skipped("this kernel has no 32-bit system calls");
        return;
    }
    let socket = actor.tcp();
    let set = |name: i32| {
        let words = vec![
            Argument::Number(socket),
            Argument::Number(libc::SOL_SOCKET.into()),
            Argument::Number(name.into()),
            Argument::Bytes(1_i32.to_ne_bytes().to_vec()),
            Argument::Number(4),
        ];
        [
            tricks::narrow(366, words.clone()),
            tricks::narrow(102, vec![Argument::Number(14), Argument::Words(words)]),
        ]
    };
    for request in set(libc::SO_KEEPALIVE) {
        case.denies(&mut actor, &request, &Decided::option("option"));
    }
    for request in set(libc::SO_REUSEADDR) {
        case.allows(&mut actor, &request);
    }
    // And socket(2).
    let make = |family: i64| {
        let words = [family, i64::from(RAW), 0].map(Argument::Number).to_vec();
        [
            tricks::narrow(359, words.clone()),
            tricks::narrow(102, vec![Argument::Number(1), Argument::Words(words)]),
        ]
    };
    for request in make(17) {
        case.denies(&mut actor, &request, &Decided::create("rare"));
    }
}
