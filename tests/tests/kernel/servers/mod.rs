//! Real programs, unmodified, under policies that do not concern them: all works,
//! and no event is written. And on a host where they ran before the engine did.
//!
//! Each test has a control: the same operation by a program that a rule names is
//! refused, so what is not refused was judged.

mod activated;
mod bus;
mod database;
mod echo;
mod live;
mod log;
mod names;
mod redis;
mod web;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;

/// Rules about the very places of the services, and about places beside them, for
/// other programs than the services and their clients; and about every operation.
const NAMED: &str = "
language 1

let intruder = { /usr/bin/other }

deny tcp connect to loopback port { 8086, 5433, 6380, 8087, 8088, 87 } if exe in intruder id tcp
deny tcp connect to loopback port { 8085, 5432, 6379 } id tcp-beside
deny udp connect to loopback port 53 if exe in intruder id udp
deny unix connect to {
    /run/services/**,
    /run/dbus/system_bus_socket,
    /dev/log,
    @interdict-bus,
}
    if exe in intruder
    id unix
deny unix connect to { /run/services-beside/**, @interdict-bu, /dev/lo } id unix-beside

deny tcp bind on loopback port { 8086, 5433, 6380, 8087 } if exe in intruder id tcp-bind
deny unix bind on { /run/services/**, /dev/log } if exe in intruder id unix-bind
deny tcp { listen, accept } on loopback port { 8086, 5433, 6380, 8087, 8088 }
    if exe in intruder
    id tcp-serve
deny unix { listen, accept } on /run/services/** if exe in intruder id unix-serve
deny any { create, setsockopt } if comm = absent and uid = 4242 id by-name
deny { tcp, udp, unix, netlink } create if unit = absent.service id by-unit
";

/// Where the services have their sockets.
const SOCKETS: &str = "/run/services";

/// All examples, and the rules above.
static POLICY: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/examples");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "policy"))
        .collect();
    files.sort();
    let mut policy: Vec<_> = files.iter().map(|path| example(path)).collect();
    assert!(policy.len() > 1, "no examples");
    policy.push(("named".to_owned(), NAMED.to_owned()));
    policy
});

/// An example without its own tests, which are for other tests.
fn example(path: &Path) -> (String, String) {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let whole = fs::read_to_string(path).unwrap();
    let text = whole.split("\ntest \"").next().unwrap();
    (name.to_owned(), text.to_owned())
}

/// A policy in force that concerns none of the services.
#[track_caller]
fn unconcerned() -> Case {
    fs::create_dir_all(SOCKETS).unwrap();
    let everybody = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o777);
    fs::set_permissions(SOCKETS, everybody).unwrap();
    drop(place::other());
    let policy: Vec<(&str, &str)> = POLICY
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    Case::under(&policy)
}

/// The intruder may not connect over TCP.
#[track_caller]
fn refused_tcp(case: &mut Case, port: u16) {
    let mut actor = Actor::other();
    let socket = actor.tcp();
    let to = Address::ip(std::net::Ipv4Addr::LOCALHOST, port);
    let decided = Decided::connect("tcp", Object::ip("127.0.0.1", port));
    case.denies(&mut actor, &calls::connect(socket, &to), &decided);
}

/// The intruder may not connect to a unix socket.
#[track_caller]
fn refused_unix(case: &mut Case, path: &str) {
    let mut actor = Actor::other();
    let socket = actor.unix();
    let decided = Decided::stream("unix", Object::path(path));
    case.denies(
        &mut actor,
        &calls::connect(socket, &Address::path(path)),
        &decided,
    );
}
