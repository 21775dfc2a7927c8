//! What is told of a process once: its program, and the processes above it.

use std::net::Ipv4Addr;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::{Case, merge_or_full};
use interdict_tests::event::{Decided, Event, Object};
use interdict_tests::place::{self, GOOD};
use interdict_tests::protocol::Request;
use serde_json::Value;

const POLICY: &[(&str, &str)] = &[("web", "deny tcp connect to 127.0.0.0/8 port 8080\n")];

fn decided() -> Decided {
    Decided::connect("web/1", Object::ip("127.0.0.1", 8080))
}

fn web(actor: &mut Actor) -> Request {
    let socket = actor.tcp();
    calls::connect(socket, &Address::ip(Ipv4Addr::LOCALHOST, 8080))
}

fn above(event: &Event) -> &[Value] {
    let above = event.at("/workload/process/ancestors");
    above.as_array().map_or(&[], Vec::as_slice)
}

fn harness() -> String {
    let exe = std::env::current_exe().unwrap();
    exe.to_str().unwrap().to_owned()
}

#[test]
fn the_processes_above_are_named_up_to_the_first() {
    let mut case = Case::under(POLICY);
    let mut actor = Actor::user();
    let request = web(&mut actor);
    let event = case.denies(&mut actor, &request, &decided());
    let own = above(&event);
    assert_eq!(own[0]["host_pid"], std::process::id());
    assert_eq!(own[0]["executable"]["path"], harness());
    assert_eq!(own[0]["real_user"]["id"], 0);
    // It is older than the engine, and so is the first of all.
    assert_eq!(own.last().unwrap()["host_pid"], 1, "{own:?}");
    assert!(own.len() > 1);
    // A child has its creator before these.
    let child = Request::Fork(Box::new(request.clone()));
    let event = case.denies(&mut actor, &child, &decided());
    let of_child = above(&event);
    assert_eq!(of_child[0]["host_pid"], actor.pid());
    assert_eq!(of_child[0]["real_user"]["id"], 1000);
    let exe = actor.subject.exe.as_ref().unwrap().to_str().unwrap();
    assert_eq!(of_child[0]["executable"]["path"], exe);
    assert_eq!(of_child[1..], *own);
}

#[test]
fn a_creator_that_has_ended_is_named() {
    let mut case = Case::under(POLICY);
    let mut actor = Actor::user();
    let request = Request::Orphan(Box::new(web(&mut actor)));
    let event = case.denies(&mut actor, &request, &decided());
    let above = above(&event);
    // Who created that one is not known: it ended without an event.
    assert_eq!(above.len(), 1, "{above:?}");
    let pid = above[0]["host_pid"].as_u64().unwrap();
    assert!(pid > u64::from(actor.pid()), "{above:?}");
    let exe = actor.subject.exe.as_ref().unwrap().to_str().unwrap();
    assert_eq!(above[0]["executable"]["path"], exe);
}

#[test]
fn another_program_of_a_process_is_told() {
    place::make_good();
    let mut case = Case::under(POLICY);
    let mut actor = Actor::user();
    let request = web(&mut actor);
    let before = case.denies(&mut actor, &request, &decided());
    actor.exec(GOOD);
    let request = web(&mut actor);
    // The subject's program is looked at by this.
    let event = case.denies(&mut actor, &request, &decided());
    let process = "/workload/process";
    let id = format!("{process}/unique_id");
    assert_eq!(event.at(&id), before.at(&id));
    event.says(&format!("{process}/executable/path"), GOOD);
    assert_eq!(above(&event), above(&before));
    // Its creator, by the program that it had when it created.
    let child = Request::Fork(Box::new(request));
    let event = case.denies(&mut actor, &child, &decided());
    assert_eq!(above(&event)[0]["executable"]["path"], GOOD);
}

/// Numbers of a process are kept with it once it was told of: they are those of its
/// first event, whichever thread acts, and a child has its own.
#[test]
fn later_events_have_the_numbers_of_the_first() {
    let mut case = Case::under(POLICY);
    let mut actor = Actor::user();
    let request = web(&mut actor);
    let numbers = |event: &Event| {
        ["pid", "host_pid", "unique_id"]
            .map(|one| event.at(&format!("/workload/process/{one}")).clone())
    };
    let thread = |event: &Event| {
        ["host_tid", "start_time"]
            .map(|one| event.at(&format!("/workload/process/thread/{one}")).clone())
    };
    let first = case.denies(&mut actor, &request, &decided());
    assert_eq!(numbers(&first)[1], actor.pid());
    let again = case.denies(&mut actor, &request, &decided());
    assert_eq!(numbers(&again), numbers(&first));
    assert_eq!(thread(&again), thread(&first));
    let other = Request::Thread(Box::new(request.clone()));
    let other = case.denies(&mut actor, &other, &decided());
    assert_eq!(numbers(&other), numbers(&first));
    assert_ne!(thread(&other)[0], actor.pid());
    assert_ne!(thread(&other)[1], thread(&first)[1]);
    let child = Request::Fork(Box::new(request));
    let child = case.denies(&mut actor, &child, &decided());
    for (child, first) in numbers(&child).iter().zip(&numbers(&first)) {
        assert_ne!(child, first);
    }
}

/// More processes than the engine's book holds: each is told of again in time.
#[test]
fn many_processes_are_each_named() {
    let mut case = Case::under(POLICY);
    let mut actor = Actor::user();
    let request = web(&mut actor);
    let child = Request::Fork(Box::new(request.clone()));
    for _ in 0..merge_or_full(40, 36_000) {
        let event = case.denies(&mut actor, &child, &decided());
        assert_eq!(above(&event)[0]["host_pid"], actor.pid());
        assert!(event.at("/decision/cut").is_null());
    }
    let event = case.denies(&mut actor, &request, &decided());
    assert_eq!(above(&event)[0]["host_pid"], std::process::id());
}
