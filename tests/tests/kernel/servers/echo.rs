//! Echoes in two uncommon ways: over MPTCP, and by `io_uring`.

use std::net::Ipv4Addr;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::program::{Program, as_user, run, wrote};
use interdict_tests::protocol::Carrier;

/// Echoes one connection after the other, over MPTCP in earnest: a peer without it
/// is not answered. (284, 1) is `SOL_MPTCP`, `MPTCP_INFO`, which plain TCP has not.
const SERVER: &str = "
import socket
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', 8087))
listener.listen()
print('listening', flush=True)
while True:
    with listener.accept()[0] as stream:
        stream.getsockopt(284, 1, 128)
        while data := stream.recv(65536):
            stream.sendall(data)
";

const CLIENT: &str = "
import socket
stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
stream.connect(('127.0.0.1', 8087))
stream.getsockopt(284, 1, 128)
sent = b'0123456789' * 20000
got = b''
while len(got) < len(sent):
    stream.sendall(sent[len(got):len(got) + 50000])
    for _ in range(0, 50000):
        data = stream.recv(65536)
        got += data
        if len(got) % 50000 == 0 or not data:
            break
print(got == sent)
";

#[test]
fn over_mptcp() {
    let mut case = super::unconcerned();
    let _server = Program::start(&mut as_user("python3", &["-c", SERVER])).told("listening");
    for _ in 0..2 {
        wrote(&run(&mut as_user("python3", &["-c", CLIENT])), "True");
    }
    let mut actor = Actor::other();
    let stream = calls::socket(libc::AF_INET, libc::SOCK_STREAM, IPPROTO_MPTCP);
    let socket = actor.must(&stream);
    let to = Address::ip(Ipv4Addr::LOCALHOST, 8087);
    let decided = Decided::connect("tcp", Object::ip("127.0.0.1", 8087));
    case.denies(&mut actor, &calls::connect(socket, &to), &decided);
}

/// All that a connection needs, by ring; bind and listen, which not every kernel's
/// rings can do, by call.
#[test]
fn by_ring() {
    let mut case = super::unconcerned();
    let path = "/run/services/ring";
    let tcp = Address::ip(Ipv4Addr::LOCALHOST, 8087);
    let probe = place::good();
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        for (family, address) in [(libc::AF_INET, &tcp), (libc::AF_UNIX, &Address::path(path))] {
            std::fs::remove_file(path).ok();
            let stream = calls::ring_socket(family, libc::SOCK_STREAM, by);
            let mut server = Actor::start(&probe, 1000);
            let listener = server.must(&stream);
            server.must(&calls::set_option(
                listener,
                libc::SOL_SOCKET,
                libc::SO_REUSEADDR,
                1,
            ));
            server.must(&calls::bind(listener, address));
            server.must(&calls::listen(listener));
            let mut client = Actor::start(&probe, 1000);
            let near = client.must(&stream);
            case.allows(&mut client, &calls::ring_connect(near, address, by));
            let far = case.allows(&mut server, &calls::ring_accept(listener, by));
            for text in [&b"once"[..], b"and again"] {
                client.must(&calls::ring_tell(near, text, by));
                let mut heard = server.fetch(&calls::ring_hear(far, 64, by));
                heard.truncate(text.len());
                assert_eq!(heard, text);
                server.must(&calls::ring_tell(far, &heard, by));
                let echo = client.fetch(&calls::ring_hear(near, 64, by));
                assert!(echo.starts_with(text), "{echo:?}");
            }
            let mut intruder = Actor::other();
            let socket = intruder.must(&stream);
            let connect = calls::ring_connect(socket, address, by);
            let decided = if family == libc::AF_INET {
                Decided::connect("tcp", Object::ip("127.0.0.1", 8087))
            } else {
                Decided::stream("unix", Object::path(path))
            };
            case.denies(&mut intruder, &connect, &decided);
        }
    }
}
