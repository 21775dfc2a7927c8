//! What was allowed once is not judged again, as long as it is the same.

use std::net::Ipv4Addr;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place::{self, GOOD};
use interdict_tests::protocol::Request;
use interdict_tests::service::{Service, Tcp};

fn to(port: u16) -> Address {
    Address::ip(Ipv4Addr::LOCALHOST, port)
}

fn decided(rule: &'static str, port: u16) -> Decided {
    Decided::connect(rule, Object::ip("127.0.0.1", port))
}

/// A connect of a new socket, which is allowed some times over.
#[track_caller]
fn often(case: &mut Case, actor: &mut Actor, port: u16) {
    for _ in 0..5 {
        let socket = actor.tcp();
        case.allows(actor, &calls::connect(socket, &to(port)));
        actor.must(&calls::close(socket));
    }
}

#[track_caller]
fn never(case: &mut Case, actor: &mut Actor, rule: &'static str, port: u16) {
    for _ in 0..2 {
        let socket = actor.tcp();
        case.denies(
            actor,
            &calls::connect(socket, &to(port)),
            &decided(rule, port),
        );
        actor.must(&calls::close(socket));
    }
}

const POLICY: &[(&str, &str)] = &[(
    "web",
    "deny tcp connect to 127.0.0.1 port 8080 unless uid = 1000 and gid = 1000 and comm = good \
     and exe = /usr/bin/good\n\
     deny tcp connect to 127.0.0.1 port 8081 unless uid = 0\n",
)];

#[test]
fn each_change_of_a_subject_is_judged() {
    let _programs = (place::good(), place::other());
    let mut case = Case::under(POLICY);
    let _services = [Tcp::on("127.0.0.1:8080"), Tcp::on("127.0.0.1:8081")];
    let user = || Actor::start(place::good(), 1000);
    // The name.
    let mut actor = user();
    often(&mut case, &mut actor, 8080);
    actor.must(&calls::set_name("bad"));
    actor.subject.comm = "bad".to_owned();
    never(&mut case, &mut actor, "web/1", 8080);
    actor.must(&calls::set_name("good"));
    actor.subject.comm = "good".to_owned();
    often(&mut case, &mut actor, 8080);
    // The port, which nothing else tells apart.
    never(&mut case, &mut actor, "web/2", 8081);
    often(&mut case, &mut actor, 8080);
    // The program, then back.
    actor.exec(place::other());
    actor.must(&calls::set_name("good"));
    actor.subject.comm = "good".to_owned();
    never(&mut case, &mut actor, "web/1", 8080);
    actor.exec(GOOD);
    often(&mut case, &mut actor, 8080);
    // The ids, of which root has all.
    let mut actor = Actor::start(place::good(), 0);
    actor.must(&calls::set_gids(-1, 1000, -1));
    actor.must(&calls::set_uids(-1, 1000, -1));
    (actor.subject.uid, actor.subject.gid) = (1000, 1000);
    often(&mut case, &mut actor, 8080);
    actor.must(&calls::set_uids(-1, 0, -1));
    actor.subject.uid = 0;
    never(&mut case, &mut actor, "web/1", 8080);
    often(&mut case, &mut actor, 8081);
    actor.must(&calls::set_gids(-1, 7, -1));
    actor.must(&calls::set_uids(-1, 1000, -1));
    (actor.subject.uid, actor.subject.gid) = (1000, 7);
    never(&mut case, &mut actor, "web/1", 8080);
}

#[test]
fn another_policy_is_asked() {
    place::make_good();
    let mut case = Case::under(POLICY);
    let _service = Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::start(place::good(), 1000);
    often(&mut case, &mut actor, 8080);
    case.engine()
        .put(&[("none", "deny tcp connect to 127.0.0.1 port 8080\n")]);
    never(&mut case, &mut actor, "none/1", 8080);
    case.engine().put(POLICY);
    often(&mut case, &mut actor, 8080);
    // What is allowed and recorded has an event each time.
    case.engine()
        .put(&[("seen", "record tcp connect to 127.0.0.1 port 8080\n")]);
    for _ in 0..3 {
        let socket = actor.tcp();
        let request = calls::connect(socket, &to(8080));
        case.records(&mut actor, &request, &["seen/1"]);
        actor.must(&calls::close(socket));
    }
}

#[test]
fn a_child_and_a_thread_have_what_is_theirs() {
    place::make_good();
    let mut case = Case::under(POLICY);
    let _service = Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::start(place::good(), 1000);
    often(&mut case, &mut actor, 8080);
    let socket = actor.tcp();
    let child = Request::Fork(Box::new(calls::connect(socket, &to(8080))));
    case.allows(&mut actor, &child);
    let socket = actor.tcp();
    let child = Request::Fork(Box::new(calls::connect(socket, &to(8081))));
    case.denies(&mut actor, &child, &decided("web/2", 8081));
    // The first of the parent's connects was judged, and both of the children's.
    let counted = case.counted();
    assert_eq!(counted.counter("remembered"), 4);
    assert_eq!(counted.counter("allowed"), 6);
}

/// More operations than a memo holds, of two families, over and over.
#[test]
fn what_was_driven_out_is_judged_again() {
    let paths = ["/run/a.sock", "/run/b.sock"];
    let policy = "deny unix connect to /run/a.sock\n\
                  deny udp connect to 127.0.0.9 port 1000-1009\n";
    let mut case = Case::under(&[("many", policy)]);
    let _services = paths.map(Service::stream);
    let mut actor = Actor::user();
    for _ in 0..3 {
        let socket = actor.udp();
        for port in 990..1020_u16 {
            let address = Address::ip(Ipv4Addr::new(127, 0, 0, 9), port);
            let connect = calls::connect(socket, &address);
            if (1000..1010).contains(&port) {
                let object = Object::ip("127.0.0.9", port);
                case.denies(&mut actor, &connect, &Decided::connect("many/2", object));
            } else {
                case.allows(&mut actor, &connect);
            }
        }
        actor.must(&calls::close(socket));
        for path in paths {
            let socket = actor.unix();
            let connect = calls::connect(socket, &Address::path(path));
            if path == paths[0] {
                let object = Object::path(path);
                case.denies(&mut actor, &connect, &Decided::stream("many/1", object));
            } else {
                case.allows(&mut actor, &connect);
            }
            actor.must(&calls::close(socket));
        }
    }
    // Each of them was a decision, and counted as one.
    let counted = case.counted();
    assert_eq!(counted.counter("decisions"), 3 * 32);
    assert_eq!(counted.counter("denied"), 3 * 11);
    assert_eq!(counted.counter("allowed"), 3 * 21);
}
