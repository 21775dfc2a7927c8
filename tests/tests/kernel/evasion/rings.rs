//! `io_uring`: every operation that reaches a peer or waits for one, in every
//! way to carry it out.

use std::time::{Duration, Instant};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::{Carrier, FIXED, Request, RingOperation, Sending};
use interdict_tests::tricks;
use rustix::io::Errno;

use super::network::{
    HOME, INET, Net, RAW, STREAM, WATCHED, bare, home, kernel_refuses, names_by_connect,
    names_by_send, web_by_connect, web_by_send,
};
use super::user;

const CARRIERS: [Carrier; 3] = [Carrier::Submitter, Carrier::Worker, Carrier::Poller];
const CANCELED: i64 = -(libc::ECANCELED as i64);
const INVAL: i64 = -(libc::EINVAL as i64);
const PERM: i64 = -(libc::EPERM as i64);

/// Whether the kernel's rings are those of 6.1, which neither bind nor set options.
fn oldest() -> bool {
    std::env::var("INTERDICT_KERNEL").as_deref() == Ok("6.1")
}

fn connect(socket: i64, port: u16) -> RingOperation {
    RingOperation::Connect(socket, home(port).0)
}

/// One operation on a socket that the ring knows by its own table.
fn fixed(socket: i64, operation: RingOperation, by: Carrier) -> Request {
    tricks::ring_chain(Some(socket), vec![operation], by)
}

#[test]
fn connects_of_a_registered_socket() {
    let mut net = Net::new();
    for by in CARRIERS {
        let mut actor = Actor::user();
        let socket = actor.tcp();
        net.reaches(&mut actor, &web_by_connect(), |port| {
            fixed(socket, connect(FIXED, port), by)
        });
        let socket = actor.udp();
        let closed = fixed(socket, connect(FIXED, 5353), by);
        net.case.denies(&mut actor, &closed, &names_by_connect());
    }
}

#[test]
fn sends_of_a_registered_socket() {
    let mut net = Net::new();
    for by in CARRIERS {
        let mut actor = Actor::user();
        let send = |socket, flags, port| {
            let operation = calls::ring_send(Sending::Message, FIXED, flags, &home(port));
            fixed(socket, operation, by)
        };
        let socket = actor.udp();
        net.sends(&mut actor, socket, |socket, port| send(socket, 0, port));
        let socket = actor.tcp();
        let fast = send(socket, libc::MSG_FASTOPEN, 8080);
        net.case.denies(&mut actor, &fast, &web_by_send());
    }
}

/// A socket that has no descriptor at any time.
#[test]
fn a_socket_that_never_had_a_descriptor() {
    let mut net = Net::new();
    for by in CARRIERS {
        let mut actor = Actor::user();
        let chain = |port| {
            let operations = vec![
                RingOperation::FixedSocket(INET, STREAM, 0),
                connect(FIXED, port),
                calls::ring_send(Sending::Bytes, FIXED, 0, &Address(Vec::new())),
            ];
            tricks::ring_chain(None, operations, by)
        };
        let reply = actor.ask(&chain(8080));
        assert_eq!(reply.results, [0, PERM, CANCELED], "{by:?}");
        net.case
            .event()
            .speaks_of(&web_by_connect(), &actor.subject, &reply);
        let reply = actor.ask(&chain(8081));
        assert_eq!(reply.results, [0, 0, 1], "{by:?}");
        assert_eq!(net.beside.first_bytes(), b"x");
    }
}

/// One after another in one submission: the refused one ends the chain.
#[test]
fn a_chain_of_connects() {
    let mut net = Net::new();
    for by in CARRIERS {
        let mut actor = Actor::user();
        let (first, second) = (actor.tcp(), actor.tcp());
        let operations = vec![
            connect(first, 8081),
            connect(second, 8080),
            connect(second, 8081),
        ];
        let reply = actor.ask(&tricks::ring_chain(None, operations, by));
        assert_eq!(reply.results, [0, PERM, CANCELED], "{by:?}");
        net.case
            .event()
            .speaks_of(&web_by_connect(), &actor.subject, &reply);
    }
}

