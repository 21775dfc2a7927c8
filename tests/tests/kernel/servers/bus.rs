//! D-Bus.

use std::fs;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::program::{self, Program, as_user, command, run};

/// The system's bus.
pub(super) const BUS: &str = "/run/dbus/system_bus_socket";

/// What the daemon reads, for a bus that everybody may use as he likes.
pub(super) fn configuration(listens: &[&str]) -> String {
    let listens = listens.join("</listen><listen>");
    format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n\
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
         <busconfig><listen>{listens}</listen><auth>EXTERNAL</auth>\n\
         <policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\n\
         <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/></policy>\n\
         </busconfig>\n"
    )
}

/// Arguments of `dbus-send` that ask the bus at an address who is on it.
pub(super) fn asks(address: &str) -> [String; 6] {
    [
        &format!("--bus={address}"),
        "--print-reply",
        "--reply-timeout=120000",
        "--dest=org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus.ListNames",
    ]
    .map(str::to_owned)
}

/// Arguments of `dbus-send` that tell everybody on the bus something.
pub(super) fn tells(address: &str, what: &str) -> [String; 4] {
    [
        &format!("--bus={address}"),
        "/interdict/test",
        "interdict.test.Told",
        &format!("string:{what}"),
    ]
    .map(str::to_owned)
}

#[test]
fn the_bus_and_its_clients() {
    let mut case = super::unconcerned();
    let folder = place::fresh("bus");
    fs::create_dir_all("/run/dbus").unwrap();
    fs::remove_file(BUS).ok();
    let file = folder.join("bus.conf");
    let addresses = [&format!("unix:path={BUS}"), "unix:abstract=interdict-bus"];
    fs::write(&file, configuration(&addresses)).unwrap();
    let file = format!("--config-file={}", file.display());
    let daemon = ["--nofork", "--nopidfile", "--print-address", file.as_str()];
    let _daemon = Program::start(&mut command("dbus-daemon", &daemon)).told("unix:");
    for address in addresses {
        for mut send in [
            command("dbus-send", &asks(address)),
            as_user("dbus-send", &asks(address)),
        ] {
            let said = run(&mut send);
            assert!(
                said.as_ref().is_ok_and(|said| said.contains(":1.")),
                "{said:?}"
            );
        }
    }
    let [path, name] = addresses;
    let monitor = ["--address", path, "type=signal"];
    let monitor = Program::start(&mut command("dbus-monitor", &monitor)).told("NameLost");
    run(&mut command("dbus-send", &tells(name, "hear"))).unwrap();
    assert!(
        program::contains(&monitor.out, 0, "hear"),
        "{:?}",
        monitor.said()
    );
    super::refused_unix(&mut case, BUS);
    let mut actor = Actor::other();
    let socket = actor.unix();
    let name = Address::abstract_name(b"interdict-bus");
    let decided = Decided::stream("unix", Object::Name(b"interdict-bus".to_vec()));
    case.denies(&mut actor, &calls::connect(socket, &name), &decided);
}
