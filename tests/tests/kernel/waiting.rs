//! Waiting for peers: listen and accept on the local address, and the ports
//! that are judged once.

use std::net::Ipv4Addr;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::protocol::Carrier;
use rustix::io::Errno;

const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
const INET: i32 = libc::AF_INET;
const INET6: i32 = libc::AF_INET6;
const STREAM: i32 = libc::SOCK_STREAM;

/// The port that the kernel chose.
fn chosen(actor: &mut Actor, socket: i64) -> u16 {
    let name = actor.fetch(&calls::own_address(socket));
    u16::from_be_bytes(*name.get(2..).unwrap().first_chunk().unwrap())
}

/// A socket that does not wait for its peers to come.
fn patient(actor: &mut Actor, family: i32, protocol: i32) -> i64 {
    actor.must(&calls::socket(
        family,
        STREAM | libc::SOCK_NONBLOCK,
        protocol,
    ))
}

#[test]
fn listen() {
    let policy = "deny tcp listen on any port 18080 unless exe = /usr/bin/good id closed\n";
    let mut case = Case::under(&[("wait", policy)]);
    for (family, protocol, own, canonical) in [
        (INET, 0, Address::ip(HOME, 18_080), "127.0.0.1"),
        (INET, IPPROTO_MPTCP, Address::ip(HOME, 18_080), "127.0.0.1"),
        (INET6, 0, Address::mapped(HOME, 18_080), "127.0.0.1"),
        (
            INET6,
            0,
            Address::ip(std::net::Ipv6Addr::UNSPECIFIED, 18_080),
            "::",
        ),
    ] {
        let mut actor = Actor::other();
        let socket = patient(&mut actor, family, protocol);
        case.allows(&mut actor, &calls::bind(socket, &own));
        let decided = Decided::listen("closed", Object::ip(canonical, 18_080));
        let event = case.denies(&mut actor, &calls::listen(socket), &decided);
        event
            .says("/id", 1035)
            .says("/decision/operation", "listen")
            .says("/data/0/name", "sockfd")
            .says("/data/0/int32", socket)
            .says("/data/1/name", "local_addr")
            .says("/data/2/name", "backlog")
            .says("/data/2/int32", 64);
        drop(actor);
        let mut good = Actor::good();
        let socket = patient(&mut good, family, protocol);
        case.allows(&mut good, &calls::bind(socket, &own));
        case.allows(&mut good, &calls::listen(socket));
    }
    let mut actor = Actor::other();
    let beside = patient(&mut actor, INET, 0);
    case.allows(&mut actor, &calls::bind(beside, &Address::ip(HOME, 18_081)));
    case.allows(&mut actor, &calls::listen(beside));
}

#[test]
fn accept() {
    let policy = "deny tcp accept on 127.0.0.0/8 port 18080 unless exe = /usr/bin/good id closed\n";
    let mut case = Case::under(&[("wait", policy)]);
    let mut actor = Actor::good();
    let socket = patient(&mut actor, INET, 0);
    case.allows(&mut actor, &calls::bind(socket, &Address::ip(HOME, 18_080)));
    case.allows(&mut actor, &calls::listen(socket));
    case.fails(&mut actor, &calls::accept(socket), Errno::AGAIN);
    actor.exec(place::other());
    let decided = Decided::accept("closed", Object::ip("127.0.0.1", 18_080));
    for accept in [calls::accept(socket), calls::accept4(socket)] {
        let event = case.denies(&mut actor, &accept, &decided);
        event
            .says("/id", 1037)
            .says("/decision/operation", "accept")
            .says("/data/0/int32", socket)
            .says("/data/1/name", "local_addr");
    }
    for by in [Carrier::Submitter, Carrier::Worker] {
        case.denies(&mut actor, &calls::ring_accept(socket, by), &decided);
    }
}

