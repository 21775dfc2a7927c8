//! The line that everybody writes first.

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::service::Service;

const SOCKET: &str = "/run/docker.sock";
const POLICY: &[(&str, &str)] = &[(
    "docker",
    "deny unix connect to /run/docker.sock unless comm=dockerd\n",
)];

fn by_stream() -> Decided {
    Decided::stream("docker/1", Object::path(SOCKET))
}

#[test]
fn the_very_line() {
    let mut case = Case::under(POLICY);
    let _service = Service::stream(SOCKET);
    let _other_service = Service::stream("/run/other.sock");
    let mut shell = Actor::other();
    let socket = shell.unix();
    let denied = calls::connect(socket, &Address::path(SOCKET));
    let event = case.denies(&mut shell, &denied, &by_stream());
    event.says("/decision/line", 1);
    event
        .says("/data/0/name", "sockfd")
        .says("/data/0/int32", socket);
    // The refused socket is as good as new.
    case.allows(
        &mut shell,
        &calls::connect(socket, &Address::path("/run/other.sock")),
    );

    let dockerd = place::install("/usr/bin/dockerd");
    let mut dockerd = Actor::start(dockerd, 0);
    let socket = dockerd.unix();
    case.allows(
        &mut dockerd,
        &calls::connect(socket, &Address::path(SOCKET)),
    );
}
