//! Ways to a local address or port other than the bind(2) that a rule forbids.

use std::net::Ipv6Addr;

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::Request;
use interdict_tests::service::Udp;
use interdict_tests::skip::skipped;
use rustix::io::Errno;

use super::network::{
    ANYWHERE, DGRAM, HOME, INET, INET6, STREAM, WATCHED, bare, home, kernel_refuses, lengths,
    refuses_unread,
};
use super::{tried, user};

const IP_LOCAL_PORT_RANGE: i32 = 51;

fn low(address: &str, port: u16) -> Decided {
    Decided::bind("low", Object::ip(address, port))
}

/// A socket that does not wait for its peers to come.
fn patient(actor: &mut Actor, protocol: i32) -> i64 {
    actor.must(&calls::socket(INET, STREAM | libc::SOCK_NONBLOCK, protocol))
}

/// The port that the kernel chose.
fn chosen(actor: &mut Actor, socket: i64) -> u16 {
    let name = actor.fetch(&calls::own_address(socket));
    u16::from_be_bytes(name.get(2..4).unwrap().try_into().unwrap())
}

/// A range of one port.
fn range(socket: i64, port: i32) -> Request {
    let both = (port << 16) + port;
    calls::set_option(socket, libc::IPPROTO_IP, IP_LOCAL_PORT_RANGE, both)
}

#[test]
fn every_length_of_an_address() {
    let mut case = bare();
    let mut actor = Actor::other();
    for (family, own, canonical, least) in [
        (INET, home(777), "127.0.0.1", 16),
        (INET6, Address::mapped(HOME, 777), "127.0.0.1", 24),
        (INET6, Address::ip(Ipv6Addr::LOCALHOST, 777), "::1", 24),
    ] {
        for kind in [STREAM, DGRAM] {
            let socket = actor.socket(family, kind);
            for length in lengths(least) {
                let mut own = own.clone();
                own.0.resize(length, 0x55);
                let bind = calls::bind(socket, &own);
                if (least..=128).contains(&length) {
                    case.denies(&mut actor, &bind, &low(canonical, 777));
                } else {
                    kernel_refuses(&mut case, &mut actor, &bind);
                }
            }
            let mut beside = Address::ip(ANYWHERE, 0);
            if family == INET6 {
                beside = Address::ip(Ipv6Addr::UNSPECIFIED, 0);
            }
            case.allows(&mut actor, &calls::bind(socket, &beside));
        }
    }
}

/// Options that let a socket share a port, or take what is not its machine's.
#[test]
fn with_options_that_loosen_a_bind() {
    let mut case = bare();
    let mut actor = Actor::other();
    for kind in [STREAM, DGRAM] {
        for (level, option) in [
            (libc::SOL_SOCKET, libc::SO_REUSEADDR),
            (libc::SOL_SOCKET, libc::SO_REUSEPORT),
            (libc::IPPROTO_IP, libc::IP_FREEBIND),
            (libc::IPPROTO_IP, libc::IP_TRANSPARENT),
            (libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT),
        ] {
            let socket = actor.socket(INET, kind);
            actor.must(&calls::set_option(socket, level, option, 1));
            let bind = |port| calls::bind(socket, &home(port));
            case.denies(&mut actor, &bind(777), &low("127.0.0.1", 777));
            case.allows(&mut actor, &bind(778));
            actor.must(&calls::close(socket));
        }
        let socket = actor.socket(INET, kind);
        let option = libc::SO_BINDTODEVICE;
        actor.must(&calls::set_bytes(socket, libc::SOL_SOCKET, option, b"lo\0"));
        let bind = |port| calls::bind(socket, &Address::ip(ANYWHERE, port));
        case.denies(&mut actor, &bind(777), &low("0.0.0.0", 777));
        case.allows(&mut actor, &bind(778));
        actor.must(&calls::close(socket));
    }
}

/// Beside one who may have the port: `SO_REUSEPORT` would share its peers.
#[test]
fn beside_the_one_who_may() {
    let mut case = bare();
    let (mut good, mut actor) = (Actor::good(), Actor::other());
    for kind in [STREAM, DGRAM] {
        let shared = |actor: &mut Actor| {
            let socket = actor.socket(INET, kind);
            let option = libc::SO_REUSEPORT;
            actor.must(&calls::set_option(socket, libc::SOL_SOCKET, option, 1));
            socket
        };
        let (first, second, third) = (shared(&mut good), shared(&mut actor), shared(&mut good));
        let bind = |socket| calls::bind(socket, &home(777));
        case.allows(&mut good, &bind(first));
        case.denies(&mut actor, &bind(second), &low("127.0.0.1", 777));
        case.allows(&mut good, &bind(third));
    }
}

