//! Servers that are handed a socket that listens, and have given up root: they
//! could never have made it.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};

use interdict_tests::place;
use interdict_tests::program::{Program, as_user, command, run, wrote};

use super::{bus, web};

/// A port that user 1000 may not bind.
const PORT: u16 = 87;

/// Listens at an address, and starts a program as user 1000 for the first connection.
fn activated(address: &str, set: &[&str], program: &[&str]) -> Program {
    let drop = [
        "setpriv",
        "--reuid=1000",
        "--regid=1000",
        "--clear-groups",
        "--",
    ];
    let listens = ["--listen", address];
    let arguments = [&listens[..], set, &drop, program].concat();
    Program::start(&mut command("systemd-socket-activate", &arguments)).warned("Listening on")
}

#[test]
fn a_web_server_at_a_port_that_it_could_not_have() {
    let mut case = super::unconcerned();
    let folder = place::fresh("activated");
    fs::write(folder.join("index.html"), "it works\n").unwrap();
    let folder = folder.to_str().unwrap();
    let file = format!("{folder}/nginx.conf");
    fs::write(&file, web::configuration(folder, "listen 127.0.0.1:87;")).unwrap();
    let nginx = ["nginx", "-p", folder, "-e", "stderr", "-c", &file];
    let refused = run(&mut as_user("nginx", &nginx[1..]));
    let refused = refused.expect_err("it has no right to the port");
    assert!(
        refused.contains("bind() to 127.0.0.1:87 failed"),
        "{refused}"
    );
    // An example says so before the kernel does.
    let event = case.event();
    event.says("/decision/rule", "well-known-tcp");
    event.says("/decision/subject/exe", "/usr/sbin/nginx");
    // Which descriptors are sockets that it listens on already.
    let _server = activated("127.0.0.1:87", &["--setenv", "NGINX=3;"], &nginx);
    let curl = [
        "--silent",
        "--show-error",
        "--fail",
        "--noproxy",
        "*",
        "http://127.0.0.1:87/",
    ];
    for _ in 0..2 {
        wrote(&run(&mut as_user("curl", &curl)), "it works");
    }
    drop(TcpStream::connect((Ipv4Addr::LOCALHOST, PORT)).unwrap());
    super::refused_tcp(&mut case, PORT);
}

#[test]
fn a_bus_that_was_handed_its_socket() {
    let mut case = super::unconcerned();
    let folder = place::fresh("activated-bus");
    let file = folder.join("bus.conf");
    fs::write(&file, bus::configuration(&["systemd:"])).unwrap();
    let file = format!("--config-file={}", file.display());
    let socket = "/run/services/activated";
    let daemon = ["dbus-daemon", "--nofork", "--nopidfile", &file];
    let _server = activated(socket, &[], &daemon);
    let address = format!("unix:path={socket}");
    for _ in 0..2 {
        let said = run(&mut command("dbus-send", &bus::asks(&address)));
        assert!(
            said.as_ref().is_ok_and(|said| said.contains(":1.")),
            "{said:?}"
        );
    }
    super::refused_unix(&mut case, socket);
}
