//! Policies of more rules than a word has bits: the rule that decides is found
//! wherever it stands, record rules far apart are all named and counted, and
//! reloads go from one width to another.

use std::fmt::Write as _;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::Request;
use interdict_tests::service::{Service, Tcp};

const HOME: [u8; 4] = [127, 0, 0, 1];
/// Deciding rules of each family.
const RULES: usize = 4_400;
/// Record rules of each family.
const RECORDS: usize = 100;
/// Record rules that match, of those.
const RECORDED: [usize; 3] = [2, 63, 99];
/// Ports of TCP services, and numbers of unix services: denied by the first, a
/// middle and the last rule, and by none.
const PLACES: [usize; 3] = [0, RULES / 2, RULES - 1];
const OPEN: usize = RULES;

fn path(at: usize) -> String {
    format!("/run/wide-{at}.sock")
}

fn port(at: usize) -> u16 {
    20_000 + u16::try_from(at).unwrap()
}

/// The rule of a place.
fn id(family: &str, at: usize) -> &'static str {
    format!("{family}-{at:05}").leak()
}

/// Deny rules for so many places of each family.
fn policy(rules: usize) -> String {
    let mut text = String::new();
    for at in 0..rules {
        let (tcp, unix) = (port(at), path(at));
        writeln!(
            text,
            "deny tcp connect to 127.0.0.1 port {tcp} id tcp-{at:05}"
        )
        .unwrap();
        writeln!(text, "deny unix connect to {unix} id unix-{at:05}").unwrap();
    }
    text
}

/// Record rules, of which those of [`RECORDED`] match user 1000.
fn records() -> String {
    let mut text = String::new();
    for at in 0..RECORDS {
        let uid = if RECORDED.contains(&at) {
            1000
        } else {
            5000 + at
        };
        for family in ["tcp", "unix"] {
            writeln!(
                text,
                "record {family} connect if uid = {uid} id {family}-r{at:03}"
            )
            .unwrap();
        }
    }
    text
}

fn tcp(actor: &mut Actor, at: usize) -> Request {
    let socket = actor.tcp();
    calls::connect(socket, &Address::ip(HOME, port(at)))
}

fn unix(actor: &mut Actor, at: usize) -> Request {
    let socket = actor.unix();
    calls::connect(socket, &Address::path(path(at)))
}

/// Everything that `places` say is denied by its rule, and the rest is not.
fn denies(case: &mut Case, actor: &mut Actor, places: &[usize], open: usize) {
    for at in places {
        let request = tcp(actor, *at);
        let object = Object::ip("127.0.0.1", port(*at));
        case.denies(actor, &request, &Decided::connect(id("tcp", *at), object));
        let request = unix(actor, *at);
        let object = Object::path(&path(*at));
        case.denies(actor, &request, &Decided::stream(id("unix", *at), object));
    }
    for request in [tcp(actor, open), unix(actor, open)] {
        case.allows(actor, &request);
    }
}

fn services(places: &[usize]) -> (Vec<Service>, Vec<Tcp>) {
    let unix = places
        .iter()
        .map(|at| Service::stream(path(*at)).accepting());
    let on = |at: &usize| Tcp::on(&format!("127.0.0.1:{}", port(*at))).accepting();
    (unix.collect(), places.iter().map(on).collect())
}

/// One test, since the policy takes a debug build long to read.
#[test]
fn the_rule_that_decides_is_found_wherever_it_stands_and_all_that_record() {
    let mut case = Case::under(&[("wide", &format!("{}{}", policy(RULES), records()))]);
    let _services = services(&[PLACES[0], PLACES[1], PLACES[2], OPEN]);
    denies(&mut case, &mut Actor::other(), &PLACES, OPEN);
    let counted = case.counted();
    for at in PLACES {
        for family in ["tcp", "unix"] {
            let tally = counted.rule(&format!("{family}-{at:05}"));
            assert_eq!(
                (tally.matched, tally.denied, tally.emitted),
                (1, 1, 1),
                "{at}"
            );
        }
    }
    records_are_all_named_and_counted(&mut case);
}

fn records_are_all_named_and_counted(case: &mut Case) {
    let mut actor = Actor::user();
    for family in ["tcp", "unix"] {
        let make = if family == "tcp" { tcp } else { unix };
        let ids = RECORDED.map(|at| format!("{family}-r{at:03}"));
        let ids = ids.each_ref().map(String::as_str);
        let request = make(&mut actor, OPEN);
        case.records(&mut actor, &request, &ids);
        // A denial names them as well.
        let request = make(&mut actor, PLACES[1]);
        let rule = id(family, PLACES[1]);
        let decided = if family == "tcp" {
            Decided::connect(rule, Object::ip("127.0.0.1", port(PLACES[1])))
        } else {
            Decided::stream(rule, Object::path(&path(PLACES[1])))
        };
        let event = case.denies(&mut actor, &request, &decided);
        event.says("/decision/recorded", &ids[..]);
        let counted = case.counted();
        for id in ids {
            let tally = counted.rule(id);
            assert_eq!(
                (tally.matched, tally.emitted, tally.lost),
                (2, 2, 0),
                "{id}"
            );
        }
        assert_eq!(counted.rule(&format!("{family}-r003")).matched, 0);
    }
}

/// By what few policies ask of a subject, too, and by rules that are not enforced.
#[test]
fn what_is_asked_by_a_list_is_asked_of_wide_pairs() {
    let mut text = policy(200);
    for at in 0..100 {
        let (uid, open) = (5000 + at, port(OPEN));
        writeln!(
            text,
            "audit deny tcp connect to 127.0.0.1 port {open} if ruid = {uid} and cap in {{ net_raw, sys_time }} id z-{at}"
        )
        .unwrap();
    }
    let open = port(OPEN);
    writeln!(text, "audit deny tcp connect to 127.0.0.1 port {open} if ruid = 1000 and not cap = net_raw id audited").unwrap();
    writeln!(
        text,
        "deny tcp connect to 127.0.0.1 port {open} if ruid = 1001 and type = stream id zz"
    )
    .unwrap();
    let mut case = Case::under(&[("lists", &text)]);
    let _services = services(&[OPEN]);
    let mut root = Actor::other();
    let request = tcp(&mut root, OPEN);
    case.allows(&mut root, &request);
    let mut user = Actor::user();
    let request = tcp(&mut user, OPEN);
    let object = || Object::ip("127.0.0.1", open);
    case.would_deny(&mut user, &request, &Decided::connect("audited", object()));
    let mut other = Actor::start(interdict_tests::place::good(), 1001);
    let request = tcp(&mut other, OPEN);
    case.denies(&mut other, &request, &Decided::connect("zz", object()));
}

#[test]
fn reloads_go_from_one_width_to_another() {
    let mut case = Case::under(&[("wide", &policy(1))]);
    let _services = services(&[0, 150, 2_900, OPEN]);
    let mut actor = Actor::other();
    // Of the most, rows do not lie near.
    for rules in [1, 200, 3_000, 200, 3_000, 1] {
        case.engine().put(&[("wide", &policy(rules))]);
        let places: Vec<usize> = [0, 150, 2_900]
            .into_iter()
            .filter(|at| *at < rules)
            .collect();
        denies(&mut case, &mut actor, &places, OPEN);
    }
}
