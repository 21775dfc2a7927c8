//! Taking a local address over IPv4 and IPv6, in every form that the kernel takes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::Carrier;
use rustix::io::Errno;

const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
const INET: i32 = libc::AF_INET;
const INET6: i32 = libc::AF_INET6;
const STREAM: i32 = libc::SOCK_STREAM;
const DGRAM: i32 = libc::SOCK_DGRAM;
const RAW: i32 = libc::SOCK_RAW;

const POLICY: &[(&str, &str)] = &[(
    "low",
    "deny { tcp, udp } bind on any port 1-1023 unless exe = /usr/bin/good\n",
)];

fn decided(address: &str, port: u16) -> Decided {
    Decided::bind("low/1", Object::ip(address, port))
}

/// The same bind with new sockets: denied, allowed to a port beside, and
/// allowed to the program that the rule makes an exception for.
#[track_caller]
fn protects(
    case: &mut Case,
    (family, kind, protocol): (i32, i32, i32),
    canonical: &str,
    to: impl Fn(u16) -> Address,
) {
    let make = calls::socket(family, kind, protocol);
    let mut actor = Actor::other();
    let socket = actor.must(&make);
    let bind = calls::bind(socket, &to(777));
    let event = case.denies(&mut actor, &bind, &decided(canonical, 777));
    event
        .says("/decision/operation", "bind")
        .says("/id", 1038)
        .says("/data/0/name", "sockfd")
        .says("/data/0/int32", socket)
        .says("/data/1/name", "local_addr");
    case.allows(&mut actor, &calls::bind(socket, &to(7777)));
    let mut good = Actor::good();
    let socket = good.must(&make);
    case.allows(&mut good, &calls::bind(socket, &to(777)));
}

#[test]
fn a_port() {
    let mut case = Case::under(POLICY);
    let newest = std::env::var("INTERDICT_KERNEL").as_deref() == Ok("7.3");
    for (kind, protocol) in [
        (STREAM, 0),
        (STREAM, IPPROTO_MPTCP),
        (DGRAM, 0),
        (DGRAM, libc::IPPROTO_UDPLITE),
    ] {
        let case = &mut case;
        if protocol == libc::IPPROTO_UDPLITE && newest {
            // Linux has it no more.
            let make = calls::socket(INET, kind, protocol);
            case.fails(&mut Actor::other(), &make, Errno::PROTONOSUPPORT);
            continue;
        }
        let v4 = (INET, kind, protocol);
        protects(case, v4, "127.0.0.1", |port| Address::ip(HOME, port));
        protects(case, v4, "0.0.0.0", |port| {
            Address::ip(Ipv4Addr::UNSPECIFIED, port)
        });
        let v6 = (INET6, kind, protocol);
        protects(case, v6, "::1", |port| {
            Address::ip(Ipv6Addr::LOCALHOST, port)
        });
        protects(case, v6, "::", |port| {
            Address::ip(Ipv6Addr::UNSPECIFIED, port)
        });
    }
}

#[test]
fn odd_forms_of_an_address() {
    let mut case = Case::under(POLICY);
    let case = &mut case;
    for (kind, protocol) in [(STREAM, 0), (DGRAM, 0)] {
        let (v4, v6) = ((INET, kind, protocol), (INET6, kind, protocol));
        protects(case, v6, "127.0.0.1", |port| Address::mapped(HOME, port));
        // Without its scope.
        protects(case, v6, "127.0.0.1", |port| {
            Address::mapped(HOME, port).cut(24)
        });
        protects(case, v6, "0.0.0.0", |port| {
            Address::mapped(Ipv4Addr::UNSPECIFIED, port)
        });
        // Linux takes no family for IPv4 where the address is 0.0.0.0.
        protects(case, v4, "0.0.0.0", |port| {
            Address::v4_of_family(libc::AF_UNSPEC, Ipv4Addr::UNSPECIFIED, port)
        });
        protects(case, v4, "127.0.0.1", |port| {
            let Address(mut bytes) = Address::ip(HOME, port);
            bytes.resize(100, 0x55);
            Address(bytes)
        });
    }
}

#[test]
fn an_address() {
    let policy = "deny { tcp, udp } bind on { 127.0.0.0/8, ::1 } id local\n";
    let mut case = Case::under(&[("low", policy)]);
    let mut actor = Actor::other();
    for (family, address) in [
        (INET, IpAddr::from([127, 0, 0, 1])),
        (INET, IpAddr::from([127, 9, 9, 9])),
        (INET6, IpAddr::from(Ipv6Addr::LOCALHOST)),
    ] {
        for kind in [STREAM, DGRAM] {
            let socket = actor.socket(family, kind);
            // Port 0 is an address as well.
            for port in [0, 4000] {
                let object = Object::Ip(address, port);
                let bind = calls::bind(socket, &Address::ip(address, port));
                case.denies(&mut actor, &bind, &Decided::bind("local", object));
            }
            let anywhere: IpAddr = if family == INET {
                Ipv4Addr::UNSPECIFIED.into()
            } else {
                Ipv6Addr::UNSPECIFIED.into()
            };
            case.allows(&mut actor, &calls::bind(socket, &Address::ip(anywhere, 0)));
        }
    }
}

