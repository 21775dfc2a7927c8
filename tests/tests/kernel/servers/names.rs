//! A server of names, and those who ask it.

use std::fs;
use std::net::Ipv4Addr;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::program::{Program, command, in_cgroup, run};

/// Asks with two files in place of the guest's own, which may be links to nowhere.
const AMONG_OTHERS: &str = "
for file in /etc/resolv.conf /etc/nsswitch.conf; do
    [ -e $file ] || { rm -f $file; : >$file; } || exit
    mount --bind \"$1\" $file || exit
    shift
done
exec getent ahosts interdict.test
";

#[test]
fn names_are_asked_for() {
    let mut case = super::unconcerned();
    let folder = place::fresh("names");
    let dnsmasq = command(
        "dnsmasq",
        &[
            "--no-daemon",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--bind-interfaces",
            "--listen-address=127.0.0.1",
            "--address=/interdict.test/192.0.2.7",
            "--address=/interdict.test/2001:db8::7",
            "--pid-file=",
            "--user=nobody",
            "--group=nogroup",
            "--log-facility=-",
        ],
    );
    // Of the units that an example lets have the port.
    let mut dnsmasq = in_cgroup("/system.slice/unbound.service", &dnsmasq);
    let _server = Program::start(&mut dnsmasq).warned("started, version");
    let said = run(&mut command(
        "busybox",
        &["nslookup", "interdict.test", "127.0.0.1"],
    ));
    assert!(
        said.as_ref().is_ok_and(|said| said.contains("192.0.2.7")),
        "{said:?}"
    );
    // The C library's own resolver, which reads its file: over UDP, and over TCP.
    let [resolver, order] = ["resolv.conf", "nsswitch.conf"].map(|name| folder.join(name));
    fs::write(&resolver, "nameserver 127.0.0.1\n").unwrap();
    fs::write(&order, "hosts: dns\npasswd: files\ngroup: files\n").unwrap();
    for options in ["", "use-vc"] {
        let mut getent = command(
            "unshare",
            &[
                "--mount",
                "sh",
                "-c",
                AMONG_OTHERS,
                "sh",
                resolver.to_str().unwrap(),
                order.to_str().unwrap(),
            ],
        );
        let said = run(getent.env("RES_OPTIONS", options));
        assert!(
            said.as_ref().is_ok_and(|said| said.contains("192.0.2.7")),
            "{said:?}"
        );
    }
    let mut actor = Actor::other();
    let server = Address::ip(Ipv4Addr::LOCALHOST, 53);
    let object = Object::ip("127.0.0.1", 53);
    let socket = actor.udp();
    let ask = calls::sendto(socket, b"?", 0, Some(&server));
    case.denies(&mut actor, &ask, &Decided::send("udp", object.clone()));
    let connect = calls::connect(socket, &server);
    case.denies(&mut actor, &connect, &Decided::connect("udp", object));
}
