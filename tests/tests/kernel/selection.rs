//! `[events]`: which events are made, decided in the kernel, and that verdicts and
//! counts are as without it.

use std::net::Ipv4Addr;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::engine::Engine;
use interdict_tests::event::{Decided, Event, Object};
use interdict_tests::place;
use interdict_tests::protocol::Request;
use interdict_tests::service::{Service, Tcp};
use interdict_tests::status::Tally;
use rustix::io::Errno;

/// Ends the engine that the case was given, also when the test fails: others are
/// not to meet its configuration.
struct Ending;

impl Drop for Ending {
    fn drop(&mut self) {
        Case::end();
    }
}

const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
const PATH: &str = "/run/selected.sock";
const POLICY: &[(&str, &str)] = &[(
    "web",
    "deny tcp connect to 127.0.0.0/8 port 8080 id closed\n\
     record tcp connect to any port 8080 id noted\n\
     deny tcp setsockopt on option SOL_SOCKET/SO_MARK id mark\n",
)];

/// Rules that match nobody, so many that a word has no room for their bits.
fn many() -> String {
    let rules = (0..100).map(|at| {
        format!(
            "deny tcp {{ connect, setsockopt }} if uid = {0} id no-{at}\n\
             record tcp connect if uid = {0} id nor-{at}\n",
            7000 + at
        )
    });
    rules.collect()
}

/// The program `other` is seen, by all that a filter can ask of it.
const CONFIG: &str = r#"
[events]
security_socket_setsockopt = "off"
security_unix_may_send = { select = "all", families = ["unix"], subject = 'exe = /usr/bin/other' }

[events.security_socket_connect]
select = "all"
families = ["tcp", "unix"]
subject = 'exe = /usr/bin/oth* and not group = nobody-has-it and parent.comm != x* and cap = net_admin'
"#;

/// Nothing but the selection asked for this event.
#[track_caller]
fn plain(event: &Event, name: &str, hook: &str) {
    event
        .says("/name", name)
        .says("/decision/action", "allow")
        .says("/decision/hook", hook)
        .says("/decision/rule", None::<&str>)
        .says("/decision/errno", None::<&str>)
        .says("/policies", None::<&str>);
}

/// A request goes on, and has a plain event.
#[track_caller]
fn seen(
    case: &mut Case,
    actor: &mut Actor,
    request: &Request,
    (name, hook): (&str, &str),
) -> Event {
    actor.must(request);
    let event = case.event();
    plain(&event, name, hook);
    let exe = actor.subject.exe.as_ref().unwrap().to_str().unwrap();
    event.says("/decision/subject/exe", exe);
    event
}

const CONNECT: &str = "security_socket_connect";

#[test]
fn events_are_selected_by_family_and_subject() {
    let _ending = Ending;
    let many = many();
    let wide = [POLICY, &[("many", &many)]].concat();
    plain_events_of_what_no_rule_is_about(Case::configured(POLICY, CONFIG));
    // By the same engine.
    for policy in [POLICY, &wide] {
        what_is_not_selected_is_denied_and_counted(Case::under(policy));
    }
    plain_events_of_what_no_rule_is_about(Case::under(&wide));
}

fn plain_events_of_what_no_rule_is_about(mut case: Case) {
    let _web = Tcp::on("127.0.0.1:8081");
    let stream = Service::stream(PATH);
    let (mut actor, mut good) = (Actor::other(), Actor::good());

    // A family that has a rule, and one that has none; each time, though the same
    // was allowed before.
    for _ in 0..3 {
        let socket = actor.tcp();
        let to = calls::connect(socket, &Address::ip(HOME, 8081));
        seen(&mut case, &mut actor, &to, (CONNECT, "socket_connect"));
    }
    let socket = actor.tcp();
    let to = calls::connect(socket, &Address::ip(HOME, 8081));
    let event = seen(&mut case, &mut actor, &to, (CONNECT, "socket_connect"));
    event
        .says("/id", 1036)
        .says("/data/0/int32", socket)
        .says("/decision/object/port", 8081);
    let socket = actor.unix();
    let to = calls::connect(socket, &Address::path(PATH));
    let event = seen(&mut case, &mut actor, &to, (CONNECT, "unix_stream_connect"));
    event.says("/decision/object/path", PATH);
    assert_eq!(event.typed()["sun_path"], PATH);
    let attached = case.engine().status().hooks;
    assert!(attached.iter().any(|hook| hook == "unix_stream_connect"));

    // Another program, another family, and where nobody listens.
    let socket = good.unix();
    case.allows(&mut good, &calls::connect(socket, &Address::path(PATH)));
    let socket = actor.udp();
    case.allows(&mut actor, &calls::connect(socket, &Address::ip(HOME, 9)));
    drop(stream);
    let socket = actor.unix();
    let to = calls::connect(socket, &Address::path(PATH));
    case.fails(&mut actor, &to, Errno::NOENT);

    // The same hook writes two events, of which each has its own word.
    let _datagrams = Service::datagrams(PATH);
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let to = calls::connect(socket, &Address::path(PATH));
    seen(&mut case, &mut actor, &to, (CONNECT, "unix_may_send"));
    let send = calls::sendto(socket, b"a", 0, None);
    let name = "security_unix_may_send";
    seen(&mut case, &mut actor, &send, (name, "unix_may_send")).says("/id", 100_002);

    // Another policy, which has no rule: the selection stays.
    case.engine().put(&[("nothing", "# No rule.\n")]);
    let generation = case.engine().status().generation;
    let socket = actor.unix();
    actor.must(&calls::close(socket));
    let socket = actor.tcp();
    let to = calls::connect(socket, &Address::ip(HOME, 8081));
    let event = seen(&mut case, &mut actor, &to, (CONNECT, "socket_connect"));
    event.says("/decision/generation", generation);
}