#[test]
fn a_second_bind() {
    let mut case = bare();
    let mut actor = Actor::other();
    let socket = actor.tcp();
    case.allows(&mut actor, &calls::bind(socket, &home(778)));
    let again = calls::bind(socket, &home(777));
    case.denies(&mut actor, &again, &low("127.0.0.1", 777));
    let beside = calls::bind(socket, &home(779));
    case.fails(&mut actor, &beside, Errno::INVAL);
    assert_eq!(chosen(&mut actor, socket), 778);
}

/// A rule about ports is about those of every network.
#[test]
fn in_a_network_of_ones_own() {
    let mut case = bare();
    let mut actor = Actor::user();
    let outside = actor.tcp();
    let early = calls::bind(outside, &home(777));
    case.denies(&mut actor, &early, &low("127.0.0.1", 777));
    actor.user_namespace();
    actor.must(&calls::unshare(libc::CLONE_NEWNET));
    for kind in [STREAM, DGRAM] {
        let socket = actor.socket(INET, kind);
        let bind = |port| calls::bind(socket, &Address::ip(ANYWHERE, port));
        case.denies(&mut actor, &bind(777), &low("0.0.0.0", 777));
        case.allows(&mut actor, &bind(778));
    }
}

/// Choosing the port is left to the connect or the listen.
#[test]
fn a_port_that_is_chosen_later() {
    let mut case = bare();
    for protocol in [0, IPPROTO_MPTCP] {
        let mut actor = user(WATCHED);
        let socket = patient(&mut actor, protocol);
        if protocol == 0 {
            let option = libc::IP_BIND_ADDRESS_NO_PORT;
            actor.must(&calls::set_option(socket, libc::IPPROTO_IP, option, 1));
        }
        case.allows(&mut actor, &calls::bind(socket, &home(0)));
        // Where it shows first it is judged: here if the bind has chosen it.
        let listened = tried(&mut actor, &calls::listen(socket));
        if listened.is_ok() {
            let accept = calls::accept(socket);
            assert_eq!(tried(&mut actor, &accept), Err(Errno::PERM));
        } else {
            assert_eq!(listened, Err(Errno::PERM));
        }
        let event = case.event();
        event
            .says("/decision/rule", "chosen")
            .says("/decision/operation", "bind");
        let mut other = Actor::user();
        let socket = patient(&mut other, protocol);
        case.allows(&mut other, &calls::bind(socket, &home(0)));
        case.allows(&mut other, &calls::listen(socket));
        case.fails(&mut other, &calls::accept(socket), Errno::AGAIN);
    }
}

#[test]
fn a_range_of_one_port() {
    let mut case = bare();
    let mut actor = Actor::user();
    // With a bind to no port it shows at the listen, without at the accept.
    let socket = patient(&mut actor, 0);
    actor.must(&range(socket, 44_444));
    case.allows(&mut actor, &calls::bind(socket, &home(0)));
    let decided = Decided::listen("low", Object::ip("127.0.0.1", 44444));
    case.denies(&mut actor, &calls::listen(socket), &decided);
    actor.must(&calls::close(socket));
    let socket = patient(&mut actor, 0);
    actor.must(&range(socket, 44_444));
    case.allows(&mut actor, &calls::listen(socket));
    let decided = Decided::accept("low", Object::ip("0.0.0.0", 44444));
    case.denies(&mut actor, &calls::accept(socket), &decided);
    actor.must(&calls::close(socket));
    let socket = patient(&mut actor, 0);
    actor.must(&range(socket, 44_445));
    case.allows(&mut actor, &calls::bind(socket, &home(0)));
    case.allows(&mut actor, &calls::listen(socket));
}

