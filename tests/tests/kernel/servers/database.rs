//! `PostgreSQL`.

use std::path::Path;
use std::process::Command;

use interdict_tests::place;
use interdict_tests::program::{Program, as_user, command, run, wrote};
use rustix::process::Signal;

/// Where its programs lie.
pub(super) const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// An empty database, which `cargo xtask` makes: an emulated CPU would take minutes.
const EMPTY: &str = "/usr/share/interdict-tests/database.tar";

/// Unpacks an empty database, user 1000's.
pub(super) fn unpack(into: &str) {
    assert!(Path::new(EMPTY).exists(), "{EMPTY}: see `cargo xtask test`");
    run(&mut as_user("mkdir", &["--mode=700", into])).unwrap();
    let unpack = ["-x", "--no-same-owner", "-C", into, "-f", EMPTY];
    run(&mut as_user("tar", &unpack)).unwrap();
}

/// Arguments of `postgres` that make it small, and let it listen in a folder and
/// at a port of this host.
pub(super) fn arguments(data: &str, folder: &str, port: u16) -> Vec<String> {
    let settings = [
        "listen_addresses=127.0.0.1,::1",
        &format!("port={port}"),
        &format!("unix_socket_directories={folder}"),
        "fsync=off",
        "max_connections=10",
        "shared_buffers=4MB",
        "autovacuum=off",
        "jit=off",
        "timezone=UTC",
        "log_timezone=UTC",
        "dynamic_shared_memory_type=mmap",
    ];
    let mut arguments = vec!["-D".to_owned(), data.to_owned()];
    for setting in settings {
        arguments.extend(["-c".to_owned(), setting.to_owned()]);
    }
    arguments
}

/// `psql` of a query, by a host that is a folder or an address.
pub(super) fn psql(host: &str, port: u16, query: &str) -> Command {
    let port = port.to_string();
    let words = [
        "-X", "-A", "-t", "-q", "-U", "postgres", "-h", host, "-p", &port, "-c", query,
    ];
    let mut command = command(&format!("{PROGRAMS}/psql"), &words);
    command.arg("postgres");
    command
}

#[test]
fn a_database_over_unix_and_tcp() {
    let mut case = super::unconcerned();
    let folder = place::fresh("database");
    let data = folder.join("data");
    let data = data.to_str().unwrap();
    unpack(data);
    let postgres = format!("{PROGRAMS}/postgres");
    let _server = Program::start(&mut as_user(
        &postgres,
        &arguments(data, super::SOCKETS, 5433),
    ))
    .ending_by(Signal::INT)
    .warned("ready to accept connections");
    wrote(
        &run(&mut psql(
            super::SOCKETS,
            5433,
            "create table t as select 42 as n",
        )),
        "",
    );
    for host in [super::SOCKETS, "127.0.0.1", "::1", "localhost"] {
        wrote(&run(&mut psql(host, 5433, "select n from t")), "42");
    }
    super::refused_tcp(&mut case, 5433);
    super::refused_unix(&mut case, "/run/services/.s.PGSQL.5433");
}