#[test]
fn unix_sockets() {
    let policy = "deny unix { listen, accept } on { /run/closed.sock, @closed } id closed\n";
    let mut case = Case::under(&[("wait", policy)]);
    let mut actor = Actor::other();
    for (own, object) in [
        (
            Address::path("/run/closed.sock"),
            Object::path("/run/closed.sock"),
        ),
        (
            Address::abstract_name(b"closed"),
            Object::Name(b"closed".to_vec()),
        ),
    ] {
        std::fs::remove_file("/run/closed.sock").ok();
        for kind in [STREAM, libc::SOCK_SEQPACKET] {
            let socket = actor.socket(libc::AF_UNIX, kind);
            case.allows(&mut actor, &calls::bind(socket, &own));
            let decided = Decided::listen("closed", object.clone());
            let event = case.denies(&mut actor, &calls::listen(socket), &decided);
            event.says("/data/1/sockaddr/sa_family", "AF_UNIX");
            case.allows(&mut actor, &calls::close(socket));
            std::fs::remove_file("/run/closed.sock").ok();
        }
    }
    let beside = Address::path("/run/open.sock");
    std::fs::remove_file("/run/open.sock").ok();
    let socket = actor.must(&calls::socket(
        libc::AF_UNIX,
        STREAM | libc::SOCK_NONBLOCK,
        0,
    ));
    case.allows(&mut actor, &calls::bind(socket, &beside));
    case.allows(&mut actor, &calls::listen(socket));
    case.fails(&mut actor, &calls::accept(socket), Errno::AGAIN);
}

const PORTS: &[(&str, &str)] = &[(
    "ports",
    "deny tcp bind on any port 1024-65535 unless exe = /usr/bin/good id closed\n",
)];

/// A bind to port 0 shows its port at listen.
#[test]
fn a_port_that_was_never_given_is_judged_at_listen() {
    let mut case = Case::under(PORTS);
    for protocol in [0, IPPROTO_MPTCP] {
        let mut actor = Actor::other();
        let socket = patient(&mut actor, INET, protocol);
        case.allows(&mut actor, &calls::bind(socket, &Address::ip(HOME, 0)));
        let port = chosen(&mut actor, socket);
        let decided = Decided::listen("closed", Object::ip("127.0.0.1", port));
        let event = case.denies(&mut actor, &calls::listen(socket), &decided);
        event.says("/decision/operation", "bind");
        // Trying again changes nothing.
        case.denies(&mut actor, &calls::listen(socket), &decided);
        let mut good = Actor::good();
        let socket = patient(&mut good, INET, protocol);
        case.allows(&mut good, &calls::bind(socket, &Address::ip(HOME, 0)));
        case.allows(&mut good, &calls::listen(socket));
        case.fails(&mut good, &calls::accept(socket), Errno::AGAIN);
    }
}

/// A listen without bind shows its port at accept.
#[test]
fn a_port_that_was_never_given_is_judged_at_accept() {
    let mut case = Case::under(PORTS);
    for (family, anywhere) in [(INET, "0.0.0.0"), (INET6, "::")] {
        let mut actor = Actor::other();
        let socket = patient(&mut actor, family, 0);
        case.allows(&mut actor, &calls::listen(socket));
        let port = chosen(&mut actor, socket);
        let decided = Decided::accept("closed", Object::ip(anywhere, port));
        for accept in [calls::accept(socket), calls::accept4(socket)] {
            let event = case.denies(&mut actor, &accept, &decided);
            event.says("/decision/operation", "bind");
        }
    }
}

/// What was judged is not judged again: a server that is handed its socket.
#[test]
fn who_is_handed_a_socket_is_not_hurt() {
    let mut case = Case::under(PORTS);
    for (own, bound) in [
        (Some(Address::ip(HOME, 18_080)), true),
        (Some(Address::ip(HOME, 0)), true),
        (None, false),
    ] {
        let mut actor = Actor::good();
        let socket = patient(&mut actor, INET, 0);
        if let Some(own) = &own {
            case.allows(&mut actor, &calls::bind(socket, own));
        }
        case.allows(&mut actor, &calls::listen(socket));
        if !bound {
            // The one who shows the port is judged for it.
            case.fails(&mut actor, &calls::accept(socket), Errno::AGAIN);
        }
        actor.exec(place::other());
        case.fails(&mut actor, &calls::accept(socket), Errno::AGAIN);
        // To listen once more is no new address.
        case.allows(&mut actor, &calls::listen(socket));
        case.fails(&mut actor, &calls::accept4(socket), Errno::AGAIN);
    }
}

