//! System calls that reach a peer without looking like it.

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::{Argument, Carrier, Request};
use interdict_tests::skip::skipped;
use interdict_tests::{place, tricks};
use rustix::io::Errno;

use super::descriptors::{pass, steal};
use super::network::{
    ANYWHERE, DGRAM, EXACT, HOME, INET, INET6, Net, STREAM, bare, home, kernel_refuses,
    names_by_connect, names_by_send, web_by_connect, web_by_send,
};
use Argument::{Bytes, Number, Words};

const FAST: i32 = libc::MSG_FASTOPEN;

/// The kernel goes on with the first connect, whatever the second one says.
#[test]
fn another_address_while_a_connect_is_under_way() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.must(&calls::socket(INET, STREAM | libc::SOCK_NONBLOCK, 0));
    let connect = |port| calls::connect(socket, &home(port));
    net.case
        .fails(&mut actor, &connect(8081), Errno::INPROGRESS);
    net.case
        .denies(&mut actor, &connect(8080), &web_by_connect());
    net.case.allows(&mut actor, &connect(8081));
    net.case.allows(&mut actor, &calls::write(socket, b"hi"));
    assert_eq!(net.beside.first_bytes(), b"hi");
}

#[test]
fn a_listener_that_is_dissolved_and_connects() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    actor.must(&calls::bind(socket, &home(0)));
    actor.must(&calls::listen(socket));
    let connect = |port| calls::connect(socket, &home(port));
    net.case
        .denies(&mut actor, &connect(8080), &web_by_connect());
    net.case
        .allows(&mut actor, &calls::connect(socket, &Address::none()));
    net.reaches(&mut actor, &web_by_connect(), connect);
}

#[test]
fn after_a_connect_that_failed() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    let connect = |port| calls::connect(socket, &home(port));
    net.case
        .fails(&mut actor, &connect(8089), Errno::CONNREFUSED);
    net.reaches(&mut actor, &web_by_connect(), connect);
    let both = vec![Number(socket), Number(libc::SHUT_RDWR.into())];
    actor.must(&calls::call(libc::SYS_shutdown, both));
    net.case
        .denies(&mut actor, &connect(8080), &web_by_connect());
}

#[test]
fn fast_open_with_other_flags() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    for flags in [
        libc::MSG_DONTWAIT,
        libc::MSG_MORE,
        libc::MSG_NOSIGNAL,
        libc::MSG_OOB,
        libc::MSG_CONFIRM,
        libc::MSG_DONTROUTE,
        libc::MSG_ZEROCOPY,
        libc::MSG_EOR,
    ] {
        let send = calls::sendto(socket, b"hi", FAST | flags, Some(&home(8080)));
        net.case.denies(&mut actor, &send, &web_by_send());
    }
    // Of no bytes at all it would connect as well.
    let send = calls::sendto(socket, b"", FAST, Some(&home(8080)));
    net.case.denies(&mut actor, &send, &web_by_send());
    let send = calls::sendto(socket, b"hi", FAST | libc::MSG_NOSIGNAL, Some(&home(8081)));
    net.case.allows(&mut actor, &send);
    assert_eq!(net.beside.first_bytes(), b"hi");
}

#[test]
fn fast_open_in_a_list_of_messages() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    let list = |ports: [u16; 2]| calls::sendmmsg(socket, b"hi", FAST, &ports.map(home));
    net.case
        .denies(&mut actor, &list([8080, 8081]), &web_by_send());
    let reply = actor.ask(&list([8081, 8080]));
    assert_eq!(reply.result, 1, "the one before the refused one");
    net.case
        .event()
        .speaks_of(&web_by_send(), &actor.subject, &reply);
    assert_eq!(net.beside.first_bytes(), b"hi");
}

