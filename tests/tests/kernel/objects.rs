//! Unix objects whose paths are hard to read: deep, long, and moving.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::{Case, merge_or_full};
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::service::Service;
use rustix::io::Errno;

/// A process that listens on `name` in its folder, which may be deep.
fn listens(folder: &Path, name: &str) -> Actor {
    let mut server = Actor::other();
    for component in folder.strip_prefix("/").unwrap() {
        let so_far = PathBuf::from(component);
        if server.ask(&calls::chdir(&so_far)).result < 0 {
            server.must(&calls::make_folder(&so_far));
            server.must(&calls::chdir(&so_far));
        }
    }
    let listener = server.unix();
    server.must(&calls::bind(listener, &Address::path(name)));
    server.must(&calls::change_mode(name, 0o777));
    server.must(&calls::listen(listener));
    server
}

/// A connect from inside that folder.
fn reaches(actor: &mut Actor, folder: &Path, name: &str) -> interdict_tests::protocol::Request {
    actor.must(&calls::chdir("/"));
    for component in folder.strip_prefix("/").unwrap() {
        actor.must(&calls::chdir(component));
    }
    let socket = actor.unix();
    calls::connect(socket, &Address::path(name))
}

#[test]
fn names_and_paths_of_great_length() {
    let root = place::fresh("long");
    let folder = [255, 8, 1, 254, 7, 9]
        .iter()
        .fold(root, |path, length| path.join("n".repeat(*length)));
    fs::create_dir_all(&folder).unwrap();
    let names = ["s".repeat(90), "s".repeat(91)];
    let _servers = [listens(&folder, &names[0]), listens(&folder, &names[1])];
    let policy = format!(
        "deny unix connect to {}/{} id long\n",
        folder.display(),
        names[0]
    );
    let mut case = Case::under(&[("long", &policy)]);
    let mut actor = Actor::user();
    let to_it = reaches(&mut actor, &folder, &names[0]);
    let reply = actor.ask(&to_it);
    assert_eq!(outcome(&reply), Err(Errno::PERM));
    let event = case.event();
    event.says("/decision/rule", "long");
    // The path is longer than an event holds; the file is named all the same.
    event.says("/decision/object/path", None::<&str>);
    assert!(event.at("/decision/object/inode").is_u64(), "{event:?}");
    let cut = event.at("/decision/cut").to_string();
    assert!(cut.contains("decision.object.path"), "{cut}");
    let beside = reaches(&mut actor, &folder, &names[1]);
    case.allows(&mut actor, &beside);
}

#[test]
fn a_path_that_is_too_deep_matches_every_denial() {
    let root = place::fresh("deep");
    let deepest = (0..80).fold(root, |path, _| path.join("d"));
    fs::create_dir_all(&deepest).unwrap();
    let _service = Service::stream("/run/some.sock");
    let denied = "deny unix connect to /run/some.sock if uid = 1000 id denied\n\
                  default deny unix connect to any if uid = 1001 id closed\n\
                  allow unix connect to /run/some.sock id open\n";
    let mut case = Case::under(&[("deep", denied)]);
    case.provokes("unreadable_paths");
    let _server = listens(&deepest, "s.sock");
    for (user, rule) in [(1000, "denied"), (1001, "closed")] {
        let mut actor = Actor::start(place::other(), user);
        let to_it = reaches(&mut actor, &deepest, "s.sock");
        let reply = actor.ask(&to_it);
        assert_eq!(outcome(&reply), Err(Errno::PERM));
        let event = case.event();
        event.says("/decision/rule", rule);
        event.says("/decision/object/unreadable", true);
    }
    // Whom no rule concerns it does not, either.
    let mut root = Actor::other();
    let to_it = reaches(&mut root, &deepest, "s.sock");
    case.allows(&mut root, &to_it);
    let mut actor = Actor::start(place::other(), 1001);
    let socket = actor.unix();
    let to_some = calls::connect(socket, &Address::path("/run/some.sock"));
    case.allows(&mut actor, &to_some);
}

#[test]
fn a_path_as_deep_as_can_be_read() {
    // Sixty-four components inside the file system of /tmp.
    let root = place::fresh("deep");
    let within = root.strip_prefix("/tmp").unwrap().components().count();
    let folder = (within + 1..64).fold(root, |path, _| path.join("d"));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("s.sock");
    let policy = format!("deny unix connect to {} id deep\n", path.display());
    let mut case = Case::under(&[("deep", &policy)]);
    let _server = listens(&folder, "s.sock");
    let _beside = listens(&folder, "t.sock");
    let mut actor = Actor::user();
    let to_it = reaches(&mut actor, &folder, "s.sock");
    let object = Object::path(path.to_str().unwrap());
    case.denies(&mut actor, &to_it, &Decided::stream("deep", object));
    let beside = reaches(&mut actor, &folder, "t.sock");
    case.allows(&mut actor, &beside);
}

#[test]
fn renames_while_a_path_is_read_open_nothing() {
    let root = place::fresh("storm");
    let places = ["a", "b"].map(|name| root.join(name));
    let policy = format!(
        "deny unix connect to {{ {}/x/y/z/s.sock, {}/x/y/z/s.sock }} id storm\n",
        places[0].display(),
        places[1].display()
    );
    let mut case = Case::under(&[("storm", &policy)]);
    fs::create_dir_all(places[0].join("x/y/z")).unwrap();
    let mut server = Actor::other();
    server.must(&calls::chdir(places[0].join("x/y/z")));
    let mut actor = Actor::other();
    actor.must(&calls::chdir(places[0].join("x/y/z")));
    let over = AtomicBool::new(false);
    let rounds: u32 = merge_or_full(200, 20_000);
    let mut done = 0;
    // A walk that is given up ends in a denial as well.
    case.tolerates("unreadable_paths");
    std::thread::scope(|scope| {
        let over = &over;
        let _end = AtEnd(over);
        scope.spawn(move || {
            let [a, b] = &places;
            while !over.load(Ordering::Acquire) {
                fs::rename(a, b).unwrap();
                fs::rename(b, a).unwrap();
            }
        });
        // Until a rename has come between two walks, at the least.
        while done < rounds || case.counted().counter("walk_retries") == 0 {
            assert!(done < 50 * rounds, "no walk was torn");
            done += 1;
            let listener = server.unix();
            server.must(&calls::bind(listener, &Address::path("s.sock")));
            server.must(&calls::listen(listener));
            let socket = actor.unix();
            let connect = calls::connect(socket, &Address::path("s.sock"));
            assert_eq!(outcome(&actor.ask(&connect)), Err(Errno::PERM));
            actor.must(&calls::close(socket));
            server.must(&calls::close(listener));
            server.must(&calls::unlink("s.sock"));
        }
    });
    let denied = case.counted().rule("storm").denied;
    assert_eq!(denied, u64::from(done));
    let events = u64::try_from(case.rest().len());
    assert_eq!(events, Ok(denied));
}

/// Raises a flag when it goes.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
