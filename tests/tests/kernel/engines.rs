//! Engines of their own: how they start and end, audit mode, and what they
//! find running.

use std::fs;
use std::process::{Command, Stdio};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::engine::{Engine, Reloaded, replace};
use interdict_tests::event::{Decided, Event, Object};
use interdict_tests::place;
use interdict_tests::protocol::{Attempt, Hammer, Request};
use interdict_tests::service::Service;
use rustix::io::Errno;
use rustix::process::Signal;

/// What the engine that tests share does while another is tried.
const NOTHING: &[(&str, &str)] = &[("nothing", "# No rule.\n")];

const SOME: &str = "/run/some.sock";
const NEXT: &str = "/run/next.sock";

fn connect(actor: &mut Actor, path: &str) -> Request {
    let socket = actor.unix();
    calls::connect(socket, &Address::path(path))
}

/// What comes of a connect to a path.
fn try_connect(actor: &mut Actor, path: &str) -> Result<i64, Errno> {
    let connect = connect(actor, path);
    outcome(&actor.ask(&connect))
}

/// The engine's next event after the one numbered `from`.
#[track_caller]
fn event(engine: &Engine, from: usize) -> Event {
    let line = engine.events.wait(from, |lines| lines.first().cloned());
    Event::read(&line.unwrap())
}

/// `interdict run`, which must end: exit code and standard error.
fn run(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new("interdict");
    command.arg("run").args(arguments).stdin(Stdio::null());
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), errors)
}

#[test]
fn no_policy_file_is_an_error() {
    let empty = place::fresh("empty");
    fs::write(empty.join("README"), "not a policy").unwrap();
    let (code, errors) = run(&["--policy", empty.to_str().unwrap()]);
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("no `.policy` file in"), "{errors}");
    assert!(!errors.contains("in force"), "{errors}");
    let (code, errors) = run(&["--policy", "/no/such/folder"]);
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("/no/such/folder"), "{errors}");
}

#[test]
fn a_policy_with_an_error_is_refused_with_its_place() {
    let folder = place::fresh("wrong");
    let text = "deny unix connect to /run/some.sock\n\ndeny unix conect to /run/next.sock\n";
    fs::write(folder.join("wrong.policy"), text).unwrap();
    let (code, errors) = run(&["--policy", folder.to_str().unwrap()]);
    assert_eq!(code, 1, "{errors}");
    let at = format!("{}/wrong.policy:3:11", folder.display());
    assert!(errors.contains(&at), "{errors}");
    assert!(errors.contains("conect"), "{errors}");
    assert!(!errors.contains("in force"), "{errors}");
}

#[test]
fn what_cuts_the_host_off_is_enforced_only_where_that_is_allowed() {
    let file = place::fresh("lockout").join("lockout.policy");
    fs::write(
        &file,
        "deny unix connect to /run/systemd/notify id notify\n",
    )
    .unwrap();
    let (code, errors) = run(&["--policy", file.to_str().unwrap()]);
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("`notify` cuts the host off"), "{errors}");
    assert!(!errors.contains("in force"), "{errors}");
    // Tests give `--allow-lockout`.
    Engine::watching(&file, &[]).unwrap();
}

#[test]
fn a_user_cannot_enforce() {
    let folder = place::fresh("policies");
    fs::write(folder.join("a.policy"), "deny unix connect to /run/a\n").unwrap();
    let mut command = Command::new("interdict");
    command.args(["run", "--policy"]).arg(&folder);
    std::os::unix::process::CommandExt::uid(&mut command, 1000);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{errors}");
    assert!(!errors.contains("in force"), "{errors}");
}

#[test]
fn enforcement_ends_with_an_engine_that_is_killed() {
    let _case = Case::under(NOTHING);
    let _services = [SOME, NEXT].map(Service::stream);
    // A policy may be one file, of any name.
    let file = place::fresh("single").join("any-name");
    fs::write(&file, "deny unix connect to /run/some.sock\n").unwrap();
    let mut actor = Actor::user();
    assert_eq!(try_connect(&mut actor, SOME), Ok(0));
    let mut engine = Engine::watching(&file, &[]).unwrap();
    assert_eq!(try_connect(&mut actor, SOME), Err(Errno::PERM));
    assert_eq!(try_connect(&mut actor, NEXT), Ok(0));
    event(&engine, 0).says("/decision/rule", "any-name/1");
    engine.signal(Signal::KILL);
    engine.ended();
    assert_eq!(try_connect(&mut actor, SOME), Ok(0));
}

