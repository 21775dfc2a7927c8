//! Connects to unix sockets that fail before they can be judged: with plain events
//! selected each has exactly one, and without none.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use Argument::Number;
use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Event, Object};
use interdict_tests::place;
use interdict_tests::protocol::{Argument, Carrier, Request};
use interdict_tests::service::Service;
use rustix::io::Errno;
use rustix::net::SocketType;

/// Ends the engine that the case was given, also when the test fails: others are
/// not to meet its configuration.
struct Ending;

impl Drop for Ending {
    fn drop(&mut self) {
        Case::end();
    }
}

const POLICY: &[(&str, &str)] = &[(
    "closed",
    "deny unix connect to { /tmp/interdict-tests/failures/closed, @failures-closed } id closed\n",
)];
const CONFIG: &str = r#"
[events]
security_socket_connect = { select = "all", families = ["unix"], subject = 'exe = /usr/bin/other' }
"#;

const FOLDER: &str = "/tmp/interdict-tests/failures";
const CONNECT: &str = "security_socket_connect";
const STREAM_END: &str = "unix_stream_connect_exit";
const DATAGRAM_END: &str = "unix_dgram_connect_exit";
const KINDS: [(i32, &str); 3] = [
    (libc::SOCK_STREAM, STREAM_END),
    (libc::SOCK_SEQPACKET, STREAM_END),
    (libc::SOCK_DGRAM, DATAGRAM_END),
];

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// A request fails with the kernel's errno, and its one event says so.
#[track_caller]
fn told(
    case: &mut Case,
    actor: &mut Actor,
    request: &Request,
    (errno, name): (Errno, &str),
    hook: &str,
) -> Event {
    case.no_event_yet(request);
    assert_eq!(outcome(&actor.ask(request)), Err(errno), "{request:?}");
    let event = case.event();
    event
        .says("/name", CONNECT)
        .says("/id", 1036)
        .says("/decision/action", "allow")
        .says("/decision/rule", None::<&str>)
        .says("/decision/errno", name)
        .says("/decision/hook", hook)
        .says("/decision/family", "unix")
        .says("/decision/operation", "connect")
        .says("/decision/object", serde_json::json!({}))
        .says("/decision/subject/exe", "/usr/bin/other")
        .says("/policies", None::<&str>);
    event
}

/// A request succeeds, and its one event is a hook's.
#[track_caller]
fn seen(case: &mut Case, actor: &mut Actor, request: &Request, hook: &str) {
    case.no_event_yet(request);
    actor.must(request);
    let event = case.event();
    event
        .says("/name", CONNECT)
        .says("/decision/action", "allow")
        .says("/decision/errno", None::<&str>)
        .says("/decision/hook", hook);
}

#[test]
fn what_nobody_answers_is_told_of_once() {
    let _ending = Ending;
    assert_eq!(place::fresh("failures"), Path::new(FOLDER));
    let mut case = Case::configured(POLICY, CONFIG);
    let hooks = case.engine().status().hooks;
    for hook in [STREAM_END, DATAGRAM_END, "socket_connect"] {
        assert!(hooks.iter().any(|one| one == hook), "{hooks:?}");
    }
    addresses(&mut case);
    rings(&mut case);
    those_who_wait(&mut case);
    what_was_judged(&mut case);
}

/// Names that lead nowhere, and to sockets that take nobody.
fn addresses(case: &mut Case) {
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    // The file of a service that has ended.
    drop(UnixListener::bind(path("left")).unwrap());
    fs::write(path("plain"), "").unwrap();
    let quiet = actor.unix();
    actor.must(&calls::bind(quiet, &Address::path(path("quiet"))));
    for (kind, hook) in KINDS {
        let socket = actor.socket(libc::AF_UNIX, kind);
        let mut fails = |to: Address, errno, name| {
            told(
                case,
                &mut actor,
                &calls::connect(socket, &to),
                (errno, name),
                hook,
            )
        };
        let (noent, refused) = (
            (Errno::NOENT, "ENOENT"),
            (Errno::CONNREFUSED, "ECONNREFUSED"),
        );
        let event = fails(Address::path(path("missing")), noent.0, noent.1);
        event
            .says("/data/0/int32", socket)
            .says("/data/1/int32", kind);
        assert_eq!(event.typed()["sun_path"], path("missing").as_str());
        fails(Address::path(path("left")), refused.0, refused.1);
        fails(Address::path(path("plain")), refused.0, refused.1);
        fails(Address::path(path("plain/x")), Errno::NOTDIR, "ENOTDIR");
        let event = fails(
            Address::abstract_name(b"failures-none"),
            refused.0,
            refused.1,
        );
        assert_eq!(event.typed()["sun_path"], "@failures-none");
        let (errno, name) = if kind == libc::SOCK_STREAM {
            refused
        } else {
            (Errno::PROTOTYPE, "EPROTOTYPE")
        };
        fails(Address::path(path("quiet")), errno, name);
        // Another program, and what is no address.
        let socket = good.socket(libc::AF_UNIX, kind);
        let to = Address::path(path("missing"));
        case.fails(&mut good, &calls::connect(socket, &to), Errno::NOENT);
        let socket = actor.socket(libc::AF_UNIX, kind);
        case.fails(
            &mut actor,
            &calls::connect(socket, &to.cut(2)),
            Errno::INVAL,
        );
        let other = Address::ip(std::net::Ipv4Addr::LOCALHOST, 9);
        case.fails(&mut actor, &calls::connect(socket, &other), Errno::INVAL);
    }
    let mut user = Actor::start("/usr/bin/other", 1000);
    let _shut = Service::stream(path("shut"));
    actor.must(&calls::change_mode(path("shut"), 0o700));
    let socket = user.unix();
    let to = calls::connect(socket, &Address::path(path("shut")));
    told(case, &mut user, &to, (Errno::ACCESS, "EACCES"), STREAM_END);
}