/// A socket that was bound to a port before the rule was there.
#[test]
fn an_older_socket_is_not_hurt() {
    let mut case = Case::under(&[("ports", "record tcp connect to port 1 id none\n")]);
    let mut actor = Actor::other();
    let socket = patient(&mut actor, INET, 0);
    case.allows(&mut actor, &calls::bind(socket, &Address::ip(HOME, 18_080)));
    case.engine().put(PORTS);
    case.allows(&mut actor, &calls::listen(socket));
    case.fails(&mut actor, &calls::accept(socket), Errno::AGAIN);
    let socket = patient(&mut actor, INET, 0);
    let decided = Decided::bind("closed", Object::ip("127.0.0.1", 18_081));
    let bind = calls::bind(socket, &Address::ip(HOME, 18_081));
    case.denies(&mut actor, &bind, &decided);
}

/// `IP_LOCAL_PORT_RANGE` of one port chooses it without ever saying so to bind.
/// It came with 6.3; Debian's 6.1 has it too.
#[test]
fn a_range_of_one_port() {
    const IP_LOCAL_PORT_RANGE: i32 = 51;
    // The policy of the test before may be against what follows.
    drop(Case::under(&[("ports", "# No rule.\n")]));
    // One that is free: it has to be among those that the kernel chooses from.
    let free = std::net::TcpListener::bind((HOME, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let policy = format!("deny tcp bind on any port {port} id closed\n");
    let mut case = Case::under(&[("ports", &policy)]);
    let mut actor = Actor::user();
    let socket = patient(&mut actor, INET, 0);
    let range = u32::from(port) << 16 | u32::from(port);
    let range = range.cast_signed();
    let set = calls::set_option(socket, libc::IPPROTO_IP, IP_LOCAL_PORT_RANGE, range);
    case.allows(&mut actor, &set);
    case.allows(&mut actor, &calls::listen(socket));
    let decided = Decided::accept("closed", Object::ip("0.0.0.0", port));
    case.denies(&mut actor, &calls::accept(socket), &decided);
}

/// A port among those that the kernel chooses from, and nobody has.
fn free_port() -> u16 {
    let free = std::net::TcpListener::bind((HOME, 0)).unwrap();
    free.local_addr().unwrap().port()
}

/// Has the kernel choose this port.
fn choose(case: &mut Case, actor: &mut Actor, socket: i64, port: u16) {
    const IP_LOCAL_PORT_RANGE: i32 = 51;
    let range = u32::from(port) << 16 | u32::from(port);
    let set = calls::set_option(
        socket,
        libc::IPPROTO_IP,
        IP_LOCAL_PORT_RANGE,
        range.cast_signed(),
    );
    case.allows(actor, &set);
}

/// The kernel chooses a port after the hook of listen(2).
#[test]
fn a_listen_on_a_port_that_was_never_given() {
    // The policy of the test before may be against what follows.
    drop(Case::under(&[("ports", "# No rule.\n")]));
    let port = free_port();
    let policy =
        format!("deny tcp listen on any port {port} unless exe = /usr/bin/good id closed\n");
    let mut case = Case::under(&[("ports", &policy)]);
    for (family, anywhere) in [(INET, "0.0.0.0"), (INET6, "::")] {
        let mut actor = Actor::other();
        let socket = patient(&mut actor, family, 0);
        choose(&mut case, &mut actor, socket, port);
        case.allows(&mut actor, &calls::listen(socket));
        let decided = Decided::accept("closed", Object::ip(anywhere, port));
        for accept in [calls::accept(socket), calls::accept4(socket)] {
            let event = case.denies(&mut actor, &accept, &decided);
            event.says("/decision/operation", "listen");
        }
        // Again, it is a listen on a port that is known.
        let decided = Decided::listen("closed", Object::ip(anywhere, port));
        case.denies(&mut actor, &calls::listen(socket), &decided);
        drop(actor);
        // Who may listen there is judged once, and hands it on.
        let mut actor = Actor::good();
        let socket = patient(&mut actor, family, 0);
        choose(&mut case, &mut actor, socket, port);
        case.allows(&mut actor, &calls::listen(socket));
        case.fails(&mut actor, &calls::accept(socket), Errno::AGAIN);
        actor.exec(place::other());
        case.fails(&mut actor, &calls::accept(socket), Errno::AGAIN);
    }
    // Another port, and one that was given.
    let mut actor = Actor::other();
    for own in [None, Some(Address::ip(HOME, port))] {
        let socket = patient(&mut actor, INET, 0);
        let Some(own) = own else {
            case.allows(&mut actor, &calls::listen(socket));
            case.fails(&mut actor, &calls::accept(socket), Errno::AGAIN);
            continue;
        };
        case.allows(&mut actor, &calls::bind(socket, &own));
        let decided = Decided::listen("closed", Object::ip("127.0.0.1", port));
        case.denies(&mut actor, &calls::listen(socket), &decided);
    }
}

/// A bind that was allowed and fails says nothing about the port that is there.
#[test]
fn a_bind_that_fails_judges_no_port() {
    drop(Case::under(&[("ports", "# No rule.\n")]));
    let port = free_port();
    let policy = format!("deny tcp bind on any port {port} id closed\n");
    let mut case = Case::under(&[("ports", &policy)]);
    let mut actor = Actor::other();
    for own in [None, Some(Address::ip(HOME, 0))] {
        let socket = patient(&mut actor, INET, 0);
        choose(&mut case, &mut actor, socket, port);
        let anywhere = if let Some(own) = &own {
            case.allows(&mut actor, &calls::bind(socket, own));
            "127.0.0.1"
        } else {
            case.allows(&mut actor, &calls::listen(socket));
            "0.0.0.0"
        };
        let elsewhere = calls::bind(socket, &Address::ip(HOME, 18_099));
        case.fails(&mut actor, &elsewhere, Errno::INVAL);
        let object = Object::ip(anywhere, port);
        if own.is_some() {
            let decided = Decided::listen("closed", object);
            let event = case.denies(&mut actor, &calls::listen(socket), &decided);
            event.says("/decision/operation", "bind");
        } else {
            let decided = Decided::accept("closed", object);
            let event = case.denies(&mut actor, &calls::accept(socket), &decided);
            event.says("/decision/operation", "bind");
        }
        case.allows(&mut actor, &calls::close(socket));
    }
}

/// Dissolving and listening again gives another port, which is another one to judge.
#[test]
fn a_second_port_of_one_socket() {
    let mut case = Case::under(PORTS);
    let mut actor = Actor::good();
    let socket = patient(&mut actor, INET, 0);
    case.allows(&mut actor, &calls::listen(socket));
    case.fails(&mut actor, &calls::accept(socket), Errno::AGAIN);
    case.allows(&mut actor, &calls::connect(socket, &Address::none()));
    actor.exec(place::other());
    case.allows(&mut actor, &calls::listen(socket));
    let port = chosen(&mut actor, socket);
    let decided = Decided::accept("closed", Object::ip("0.0.0.0", port));
    case.denies(&mut actor, &calls::accept(socket), &decided);
}

#[test]
fn listen_by_io_uring() {
    let mut case = Case::under(PORTS);
    if std::env::var("INTERDICT_KERNEL").as_deref() == Ok("6.1") {
        interdict_tests::skip::skipped("this kernel's rings can neither bind nor listen");
        return;
    }
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        let mut actor = Actor::other();
        let socket = actor.tcp();
        let own = Address::ip(HOME, 0);
        case.allows(&mut actor, &calls::ring_bind(socket, &own, by));
        let port = chosen(&mut actor, socket);
        let decided = Decided::listen("closed", Object::ip("127.0.0.1", port));
        case.denies(&mut actor, &calls::ring_listen(socket, by), &decided);
    }
}
