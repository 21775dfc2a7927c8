//! Reloads: what is saved takes effect, what is refused does not, and under
//! load there is the old policy and the new one and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::{Case, merge_or_full};
use interdict_tests::engine::{Engine, Reloaded, replace};
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::protocol::{Attempt, Hammer, Reply, Request};
use interdict_tests::service::{Service, Tcp};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

const PATHS: [&str; 3] = ["/run/one.sock", "/run/two.sock", "/run/three.sock"];

/// Which of the paths a user can connect to.
fn open(actor: &mut Actor) -> [bool; 3] {
    PATHS.map(|path| {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::path(path));
        match outcome(&actor.ask(&connect)) {
            Ok(_) => true,
            Err(errno) => {
                assert_eq!(errno, Errno::PERM);
                false
            }
        }
    })
}

fn deny(path: &str) -> String {
    format!("deny unix connect to {path}\n")
}

/// Changes the folder and waits for the reload that follows.
#[track_caller]
fn follows(engine: &Engine, change: impl FnOnce()) -> Reloaded {
    let from = engine.errors.count();
    change();
    engine.reloaded(from)
}

/// A path that nobody may connect to.
const FLOODED: &str = "/run/flooded.sock";

/// Processes that are refused as fast as they can ask, until they are dropped:
/// faster than their events can be written.
fn flood() -> [Actor; 3] {
    [(); 3].map(|()| {
        let mut actor = Actor::user();
        actor.begin(&Request::Hammer(Hammer {
            attempts: vec![Attempt {
                family: libc::AF_UNIX,
                kind: libc::SOCK_STREAM,
                address: Address::path(FLOODED).0,
            }],
            rounds: u32::MAX,
        }));
        actor
    })
}

#[test]
fn a_flood_of_events_holds_up_no_reload() {
    let closed = format!("{}{}", deny(FLOODED), deny(PATHS[0]));
    let mut case = Case::under(&[("flood", &closed)]);
    let _services = [PATHS[0], PATHS[1], PATHS[2], FLOODED].map(Service::stream);
    let mut actor = Actor::user();
    assert_eq!(open(&mut actor), [false, true, true]);
    case.tolerates("events_lost");
    let flood = flood();
    // The flood has begun, and the reload is over before it ends.
    case.event();
    case.engine().put(&[("flood", &deny(FLOODED))]);
    assert_eq!(open(&mut actor), [true, true, true]);
    drop(flood);
    case.counted().adds_up();
    case.rest();
}

#[test]
fn every_kind_of_save_takes_effect() {
    let _case = Case::under(&[("nothing", "# No rule.\n")]);
    let _services = PATHS.map(Service::stream);
    let [one, two, three] = PATHS.map(deny);
    let folder = place::fresh("watched");
    let file = |name: &str| folder.join(name);
    fs::write(file("a.policy"), &one).unwrap();
    let mut engine = Engine::watching(&folder, &[]).unwrap();
    let mut actor = Actor::user();
    assert_eq!(open(&mut actor), [false, true, true]);
    let in_force = |generation, rules| Reloaded::InForce { generation, rules };

    let edited = follows(&engine, || fs::write(file("a.policy"), &two).unwrap());
    assert_eq!(edited, in_force(2, 1), "edited in its place");
    assert_eq!(open(&mut actor), [true, false, true]);

    let renamed = follows(&engine, || replace(&file("a.policy"), &three));
    assert_eq!(renamed, in_force(3, 1), "another file renamed to its place");
    assert_eq!(open(&mut actor), [true, true, false]);

    let added = follows(&engine, || replace(&file("b.policy"), &one));
    assert_eq!(added, in_force(4, 2), "a file more");
    assert_eq!(open(&mut actor), [false, true, false]);

    let removed = follows(&engine, || fs::remove_file(file("a.policy")).unwrap());
    assert_eq!(removed, in_force(5, 1), "a file less");
    assert_eq!(open(&mut actor), [false, true, true]);

    let moved = follows(&engine, || {
        fs::rename(file("b.policy"), file("b.policy.off")).unwrap();
        replace(&file("c.policy"), "# Nothing.\n");
    });
    assert_eq!(moved, in_force(6, 0), "a file out of sight");
    assert_eq!(open(&mut actor), [true; 3]);

    let last = follows(&engine, || fs::remove_file(file("c.policy")).unwrap());
    assert!(matches!(last, Reloaded::Rejected(_)), "{last:?}");
    let back = follows(&engine, || replace(&file("a.policy"), &one));
    assert_eq!(back, in_force(7, 1), "after the folder was empty");
    assert_eq!(open(&mut actor), [false, true, true]);

    // As Kubernetes shows a ConfigMap: links, of which one is replaced.
    let data = |version: &str, text: &str| {
        fs::create_dir(file(version)).unwrap();
        fs::write(file(version).join("a.policy"), text).unwrap();
        std::os::unix::fs::symlink(version, file("..data_tmp")).unwrap();
        fs::rename(file("..data_tmp"), file("..data")).unwrap();
    };
    let linked = follows(&engine, || {
        data("..1", &two);
        fs::remove_file(file("a.policy")).unwrap();
        std::os::unix::fs::symlink("..data/a.policy", file("a.policy")).unwrap();
    });
    assert_eq!(linked, in_force(8, 1), "a link to a file");
    assert_eq!(open(&mut actor), [true, false, true]);
    let swapped = follows(&engine, || data("..2", &three));
    assert_eq!(swapped, in_force(9, 1), "the link's folder is another");
    assert_eq!(open(&mut actor), [true, true, false]);
    engine.settled().adds_up();
}

