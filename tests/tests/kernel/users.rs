//! Users and groups, as the initial user namespace counts them.

use std::net::Ipv4Addr;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::protocol::{Carrier, Request};
use interdict_tests::service::Tcp;

fn web(socket: i64) -> Request {
    calls::connect(socket, &Address::ip(Ipv4Addr::LOCALHOST, 8080))
}

fn decided(rule: &'static str) -> Decided {
    Decided::connect(rule, Object::ip("127.0.0.1", 8080))
}

/// A connect with a new socket is denied.
#[track_caller]
fn denied(case: &mut Case, actor: &mut Actor, rule: &'static str) {
    let socket = actor.tcp();
    case.denies(actor, &web(socket), &decided(rule));
    actor.must(&calls::close(socket));
}

/// A connect with a new socket is allowed.
#[track_caller]
fn allowed(case: &mut Case, actor: &mut Actor) {
    let socket = actor.tcp();
    case.allows(actor, &web(socket));
    actor.must(&calls::close(socket));
}

#[test]
fn the_effective_user() {
    let policy = "deny tcp connect to 127.0.0.1 port 8080 if uid = 1000 id user\n";
    let mut case = Case::under(&[("users", policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    denied(&mut case, &mut Actor::user(), "user");
    allowed(&mut case, &mut Actor::start(place::other(), 1001));
    let mut actor = Actor::other();
    allowed(&mut case, &mut actor);
    // The effective user changes, the real one does not, and the other way round.
    actor.must(&calls::set_uids(0, 1000, 0));
    actor.subject.uid = 1000;
    let socket = actor.tcp();
    let event = case.denies(&mut actor, &web(socket), &decided("user"));
    event.says("/workload/process/real_user/id", 0);
    actor.must(&calls::set_uids(1000, 0, 0));
    actor.subject.uid = 0;
    allowed(&mut case, &mut actor);
}

#[test]
fn the_effective_group() {
    let policy = "deny tcp connect to 127.0.0.1 port 8080 if gid = 1000 id group\n";
    let mut case = Case::under(&[("users", policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::other();
    allowed(&mut case, &mut actor);
    actor.must(&calls::set_gids(0, 1000, 0));
    actor.subject.gid = 1000;
    denied(&mut case, &mut actor, "group");
    actor.must(&calls::set_gids(1000, 1001, 0));
    actor.subject.gid = 1001;
    allowed(&mut case, &mut actor);
}

#[test]
fn a_user_who_is_root_in_a_namespace_of_his_own() {
    let policy = "deny tcp connect to 127.0.0.1 port 8080 unless uid = 0 and gid = 0 id root\n";
    let mut case = Case::under(&[("users", policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::user();
    actor.user_namespace();
    let uid = actor.must(&calls::call(libc::SYS_geteuid, vec![]));
    assert_eq!(uid, 0, "by its own lights");
    // The event says 1000, as the actor's subject does.
    denied(&mut case, &mut actor, "root");
    allowed(&mut case, &mut Actor::other());
}

#[test]
fn a_thread_with_credentials_of_its_own() {
    let policy = "deny tcp connect to 127.0.0.1 port 8080 if uid = 1000 id user\n";
    let mut case = Case::under(&[("users", policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::other();
    let socket = actor.tcp();
    let in_thread = Request::Thread(Box::new(Request::Sequence(vec![
        calls::set_uids(1000, 1000, 1000),
        web(socket),
    ])));
    actor.subject.uid = 1000;
    case.denies(&mut actor, &in_thread, &decided("user"));
    actor.subject.uid = 0;
    allowed(&mut case, &mut actor);
}

#[test]
fn ranges_and_sets() {
    let policy = "deny tcp connect to 127.0.0.1 port 8080 if uid = 1000-1999 id range\n\
                  deny tcp connect to 127.0.0.1 port 8080 if gid in { 7, 65000-65534 } id set\n\
                  deny tcp connect to 127.0.0.1 port 8080 if uid >= 60000 id high\n";
    let mut case = Case::under(&[("users", policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    for (uid, gid, rule) in [
        (999, 0, None),
        (1000, 0, Some("range")),
        (1999, 0, Some("range")),
        (2000, 0, None),
        (0, 7, Some("set")),
        (0, 8, None),
        (0, 64999, None),
        (0, 65534, Some("set")),
        (59999, 0, None),
        (60000, 0, Some("high")),
        (4_294_967_294, 0, Some("high")),
    ] {
        let mut actor = Actor::other();
        actor.must(&calls::set_gids(-1, gid, -1));
        actor.must(&calls::set_uids(-1, uid, -1));
        actor.subject.uid = uid.try_into().unwrap();
        actor.subject.gid = gid.try_into().unwrap();
        match rule {
            Some(rule) => denied(&mut case, &mut actor, rule),
            None => allowed(&mut case, &mut actor),
        }
    }
}

#[test]
fn the_threads_of_io_uring_act_for_their_process() {
    let policy = "deny tcp connect to 127.0.0.1 port 8080 \
                  unless exe = /usr/bin/good and comm = good and uid = 1000 id ring\n";
    let mut case = Case::under(&[("users", policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    let to = Address::ip(Ipv4Addr::LOCALHOST, 8080);
    for by in [Carrier::Worker, Carrier::Poller] {
        let mut good = Actor::start(place::good(), 1000);
        let socket = good.tcp();
        case.allows(&mut good, &calls::ring_connect(socket, &to, by));
        // The same program for another user, and another program for that user.
        let mut other_user = Actor::start(place::good(), 1001);
        let socket = other_user.tcp();
        let connect = calls::ring_connect(socket, &to, by);
        case.denies(&mut other_user, &connect, &decided("ring"));
        let mut other_program = Actor::user();
        let socket = other_program.tcp();
        let connect = calls::ring_connect(socket, &to, by);
        let event = case.denies(&mut other_program, &connect, &decided("ring"));
        let thread = event.text("/workload/process/thread/name");
        assert!(thread.starts_with("iou-"), "{thread}");
    }
}
