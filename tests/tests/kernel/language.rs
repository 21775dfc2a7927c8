//! The language as the kernel decides it.

use std::net::IpAddr;

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::protocol::Request;
use interdict_tests::service::{Service, Tcp, Udp};
use rustix::io::Errno;
use serde_json::json;

fn to(address: &str, port: u16) -> Address {
    let address: IpAddr = address.parse().unwrap();
    Address::ip(address, port)
}

fn tcp(actor: &mut Actor, address: &str, port: u16) -> Request {
    let family = if address.contains(':') {
        libc::AF_INET6
    } else {
        libc::AF_INET
    };
    let socket = actor.socket(family, libc::SOCK_STREAM);
    calls::connect(socket, &to(address, port))
}

/// Connects to a path.
fn unix(actor: &mut Actor, path: &str) -> Request {
    let socket = actor.unix();
    calls::connect(socket, &Address::path(path))
}

/// What a table of addresses says is what happens.
#[track_caller]
fn decides(case: &mut Case, actor: &mut Actor, table: &[(&str, u16, Option<&'static str>)]) {
    for (address, port, rule) in table {
        let connect = tcp(actor, address, *port);
        if let Some(rule) = rule {
            let decided = Decided::connect(rule, Object::ip(address, *port));
            case.denies(actor, &connect, &decided);
        } else {
            // There is nobody, or not even a route: the network's own answer.
            let result = outcome(&actor.ask(&connect));
            let answers = [Err(Errno::CONNREFUSED), Err(Errno::NETUNREACH), Ok(0)];
            assert!(answers.contains(&result), "{address} {port}: {result:?}");
        }
    }
}

#[test]
fn default_deny_and_what_is_allowed() {
    let policy = "default deny tcp connect to 127.0.0.0/8 port 8000-8999 id closed\n\
                  allow tcp connect to 127.0.0.0/8 port 8080 if exe = /usr/bin/good id open\n";
    let mut case = Case::under(&[("web", policy)]);
    let _services = ["0.0.0.0:8080", "0.0.0.0:9000"].map(Tcp::on);
    let mut good = Actor::good();
    let connect = tcp(&mut good, "127.0.0.1", 8080);
    case.allows(&mut good, &connect);
    let connect = tcp(&mut good, "127.0.0.1", 8081);
    let decided = Decided::connect("closed", Object::ip("127.0.0.1", 8081));
    case.denies(&mut good, &connect, &decided);
    let mut other = Actor::user();
    let connect = tcp(&mut other, "127.0.0.1", 8080);
    let decided = Decided::connect("closed", Object::ip("127.0.0.1", 8080));
    case.denies(&mut other, &connect, &decided);
    let connect = tcp(&mut other, "127.0.0.1", 9000);
    case.allows(&mut other, &connect);
}

#[test]
fn deny_comes_before_allow() {
    let policy = "allow tcp connect to 127.0.0.1 id a-allow\n\
                  deny tcp connect to 127.0.0.1 port 8080 if uid = 1000 id z-deny\n\
                  default deny tcp connect to 127.0.0.0/8 id m-default\n";
    let mut case = Case::under(&[("web", policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    let mut user = Actor::user();
    let connect = tcp(&mut user, "127.0.0.1", 8080);
    let decided = Decided::connect("z-deny", Object::ip("127.0.0.1", 8080));
    case.denies(&mut user, &connect, &decided);
    let mut root = Actor::other();
    let connect = tcp(&mut root, "127.0.0.1", 8080);
    case.allows(&mut root, &connect);
    let connect = tcp(&mut root, "127.0.0.2", 8080);
    let decided = Decided::connect("m-default", Object::ip("127.0.0.2", 8080));
    case.denies(&mut root, &connect, &decided);
}

#[test]
fn the_smallest_id_is_the_one_that_decides() {
    let policy = "deny tcp connect to 127.0.0.1 port 8080 with EACCES id b\n\
                  deny tcp connect to 127.0.0.0/8 port 8080 with ECONNREFUSED id a\n\
                  deny tcp connect to 127.0.0.2 port 8080 with EHOSTUNREACH id A\n";
    let mut case = Case::under(&[("web", policy)]);
    let _beside = Tcp::on("127.0.0.1:8081");
    let mut actor = Actor::user();
    let connect = tcp(&mut actor, "127.0.0.1", 8080);
    let decided = Decided::connect("a", Object::ip("127.0.0.1", 8080));
    let errno = (Errno::CONNREFUSED, "ECONNREFUSED");
    case.denies_with(&mut actor, &connect, &decided, errno);
    let connect = tcp(&mut actor, "127.0.0.2", 8080);
    let decided = Decided::connect("A", Object::ip("127.0.0.2", 8080));
    let errno = (Errno::HOSTUNREACH, "EHOSTUNREACH");
    case.denies_with(&mut actor, &connect, &decided, errno);
    let connect = tcp(&mut actor, "127.0.0.1", 8081);
    case.allows(&mut actor, &connect);
}

#[test]
fn what_a_rule_says_of_itself() {
    let policy = "# A comment.\n\
                  deny unix connect to /run/some.sock with EACCES id described\n\
                  because \"it is \\\"private\\\"\" severity high tag \"T1\" tag \"T2\"\n\
                  deny unix connect to /run/next.sock\n";
    let mut case = Case::under(&[("texts", policy)]);
    let services = ["/run/some.sock", "/run/next.sock", "/run/other.sock"];
    let _services = services.map(Service::stream);
    let mut actor = Actor::user();
    let connect = unix(&mut actor, "/run/some.sock");
    let decided = Decided::stream("described", Object::path("/run/some.sock"));
    let errno = (Errno::ACCESS, "EACCES");
    let event = case.denies_with(&mut actor, &connect, &decided, errno);
    event.says("/decision/because", "it is \"private\"");
    event.says("/decision/severity", "high");
    event.says("/decision/tags", json!(["T1", "T2"]));
    event.says("/decision/line", 2);
    event.says("/decision/policy", "texts");
    assert!(event.text("/decision/file").ends_with("/texts.policy"));
    let connect = unix(&mut actor, "/run/next.sock");
    let decided = Decided::stream("texts/2", Object::path("/run/next.sock"));
    let event = case.denies(&mut actor, &connect, &decided);
    event.says("/decision/line", 4);
    event.says("/decision/because", None::<&str>);
    let connect = unix(&mut actor, "/run/other.sock");
    case.allows(&mut actor, &connect);
}

#[test]
fn records() {
    let policy = "record udp connect to 127.0.0.0/8 port 53 id z-all\n\
                  record udp connect to 127.0.0.1 id a-one\n\
                  deny udp connect to 127.0.0.2 id denied\n";
    let mut case = Case::under(&[("names", policy)]);
    let names = Udp::on("0.0.0.0:53");
    let mut actor = Actor::user();
    let socket = actor.udp();
    let send = |address| calls::sendto(socket, b"a", 0, Some(&to(address, 53)));
    let event = case.records(&mut actor, &send("127.0.0.1"), &["a-one", "z-all"]);
    event.says("/decision/hook", "socket_sendmsg");
    event.says("/policies/matched", json!(["names"]));
    case.records(&mut actor, &send("127.0.0.3"), &["z-all"]);
    // A denial is recorded as well, in the same event.
    let decided = Decided::send("denied", Object::ip("127.0.0.2", 53));
    let event = case.denies(&mut actor, &send("127.0.0.2"), &decided);
    event.says("/decision/recorded", json!(["z-all"]));
    let beside = calls::connect(socket, &to("127.0.0.3", 54));
    case.allows(&mut actor, &beside);
    assert_eq!(names.received(), 2);
    let counted = case.counted();
    let matched = ["a-one", "z-all", "denied"].map(|id| counted.rule(id).matched);
    assert_eq!(matched, [1, 3, 1]);
    assert_eq!(counted.rule("z-all").denied, 0);
}

#[test]
fn a_file_in_audit_mode() {
    let audit = "mode audit\n\
                 deny unix connect to /run/some.sock id watched because \"soon\"\n\
                 enforce deny unix connect to /run/next.sock id enforced\n";
    let enforced = "deny unix connect to /run/other.sock id other\n";
    let mut case = Case::under(&[("audit", audit), ("enforced", enforced)]);
    let paths = ["/run/some.sock", "/run/next.sock", "/run/other.sock"];
    let _services = paths.map(Service::stream);
    let mut actor = Actor::user();
    let connect = unix(&mut actor, "/run/some.sock");
    let decided = Decided::stream("watched", Object::path("/run/some.sock"));
    let event = case.would_deny(&mut actor, &connect, &decided);
    event.says("/decision/mode", "audit");
    event.says("/decision/because", "soon");
    for (path, rule) in [("/run/next.sock", "enforced"), ("/run/other.sock", "other")] {
        let connect = unix(&mut actor, path);
        let decided = Decided::stream(rule, Object::path(path));
        case.denies(&mut actor, &connect, &decided);
    }
    let counted = case.counted();
    assert_eq!(counted.rule("watched").would_deny, 1);
    assert_eq!(counted.rule("watched").denied, 0);
    assert_eq!(counted.counter("would_deny"), 1);
}

#[test]
fn a_rule_in_audit_mode() {
    let policy = "audit deny unix connect to /run/some.sock id a-watched\n\
                  deny unix connect to /run/some.sock if uid = 1000 id enforced\n\
                  audit allow unix connect to /run/next.sock id allowed\n\
                  default deny unix connect to /run/next.sock id closed\n";
    let mut case = Case::under(&[("audit", policy)]);
    let _services = ["/run/some.sock", "/run/next.sock"].map(Service::stream);
    let some = || Object::path("/run/some.sock");
    let mut user = Actor::user();
    let connect = unix(&mut user, "/run/some.sock");
    // What is refused is refused by the rule that refuses.
    case.denies(&mut user, &connect, &Decided::stream("enforced", some()));
    let mut root = Actor::other();
    let connect = unix(&mut root, "/run/some.sock");
    case.would_deny(&mut root, &connect, &Decided::stream("a-watched", some()));
    // An allow in audit mode opens nothing.
    let connect = unix(&mut root, "/run/next.sock");
    let next = Object::path("/run/next.sock");
    case.denies(&mut root, &connect, &Decided::stream("closed", next));
}

#[test]
fn a_kill() {
    let policy = "kill unix connect to /run/some.sock if uid = 1000 id shot\n\
                  deny unix connect to /run/some.sock id a-denied\n";
    let mut case = Case::under(&[("kill", policy)]);
    let _services = ["/run/some.sock", "/run/other.sock"].map(Service::stream);
    let some = || Object::path("/run/some.sock");
    let mut user = Actor::user();
    let connect = unix(&mut user, "/run/other.sock");
    case.allows(&mut user, &connect);
    let connect = unix(&mut user, "/run/some.sock");
    // Kill comes before deny, whatever the ids.
    case.kills(user, &connect, &Decided::stream("shot", some()));
    let mut root = Actor::other();
    let connect = unix(&mut root, "/run/some.sock");
    case.denies(&mut root, &connect, &Decided::stream("a-denied", some()));
}

#[test]
fn addresses_of_both_versions() {
    let policy = "deny tcp connect to 10.0.0.0/8 id net4\n\
                  deny tcp connect to 192.0.2.7-192.0.2.9 id range4\n\
                  deny tcp connect to 198.51.100.1 id one4\n\
                  deny tcp connect to 2001:db8::/33 id net6\n\
                  deny tcp connect to fd00::5-fd00::1:5 id range6\n\
                  deny tcp connect to ::1 port 79 id one6\n\
                  deny tcp connect to { 203.0.113.0/24, fe80::/10 } id set\n";
    let mut case = Case::under(&[("net", policy)]);
    let table = [
        ("9.255.255.255", 80, None),
        ("10.0.0.0", 80, Some("net4")),
        ("10.255.255.255", 80, Some("net4")),
        ("11.0.0.0", 80, None),
        ("192.0.2.6", 80, None),
        ("192.0.2.7", 80, Some("range4")),
        ("192.0.2.9", 80, Some("range4")),
        ("192.0.2.10", 80, None),
        ("198.51.100.1", 1, Some("one4")),
        ("198.51.100.2", 1, None),
        ("2001:db8::", 80, Some("net6")),
        ("2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", 80, Some("net6")),
        ("2001:db8:8000::", 80, None),
        ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", 80, None),
        ("fd00::4", 80, None),
        ("fd00::5", 80, Some("range6")),
        ("fd00::ffff", 80, Some("range6")),
        ("fd00::1:5", 80, Some("range6")),
        ("fd00::1:6", 80, None),
        ("::1", 79, Some("one6")),
        ("::1", 80, None),
        ("203.0.113.255", 80, Some("set")),
        ("203.0.114.0", 80, None),
    ];
    decides(&mut case, &mut Actor::user(), &table);
}

#[test]
fn versions_of_ip_are_apart() {
    let policy = "deny tcp connect to ::/0 port 80 id six\n\
                  deny tcp connect to 0.0.0.0/0 port 81 id four\n";
    let mut case = Case::under(&[("net", policy)]);
    let mut actor = Actor::user();
    let table = [
        ("127.0.0.1", 80, None),
        ("::1", 80, Some("six")),
        ("127.0.0.1", 81, Some("four")),
        ("::1", 81, None),
    ];
    decides(&mut case, &mut actor, &table);
    // A mapped address is of the version that it stands for.
    let socket = actor.socket(libc::AF_INET6, libc::SOCK_STREAM);
    let mapped = |port| Address::mapped([127, 0, 0, 1].into(), port);
    let decided = Decided::connect("four", Object::ip("127.0.0.1", 81));
    case.denies(&mut actor, &calls::connect(socket, &mapped(81)), &decided);
    case.fails(
        &mut actor,
        &calls::connect(socket, &mapped(80)),
        Errno::CONNREFUSED,
    );
}

#[test]
fn ports() {
    let policy = "deny tcp connect to any port { 1, 8000-8010, 65535 } id set\n\
                  deny tcp connect to 127.0.0.1 port 22-25 id range\n";
    let mut case = Case::under(&[("ports", policy)]);
    let table = [
        ("127.0.0.1", 1, Some("set")),
        ("::1", 1, Some("set")),
        ("127.0.0.1", 2, None),
        ("127.0.0.1", 7999, None),
        ("127.0.0.1", 8000, Some("set")),
        ("::1", 8010, Some("set")),
        ("127.0.0.1", 8011, None),
        ("127.0.0.1", 65534, None),
        ("127.0.0.1", 65535, Some("set")),
        ("127.0.0.1", 21, None),
        ("127.0.0.1", 22, Some("range")),
        ("127.0.0.1", 25, Some("range")),
        ("127.0.0.2", 25, None),
        ("127.0.0.1", 26, None),
    ];
    decides(&mut case, &mut Actor::user(), &table);
}

#[test]
fn families_in_one_rule() {
    let policy = "deny { tcp, udp } connect to 127.0.0.1 port 8080 id both\n\
                  deny { unix, tcp, udp } connect if uid = 1001 id all\n";
    let mut case = Case::under(&[("families", policy)]);
    let _services = (Tcp::on("127.0.0.1:8081"), Service::stream("/run/some.sock"));
    let mut actor = Actor::user();
    let kinds = [libc::SOCK_STREAM, libc::SOCK_DGRAM];
    for kind in kinds {
        let socket = actor.socket(libc::AF_INET, kind);
        let connect = calls::connect(socket, &to("127.0.0.1", 8080));
        let decided = Decided::connect("both", Object::ip("127.0.0.1", 8080));
        case.denies(&mut actor, &connect, &decided);
        let beside = calls::connect(socket, &to("127.0.0.1", 8081));
        case.allows(&mut actor, &beside);
    }
    let connect = unix(&mut actor, "/run/some.sock");
    case.allows(&mut actor, &connect);
    let mut nobody = Actor::start(place::other(), 1001);
    let connect = unix(&mut nobody, "/run/some.sock");
    let some = Object::path("/run/some.sock");
    case.denies(&mut nobody, &connect, &Decided::stream("all", some));
    let connect = tcp(&mut nobody, "127.0.0.1", 8081);
    let decided = Decided::connect("all", Object::ip("127.0.0.1", 8081));
    case.denies(&mut nobody, &connect, &decided);
}

#[test]
fn conditions() {
    let policy = "let staff = { 1000, 1001 }\n\
                  let trusted = exe in { /usr/bin/good, /usr/bin/dockerd } and not uid in staff\n\
                  deny unix connect to { /run/some.sock, /run/next.sock } \
                  unless trusted or comm = other and uid = 1001 id guarded\n\
                  for uid = 1000 { deny unix connect to /run/other.sock id scoped }\n";
    let mut case = Case::under(&[("conditions", policy)]);
    let paths = ["/run/some.sock", "/run/next.sock", "/run/other.sock"];
    let _services = paths.map(Service::stream);
    let mut table = [
        (Actor::good(), true),
        (Actor::start(place::good(), 1000), false),
        (Actor::start(place::good(), 1001), false),
        (Actor::other(), false),
        (Actor::start(place::other(), 1001), true),
        (Actor::user(), false),
    ];
    for (actor, may) in &mut table {
        for path in ["/run/some.sock", "/run/next.sock"] {
            let connect = unix(actor, path);
            if *may {
                case.allows(actor, &connect);
            } else {
                let decided = Decided::stream("guarded", Object::path(path));
                case.denies(actor, &connect, &decided);
            }
        }
        let connect = unix(actor, "/run/other.sock");
        if actor.subject.uid == 1000 {
            let decided = Decided::stream("scoped", Object::path("/run/other.sock"));
            case.denies(actor, &connect, &decided);
        } else {
            case.allows(actor, &connect);
        }
    }
}

#[test]
fn an_unknown_program_is_not_the_exempt_one() {
    let policy = "deny unix connect to /run/some.sock if exe != /usr/bin/good id other\n\
                  deny unix connect to /run/next.sock if exe = /usr/bin/good id good\n";
    let mut case = Case::under(&[("unknown", policy)]);
    let _services = ["/run/some.sock", "/run/next.sock"].map(Service::stream);
    let mut actor = Actor::good();
    let file = actor.must(&calls::memory_file());
    let from = actor.must(&calls::open(place::good(), libc::O_RDONLY));
    actor.must(&calls::copy(file, from));
    actor.must(&calls::exec_descriptor(file));
    actor.must(&calls::set_name("good"));
    actor.subject.exe = None;
    let connect = unix(&mut actor, "/run/some.sock");
    let some = Object::path("/run/some.sock");
    case.denies(&mut actor, &connect, &Decided::stream("other", some));
    let connect = unix(&mut actor, "/run/next.sock");
    case.allows(&mut actor, &connect);
    let mut good = Actor::good();
    let connect = unix(&mut good, "/run/next.sock");
    let next = Object::path("/run/next.sock");
    case.denies(&mut good, &connect, &Decided::stream("good", next));
}

#[test]
fn names_of_many_lengths() {
    let policy = "deny unix connect to /run/some.sock unless comm in { a, fifteen-bytes-x, \"two words\" } \
                  id name\n";
    let mut case = Case::under(&[("names", policy)]);
    let _service = Service::stream("/run/some.sock");
    let mut actor = Actor::user();
    for (name, may) in [
        ("a", true),
        ("b", false),
        ("aa", false),
        ("fifteen-bytes-x", true),
        ("fifteen-bytes-y", false),
        ("fifteen-bytes-", false),
        ("two words", true),
        ("two", false),
        ("A", false),
    ] {
        actor.must(&calls::set_name(name));
        actor.subject.comm = name.to_owned();
        let connect = unix(&mut actor, "/run/some.sock");
        if may {
            case.allows(&mut actor, &connect);
        } else {
            let some = Object::path("/run/some.sock");
            case.denies(&mut actor, &connect, &Decided::stream("name", some));
        }
    }
}

#[test]
fn an_empty_policy_allows_everything() {
    let mut case = Case::under(&[("empty", "# Nothing yet.\n")]);
    let _service = Service::stream("/run/docker.sock");
    let mut actor = Actor::user();
    let connect = unix(&mut actor, "/run/docker.sock");
    case.allows(&mut actor, &connect);
}