#[test]
fn a_refused_policy_leaves_the_old_one_in_force() {
    let mut case = Case::under(&[("good", "deny unix connect to /run/one.sock\n")]);
    let _services = PATHS.map(Service::stream);
    let mut actor = Actor::user();
    let mut denied = |case: &mut Case, generation| {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::path(PATHS[0]));
        let decided = Decided::stream("good/1", Object::path(PATHS[0]));
        let event = case.denies(&mut actor, &connect, &decided);
        event.says("/decision/generation", generation);
        let beside = calls::connect(socket, &Address::path(PATHS[1]));
        case.allows(&mut actor, &beside);
    };
    let generation = case.counted().generation;
    denied(&mut case, generation);
    for (text, place) in [
        ("deny unix connect to\n", "/bad.policy:1:21"),
        (
            "deny unix connect to /run/two.sock if port = 1\n",
            "/bad.policy:1:",
        ),
        ("\u{feff}deny\n", "/bad.policy:1:1"),
    ] {
        let files = [
            ("good", "deny unix connect to /run/one.sock\n"),
            ("bad", text),
        ];
        let Reloaded::Rejected(lines) = case.engine().try_put(&files) else {
            panic!("{text:?} is in force");
        };
        let said = lines.join("\n");
        assert!(said.contains(place), "{said}");
        let last = lines.last().unwrap();
        let kept = format!("rejected: generation {generation} stays in force");
        assert_eq!(last, &kept);
        denied(&mut case, generation);
    }
    let next = case
        .engine()
        .try_put(&[("good", "deny unix connect to /run/one.sock id good/1\n")]);
    assert!(
        matches!(next, Reloaded::Rejected(_)),
        "`/` in an id: {next:?}"
    );
    denied(&mut case, generation);
}

#[test]
fn a_mount_that_comes_later_is_followed() {
    let folder = Path::new("/run/mounted");
    fs::create_dir_all(folder).unwrap();
    let inside = "/run/mounted/one.sock";
    let mut case = Case::under(&[("mounts", &deny(inside))]);
    let mut actor = Actor::user();
    let mut denied_inside = |case: &mut Case| {
        let _service = Service::stream(inside);
        let _beside = Service::stream("/run/mounted/two.sock");
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::path(inside));
        let decided = Decided::stream("mounts/1", Object::path(inside));
        case.denies(&mut actor, &connect, &decided);
        let beside = calls::connect(socket, &Address::path("/run/mounted/two.sock"));
        case.allows(&mut actor, &beside);
    };
    denied_inside(&mut case);
    let mounted = follows(case.engine(), || {
        rustix::mount::mount("tmpfs", folder, "tmpfs", MountFlags::empty(), None).unwrap();
    });
    assert!(matches!(mounted, Reloaded::InForce { .. }), "{mounted:?}");
    denied_inside(&mut case);
    follows(case.engine(), || {
        rustix::mount::unmount(folder, UnmountFlags::DETACH).unwrap();
    });
    denied_inside(&mut case);
}

/// Policies that alternate. Under each one, one target is denied with an errno of
/// its own, and one is open that the other closes.
const ALTERNATING: [&[(&str, &str)]; 2] = [
    &[(
        "even",
        "deny unix connect to /run/one.sock with EACCES id even-one\n\
         deny tcp connect to 127.0.0.1 port 8080 id even-web\n",
    )],
    &[(
        "odd",
        "deny unix connect to /run/one.sock with EPERM id odd-one\n\
         deny tcp connect to 127.0.0.1 port 8081 id odd-web\n\
         deny unix connect to /run/two.sock unless uid = 1000 id odd-two\n",
    )],
];

