//! What was there before the engine.

use std::fs;

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::engine::Engine;
use interdict_tests::event::{Decided, Event, Object};
use interdict_tests::place;
use interdict_tests::service::Service;
use rustix::io::Errno;

use super::{OPEN, folder, guarded, open_folder};

/// A service listens, the engine starts, and only then its file is renamed, or
/// the folder above it.
#[test]
fn a_socket_that_is_older_and_is_renamed() {
    let _shared = Case::under(&[("nothing", "# No rule.\n")]);
    let root = folder();
    open_folder(root.join("in"));
    let _stream = Service::stream(guarded("stream"));
    let _packets = Service::packets(guarded("packets"));
    let datagrams = Service::datagrams(guarded("datagrams"));
    let _below = Service::stream(root.join("in/below"));
    let _open = Service::stream(OPEN);
    // One whose network is another, and one that nobody but its server holds.
    let mut server = Actor::user();
    server.user_namespace();
    server.must(&calls::unshare(libc::CLONE_NEWNET));
    super::listens(&mut server, &Address::path(guarded("elsewhere")));
    // Nobody was there to see this one.
    let _before = Service::stream(guarded("before"));
    fs::rename(guarded("before"), guarded("before-moved")).unwrap();
    let policy = "deny unix connect to { /run/evasion/before, /run/evasion/stream, /run/evasion/packets, \
                  /run/evasion/datagrams, /run/evasion/in/below, /run/evasion/elsewhere } \
                  unless exe = /usr/bin/good id older\n";
    let mut engine = Engine::start(&[("own", policy)], &[]).unwrap();
    for name in ["stream", "packets", "datagrams", "elsewhere", "open"] {
        fs::rename(guarded(name), guarded(&format!("{name}-moved"))).unwrap();
    }
    fs::rename(root.join("in"), root.join("out")).unwrap();
    let mut actor = Actor::other();
    let mut good = Actor::start(place::good(), 0);
    let cases = [
        ("stream", "stream-moved", libc::SOCK_STREAM),
        ("packets", "packets-moved", libc::SOCK_SEQPACKET),
        ("datagrams", "datagrams-moved", libc::SOCK_DGRAM),
        ("in/below", "out/below", libc::SOCK_STREAM),
        ("elsewhere", "elsewhere-moved", libc::SOCK_STREAM),
    ];
    for (index, (was, is, kind)) in cases.into_iter().enumerate() {
        let to = Address::path(guarded(is));
        let socket = actor.socket(libc::AF_UNIX, kind);
        let reply = actor.ask(&calls::connect(socket, &to));
        assert_eq!(outcome(&reply), Err(Errno::PERM), "{was}");
        let line = engine
            .events
            .wait(index, |lines| lines.first().cloned())
            .unwrap();
        let path = guarded(was);
        let object = Object::path(path.to_str().unwrap());
        let decided = if kind == libc::SOCK_DGRAM {
            Decided::datagram_connect("older", object)
        } else {
            Decided::stream("older", object)
        };
        Event::read(&line).speaks_of(&decided, &actor.subject, &reply);
        let socket = good.socket(libc::AF_UNIX, kind);
        good.must(&calls::connect(socket, &to));
    }
    for name in ["open-moved", "before-moved"] {
        let socket = actor.unix();
        let path = Address::path(guarded(name));
        actor.must(&calls::connect(socket, &path));
    }
    assert_eq!(datagrams.datagram(), None);
    let status = engine.settled();
    status.adds_up();
    status.no_failures();
    assert_eq!(engine.events.count(), cases.len());
}