/// An unspecified address is judged as it is, and `::` is not 0.0.0.0.
#[test]
fn unspecified_addresses() {
    let policy = "deny tcp bind on 0.0.0.0 port 4001 id four\n\
                  deny tcp bind on :: port 4001 id six if uid = 0\n";
    let mut case = Case::under(&[("low", policy)]);
    let (mut root, mut user) = (Actor::other(), Actor::user());
    let six = Address::ip(Ipv6Addr::UNSPECIFIED, 4001);
    for v6only in [0, 1] {
        let socket = root.socket(INET6, STREAM);
        root.must(&calls::set_option(
            socket,
            libc::IPPROTO_IPV6,
            libc::IPV6_V6ONLY,
            v6only,
        ));
        let decided = Decided::bind("six", Object::ip("::", 4001));
        case.denies(&mut root, &calls::bind(socket, &six), &decided);
        // The rule for 0.0.0.0 says nothing of it.
        let socket = user.socket(INET6, STREAM);
        user.must(&calls::set_option(
            socket,
            libc::IPPROTO_IPV6,
            libc::IPV6_V6ONLY,
            v6only,
        ));
        case.allows(&mut user, &calls::bind(socket, &six));
        user.must(&calls::close(socket));
    }
    let socket = user.tcp();
    let four = Address::ip(Ipv4Addr::UNSPECIFIED, 4001);
    let decided = Decided::bind("four", Object::ip("0.0.0.0", 4001));
    case.denies(&mut user, &calls::bind(socket, &four), &decided);
    case.allows(&mut user, &calls::bind(socket, &Address::ip(HOME, 4001)));
}

/// An IPv6 socket refuses them, unless it has become one of IPv4 since the hook.
#[test]
fn ipv4_addresses_for_ipv6_sockets() {
    let mut case = Case::under(POLICY);
    let mut actor = Actor::other();
    for kind in [STREAM, DGRAM] {
        let six = actor.socket(INET6, kind);
        for family in [INET, libc::AF_UNSPEC] {
            let own = |port| Address::v4_of_family(family, HOME, port);
            let bind = calls::bind(six, &own(777));
            case.denies(&mut actor, &bind, &decided("127.0.0.1", 777));
            let beside = actor.ask(&calls::bind(six, &own(7777))).result;
            assert!(beside < 0 && beside != -i64::from(libc::EPERM), "{beside}");
        }
    }
}

#[test]
fn sockets_without_ports() {
    let policy = "deny { raw, icmp } bind on 127.0.0.0/8 id closed\n";
    let mut case = Case::under(&[("low", policy)]);
    let mut actor = Actor::other();
    let decided = Decided::bind("closed", Object::ip("127.0.0.1", 0));
    let raw = actor.must(&calls::socket(INET, RAW, libc::IPPROTO_ICMP));
    // A raw socket looks at no family.
    for family in [INET, libc::AF_UNSPEC, 77] {
        let own = Address::v4_of_family(family, HOME, 99);
        let event = case.denies(&mut actor, &calls::bind(raw, &own), &decided);
        event.says("/decision/family", "raw");
    }
    let anywhere = Address::ip(Ipv4Addr::UNSPECIFIED, 0);
    case.allows(&mut actor, &calls::bind(raw, &anywhere));
    let mapped = actor.must(&calls::socket(INET6, RAW, libc::IPPROTO_ICMPV6));
    case.denies(
        &mut actor,
        &calls::bind(mapped, &Address::mapped(HOME, 0)),
        &decided,
    );
}

#[test]
fn what_the_protocol_refuses_is_not_judged() {
    let mut case = Case::under(POLICY);
    let mut actor = Actor::other();
    let socket = actor.tcp();
    for length in [0, 1, 2, 15] {
        let cut = Address::ip(HOME, 777).cut(length);
        case.fails(&mut actor, &calls::bind(socket, &cut), Errno::INVAL);
    }
    let six = actor.socket(INET6, STREAM);
    let cut = Address::ip(Ipv6Addr::LOCALHOST, 777).cut(23);
    case.fails(&mut actor, &calls::bind(six, &cut), Errno::INVAL);
    assert_eq!(case.counted().counter("decisions"), 0);
}

#[test]
fn by_io_uring() {
    let mut case = Case::under(POLICY);
    let kernel = std::env::var("INTERDICT_KERNEL").unwrap();
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        let mut actor = Actor::other();
        let socket = actor.tcp();
        let bind = calls::ring_bind(socket, &Address::ip(HOME, 777), by);
        if kernel == "6.1" {
            // Its rings cannot bind.
            case.fails(&mut actor, &bind, Errno::INVAL);
            continue;
        }
        let event = case.denies(&mut actor, &bind, &decided("127.0.0.1", 777));
        assert_ne!(event.text("/data/0/name"), "sockfd", "{event:?}");
        let beside = calls::ring_bind(socket, &Address::ip(HOME, 0), by);
        case.allows(&mut actor, &beside);
    }
}

/// A connect, a send and a listen take local ports that nobody asked for.
#[test]
fn what_takes_a_port_on_the_way_is_not_hurt() {
    let mut case = Case::under(POLICY);
    let _web = interdict_tests::service::Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::user();
    let socket = actor.tcp();
    case.allows(
        &mut actor,
        &calls::connect(socket, &Address::ip(HOME, 8080)),
    );
    let socket = actor.udp();
    let send = calls::sendto(socket, b"x", 0, Some(&Address::ip(HOME, 9)));
    case.allows(&mut actor, &send);
    let socket = actor.tcp();
    case.allows(&mut actor, &calls::listen(socket));
}