#[test]
fn fast_open_beside_a_deferred_connect() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    let option = libc::TCP_FASTOPEN_CONNECT;
    actor.must(&calls::set_option(socket, libc::IPPROTO_TCP, option, 1));
    net.case
        .allows(&mut actor, &calls::connect(socket, &home(8081)));
    let send = |flags| calls::sendto(socket, b"hi", flags, Some(&home(8080)));
    net.case.denies(&mut actor, &send(FAST), &web_by_send());
    // Without the flag the kernel looks at no address: it goes where connect led.
    net.case.allows(&mut actor, &send(0));
    assert_eq!(net.beside.first_bytes(), b"hi");
}

#[test]
fn fast_open_to_nowhere_from_a_bound_socket() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let exact = Decided::send("exact", Object::ip("127.0.0.9", 4444));
    let send = |socket, to: &Address| calls::sendto(socket, b"hi", FAST, Some(to));
    let socket = actor.tcp();
    actor.must(&calls::bind(socket, &Address::ip(EXACT, 0)));
    let nowhere = |port| Address::ip(ANYWHERE, port);
    net.case
        .denies(&mut actor, &send(socket, &nowhere(4444)), &exact);
    net.case.allows(&mut actor, &send(socket, &nowhere(8081)));
    assert_eq!(net.beside.first_bytes(), b"hi");
    let socket = actor.socket(INET6, STREAM);
    actor.must(&calls::bind(socket, &Address::mapped(EXACT, 0)));
    let mapped = Address::mapped(ANYWHERE, 4444);
    net.case.denies(&mut actor, &send(socket, &mapped), &exact);
}

#[test]
fn multipath_fast_open_by_every_send() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    for (family, to) in [(INET, home(8080)), (INET6, Address::mapped(HOME, 8080))] {
        let socket = actor.must(&calls::socket(family, STREAM, IPPROTO_MPTCP));
        for send in [
            calls::sendmsg(socket, b"hi", FAST, Some(&to)),
            calls::sendmmsg(socket, b"hi", FAST, std::slice::from_ref(&to)),
            calls::ring_sendmsg(socket, FAST, &to, Carrier::Worker),
        ] {
            net.case.denies(&mut actor, &send, &web_by_send());
        }
    }
    let socket = actor.must(&calls::socket(INET, STREAM, IPPROTO_MPTCP));
    net.case
        .allows(&mut actor, &calls::connect(socket, &home(8081)));
}

/// `AF_SMC` has a TCP socket inside, to which it falls back.
#[test]
fn fast_open_of_shared_memory() {
    const AF_SMC: i32 = 43;
    let mut net = Net::new();
    let mut actor = Actor::user();
    let made = actor.ask(&calls::socket(AF_SMC, STREAM, 0));
    if made.result < 0 {
        assert_eq!(made.result, -i64::from(libc::EAFNOSUPPORT));
        skipped("this kernel has no AF_SMC");
        return;
    }
    let socket = made.result;
    let send = |port| calls::sendto(socket, b"hi", FAST, Some(&home(port)));
    net.case
        .denies(&mut actor, &send(8080), &web_by_send())
        .says("/decision/family", "smc");
    net.case.allows(&mut actor, &send(8081));
    assert_eq!(net.beside.first_bytes(), b"hi");
}

/// `TCP_REPAIR`: connected without a word to the peer.
#[test]
fn a_connection_that_is_put_together_by_repair() {
    const TCP_REPAIR: i32 = 19;
    let mut net = Net::new();
    let mut actor = Actor::other();
    let socket = actor.tcp();
    actor.must(&calls::set_option(socket, libc::IPPROTO_TCP, TCP_REPAIR, 1));
    let connect = |port| calls::connect(socket, &home(port));
    net.reaches(&mut actor, &web_by_connect(), connect);
}

#[test]
fn a_connection_to_oneself() {
    let mut case = bare();
    let mut actor = Actor::user();
    for port in [8080, 8081] {
        let socket = actor.tcp();
        actor.must(&calls::set_option(
            socket,
            libc::SOL_SOCKET,
            libc::SO_REUSEADDR,
            1,
        ));
        actor.must(&calls::bind(socket, &home(port)));
        let connect = calls::connect(socket, &home(port));
        if port == 8080 {
            case.denies(&mut actor, &connect, &web_by_connect());
        } else {
            case.allows(&mut actor, &connect);
        }
    }
}

