//! Installing on a live host hurts nobody: services that ran before the engine did
//! keep what their rules allow, those that are connected and those that come, and
//! nothing else.
//!
//! The engine is told that what runs is to be trusted (`--trust-running all`), as is
//! meant for a live host. One test, since starting the host takes long.

mod container;
mod manager;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::lines::PATIENCE;
use interdict_tests::place;
use interdict_tests::program::{self, Program, command, run, wrote};

use super::{bus, database};
use container::Container;
use manager::Manager;

/// Where the host's services have their sockets.
const SOCKETS: &str = "/run/live";

/// The database's port, and the web server's.
const DATABASE: u16 = 5434;
const WEB: u16 = 87;

/// Each service has what it needs, by unit, program, name, user or cgroup, and a
/// default that closes everything else.
const POLICY: &str = "
language 1

for unit = database.service {
    default deny { tcp, udp, unix } { connect, bind, listen, accept } id database
    allow tcp accept on loopback port 5434 id database-tcp
    allow unix accept on /run/live/.s.PGSQL.5434 id database-unix
}
deny unix connect to /run/live/.s.PGSQL.* unless exe = /usr/lib/postgresql/15/bin/* id clients

for exe = /usr/bin/dbus-daemon {
    default deny { tcp, udp, unix } { connect, bind, listen, accept } id bus
    allow unix accept on { /run/live/bus, /run/live/late } id bus-serves
}
deny unix connect to { /run/live/bus, /run/live/late }
    unless exe in { /usr/bin/dbus-send, /usr/bin/dbus-monitor }
    id bus-clients

for uid = 1001 and comm = nginx {
    default deny { tcp, udp, unix } { connect, bind, accept } id web
    allow tcp accept on loopback port 87 id web-serves
}

for exe = /usr/lib/systemd/systemd {
    default deny { tcp, udp, unix } { connect, bind } id manager
    allow unix { connect, bind } to { /run/systemd/**, /run/live/** } id manager-sockets
}

for cgroup = /live/box and exe = /srv/box/bin/busybox {
    default deny { tcp, udp, unix } { connect, bind, listen, accept } id box
    allow tcp { connect, accept } to loopback port { 8080, 8082 } id box-web
}
";

/// What ran before the engine did, and is connected.
struct Host {
    _manager: Manager,
    container: Container,
    /// One over the unix socket, one over TCP.
    sessions: [Program; 2],
    monitor: Program,
    web: TcpStream,
}

impl Host {
    fn new() -> Self {
        let folder = place::fresh("live");
        let manager = Manager::start(folder.to_str().unwrap());
        let container = Container::start();
        let mut sessions = [SOCKETS, "127.0.0.1"].map(session);
        for session in &mut sessions {
            assert_eq!(session.ask("select 'before';"), "before");
        }
        let monitor = ["--address", &address("bus"), "type=signal"];
        let monitor = Program::start(&mut command("dbus-monitor", &monitor)).told("NameLost");
        let mut web = reach();
        assert_eq!(page(&mut web), "it works");
        Self {
            _manager: manager,
            container,
            sessions,
            monitor,
            web,
        }
    }
}

/// The bus's address.
fn address(name: &str) -> String {
    format!("unix:path={SOCKETS}/{name}")
}

/// A client of the database that reads its queries from a pipe.
fn session(host: &str) -> Program {
    let port = DATABASE.to_string();
    let psql = format!("{}/psql", database::PROGRAMS);
    let words = [
        "-oL", &psql, "-X", "-A", "-t", "-q", "-U", "postgres", "-h", host, "-p", &port,
    ];
    Program::start(&mut command("stdbuf", &words))
}

/// A connection to the web server.
fn reach() -> TcpStream {
    let web = TcpStream::connect((Ipv4Addr::LOCALHOST, WEB)).unwrap();
    web.set_read_timeout(Some(PATIENCE)).unwrap();
    web
}

/// The page that the web server has, over a connection that stays.
fn page(web: &mut TcpStream) -> String {
    web.write_all(b"GET / HTTP/1.1\r\nHost: live\r\n\r\n")
        .unwrap();
    let mut got = Vec::new();
    let mut byte = [0];
    while !got.ends_with(b"it works\n") {
        let length = web.read(&mut byte).unwrap();
        assert_eq!(length, 1, "{}", String::from_utf8_lossy(&got));
        got.extend(byte);
    }
    assert!(
        got.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&got)
    );
    "it works".to_owned()
}

#[test]
fn services_that_are_older_than_the_engine() {
    Case::end();
    let mut host = Host::new();
    let mut case = Case::on_a_live_host(&[("live", POLICY)]);
    the_database(&mut case, &mut host);
    the_bus(&mut case, &host);
    the_web_server(&mut case, &mut host);
    host.container.keeps_what_it_may(&mut case);
    // What the manager starts now is newer than the engine, its socket is older.
    let said = run(&mut command("dbus-send", &bus::asks(&address("late"))));
    assert!(
        said.as_ref().is_ok_and(|said| said.contains(":1.")),
        "{said:?}"
    );
    refused(&mut case, "late", "bus-clients");
    drop(case);
    // Later cases get an engine that trusts as little as on other guests.
    Case::end();
}

/// A program that no rule lets in is refused at a socket.
#[track_caller]
fn refused(case: &mut Case, name: &str, rule: &'static str) {
    let mut actor = Actor::other();
    let path = format!("{SOCKETS}/{name}");
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::path(&path));
    case.denies(
        &mut actor,
        &connect,
        &Decided::stream(rule, Object::path(&path)),
    );
}

fn the_database(case: &mut Case, host: &mut Host) {
    for session in &mut host.sessions {
        assert_eq!(session.ask("select 'after';"), "after");
    }
    for host in [SOCKETS, "127.0.0.1", "::1"] {
        wrote(
            &run(&mut database::psql(host, DATABASE, "select 40 + 2")),
            "42",
        );
    }
    refused(case, ".s.PGSQL.5434", "clients");
    // Whoever may speak to it can let it run programs, which are of its unit.
    let steals = "copy (select 1) to program 'curl --silent --noproxy \"*\" http://127.0.0.1:87/'";
    let failed = run(&mut database::psql(SOCKETS, DATABASE, steals));
    assert!(
        failed
            .as_ref()
            .is_err_and(|why| why.contains("child process exited")),
        "{failed:?}"
    );
    let event = case.event();
    event.says("/decision/action", "deny");
    event.says("/decision/rule", "database");
    event.says("/decision/subject/exe", "/usr/bin/curl");
    event.says("/decision/subject/unit", "database.service");
    event.says("/decision/object/port", WEB);
}

fn the_bus(case: &mut Case, host: &Host) {
    let from = host.monitor.out.count();
    run(&mut command(
        "dbus-send",
        &bus::tells(&address("bus"), "hear"),
    ))
    .unwrap();
    let heard = program::contains(&host.monitor.out, from, "hear");
    assert!(heard, "{:?}", host.monitor.said());
    let said = run(&mut command("dbus-send", &bus::asks(&address("bus"))));
    assert!(
        said.as_ref().is_ok_and(|said| said.contains(":1.")),
        "{said:?}"
    );
    refused(case, "bus", "bus-clients");
}

fn the_web_server(case: &mut Case, host: &mut Host) {
    assert_eq!(page(&mut host.web), "it works");
    let mut web = reach();
    assert_eq!(page(&mut web), "it works");
    // Another process of its name and user is held to the same.
    let program = place::install(fs::canonicalize("/tmp").unwrap().join("nginx"));
    let mut actor = Actor::start(program, 1001);
    let socket = actor.tcp();
    let to = Address::ip(Ipv4Addr::LOCALHOST, DATABASE);
    let decided = Decided::connect("web", Object::ip("127.0.0.1", DATABASE));
    case.denies(&mut actor, &calls::connect(socket, &to), &decided);
}
