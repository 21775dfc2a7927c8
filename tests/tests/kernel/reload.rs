//! Reloads: what is saved takes effect, what is refused does not, and under
//! load there is the old policy and the new one and nothing else.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::engine::{Engine, Reloaded, replace};
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::protocol::{Attempt, Hammer, Request};
use interdict_tests::service::{Service, Tcp};
use rustix::io::Errno;

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
    engine.settled().adds_up();
}

#[test]
fn a_link_that_leads_to_another_folder() {
    let _case = Case::under(&[("nothing", "# No rule.\n")]);
    let _services = PATHS.map(Service::stream);
    let [one, two, _] = PATHS.map(deny);
    // As Kubernetes shows a ConfigMap.
    let folder = place::fresh("config-map");
    let data = |version: &str, text: &str| {
        fs::create_dir(folder.join(version)).unwrap();
        fs::write(folder.join(version).join("a.policy"), text).unwrap();
        let link = folder.join("..data_tmp");
        std::os::unix::fs::symlink(version, &link).unwrap();
        fs::rename(link, folder.join("..data")).unwrap();
    };
    data("..1", &one);
    std::os::unix::fs::symlink("..data/a.policy", folder.join("a.policy")).unwrap();
    let engine = Engine::watching(&folder, &[]).unwrap();
    let mut actor = Actor::user();
    assert_eq!(open(&mut actor), [false, true, true]);
    follows(&engine, || data("..2", &two));
    assert_eq!(open(&mut actor), [true, false, true]);
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

fn hammer() -> Request {
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
        rounds: 625,
    })
}

#[test]
fn under_load_there_are_two_behaviours_and_no_third() {
    const EVERY: [i64; 4] = [1, 2, 3, 4];
    let mut case = Case::under(ALTERNATING[0]);
    let _services = PATHS.map(|path| Service::stream(path).accepting());
    let _web = ["127.0.0.1:8080", "127.0.0.1:8081"].map(|at| Tcp::on(at).accepting());
    let first = case.counted().generation;
    let mut actors = EVERY.map(|_| Actor::user());
    let hammer = hammer();
    for actor in &mut actors {
        actor.begin(&hammer);
    }
    // 10,000 connects: four actors, 625 rounds, four targets.
    let done = AtomicBool::new(false);
    let replies = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let replies = actors.each_mut().map(Actor::finish);
            done.store(true, Ordering::Release);
            replies
        });
        let mut turn = 0;
        while !done.load(Ordering::Acquire) {
            turn += 1;
            case.engine().put(ALTERNATING[turn % 2]);
        }
        waiting.join().unwrap()
    });
    let (eperm, eacces) = (-i64::from(libc::EPERM), -i64::from(libc::EACCES));
    let allowed: [&[i64]; 4] = [&[eperm, eacces], &[0], &[eperm, 0], &[eperm, 0]];
    for reply in &replies {
        for (counts, allowed) in reply.counts.iter().zip(allowed) {
            let sum: u64 = counts.iter().map(|(_, count)| count).sum();
            assert_eq!(sum, 625);
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
    let counted = case.counted();
    counted.adds_up();
    assert!(
        counted.generation > first + 10,
        "the policies did alternate"
    );
    assert_eq!(counted.counter("decisions"), 10_000);
    assert_eq!(counted.rule("even-one").denied, count(0, eacces));
    assert_eq!(counted.rule("odd-one").denied, count(0, eperm));
    assert_eq!(counted.rule("even-web").denied, count(2, eperm));
    assert_eq!(counted.rule("odd-web").denied, count(3, eperm));
    assert_eq!(counted.rule("odd-two").matched, 0);
    assert!(count(0, eacces) > 0 && count(0, eperm) > 0, "both were met");
    for event in case.rest() {
        let even = (event.generation() - first).is_multiple_of(2);
        let name = if even { "even" } else { "odd" };
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
