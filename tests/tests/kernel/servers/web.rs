//! A static web server, and curl.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::program::{Program, as_user, command, run, wrote};

/// What nginx is told, after where it serves.
pub(super) fn configuration(folder: &str, listens: &str) -> String {
    let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {folder}/{name};"))
        .concat();
    format!(
        "daemon off; worker_processes 2; pid {folder}/pid; error_log stderr;\n\
         events {{ }}\n\
         http {{ access_log off; keepalive_timeout 1h; {places} server {{ {listens} root {folder}; }} }}\n"
    )
}

#[test]
fn a_web_server_and_its_clients() {
    let mut case = super::unconcerned();
    let folder = place::fresh("web");
    fs::write(folder.join("index.html"), "it works\n").unwrap();
    fs::write(folder.join("large"), "x".repeat(300_000)).unwrap();
    let folder = folder.to_str().unwrap();
    let socket = "/run/services/web";
    fs::remove_file(socket).ok();
    let listens = format!("listen 127.0.0.1:8086; listen [::1]:8086; listen unix:{socket};");
    let file = format!("{folder}/nginx.conf");
    // Its workers give up root.
    let text = format!("user nobody nogroup; {}", configuration(folder, &listens));
    fs::write(&file, text).unwrap();
    let arguments = ["-p", folder, "-e", "stderr", "-c", file.as_str()];
    let _server = Program::start(&mut command("nginx", &arguments))
        .ready(|| TcpStream::connect(("127.0.0.1", 8086)).is_ok());
    let curl = ["--silent", "--show-error", "--fail", "--noproxy", "*"];
    for place in [
        &["http://127.0.0.1:8086/"][..],
        &["http://[::1]:8086/"],
        &["http://localhost:8086/"],
        &["--unix-socket", socket, "http://localhost/"],
    ] {
        let arguments = [&curl[..], place].concat();
        wrote(&run(&mut command("curl", &arguments)), "it works");
        wrote(&run(&mut as_user("curl", &arguments)), "it works");
    }
    // Several at a time, of which each takes several packets.
    let address = "http://127.0.0.1:8086/large?[1-6]";
    let many = [
        "--parallel",
        "--output",
        "/dev/null",
        "--write-out",
        "%{size_download} ",
    ];
    let arguments = [&curl[..], &many, &[address]].concat();
    wrote(
        &run(&mut command("curl", &arguments)),
        ["300000"; 6].join(" "),
    );
    super::refused_tcp(&mut case, 8086);
    super::refused_unix(&mut case, socket);
    let mut actor = Actor::other();
    let own = actor.tcp();
    let taken = Address::ip(Ipv4Addr::LOCALHOST, 8086);
    let decided = Decided::bind("tcp-bind", Object::ip("127.0.0.1", 8086));
    case.denies(&mut actor, &calls::bind(own, &taken), &decided);
}