/// The kernel takes a port for who only connects or sends; no rule is asked.
#[test]
fn a_port_for_who_only_sends() {
    let mut case: Case = bare();
    let peer = Udp::on("127.0.0.1:5354");
    let mut actor = Actor::user();
    for by_send in [false, true] {
        let socket = actor.udp();
        actor.must(&range(socket, 44_444));
        let take = if by_send {
            calls::sendto(socket, b"a", 0, Some(&home(5354)))
        } else {
            calls::bind(socket, &home(0))
        };
        case.allows(&mut actor, &take);
        assert_eq!(chosen(&mut actor, socket), 44_444);
        actor.must(&calls::close(socket));
    }
    assert_eq!(peer.received(), 1);
    let socket = actor.udp();
    let bind = calls::bind(socket, &home(44_444));
    case.denies(&mut actor, &bind, &low("127.0.0.1", 44444));
}

#[test]
fn a_listen_that_is_repeated() {
    let mut case = bare();
    let (mut actor, mut good) = (Actor::user(), Actor::good());
    let socket = patient(&mut actor, 0);
    case.allows(&mut actor, &calls::bind(socket, &home(7070)));
    let decided = Decided::listen("wait", Object::ip("127.0.0.1", 7070));
    for _ in 0..2 {
        case.denies(&mut actor, &calls::listen(socket), &decided);
    }
    // Dissolving lets the port stay.
    case.allows(&mut actor, &calls::connect(socket, &Address::none()));
    case.denies(&mut actor, &calls::listen(socket), &decided);
    actor.must(&calls::close(socket));
    let socket = patient(&mut good, 0);
    case.allows(&mut good, &calls::bind(socket, &home(7070)));
    case.allows(&mut good, &calls::listen(socket));
}

/// Connections wait already, or come while the accept waits.
#[test]
fn an_accept_of_a_peer_that_waits() {
    let mut case = bare();
    let mut actor = Actor::user();
    let listen = |actor: &mut Actor, port| {
        let listener = patient(actor, 0);
        let option = libc::SO_REUSEADDR;
        actor.must(&calls::set_option(listener, libc::SOL_SOCKET, option, 1));
        actor.must(&calls::bind(listener, &home(port)));
        actor.must(&calls::listen(listener));
        let client = actor.tcp();
        actor.must(&calls::connect(client, &home(port)));
        listener
    };
    let closed = listen(&mut actor, 7071);
    let decided = Decided::accept("take", Object::ip("127.0.0.1", 7071));
    case.denies(&mut actor, &calls::accept(closed), &decided);
    let open = listen(&mut actor, 8082);
    case.allows(&mut actor, &calls::accept(open));
}

/// An accept is judged when it begins.
#[test]
fn an_accept_that_waits_since_before_the_rule() {
    drop(Case::under(&[("network", "# No rule.\n")]));
    let mut actor = Actor::user();
    let listener = actor.tcp();
    let option = libc::SO_REUSEADDR;
    actor.must(&calls::set_option(listener, libc::SOL_SOCKET, option, 1));
    actor.must(&calls::bind(listener, &home(7071)));
    actor.must(&calls::listen(listener));
    actor.begin(&calls::accept(listener));
    let accepts = format!("{} ", libc::SYS_accept);
    let call = format!("/proc/{}/syscall", actor.pid());
    while !std::fs::read_to_string(&call)
        .unwrap()
        .starts_with(&accepts)
    {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut case = bare();
    let mut client = Actor::good();
    let socket = client.tcp();
    case.allows(&mut client, &calls::connect(socket, &home(7071)));
    let accepted = outcome(&actor.finish()).unwrap();
    case.allows(&mut actor, &calls::write(accepted, b"a"));
    let decided = Decided::accept("take", Object::ip("127.0.0.1", 7071));
    case.denies(&mut actor, &calls::accept(listener), &decided);
}

/// The kernel chooses a port for the socket inside, and nobody reads which.
#[test]
fn a_listen_of_shared_memory_without_a_bind() {
    const AF_SMC: i32 = 43;
    let mut case = bare();
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    let make = calls::socket(AF_SMC, STREAM, 0);
    let Ok(socket) = outcome(&actor.ask(&make)) else {
        skipped("this kernel has no AF_SMC");
        return;
    };
    let listen = calls::listen(socket);
    refuses_unread(&mut case, &mut actor, &listen, "low");
    case.allows(&mut actor, &calls::bind(socket, &home(778)));
    case.allows(&mut actor, &listen);
    let socket = good.must(&make);
    case.allows(&mut good, &calls::listen(socket));
}
