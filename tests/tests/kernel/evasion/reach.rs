//! System calls that reach a peer without looking like it.

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::protocol::Argument;
use interdict_tests::tricks;
use rustix::io::Errno;

use super::network::{
    DGRAM, HOME, INET, INET6, Net, STREAM, bare, home, kernel_refuses, names_by_connect,
    names_by_send, web_by_connect,
};
use Argument::Number;

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