/// Who is called back has called nobody.
#[test]
fn a_peer_that_calls_from_there() {
    let mut case = bare();
    let (mut actor, mut good) = (Actor::user(), Actor::good());
    let listener = actor.tcp();
    actor.must(&calls::bind(listener, &home(8083)));
    actor.must(&calls::listen(listener));
    let socket = good.tcp();
    good.must(&calls::set_option(
        socket,
        libc::SOL_SOCKET,
        libc::SO_REUSEADDR,
        1,
    ));
    good.must(&calls::bind(socket, &home(8080)));
    good.must(&calls::connect(socket, &home(8083)));
    let connection = case.allows(&mut actor, &calls::accept(listener));
    case.allows(&mut actor, &calls::write(connection, b"hi"));
    // To call there itself is another matter.
    let socket = actor.tcp();
    let connect = calls::connect(socket, &home(8080));
    case.denies(&mut actor, &connect, &web_by_connect());
}

/// An IPv6 socket that goes on as one of IPv4 (`IPV6_ADDRFORM`).
#[test]
fn a_socket_that_becomes_one_of_ipv4() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let become_ipv4 = |socket| {
        const IPV6_ADDRFORM: i32 = 1;
        calls::set_option(socket, libc::IPPROTO_IPV6, IPV6_ADDRFORM, INET)
    };
    let socket = actor.socket(INET6, DGRAM);
    actor.must(&calls::connect(socket, &Address::mapped(HOME, 5354)));
    actor.must(&become_ipv4(socket));
    let send = |to: &Address| calls::sendto(socket, b"a", 0, Some(to));
    for to in [
        home(5353),
        Address::v4_of_family(libc::AF_UNSPEC, HOME, 5353),
    ] {
        net.case.denies(&mut actor, &send(&to), &names_by_send());
    }
    net.case.denies(
        &mut actor,
        &calls::connect(socket, &home(5353)),
        &names_by_connect(),
    );
    net.case.allows(&mut actor, &send(&home(5354)));
    assert_eq!((net.names.received(), net.open.received()), (0, 1));
    let socket = actor.socket(INET6, STREAM);
    actor.must(&calls::connect(socket, &Address::mapped(HOME, 8081)));
    actor.must(&become_ipv4(socket));
    actor.must(&calls::connect(socket, &Address::none()));
    net.reaches(&mut actor, &web_by_connect(), |port| {
        calls::connect(socket, &home(port))
    });
}

#[test]
fn a_connected_datagram_socket_that_sends_elsewhere() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    for (family, peer) in [(INET, home(5354)), (INET6, Address::mapped(HOME, 5354))] {
        let socket = actor.socket(family, DGRAM);
        net.case.allows(&mut actor, &calls::connect(socket, &peer));
        for send in [
            calls::sendto(socket, b"a", 0, Some(&home(5353))),
            calls::sendmsg(socket, b"a", 0, Some(&home(5353))),
            calls::sendmmsg(socket, b"a", 0, &[home(5353)]),
        ] {
            net.case.denies(&mut actor, &send, &names_by_send());
        }
        net.case
            .allows(&mut actor, &calls::sendto(socket, b"a", 0, None));
        assert_eq!((net.names.received(), net.open.received()), (0, 1));
    }
}

#[test]
fn a_second_connect_of_a_datagram_socket() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.udp();
    let connect = |to: &Address| calls::connect(socket, to);
    net.case.allows(&mut actor, &connect(&home(5354)));
    net.case
        .denies(&mut actor, &connect(&home(5353)), &names_by_connect());
    // The refused one has changed nothing.
    net.case.allows(&mut actor, &calls::write(socket, b"a"));
    assert_eq!((net.names.received(), net.open.received()), (0, 1));
    net.case.allows(&mut actor, &connect(&Address::none()));
    net.case
        .denies(&mut actor, &connect(&home(5353)), &names_by_connect());
}