#[test]
fn audit_mode_blocks_nothing() {
    let _case = Case::under(NOTHING);
    let _services = [SOME, NEXT].map(Service::stream);
    let policy = [(
        "own",
        "enforce deny unix connect to /run/some.sock id denied\n\
         default deny unix connect to /run/next.sock id closed\n\
         record unix connect to /run/other.sock id recorded\n",
    )];
    let mut engine = Engine::start(&policy, &["--mode", "audit"]).unwrap();
    let said = engine.errors.wait_for(0, "in force: ").unwrap();
    assert!(said.ends_with(", 3 rules, audit"), "{said}");
    let mut actor = Actor::user();
    for (index, (path, rule)) in [(SOME, "denied"), (NEXT, "closed")].into_iter().enumerate() {
        let connect = connect(&mut actor, path);
        let reply = actor.ask(&connect);
        assert_eq!(outcome(&reply), Ok(0));
        let event = event(&engine, index);
        event.says("/decision/action", "would-deny");
        event.says("/decision/errno", None::<&str>);
        let decided = Decided::stream(rule, Object::path(path));
        event.speaks_of(&decided, &actor.subject, &reply);
    }
    let _service = Service::stream("/run/free.sock");
    assert_eq!(try_connect(&mut actor, "/run/free.sock"), Ok(0));
    let status = engine.settled();
    status.adds_up();
    assert_eq!(status.counter("denied"), 0);
    assert_eq!(status.counter("would_deny"), 2);
    assert_eq!(engine.events.count(), 2);
}

/// Processes that are refused as fast as they can ask, until they are dropped:
/// faster than their events can be written.
fn flood() -> [Actor; 3] {
    [(); 3].map(|()| {
        let mut actor = Actor::user();
        actor.begin(&Request::Hammer(Hammer {
            attempts: vec![Attempt {
                family: libc::AF_UNIX,
                kind: libc::SOCK_STREAM,
                address: Address::path(SOME).0,
            }],
            rounds: u32::MAX,
        }));
        actor
    })
}

#[test]
fn a_flood_of_events_holds_up_neither_a_save_nor_the_end() {
    let _case = Case::under(NOTHING);
    let _services = [SOME, NEXT].map(Service::stream);
    let file = place::fresh("flooded").join("own.policy");
    fs::write(&file, "deny unix connect to /run/some.sock\n").unwrap();
    let mut engine = Engine::watching(file.parent().unwrap(), &[]).unwrap();
    let mut actor = Actor::user();
    let flood = flood();
    event(&engine, 0).says("/decision/rule", "own/1");
    let from = engine.errors.count();
    let closed = "deny unix connect to { /run/some.sock, /run/next.sock }\n";
    replace(&file, closed);
    let reloaded = engine.reloaded(from);
    assert!(matches!(reloaded, Reloaded::InForce { generation: 2, .. }));
    assert_eq!(try_connect(&mut actor, NEXT), Err(Errno::PERM));
    assert_eq!(engine.stop().code(), Some(0));
    drop(flood);
    assert_eq!(try_connect(&mut actor, NEXT), Ok(0));
}