/// How often an actor tries each target while a policy changes: at first, and at
/// most where all have been done before the engine has begun.
const ROUNDS: u32 = 250;
const MOST_ROUNDS: u32 = 4000;

fn hammer(rounds: u32) -> Request {
    let unix = |path: &str| Attempt {
        family: libc::AF_UNIX,
        kind: libc::SOCK_STREAM,
        address: Address::path(path).0,
    };
    let tcp = |port| Attempt {
        family: libc::AF_INET,
        kind: libc::SOCK_STREAM,
        address: Address::ip([127, 0, 0, 1], port).0,
    };
    Request::Hammer(Hammer {
        attempts: vec![unix(PATHS[0]), unix(PATHS[1]), tcp(8080), tcp(8081)],
        rounds,
    })
}

#[test]
fn under_load_there_are_two_behaviours_and_no_third() {
    let reloads: usize = merge_or_full(10, 1000);
    let mut case = Case::under(ALTERNATING[0]);
    case.tolerates("events_lost");
    let _services = PATHS.map(|path| Service::stream(path).accepting());
    let _web = ["127.0.0.1:8080", "127.0.0.1:8081"].map(|at| Tcp::on(at).accepting());
    let said = case.engine().errors.count();
    let before = case.counted();
    let first = before.generation;
    let mut actors = [(); 4].map(|()| Actor::user());
    // Forty thousand connects and more: each reload under four actors' thousand.
    let mut replies: Vec<Reply> = Vec::new();
    let met_both = |replies: &[Reply]| replies.iter().any(|reply| reply.counts[0].len() == 2);
    let (mut turn, mut rounds) = (0, ROUNDS);
    while turn < reloads || (turn < 2 * reloads && !met_both(&replies)) {
        turn += 1;
        for actor in &mut actors {
            actor.begin(&hammer(rounds));
        }
        case.engine().put(ALTERNATING[turn % 2]);
        replies.extend(actors.each_mut().map(Actor::finish));
        if !met_both(&replies) {
            rounds = MOST_ROUNDS.min(rounds * 2);
        }
    }
    let of = |reply: &Reply| reply.counts[0].iter().map(|(_, count)| count).sum::<u64>();
    let (eperm, eacces) = (-i64::from(libc::EPERM), -i64::from(libc::EACCES));
    let allowed: [&[i64]; 4] = [&[eperm, eacces], &[0], &[eperm, 0], &[eperm, 0]];
    for reply in &replies {
        for (counts, allowed) in reply.counts.iter().zip(allowed) {
            let sum: u64 = counts.iter().map(|(_, count)| count).sum();
            assert_eq!(sum, of(reply));
            for (result, _) in counts {
                assert!(allowed.contains(result), "{counts:?} of {allowed:?}");
            }
        }
    }
    let count = |attempt: usize, result: i64| -> u64 {
        let all = replies.iter().flat_map(|reply| &reply.counts[attempt]);
        all.filter(|(got, _)| *got == result)
            .map(|(_, count)| count)
            .sum()
    };
    let counted = case.counted().since(&before);
    counted.adds_up();
    // What each generation was shows in its number of rules: on a busy machine
    // the engine may look by itself just before it is told to.
    let mut generations = BTreeMap::from([(first, "even")]);
    for line in case.engine().errors.since(said) {
        if let Some(Reloaded::InForce { generation, rules }) = Reloaded::of(&line) {
            generations.insert(generation, if rules == 2 { "even" } else { "odd" });
        }
    }
    assert!(generations.len() > reloads / 2, "{generations:?}");
    let connects = 4 * replies.iter().map(of).sum::<u64>();
    assert!(connects >= 10_000);
    assert_eq!(counted.counter("decisions"), connects);
    assert_eq!(counted.rule("even-one").denied, count(0, eacces));
    assert_eq!(counted.rule("odd-one").denied, count(0, eperm));
    assert_eq!(counted.rule("even-web").denied, count(2, eperm));
    assert_eq!(counted.rule("odd-web").denied, count(3, eperm));
    assert_eq!(counted.rule("odd-two").matched, 0);
    assert!(met_both(&replies), "a policy changed under an actor's eyes");
    for event in case.rest() {
        let name = generations[&event.generation()];
        let rule = event.text("/decision/rule");
        assert!(rule.starts_with(name), "{event:?}");
        let errno = if rule == "even-one" {
            "EACCES"
        } else {
            "EPERM"
        };
        event.says("/decision/errno", errno);
        event.says("/decision/policy", name);
        assert!(Path::new(event.text("/decision/file")).ends_with(format!("{name}.policy")));
    }
}