/// What is held back goes to the first address, whatever later sends say.
#[test]
fn datagrams_that_are_held_back() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.udp();
    let more = libc::MSG_MORE;
    let send = |flags, port| calls::sendto(socket, b"a", flags, Some(&home(port)));
    net.case
        .denies(&mut actor, &send(more, 5353), &names_by_send());
    net.case.allows(&mut actor, &send(more, 5354));
    net.case
        .denies(&mut actor, &send(more, 5353), &names_by_send());
    net.case.allows(&mut actor, &send(0, 5354));
    assert_eq!((net.names.received(), net.open.received()), (0, 1));
    let cork = |on| calls::set_option(socket, libc::IPPROTO_UDP, libc::UDP_CORK, on);
    actor.must(&cork(1));
    net.case
        .denies(&mut actor, &send(0, 5353), &names_by_send());
    net.case.allows(&mut actor, &send(0, 5354));
    actor.must(&cork(0));
    assert_eq!((net.names.received(), net.open.received()), (0, 1));
}

#[test]
fn datagrams_with_other_flags() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.udp();
    actor.must(&calls::set_option(
        socket,
        libc::SOL_SOCKET,
        libc::SO_ZEROCOPY,
        1,
    ));
    // `MSG_PROBE`, which sends nothing.
    for flags in [FAST, 0x10, libc::MSG_EOR, libc::MSG_OOB] {
        let send = calls::sendto(socket, b"a", flags, Some(&home(5353)));
        net.case.denies(&mut actor, &send, &names_by_send());
    }
    for flags in [
        libc::MSG_CONFIRM,
        libc::MSG_DONTROUTE,
        libc::MSG_DONTWAIT,
        libc::MSG_NOSIGNAL,
        libc::MSG_ZEROCOPY,
    ] {
        net.sends(&mut actor, socket, |socket, port| {
            calls::sendto(socket, b"a", flags, Some(&home(port)))
        });
    }
}

#[test]
fn datagrams_with_control_messages() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let socket = actor.udp();
    let [own, named] = [HOME, EXACT].map(|address| address.octets());
    let information = [[0; 4], own, named].concat();
    for control in [
        tricks::control(libc::IPPROTO_IP, libc::IP_PKTINFO, &information),
        tricks::control(libc::IPPROTO_IP, libc::IP_TTL, &9_i32.to_ne_bytes()),
        tricks::control(libc::IPPROTO_UDP, libc::UDP_SEGMENT, &9_u16.to_ne_bytes()),
    ] {
        net.sends(&mut actor, socket, |socket, port| {
            calls::send_with(socket, b"a", &home(port), &control)
        });
    }
}

#[test]
fn what_was_refused_takes_nothing() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    let file = actor.must(&calls::open("/proc/self/comm", libc::O_RDONLY));
    let ends = actor.fetch(&tricks::pipe());
    let end = |at: usize| i64::from(i32::from_ne_bytes(ends[at..at + 4].try_into().unwrap()));
    actor.must(&calls::write(end(4), b"abc"));
    let (tcp, udp) = (actor.tcp(), actor.udp());
    for (socket, port, decided) in [
        (tcp, 8080, web_by_connect()),
        (udp, 5353, names_by_connect()),
    ] {
        let connect = calls::connect(socket, &home(port));
        net.case.denies(&mut actor, &connect, &decided);
        for send in [
            calls::write(socket, b"a"),
            tricks::write_vector(socket, b"a"),
            calls::sendto(socket, b"a", 0, None),
            calls::sendmsg(socket, b"a", 0, None),
            calls::copy(socket, file),
            tricks::splice(end(0), socket, 3),
        ] {
            kernel_refuses(&mut net.case, &mut actor, &send);
        }
    }
    net.case
        .allows(&mut actor, &calls::connect(udp, &home(5354)));
    net.case.allows(&mut actor, &tricks::splice(end(0), udp, 3));
    assert_eq!((net.names.received(), net.open.received()), (0, 1));
}

