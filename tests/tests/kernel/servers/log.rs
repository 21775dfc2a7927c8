//! The system's log.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::program::{Program, as_user, command, run, until};

#[test]
fn what_programs_log() {
    let mut case = super::unconcerned();
    let folder = place::fresh("log");
    let file = folder.join("messages");
    let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let remote = elsewhere.local_addr().unwrap().to_string();
    let path = file.to_str().unwrap();
    fs::remove_file("/dev/log").ok();
    // To a file, and to another host's.
    let syslogd = ["syslogd", "-n", "-L", "-O", path, "-R", &remote];
    let _server =
        Program::start(&mut command("busybox", &syslogd)).ready(|| Path::new("/dev/log").exists());
    for (words, mut logger) in [
        ("by root", command("logger", &["--tag", "real", "by root"])),
        (
            "by a user",
            as_user("logger", &["--tag", "real", "by a user"]),
        ),
        (
            "by a small one",
            command("busybox", &["logger", "by a small one"]),
        ),
    ] {
        run(&mut logger).unwrap();
        until("the line is in the file", || {
            fs::read_to_string(&file).is_ok_and(|text| text.contains(words))
        });
        until("the line is at the other host", || {
            let mut bytes = [0; 512];
            let mut all = std::iter::from_fn(|| {
                let length = elsewhere.recv(&mut bytes).ok()?;
                Some(String::from_utf8_lossy(bytes.get(..length)?).into_owned())
            });
            all.any(|text| text.contains(words))
        });
    }
    let mut actor = Actor::other();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let log = Address::path("/dev/log");
    let object = Object::path("/dev/log");
    let send = calls::sendto(socket, b"<13>x", 0, Some(&log));
    case.denies(
        &mut actor,
        &send,
        &Decided::datagram("unix", object.clone()),
    );
    let connect = calls::connect(socket, &log);
    case.denies(
        &mut actor,
        &connect,
        &Decided::datagram_connect("unix", object),
    );
    drop(case);
    fs::remove_file("/dev/log").ok();
}
