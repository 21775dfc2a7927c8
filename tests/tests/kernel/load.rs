//! Many at once: verdicts do not cross, counters are exact, and what finds no
//! room in the ring is denied all the same, and counted.

use std::collections::BTreeMap;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::case::{Case, merge_or_full};
use interdict_tests::place;
use interdict_tests::protocol::{Attempt, Hammer, Request};
use interdict_tests::service::{Service, Tcp};
use rustix::process::Signal;

const POLICY: &[(&str, &str)] = &[(
    "load",
    "deny unix connect to /run/one.sock unless exe = /usr/bin/good id unix-one\n\
     deny unix connect to /run/two.sock if exe = /usr/bin/good id unix-two\n\
     deny tcp connect to 127.0.0.1 port 8080 unless exe = /usr/bin/good id tcp-one\n\
     deny tcp connect to 127.0.0.1 port 8081 if exe = /usr/bin/good id tcp-two\n",
)];

fn unix(path: &str) -> Attempt {
    Attempt {
        family: libc::AF_UNIX,
        kind: libc::SOCK_STREAM,
        address: Address::path(path).0,
    }
}

fn tcp(port: u16) -> Attempt {
    Attempt {
        family: libc::AF_INET,
        kind: libc::SOCK_STREAM,
        address: Address::ip([127, 0, 0, 1], port).0,
    }
}

/// Thirty-two tasks, each of which is allowed every other connect. With one CPU
/// and `preempt=full` they are switched in the middle of the programs.
#[test]
fn thirty_two_tasks_get_each_its_own_verdict() {
    const TASKS: usize = 32;
    let rounds: u32 = merge_or_full(100, 5000);
    let mut case = Case::under(POLICY);
    let _services =
        ["/run/one.sock", "/run/two.sock"].map(|path| Service::stream(path).accepting());
    let _web = ["127.0.0.1:8080", "127.0.0.1:8081"].map(|at| Tcp::on(at).accepting());
    let before = case.counted();
    let attempts = vec![
        unix("/run/one.sock"),
        unix("/run/two.sock"),
        tcp(8080),
        tcp(8081),
    ];
    let hammer = Request::Hammer(Hammer { attempts, rounds });
    let mut actors: Vec<(Actor, bool)> = (0..TASKS)
        .map(|task| match task % 2 {
            0 => (Actor::start(place::good(), 1000), true),
            _ => (Actor::user(), false),
        })
        .collect();
    for (actor, _) in &mut actors {
        actor.begin(&hammer);
    }
    let eperm = -i64::from(libc::EPERM);
    for (actor, good) in &mut actors {
        let expected = if *good {
            [0, eperm, 0, eperm]
        } else {
            [eperm, 0, eperm, 0]
        };
        let counts = actor.finish().counts;
        let expected = expected.map(|result| vec![(result, u64::from(rounds))]);
        assert_eq!(counts, expected, "good: {good}");
    }
    let counted = case.counted().since(&before);
    let of_each = 16 * u64::from(rounds);
    assert_eq!(counted.counter("decisions"), 8 * of_each);
    assert_eq!(counted.counter("denied"), 4 * of_each);
    assert_eq!(counted.counter("allowed"), 4 * of_each);
    let mut events = BTreeMap::<String, u64>::new();
    let rest = case.rest();
    let pids: BTreeMap<u32, bool> = actors.iter().map(|(a, good)| (a.pid(), *good)).collect();
    for event in &rest {
        let rule = event.text("/decision/rule").to_owned();
        // Each event is of one whom its rule denies.
        let pid = event.at("/workload/process/host_pid").as_u64().unwrap();
        let good = pids[&u32::try_from(pid).unwrap()];
        assert_eq!(rule.ends_with("-two"), good, "{event:?}");
        let exe = if good {
            "/usr/bin/good"
        } else {
            "/usr/bin/other"
        };
        event.says("/decision/subject/exe", exe);
        *events.entry(rule).or_default() += 1;
    }
    for rule in ["unix-one", "unix-two", "tcp-one", "tcp-two"] {
        let tally = counted.rule(rule);
        assert_eq!((tally.matched, tally.denied), (of_each, of_each), "{rule}");
        assert_eq!(tally.emitted + tally.lost, of_each, "{rule}");
        assert_eq!(
            events.get(rule).copied().unwrap_or(0),
            tally.emitted,
            "{rule}"
        );
    }
}

#[test]
fn a_full_ring_denies_all_the_same_and_counts_what_is_lost() {
    const ROUNDS: u32 = 20_000;
    let mut case = Case::under(POLICY);
    let _services = ["/run/one.sock", "/run/two.sock"].map(Service::stream);
    let mut actor = Actor::user();
    let hammer = |path, rounds| {
        Request::Hammer(Hammer {
            attempts: vec![unix(path)],
            rounds,
        })
    };
    case.provokes("events_lost");
    case.engine().signal(Signal::STOP);
    let counts = actor.ask(&hammer("/run/one.sock", ROUNDS)).counts;
    let allowed = actor.ask(&hammer("/run/two.sock", 1)).counts;
    case.engine().signal(Signal::CONT);
    let eperm = -i64::from(libc::EPERM);
    assert_eq!(counts, [[(eperm, u64::from(ROUNDS))]]);
    assert_eq!(allowed, [[(0, 1)]]);
    let counted = case.counted();
    let tally = counted.rule("unix-one");
    assert_eq!(tally.matched, u64::from(ROUNDS));
    assert_eq!(tally.denied, u64::from(ROUNDS));
    assert_eq!(tally.emitted + tally.lost, tally.matched);
    assert!(tally.lost > 0, "the ring was full: {tally:?}");
    assert_eq!(counted.counter("events_lost"), tally.lost);
    let events = u64::try_from(case.rest().len()).unwrap();
    assert_eq!(events, tally.emitted);
    // There is room again.
    let counts = actor.ask(&hammer("/run/one.sock", 1)).counts;
    assert_eq!(counts, [[(eperm, 1)]]);
    case.event().says("/decision/rule", "unix-one");
}