/// `IORING_OP_SEND` with an address.
#[test]
fn bytes_to_an_address() {
    let mut net = Net::new();
    for by in CARRIERS {
        let mut actor = Actor::user();
        let send = |socket, flags, port| {
            calls::ring(
                calls::ring_send(Sending::Bytes, socket, flags, &home(port)),
                by,
            )
        };
        let (udp, tcp) = (actor.udp(), actor.tcp());
        let fast = send(tcp, libc::MSG_FASTOPEN, 8080);
        net.sends(&mut actor, udp, |socket, port| send(socket, 0, port));
        net.case.denies(&mut actor, &fast, &web_by_send());
    }
}

#[test]
fn sends_that_are_not_copied() {
    let mut net = Net::new();
    for by in CARRIERS {
        for how in [Sending::BytesUncopied, Sending::MessageUncopied] {
            let mut actor = Actor::user();
            let send = |socket, flags, port| {
                calls::ring(calls::ring_send(how, socket, flags, &home(port)), by)
            };
            let (udp, tcp) = (actor.udp(), actor.tcp());
            net.sends(&mut actor, udp, |socket, port| send(socket, 0, port));
            let fast = send(tcp, libc::MSG_FASTOPEN, 8080);
            net.case.denies(&mut actor, &fast, &web_by_send());
        }
    }
}

/// A listener on a port, that does not wait for its peers to come.
fn listener(actor: &mut Actor, port: u16) -> i64 {
    let socket = actor.must(&calls::socket(INET, STREAM | libc::SOCK_NONBLOCK, 0));
    let option = libc::SO_REUSEADDR;
    actor.must(&calls::set_option(socket, libc::SOL_SOCKET, option, 1));
    // A ring that ended a moment ago gives its sockets back by a worker of the kernel.
    let bind = calls::bind(socket, &home(port));
    let deadline = Instant::now() + Duration::from_secs(10);
    while outcome(&actor.ask(&bind)) == Err(Errno::ADDRINUSE) {
        assert!(Instant::now() < deadline, "port {port} stays taken");
        std::thread::sleep(Duration::from_millis(20));
    }
    actor.must(&calls::listen(socket));
    socket
}

#[test]
fn accepts_of_many_and_of_a_registered_socket() {
    let mut case = bare();
    let decided = Decided::accept("take", Object::ip("127.0.0.1", 7071));
    for by in CARRIERS {
        let mut actor = Actor::user();
        let closed = listener(&mut actor, 7071);
        // Workers wait for a peer first.
        let client = actor.tcp();
        case.allows(&mut actor, &calls::connect(client, &home(7071)));
        for accept in [
            calls::ring(RingOperation::AcceptMany(closed), by),
            fixed(closed, RingOperation::Accept(FIXED), by),
            fixed(closed, RingOperation::AcceptMany(FIXED), by),
        ] {
            case.denies(&mut actor, &accept, &decided);
        }
        let open = listener(&mut actor, 8082);
        let client = actor.tcp();
        case.allows(&mut actor, &calls::connect(client, &home(8082)));
        let accept = calls::ring(RingOperation::AcceptMany(open), by);
        case.allows(&mut actor, &accept);
    }
}

/// What takes a local address and waits there, in one submission.
#[test]
fn a_chain_that_waits_for_peers() {
    let mut case = bare();
    for by in CARRIERS {
        let mut actor = Actor::other();
        let chain = |port| {
            let operations = vec![
                RingOperation::FixedSocket(INET, STREAM, 0),
                RingOperation::Bind(FIXED, home(port).0),
                RingOperation::Listen(FIXED),
            ];
            tricks::ring_chain(None, operations, by)
        };
        if oldest() {
            // It refuses the chain before it begins, and what comes after as well.
            let reply = actor.ask(&chain(777));
            assert_eq!(reply.results, [CANCELED, INVAL, INVAL], "{by:?}");
            continue;
        }
        let reply = actor.ask(&chain(777));
        assert_eq!(reply.results, [0, PERM, CANCELED]);
        let low = Decided::bind("low", Object::ip("127.0.0.1", 777));
        case.event().speaks_of(&low, &actor.subject, &reply);
        let reply = actor.ask(&chain(7070));
        assert_eq!(reply.results, [0, 0, PERM]);
        let wait = Decided::listen("wait", Object::ip("127.0.0.1", 7070));
        case.event().speaks_of(&wait, &actor.subject, &reply);
        let reply = actor.ask(&chain(0));
        assert_eq!(reply.results, [0, 0, 0]);
    }
}