fn what_is_not_selected_is_denied_and_counted(mut case: Case) {
    let (mut actor, mut good) = (Actor::other(), Actor::good());
    let decided = Decided::connect("closed", Object::ip("127.0.0.1", 8080));
    let connect = |socket| calls::connect(socket, &Address::ip(HOME, 8080));
    let mark = |socket| calls::set_option(socket, libc::SOL_SOCKET, libc::SO_MARK, 1);

    let socket = actor.tcp();
    case.denies(&mut actor, &connect(socket), &decided);
    case.fails(&mut actor, &mark(socket), Errno::PERM);
    let socket = good.tcp();
    case.fails(&mut good, &connect(socket), Errno::PERM);
    case.fails(&mut good, &mark(socket), Errno::PERM);

    let counted = case.counted();
    let tally = |matched, emitted| Tally {
        matched,
        denied: matched,
        emitted,
        suppressed: matched - emitted,
        ..Tally::default()
    };
    assert_eq!(counted.rule("closed"), tally(2, 1));
    assert_eq!(counted.rule("mark"), tally(2, 0));
    let noted = counted.rule("noted");
    assert_eq!((noted.matched, noted.emitted, noted.suppressed), (2, 1, 1));
    assert_eq!(counted.counter("events_suppressed"), 3);
    assert_eq!(counted.counter("denied"), 4);
    assert_eq!(counted.submitted(), 1);
}

#[test]
fn parts_are_selected_together() {
    let _ending = Ending;
    let config = r#"
[events]
security_socket_create = { select = "matched", subject = "uid = 0" }
security_socket_bind = [
    { select = "all", families = ["udp"], subject = "uid = 1000 and exe = /usr/bin/other" },
    { select = "matched", families = ["tcp"] },
]
security_socket_listen = { select = "all", families = ["tcp"], subject = "exe = /usr/bin/other" }
"#;
    let policy = "record { tcp, udp } create id made\n\
                  audit deny { tcp, udp } bind on any port 8090-8099 id low\n\
                  allow tcp listen id waits\n";
    let mut case = Case::configured(&[("p", policy)], config);
    let (mut root, mut user) = (Actor::other(), Actor::user());

    // Of what is recorded, root's alone.
    let event = case.records(
        &mut root,
        &calls::socket(libc::AF_INET, libc::SOCK_STREAM, 0),
        &["made"],
    );
    event.says("/name", "security_socket_create");
    let socket = |actor: &mut Actor, kind| actor.must(&calls::socket(libc::AF_INET, kind, 0));
    let (tcp, udp) = (
        socket(&mut user, libc::SOCK_STREAM),
        socket(&mut user, libc::SOCK_DGRAM),
    );

    // All of a user's UDP, and of TCP what a rule matched.
    let bind = |socket, port| calls::bind(socket, &Address::ip(HOME, port));
    seen(
        &mut case,
        &mut user,
        &bind(udp, 8100),
        ("security_socket_bind", "socket_bind"),
    );
    case.allows(&mut user, &bind(tcp, 8100));
    let tcp = socket(&mut user, libc::SOCK_STREAM);
    let low = Decided::bind("low", Object::ip("127.0.0.1", 8090));
    case.would_deny(&mut user, &bind(tcp, 8090), &low);
    let udp = socket(&mut root, libc::SOCK_DGRAM);
    case.event().says("/decision/recorded/0", "made");
    // Nobody selected root's UDP; the rule counts it all the same.
    case.allows(&mut root, &bind(udp, 8091));

    // One plain event of a listen, whose port nobody has judged before; the rule that
    // decided is named, and counts nothing.
    let tcp = socket(&mut user, libc::SOCK_STREAM);
    user.must(&calls::listen(tcp));
    let event = case.event();
    event
        .says("/name", "security_socket_listen")
        .says("/decision/action", "allow")
        .says("/decision/operation", "listen")
        .says("/decision/rule", "waits");

    let counted = case.counted();
    assert_eq!(counted.rule("waits"), Tally::default());
    let Tally {
        matched,
        emitted,
        suppressed,
        would_deny,
        ..
    } = counted.rule("low");
    assert_eq!((matched, would_deny, emitted, suppressed), (2, 2, 1, 1));
    let Tally {
        matched,
        emitted,
        suppressed,
        ..
    } = counted.rule("made");
    assert_eq!((matched, emitted, suppressed), (6, 2, 4));
}

#[test]
fn events_that_mean_nothing_end_with_3() {
    let file = place::fresh("config-wrong").join("interdict.toml");
    std::fs::write(&file, "[events]\nsecurity_socket_conect = \"all\"\n").unwrap();
    let options = ["--config", file.to_str().unwrap()];
    let ended = Engine::start(POLICY, &options).err().unwrap();
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    let said = ended.errors.join("\n");
    assert!(said.contains("interdict.toml:2:1: "), "{said}");
}
