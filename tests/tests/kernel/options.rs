//! Socket options by level and name.

use std::net::Ipv4Addr;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::Decided;
use interdict_tests::protocol::Carrier;

const INET: i32 = libc::AF_INET;

const POLICY: &[(&str, &str)] = &[(
    "options",
    "deny any setsockopt on option { SOL_SOCKET/SO_MARK, IPPROTO_TCP/TCP_NODELAY, 0/15 }\n    \
     unless exe = /usr/bin/good id closed\n",
)];

#[test]
fn by_name_and_by_number() {
    let mut case = Case::under(POLICY);
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    for (kind, family, level, name) in [
        (libc::SOCK_STREAM, "tcp", libc::SOL_SOCKET, libc::SO_MARK),
        (
            libc::SOCK_STREAM,
            "tcp",
            libc::IPPROTO_TCP,
            libc::TCP_NODELAY,
        ),
        (
            libc::SOCK_STREAM,
            "tcp",
            libc::IPPROTO_IP,
            libc::IP_FREEBIND,
        ),
        (libc::SOCK_DGRAM, "udp", libc::SOL_SOCKET, libc::SO_MARK),
        (libc::SOCK_DGRAM, "udp", libc::IPPROTO_IP, libc::IP_FREEBIND),
    ] {
        let socket = actor.socket(INET, kind);
        let set = calls::set_option(socket, level, name, 1);
        let event = case.denies(&mut actor, &set, &Decided::option("closed"));
        event
            .says("/id", 1039)
            .says("/decision/family", family)
            .says("/decision/operation", "setsockopt")
            .says("/data/0/name", "sockfd")
            .says("/data/0/int32", socket)
            .says("/data/1/name", "level")
            .says("/data/1/int32", level)
            .says("/data/2/name", "optname")
            .says("/data/2/int32", name)
            .says("/data/3/name", "local_addr")
            .says("/data/3/sockaddr/sa_family", "AF_INET");
        // The same number at another level, and another at the same level.
        case.allows(
            &mut actor,
            &calls::set_option(socket, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1),
        );
        let socket = good.socket(INET, kind);
        case.allows(&mut good, &calls::set_option(socket, level, name, 1));
    }
}

#[test]
fn other_families_and_the_local_address() {
    let mut case = Case::under(POLICY);
    let mut actor = Actor::other();
    let socket = actor.unix();
    let own = Address::abstract_name(b"option");
    actor.must(&calls::bind(socket, &own));
    let set = calls::set_option(socket, libc::SOL_SOCKET, libc::SO_MARK, 1);
    let event = case.denies(&mut actor, &set, &Decided::option("closed"));
    event
        .says("/decision/family", "unix")
        .says("/data/3/sockaddr/sun_path", "@option");
    let socket = actor.socket(libc::AF_INET6, libc::SOCK_STREAM);
    actor.must(&calls::bind(
        socket,
        &Address::mapped(Ipv4Addr::LOCALHOST, 4343),
    ));
    let set = calls::set_option(socket, libc::SOL_SOCKET, libc::SO_MARK, 1);
    let event = case.denies(&mut actor, &set, &Decided::option("closed"));
    event
        .says("/data/3/sockaddr/sin6_addr", "::ffff:127.0.0.1")
        .says("/data/3/sockaddr/sin6_port", 4343);
    let socket = actor.must(&calls::socket(libc::AF_NETLINK, libc::SOCK_RAW, 0));
    let set = calls::set_option(socket, libc::SOL_SOCKET, libc::SO_MARK, 1);
    let event = case.denies(&mut actor, &set, &Decided::option("closed"));
    event.says("/decision/family", "netlink");
}

#[test]
fn one_family_alone() {
    let policy = "deny udp setsockopt on option SOL_SOCKET/SO_MARK id closed\n";
    let mut case = Case::under(&[("options", policy)]);
    let mut actor = Actor::other();
    let socket = actor.udp();
    let set = calls::set_option(socket, libc::SOL_SOCKET, libc::SO_MARK, 1);
    case.denies(&mut actor, &set, &Decided::option("closed"));
    let socket = actor.tcp();
    let set = calls::set_option(socket, libc::SOL_SOCKET, libc::SO_MARK, 1);
    case.allows(&mut actor, &set);
}

#[test]
fn by_io_uring() {
    let mut case = Case::under(POLICY);
    let kernel = std::env::var("INTERDICT_KERNEL").unwrap();
    let level = libc::SOL_SOCKET.cast_unsigned();
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        let mut actor = Actor::other();
        let socket = actor.tcp();
        let set = calls::ring_option(socket, level, libc::SO_MARK.cast_unsigned(), by);
        if kernel == "6.1" {
            // Its rings know no such command.
            let result = actor.ask(&set).result;
            assert!(result < 0 && result != -i64::from(libc::EPERM), "{result}");
            continue;
        }
        case.denies(&mut actor, &set, &Decided::option("closed"));
        let beside = calls::ring_option(socket, level, libc::SO_KEEPALIVE.cast_unsigned(), by);
        case.allows(&mut actor, &beside);
    }
}