#[test]
fn rare_sockets() {
    let mut case = bare();
    for by in CARRIERS {
        let mut actor = user(WATCHED);
        for family in [libc::AF_NETLINK, libc::AF_PACKET] {
            for operation in [
                RingOperation::Socket(family, RAW, 0),
                RingOperation::FixedSocket(family, RAW, 0),
            ] {
                let make = tricks::ring_chain(None, vec![operation], by);
                case.denies(&mut actor, &make, &Decided::create("rare"));
            }
        }
        let make = RingOperation::FixedSocket(INET, STREAM, 0);
        case.allows(&mut actor, &tricks::ring_chain(None, vec![make], by));
    }
}

/// `SOCKET_URING_OP_SETSOCKOPT`, which came after 6.1.
#[test]
fn an_option_of_a_registered_socket() {
    let mut case = bare();
    for by in CARRIERS {
        let mut actor = user(WATCHED);
        let socket = actor.tcp();
        let set = |name: i32| {
            let level = libc::SOL_SOCKET.cast_unsigned();
            fixed(
                socket,
                RingOperation::Option(FIXED, level, name.cast_unsigned(), 1),
                by,
            )
        };
        if oldest() {
            kernel_refuses(&mut case, &mut actor, &set(libc::SO_KEEPALIVE));
            continue;
        }
        case.denies(
            &mut actor,
            &set(libc::SO_KEEPALIVE),
            &Decided::option("option"),
        );
        case.allows(&mut actor, &set(libc::SO_REUSEADDR));
    }
}

/// A ring keeps the credentials of who registered them (`personality`).
#[test]
fn credentials_of_before() {
    let mut net = Net::new();
    let _person = interdict_tests::service::Tcp::on("127.0.0.1:7072");
    let decided = Decided::connect("person", Object::ip("127.0.0.1", 7072));
    for by in CARRIERS {
        let mut actor = Actor::other();
        // Registered as a user, submitted as root: it is the user who connects.
        actor.must(&calls::set_uids(-1, 1000, -1));
        let socket = actor.tcp();
        let as_before = tricks::ring_connect_as_before(socket, &home(7072), 0, by);
        actor.subject.uid = 1000;
        net.case.denies(&mut actor, &as_before, &decided);
        actor.subject.uid = 0;
        let connect = calls::ring_connect(socket, &Address::ip(HOME, 7072), by);
        net.case.allows(&mut actor, &connect);
    }
}

/// Bytes on a socket that was refused go nowhere.
#[test]
fn what_was_refused_takes_nothing() {
    let mut net = Net::new();
    let case: &mut Case = &mut net.case;
    for by in CARRIERS {
        let mut actor = Actor::user();
        let socket = actor.udp();
        case.denies(
            &mut actor,
            &calls::ring_connect(socket, &home(5353), by),
            &names_by_connect(),
        );
        let none = Address(Vec::new());
        for how in [Sending::Bytes, Sending::BytesUncopied, Sending::Message] {
            let operation = calls::ring_send(how, socket, 0, &none);
            kernel_refuses(case, &mut actor, &calls::ring(operation, by));
        }
        let to = calls::ring_send(Sending::Message, socket, 0, &home(5353));
        case.denies(&mut actor, &calls::ring(to, by), &names_by_send());
    }
    assert_eq!(net.names.received(), 0);
}