#[test]
fn a_socket_that_changed_hands() {
    let mut net = Net::new();
    let (mut good, mut other) = (Actor::good(), Actor::other());
    let made = good.tcp();
    for socket in [
        pass(&mut good, &mut other, made),
        steal(&good, &mut other, made),
    ] {
        let connect = calls::connect(socket, &home(8080));
        net.case.denies(&mut other, &connect, &web_by_connect());
        let send = calls::sendto(socket, b"hi", FAST, Some(&home(8080)));
        net.case.denies(&mut other, &send, &web_by_send());
    }
    net.case
        .allows(&mut good, &calls::connect(made, &home(8080)));
}

/// A connection is opened once: the rule is about that.
#[test]
fn a_connection_that_changed_hands() {
    let mut net = Net::new();
    let (mut good, mut other) = (Actor::good(), Actor::other());
    let (tcp, udp) = (good.tcp(), good.udp());
    net.case
        .allows(&mut good, &calls::connect(tcp, &home(8080)));
    net.case
        .allows(&mut good, &calls::connect(udp, &home(5353)));
    let passed = pass(&mut good, &mut other, tcp);
    net.case.allows(&mut other, &calls::write(passed, b"hi"));
    assert_eq!(net.web.first_bytes(), b"hi");
    let stolen = steal(&good, &mut other, udp);
    net.case.allows(&mut other, &calls::write(stolen, b"hi"));
    assert_eq!(net.names.received(), 1);
    // Its own are refused, and so is an address on that very socket.
    let own = other.tcp();
    let connect = calls::connect(own, &home(8080));
    net.case.denies(&mut other, &connect, &web_by_connect());
    let send = calls::sendto(stolen, b"hi", 0, Some(&home(5353)));
    net.case.denies(&mut other, &send, &names_by_send());
}

#[test]
fn a_listener_that_changed_hands() {
    let mut case = bare();
    let (mut good, mut other) = (Actor::good(), Actor::other());
    let listener = good.must(&calls::socket(INET, STREAM | libc::SOCK_NONBLOCK, 0));
    good.must(&calls::bind(listener, &home(7071)));
    good.must(&calls::listen(listener));
    let decided = Decided::accept("take", Object::ip("127.0.0.1", 7071));
    for socket in [
        pass(&mut good, &mut other, listener),
        steal(&good, &mut other, listener),
    ] {
        for accept in [calls::accept(socket), calls::accept4(socket)] {
            case.denies(&mut other, &accept, &decided);
        }
    }
    case.fails(&mut good, &calls::accept(listener), Errno::AGAIN);
    good.exec(place::other());
    let kept = calls::accept(listener);
    case.denies(&mut good, &kept, &decided);
}

/// A connect of a socket to an address.
type Connect = dyn Fn(i64, &Address) -> Request;
/// A send on a socket to an address, with flags.
type Send = dyn Fn(i64, &Address, i32) -> Request;

/// socketcall(2) of i386, with what its arguments point to.
fn old(number: i64, arguments: Vec<Argument>) -> Request {
    tricks::narrow(102, vec![Number(number), Words(arguments)])
}

fn laid(address: &Address) -> [Argument; 2] {
    let length = i64::try_from(address.0.len()).unwrap();
    [Bytes(address.0.clone()), Number(length)]
}

/// Whether this kernel has 32-bit system calls; if not, the test is skipped.
fn has_narrow(actor: &mut Actor) -> bool {
    let getpid = tricks::narrow(20, Vec::new());
    let known = actor.ask(&getpid).result > 0;
    if !known {
        skipped("this kernel has no 32-bit system calls");
    }
    known
}

