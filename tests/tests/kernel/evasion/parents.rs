//! Getting rid of the process that created this one, and taking another.

use interdict_tests::actor::Actor;
use interdict_tests::calls;
use interdict_tests::place::{self, GOOD};
use interdict_tests::protocol::Request;

use super::Guard;

fn named(actor: &mut Actor, name: &str) {
    actor.must(&calls::set_name(name));
    name.clone_into(&mut actor.subject.comm);
}

#[test]
fn after_its_creator_has_ended() {
    let mut guard = Guard::of("child");
    let mut actor = Actor::other();
    named(&mut actor, "keeper");
    // Nobody of that name created it.
    guard.admits(&mut actor);
    let connect = guard.connect(&mut actor);
    let child = Request::Fork(Box::new(connect.clone()));
    guard.refuses_by(&mut actor, &child);
    guard.refuses_by(&mut actor, &Request::Orphan(Box::new(connect.clone())));
    named(&mut actor, "other");
    guard
        .case
        .allows(&mut actor, &Request::Orphan(Box::new(connect)));
}

#[test]
fn a_sibling_that_it_made_by_clone_parent() {
    let mut guard = Guard::of("child");
    let mut actor = Actor::other();
    let sibling = |request: &Request| Request::Clone {
        flags: libc::CLONE_PARENT,
        request: Box::new(request.clone()),
    };
    let connect = guard.connect(&mut actor);
    guard.case.allows(&mut actor, &sibling(&connect));
    named(&mut actor, "keeper");
    // getppid(2) says another; who created it is the actor all the same.
    let connect = guard.connect(&mut actor);
    guard.refuses_by(&mut actor, &sibling(&connect));
}

#[test]
fn a_child_of_the_exempt_program_and_of_what_passes_for_it() {
    let mut guard = Guard::of("parent");
    let mut good = Actor::start(place::good(), 1000);
    let connect = guard.connect(&mut good);
    guard
        .case
        .allows(&mut good, &Request::Fork(Box::new(connect.clone())));
    guard
        .case
        .fails(&mut good, &connect, rustix::io::Errno::ISCONN);
    let mut actor = Actor::user();
    actor.user_namespace();
    let exe = actor.must(&calls::open(GOOD, libc::O_RDONLY));
    actor.must(&Request::Masquerade { exe });
    let connect = guard.connect(&mut actor);
    guard.refuses_by(&mut actor, &Request::Fork(Box::new(connect.clone())));
    guard.refuses_by(&mut actor, &Request::Orphan(Box::new(connect)));
}

#[test]
fn a_creator_that_was_another_program_before() {
    let mut guard = Guard::of("parent");
    let mut actor = Actor::good();
    let connect = guard.connect(&mut actor);
    let child = Request::Fork(Box::new(connect));
    guard.case.allows(&mut actor, &child);
    actor.exec(place::other());
    let connect = guard.connect(&mut actor);
    let child = Request::Fork(Box::new(connect));
    guard.refuses_by(&mut actor, &child);
    // What it is itself was never asked.
    actor.exec(GOOD);
    guard.refuses(&mut actor);
}
