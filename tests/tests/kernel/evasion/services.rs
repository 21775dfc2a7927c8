//! Leaving a unit or a cgroup, and passing for another.

use std::fs;
use std::path::{Path, PathBuf};

use interdict_tests::actor::Actor;
use interdict_tests::calls;
use interdict_tests::place;
use interdict_tests::protocol::{Argument, Request};
use interdict_tests::tricks;

use super::Guard;

/// A cgroup's folder, made.
fn cgroup(path: &str) -> PathBuf {
    let folder = Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/'));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn put_into(path: &str, actor: &Actor) {
    let procs = cgroup(path).join("cgroup.procs");
    fs::write(procs, actor.pid().to_string()).unwrap();
}

#[test]
fn a_daemon_that_forked_twice() {
    let mut guard = Guard::of("caged");
    let mut actor = Actor::other();
    put_into("/system.slice/evil.service", &actor);
    guard.refuses(&mut actor);
    let connect = guard.connect(&mut actor);
    let session = calls::call(libc::SYS_setsid, vec![]);
    let daemon = Request::Sequence(vec![session, connect.clone()]);
    guard.refuses_by(&mut actor, &Request::Orphan(Box::new(daemon.clone())));
    put_into("/system.slice/other.service", &actor);
    guard
        .case
        .allows(&mut actor, &Request::Orphan(Box::new(daemon)));
}

#[test]
fn a_cgroup_within_that_is_named_as_another_unit() {
    let mut guard = Guard::of("unit");
    let mut actor = Actor::other();
    for path in [
        "/system.slice/evil.service/nginx.service",
        "/system.slice/evil.service/system.slice/nginx.service",
        "/user.slice/user-1000.slice/user@1000.service/nginx.service",
        "/system.slice/evil.scope/_nginx.service",
    ] {
        put_into(path, &actor);
        guard.refuses(&mut actor);
    }
    put_into("/system.slice/nginx.service/within", &actor);
    guard.admits(&mut actor);
}

#[test]
fn in_a_cgroup_namespace() {
    let mut guard = Guard::of("unit");
    let mut actor = Actor::other();
    put_into("/system.slice/evil.service", &actor);
    actor.mount_namespace();
    actor.must(&calls::unshare(libc::CLONE_NEWCGROUP));
    let root = place::fresh("cgroups");
    actor.must(&tricks::mount("cgroup2", &root, "cgroup2", ""));
    // To itself it is at the top.
    cgroup("/system.slice/evil.service/nginx.service");
    let own = root.join("nginx.service");
    actor.write_file(own.join("cgroup.procs").to_str().unwrap(), "0");
    let file = actor.must(&calls::open("/proc/self/cgroup", libc::O_RDONLY));
    let read = calls::call(
        libc::SYS_read,
        vec![
            Argument::Number(file),
            Argument::Room(64),
            Argument::Number(64),
        ],
    );
    let shown = actor.fetch(&read);
    assert!(shown.starts_with(b"0::/nginx.service\n"), "{shown:?}");
    guard.refuses(&mut actor);
    let mut nginx = Actor::other();
    put_into("/system.slice/nginx.service", &nginx);
    guard.admits(&mut nginx);
}

#[test]
fn a_cgroup_that_was_removed_and_made_again() {
    let mut guard = Guard::of("cgroup");
    let mut actor = Actor::other();
    let evil = "/evasion/evil";
    for _ in 0..2 {
        put_into(evil, &actor);
        guard.refuses(&mut actor);
        put_into("/evasion/other", &actor);
        guard.admits(&mut actor);
        // Another cgroup of that name, with an id of its own.
        fs::remove_dir(cgroup(evil)).unwrap();
        guard.admits(&mut actor);
    }
    put_into(evil, &actor);
    guard.refuses(&mut actor);
    put_into("/", &actor);
    guard.admits(&mut actor);
}

#[test]
fn moved_between_two_connects() {
    let mut guard = Guard::of("cgroup");
    let mut actor = Actor::other();
    let evil = cgroup("/evasion/evil").join("cgroup.procs");
    let other = cgroup("/evasion/other").join("cgroup.procs");
    let [to_evil, to_other] =
        [evil, other].map(|procs| actor.must(&calls::open(procs, libc::O_WRONLY)));
    for _ in 0..3 {
        let connect = guard.connect(&mut actor);
        let moved = Request::Sequence(vec![calls::write(to_evil, b"0"), connect]);
        guard.refuses_by(&mut actor, &moved);
        let connect = guard.connect(&mut actor);
        let moved = Request::Sequence(vec![calls::write(to_other, b"0"), connect]);
        guard.case.allows(&mut actor, &moved);
    }
    // A thread goes where its process goes.
    let connect = guard.connect(&mut actor);
    let moved = Request::Sequence(vec![calls::write(to_evil, b"0"), connect]);
    guard.refuses_by(&mut actor, &Request::Thread(Box::new(moved)));
    guard.refuses(&mut actor);
}