#[test]
fn by_32_bit_calls() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    if !has_narrow(&mut actor) {
        return;
    }
    let connects: [&Connect; 2] = [
        &|socket, to| {
            let [address, length] = laid(to);
            old(3, vec![Number(socket), address, length])
        },
        &|socket, to| {
            let [address, length] = laid(to);
            tricks::narrow(362, vec![Number(socket), address, length])
        },
    ];
    for connect in connects {
        let socket = actor.tcp();
        net.reaches(&mut actor, &web_by_connect(), |port| {
            connect(socket, &home(port))
        });
    }
    let sends: [&Send; 4] = [
        &|socket, to, flags| {
            let [address, length] = laid(to);
            let bytes = Bytes(b"a".to_vec());
            let rest = [Number(1), Number(flags.into()), address, length];
            old(11, [vec![Number(socket), bytes], rest.to_vec()].concat())
        },
        &|socket, to, flags| old(16, vec![Number(socket), message(to), Number(flags.into())]),
        &|socket, to, flags| {
            tricks::narrow(370, vec![Number(socket), message(to), Number(flags.into())])
        },
        &|socket, to, flags| {
            let arguments = vec![Number(socket), message(to), Number(1), Number(flags.into())];
            tricks::narrow(345, arguments)
        },
    ];
    for send in sends {
        let socket = actor.udp();
        net.sends(&mut actor, socket, |socket, port| {
            send(socket, &home(port), 0)
        });
        let socket = actor.tcp();
        let fast = send(socket, &home(8080), FAST);
        net.case.denies(&mut actor, &fast, &web_by_send());
    }
}

/// A `struct msghdr` of i386, and the word that makes it a `struct mmsghdr`.
fn message(to: &Address) -> Argument {
    let [address, length] = laid(to);
    let vector = Words(vec![Bytes(b"a".to_vec()), Number(1)]);
    let rest = [0; 4].map(Number);
    Words([vec![address, length, vector, Number(1)], rest.to_vec()].concat())
}

#[test]
fn local_addresses_by_32_bit_calls() {
    let mut case = bare();
    let mut actor = Actor::other();
    if !has_narrow(&mut actor) {
        return;
    }
    let low = Decided::bind("low", Object::ip("127.0.0.1", 777));
    let bind = |socket, port| {
        let [address, length] = laid(&home(port));
        let direct = tricks::narrow(361, vec![Number(socket), address.clone(), length.clone()]);
        [old(2, vec![Number(socket), address, length]), direct]
    };
    let socket = actor.tcp();
    for request in bind(socket, 777) {
        case.denies(&mut actor, &request, &low);
    }
    let [by_call, _] = bind(socket, 7070);
    case.allows(&mut actor, &by_call);
    let wait = Decided::listen("wait", Object::ip("127.0.0.1", 7070));
    case.denies(&mut actor, &old(4, vec![Number(socket), Number(1)]), &wait);
    let socket = actor.udp();
    let [by_call, _] = bind(socket, 778);
    case.allows(&mut actor, &by_call);
}

/// The numbers of x32, which these kernels are built without.
#[test]
fn by_x32_calls() {
    const X32: i64 = 0x4000_0000;
    let mut case: Case = bare();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    let Request::Call { number, arguments } = calls::connect(socket, &home(8080)) else {
        panic!("connect is one call");
    };
    let wide = calls::call(number | X32, arguments);
    case.fails(&mut actor, &wide, Errno::NOSYS);
    let plain = calls::connect(socket, &home(8080));
    case.denies(&mut actor, &plain, &web_by_connect());
}

/// socketpair(2) is for families that have pairs.
#[test]
fn pairs_over_ip() {
    let mut case = bare();
    let mut actor = Actor::user();
    for kind in [STREAM, DGRAM] {
        for family in [INET, INET6] {
            case.fails(&mut actor, &calls::pair(family, kind), Errno::OPNOTSUPP);
        }
    }
    case.allows(&mut actor, &calls::socketpair(STREAM));
    let socket = actor.tcp();
    let connect = calls::connect(socket, &home(8080));
    case.denies(&mut actor, &connect, &web_by_connect());
}
