//! Unix sockets without a path: abstract names, and none at all.

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::service::Service;
use rustix::net::SocketType;

fn named(rule: &'static str, name: &[u8]) -> Decided {
    Decided::stream(rule, Object::Name(name.to_vec()))
}

#[test]
fn a_name_is_compared_at_its_whole_length() {
    let mut case = Case::under(&[("names", "deny unix connect to @x id exact\n")]);
    let names = [&b"x"[..], b"x\0", b"xy", b"", b"\0x"];
    let _services = names.map(|name| Service::named(name, SocketType::STREAM));
    let mut actor = Actor::user();
    let socket = actor.unix();
    let connect = |name: &[u8]| calls::connect(socket, &Address::abstract_name(name));
    let event = case.denies(&mut actor, &connect(b"x"), &named("exact", b"x"));
    event.says("/decision/object/name", "@x");
    assert_eq!(event.typed()["sun_path"], "@x");
    for name in &names[1..] {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::abstract_name(name));
        case.allows(&mut actor, &connect);
    }
    // A path of that spelling is another kind of thing.
    let _service = Service::stream("/run/@x");
    case.allows(
        &mut actor,
        &calls::connect(socket, &Address::path("/run/@x")),
    );
}

#[test]
fn names_with_odd_bytes() {
    let policy = r#"deny unix connect to { "@x\x00", "@a b", @\xff } id odd"#;
    let mut case = Case::under(&[("names", policy)]);
    let names = [&b"x\0"[..], b"a b", b"\xff", b"x", b"a", b"\xfe"];
    let _services = names.map(|name| Service::named(name, SocketType::STREAM));
    let mut actor = Actor::user();
    for name in &names[..3] {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::abstract_name(name));
        case.denies(&mut actor, &connect, &named("odd", name));
    }
    for name in &names[3..] {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::abstract_name(name));
        case.allows(&mut actor, &connect);
    }
}

#[test]
fn the_longest_name() {
    let long = [b'n'; 107];
    let text = String::from_utf8(long.to_vec()).unwrap();
    let policy = format!("deny unix connect to @{text} id long\n");
    let mut case = Case::under(&[("names", &policy)]);
    let _service = Service::named(&long, SocketType::STREAM);
    let _shorter = Service::named(&long[..106], SocketType::STREAM);
    let mut actor = Actor::user();
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::abstract_name(&long));
    case.denies(&mut actor, &connect, &named("long", &long));
    let shorter = Address::abstract_name(&long[..106]);
    case.allows(&mut actor, &calls::connect(socket, &shorter));
}

#[test]
fn packets_and_datagrams() {
    let mut case = Case::under(&[("names", "deny unix connect to @x id exact\n")]);
    let packets = [b"x", b"y"].map(|name| Service::named(name, SocketType::SEQPACKET));
    let mut actor = Actor::user();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_SEQPACKET);
    let connect = calls::connect(socket, &Address::abstract_name(b"x"));
    case.denies(&mut actor, &connect, &named("exact", b"x"));
    let beside = Address::abstract_name(b"y");
    case.allows(&mut actor, &calls::connect(socket, &beside));
    drop(packets);

    let datagrams = Service::named(b"x", SocketType::DGRAM);
    let beside = Service::named(b"y", SocketType::DGRAM);
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let to = |name: &[u8]| Some(Address::abstract_name(name));
    let send = calls::sendto(socket, b"a", 0, to(b"x").as_ref());
    let decided = Decided::datagram("exact", Object::Name(b"x".to_vec()));
    case.denies(&mut actor, &send, &decided);
    case.allows(
        &mut actor,
        &calls::sendto(socket, b"a", 0, to(b"y").as_ref()),
    );
    assert!(datagrams.datagram().is_none() && beside.datagram().is_some());
}

#[test]
fn peers_without_a_name() {
    let mut case = Case::under(&[("names", "deny unix connect to unnamed id nameless\n")]);
    let mut actor = Actor::user();
    let pair = actor.fetch(&calls::socketpair(libc::SOCK_DGRAM));
    let one = i64::from(i32::from_ne_bytes(pair[..4].try_into().unwrap()));
    let decided = Decided::datagram("nameless", Object::Unnamed);
    case.denies(&mut actor, &calls::sendto(one, b"a", 0, None), &decided);
    // A stream pair never asks again, and a name is a name.
    let pair = actor.fetch(&calls::socketpair(libc::SOCK_STREAM));
    let one = i64::from(i32::from_ne_bytes(pair[..4].try_into().unwrap()));
    case.allows(&mut actor, &calls::sendto(one, b"a", 0, None));
    let _service = Service::named(b"x", SocketType::STREAM);
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::abstract_name(b"x"));
    case.allows(&mut actor, &connect);
}

#[test]
fn a_pair_is_none_of_the_named() {
    let policy = "deny unix connect to { @x, /run/docker.sock } id named\n";
    let mut case = Case::under(&[("names", policy)]);
    let mut actor = Actor::user();
    let pair = actor.fetch(&calls::socketpair(libc::SOCK_DGRAM));
    let one = i64::from(i32::from_ne_bytes(pair[..4].try_into().unwrap()));
    case.allows(&mut actor, &calls::sendto(one, b"a", 0, None));
    let _service = Service::named(b"x", SocketType::STREAM);
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::abstract_name(b"x"));
    case.denies(&mut actor, &connect, &named("named", b"x"));
}

#[test]
fn any_covers_paths_names_and_none() {
    let policy = "deny unix connect to any unless comm=other id all\n";
    let mut case = Case::under(&[("names", policy)]);
    let _path = Service::stream("/run/some.sock");
    let _name = Service::named(b"some", SocketType::STREAM);
    let mut actor = Actor::good();
    let pair = actor.fetch(&calls::socketpair(libc::SOCK_DGRAM));
    let one = i64::from(i32::from_ne_bytes(pair[..4].try_into().unwrap()));
    let send = calls::sendto(one, b"a", 0, None);
    case.denies(
        &mut actor,
        &send,
        &Decided::datagram("all", Object::Unnamed),
    );
    let socket = actor.unix();
    let to_name = calls::connect(socket, &Address::abstract_name(b"some"));
    case.denies(&mut actor, &to_name, &named("all", b"some"));
    let to_path = calls::connect(socket, &Address::path("/run/some.sock"));
    let object = Object::path("/run/some.sock");
    case.denies(&mut actor, &to_path, &Decided::stream("all", object));

    let mut other = Actor::other();
    let socket = other.unix();
    case.allows(
        &mut other,
        &calls::connect(socket, &Address::path("/run/some.sock")),
    );
    let socket = other.unix();
    case.allows(
        &mut other,
        &calls::connect(socket, &Address::abstract_name(b"some")),
    );
}