fn rings(case: &mut Case) {
    let mut actor = Actor::other();
    let _live = Service::stream(path("live"));
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        for (kind, hook) in KINDS {
            let socket = actor.socket(libc::AF_UNIX, kind);
            let to = Address::path(path("missing"));
            let connect = calls::ring_connect(socket, &to, by);
            let event = told(case, &mut actor, &connect, (Errno::NOENT, "ENOENT"), hook);
            assert_eq!(event.typed()["sun_path"], path("missing").as_str());
        }
        let socket = actor.unix();
        let to = calls::ring_connect(socket, &Address::path(path("live")), by);
        seen(case, &mut actor, &to, "unix_stream_connect");
    }
}

/// A queue with room for nobody: who does not wait is refused, who waits comes in.
fn those_who_wait(case: &mut Case) {
    let (mut server, mut actor) = (Actor::other(), Actor::other());
    let listener = server.unix();
    let to = Address::path(path("full"));
    server.must(&calls::bind(listener, &to));
    let backlog = [listener, 0].map(Number);
    server.must(&calls::call(libc::SYS_listen, backlog.to_vec()));
    let connect = |actor: &mut Actor, kind| {
        let socket = actor.socket(libc::AF_UNIX, libc::SOCK_STREAM | kind);
        calls::connect(socket, &to)
    };
    let first = connect(&mut actor, 0);
    seen(case, &mut actor, &first, "unix_stream_connect");
    let hasty = connect(&mut actor, libc::SOCK_NONBLOCK);
    told(
        case,
        &mut actor,
        &hasty,
        (Errno::AGAIN, "EAGAIN"),
        STREAM_END,
    );
    for by in [Carrier::Submitter, Carrier::Worker] {
        let socket = actor.unix();
        let patient = calls::ring_connect(socket, &to, by);
        case.no_event_yet(&patient);
        actor.begin(&patient);
        std::thread::sleep(std::time::Duration::from_millis(200));
        server.must(&calls::accept(listener));
        assert_eq!(outcome(&actor.finish()), Ok(0));
        case.event().says("/decision/hook", "unix_stream_connect");
    }
}

/// What a hook saw has its event by that hook, and no second one.
fn what_was_judged(case: &mut Case) {
    let mut actor = Actor::other();
    let closed = path("closed");
    for (kind, hook) in [
        (libc::SOCK_STREAM, "unix_stream_connect"),
        (libc::SOCK_SEQPACKET, "unix_stream_connect"),
        (libc::SOCK_DGRAM, "unix_may_send"),
    ] {
        let serve = |name: &str| match kind {
            libc::SOCK_STREAM => Service::stream(path(name)),
            libc::SOCK_SEQPACKET => Service::packets(path(name)),
            _ => Service::datagrams(path(name)),
        };
        let (_closed, _open) = (serve("closed"), serve("open"));
        let end = if kind == libc::SOCK_DGRAM {
            DATAGRAM_END
        } else {
            STREAM_END
        };
        let decided = Decided {
            hook,
            ..Decided::stream("closed", Object::path(&closed))
        };
        let socket = actor.socket(libc::AF_UNIX, kind);
        let to = |name: &str| calls::connect(socket, &Address::path(path(name)));
        case.denies(&mut actor, &to("closed"), &decided);
        told(
            case,
            &mut actor,
            &to("missing"),
            (Errno::NOENT, "ENOENT"),
            end,
        );
        case.denies(&mut actor, &to("closed"), &decided);
        seen(case, &mut actor, &to("open"), hook);
    }
    // A send that was denied is no connect.
    let _closed = Service::datagrams(&closed);
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let send = calls::sendto(socket, b"a", 0, Some(&Address::path(&closed)));
    let decided = Decided::datagram("closed", Object::path(&closed));
    case.denies(&mut actor, &send, &decided);
    let to = calls::connect(socket, &Address::path(path("missing")));
    told(
        case,
        &mut actor,
        &to,
        (Errno::NOENT, "ENOENT"),
        DATAGRAM_END,
    );
    // Nor is one that was let go, and dissolving fails nowhere.
    let _open = Service::named(b"failures-open", SocketType::DGRAM);
    let open = Address::abstract_name(b"failures-open");
    case.allows(&mut actor, &calls::sendto(socket, b"a", 0, Some(&open)));
    told(
        case,
        &mut actor,
        &to,
        (Errno::NOENT, "ENOENT"),
        DATAGRAM_END,
    );
    case.allows(&mut actor, &calls::connect(socket, &Address::none()));
}

#[test]
fn what_nobody_selected_is_not_looked_at() {
    let _ending = Ending;
    Case::end();
    assert_eq!(place::fresh("failures"), Path::new(FOLDER));
    let mut case = Case::under(POLICY);
    let hooks = case.engine().status().hooks;
    for hook in [STREAM_END, DATAGRAM_END, "socket_connect"] {
        assert!(!hooks.iter().any(|one| one == hook), "{hooks:?}");
    }
    let mut actor = Actor::other();
    let socket = actor.unix();
    let to = calls::connect(socket, &Address::path(path("missing")));
    case.fails(&mut actor, &to, Errno::NOENT);
}