#[test]
fn a_second_engine_beside_the_first() {
    let mut case = Case::under(&[("first", "deny unix connect to /run/some.sock\n")]);
    let _services = [SOME, NEXT, "/run/free.sock"].map(Service::stream);
    let second = "deny unix connect to { /run/some.sock, /run/next.sock }\n";
    let mut engine = Engine::start(&[("second", second)], &[]).unwrap();
    let mut actor = Actor::user();
    // What one refuses the other is not asked about: there is one event.
    assert_eq!(try_connect(&mut actor, SOME), Err(Errno::PERM));
    let of_first = case.rest().len();
    let of_second = engine.settled().rule("second/1").emitted;
    assert_eq!(
        (of_first == 1, of_second == 1),
        (of_second == 0, of_first == 0)
    );
    let mark = engine.events.count();
    let to_next = connect(&mut actor, NEXT);
    let reply = actor.ask(&to_next);
    assert_eq!(outcome(&reply), Err(Errno::PERM));
    let decided = Decided::stream("second/1", Object::path(NEXT));
    event(&engine, mark).speaks_of(&decided, &actor.subject, &reply);
    let to_free = connect(&mut actor, "/run/free.sock");
    case.allows(&mut actor, &to_free);
    let status = engine.settled();
    status.adds_up();
    status.no_failures();
    assert_eq!(status.counter("denied"), of_second + 1);
    assert_eq!(engine.events.count(), mark + 1);
    // Told to end, it ends, and its rules with it; the first goes on alone.
    assert_eq!(engine.stop().code(), Some(0));
    let to_next = connect(&mut actor, NEXT);
    case.allows(&mut actor, &to_next);
    let to_some = connect(&mut actor, SOME);
    let some = Object::path(SOME);
    case.denies(&mut actor, &to_some, &Decided::stream("first/1", some));
}

/// Who may connect under an engine that has found him running.
#[track_caller]
fn found(options: &[&str], may: [bool; 3]) {
    let _case = Case::under(NOTHING);
    let _services = [SOME, NEXT].map(Service::stream);
    let mut root = Actor::good();
    let mut user = Actor::start(place::good(), 1000);
    let mut root_in_namespace = Actor::start(place::good(), 1000);
    root_in_namespace.user_namespace();
    let policy = "deny unix connect to /run/some.sock unless exe = /usr/bin/good\n";
    let mut engine = Engine::start(&[("own", policy)], options).unwrap();
    let mut denied = 0;
    for (actor, may) in [&mut root, &mut user, &mut root_in_namespace]
        .into_iter()
        .zip(may)
    {
        let to_some = connect(actor, SOME);
        let reply = actor.ask(&to_some);
        assert_eq!(try_connect(actor, NEXT), Ok(0));
        if may {
            assert_eq!(outcome(&reply), Ok(0), "{:?}", actor.subject);
            continue;
        }
        assert_eq!(outcome(&reply), Err(Errno::PERM), "{:?}", actor.subject);
        actor.subject.exe = None;
        let decided = Decided::stream("own/1", Object::path(SOME));
        event(&engine, denied).speaks_of(&decided, &actor.subject, &reply);
        denied += 1;
        // What it executes under the engine's eyes is known.
        actor.exec(place::good());
        assert_eq!(try_connect(actor, SOME), Ok(0));
    }
    let mut other = Actor::other();
    assert_eq!(try_connect(&mut other, SOME), Err(Errno::PERM));
    let status = engine.settled();
    status.adds_up();
    status.no_failures();
    assert_eq!(engine.events.count(), denied + 1);
}

#[test]
fn of_older_processes_roots_are_trusted() {
    found(&[], [true, false, false]);
}

#[test]
fn all_older_processes_are_trusted_if_one_says_so() {
    found(&["--trust-running", "all"], [true, true, true]);
}

/// Instructions that a kernel may follow for one program.
const VERIFIED: u64 = 100_000;

#[test]
fn each_program_is_verified_in_few_instructions() {
    let doctor = Command::new("/usr/bin/interdict")
        .arg("doctor")
        .output()
        .unwrap();
    let said = String::from_utf8(doctor.stdout).unwrap();
    let counts = said.split_once("instructions verified: ").unwrap().1;
    let counts = counts.lines().next().unwrap();
    let counts: Vec<u64> = counts
        .split(", ")
        .map(|one| one.rsplit_once(' ').unwrap().1.parse().unwrap())
        .collect();
    assert!(counts.len() > 10, "{said}");
    let most = counts.into_iter().max().unwrap();
    // 0 is a kernel that does not say.
    assert!((1..=VERIFIED).contains(&most), "{said}");
}
