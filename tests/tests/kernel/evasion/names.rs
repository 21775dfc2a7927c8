//! Other names of a unix socket, and other sockets of its name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::service::Service;
use interdict_tests::tricks;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use rustix::net::SocketType;

use super::{CONFINED, FOLDER, Guard, OPEN, guarded, listens, open_folder, tried, user};

#[test]
fn a_path_of_108_bytes_without_an_end() {
    let policy = "deny unix connect to /run/evasion/long/** id long\n";
    super::folder();
    let mut case = Case::under(&[("evasion", policy)]);
    let folder = format!("{FOLDER}/long/{}", "d".repeat(80));
    fs::create_dir_all(&folder).unwrap();
    let path = format!("{folder}/{}", "s".repeat(107 - folder.len()));
    assert_eq!(path.len(), 108);
    let beside = path.replacen("long", "open", 1);
    let mut server = Actor::other();
    listens(&mut server, &Address::unix(path.as_bytes()));
    fs::create_dir_all(Path::new(&beside).parent().unwrap()).unwrap();
    listens(&mut server, &Address::unix(beside.as_bytes()));
    let mut actor = Actor::other();
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::unix(path.as_bytes()));
    let decided = Decided::stream("long", Object::path(&path));
    let event = case.denies(&mut actor, &connect, &decided);
    assert_eq!(event.typed()["sun_path"], path.as_str());
    // One byte more is no address.
    let longer = Address::unix(format!("{path}s").as_bytes());
    case.fails(&mut actor, &calls::connect(socket, &longer), Errno::INVAL);
    let connect = calls::connect(socket, &Address::unix(beside.as_bytes()));
    case.allows(&mut actor, &connect);
}

#[test]
fn an_address_with_too_few_bytes() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    let socket = actor.unix();
    for bytes in 0..3 {
        let address = Address::path(guarded("exe")).cut(bytes);
        let connect = calls::connect(socket, &address);
        guard.case.fails(&mut actor, &connect, Errno::INVAL);
    }
    guard.protects(&mut actor, |name| format!("{FOLDER}/{name}"));
}

#[test]
fn with_a_slash_at_the_end() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    let typed = |name: &str| format!("{FOLDER}/{name}/");
    guard.leads_nowhere(&mut actor, typed("exe"), Errno::NOTDIR);
    guard.leads_nowhere(&mut actor, typed("open"), Errno::NOTDIR);
    let link = place::fresh("links").join("link");
    symlink(guarded("exe"), &link).unwrap();
    guard.leads_nowhere(&mut actor, link.join(""), Errno::NOTDIR);
    guard.refuses_as(&mut actor, link);
    guard.admits_to(&mut actor, OPEN);
}

#[test]
fn through_the_folder_of_another_process() {
    let mut guard = Guard::of("exe");
    let mut inside = Actor::user();
    inside.must(&calls::chdir(FOLDER));
    let id = inside.pid();
    guard.protects(&mut Actor::user(), |name| format!("/proc/{id}/cwd/{name}"));
}

#[test]
fn after_its_folder_was_renamed() {
    let policy = "deny unix connect to /run/evasion/in/s unless exe = /usr/bin/good id folder\n";
    let root = super::folder();
    open_folder(root.join("in"));
    let mut case = Case::under(&[("evasion", policy)]);
    let _service = Service::stream(root.join("in/s"));
    let mut actor = Actor::user();
    let mut connect = |case: &mut Case, path: &str, denied: bool| {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::path(path));
        if denied {
            let object = Object::path("/run/evasion/in/s");
            case.denies(&mut actor, &connect, &Decided::stream("folder", object));
        } else {
            case.allows(&mut actor, &connect);
        }
    };
    fs::rename(root.join("in"), root.join("out")).unwrap();
    connect(&mut case, "/run/evasion/out/s", true);
    // What begins to listen there now is another service.
    let _beside = Service::stream(root.join("out/t"));
    connect(&mut case, "/run/evasion/out/t", false);
    // And the place that the policy names is guarded as before.
    open_folder(root.join("in"));
    let _again = Service::stream(root.join("in/s"));
    connect(&mut case, "/run/evasion/in/s", true);
    connect(&mut case, "/run/evasion/out/s", true);
}

#[test]
fn after_two_sockets_have_changed_places() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    renameat_with(CWD, guarded("exe"), CWD, OPEN, RenameFlags::EXCHANGE).unwrap();
    let event = guard.refuses_as(&mut actor, OPEN);
    assert_eq!(event.typed()["sun_path"], OPEN, "as the caller wrote it");
    guard.admits_to(&mut actor, guarded("exe"));
}

#[test]
fn listening_again_after_a_rename() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    let mut server = Actor::good();
    fs::remove_file(guarded("exe")).unwrap();
    let listener = listens(&mut server, &Address::path(guarded("exe")));
    fs::rename(guarded("exe"), guarded("elsewhere")).unwrap();
    server.must(&calls::listen(listener));
    server.must(&calls::change_mode(guarded("elsewhere"), 0o777));
    guard.refuses_as(&mut actor, guarded("elsewhere"));
    guard.admits_to(&mut actor, OPEN);
    // A socket that listens there from the start is nobody's business.
    fs::remove_file(guarded("elsewhere")).unwrap();
    listens(&mut server, &Address::path(guarded("elsewhere")));
    server.must(&calls::change_mode(guarded("elsewhere"), 0o777));
    guard.admits_to(&mut actor, guarded("elsewhere"));
}

#[test]
fn a_socket_whose_file_was_removed() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    let [exe, open] =
        [guarded("exe"), OPEN.into()].map(|path| actor.must(&calls::open(path, libc::O_PATH)));
    fs::remove_file(guarded("exe")).unwrap();
    fs::remove_file(OPEN).unwrap();
    guard.leads_nowhere(&mut actor, guarded("exe"), Errno::NOENT);
    guard.protects(&mut actor, |name| {
        format!("/proc/self/fd/{}", if name == "exe" { exe } else { open })
    });
}

#[test]
fn renamed_before_the_policy_came() {
    let root = super::folder();
    let mut case = Case::under(&[("evasion", "deny unix connect to @nobody id other\n")]);
    let mut service = Service::stream(root.join("exe"));
    fs::rename(root.join("exe"), root.join("moved")).unwrap();
    service.moved(root.join("moved"));
    let mut actor = Actor::user();
    let socket = actor.unix();
    let to_moved = calls::connect(socket, &Address::path(root.join("moved")));
    case.allows(&mut actor, &to_moved);
    drop(case);
    let mut case = Case::under(super::POLICY);
    let decided = Decided::stream("exe", Object::path("/run/evasion/exe"));
    let socket = actor.unix();
    let to_moved = calls::connect(socket, &Address::path(root.join("moved")));
    case.denies(&mut actor, &to_moved, &decided);
    let mut good = Actor::good();
    let socket = good.unix();
    let to_moved = calls::connect(socket, &Address::path(root.join("moved")));
    case.allows(&mut good, &to_moved);
}

#[test]
fn in_another_network_namespace() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    actor.user_namespace();
    actor.must(&calls::unshare(libc::CLONE_NEWNET));
    guard.protects(&mut actor, |name| format!("{FOLDER}/{name}"));
}

#[test]
fn a_name_in_another_network_namespace() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    actor.user_namespace();
    actor.must(&calls::unshare(libc::CLONE_NEWNET));
    // Abstract names are each network namespace's own; the rule has no say in
    // which, and so covers all.
    for (name, denied) in [(&b"evasion"[..], true), (b"evasion2", false)] {
        listens(&mut actor, &Address::abstract_name(name));
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::abstract_name(name));
        if denied {
            let decided = Decided::stream("exe", Object::Name(name.to_vec()));
            guard.case.denies(&mut actor, &connect, &decided);
        } else {
            guard.case.allows(&mut actor, &connect);
        }
    }
}

#[test]
fn a_name_that_is_spelled_as_the_path() {
    let mut guard = Guard::of("exe");
    let name = guarded("exe").to_str().unwrap().as_bytes().to_vec();
    let allowed = guarded("allowed");
    let allowed_name = allowed.to_str().unwrap().as_bytes().to_vec();
    let _services = [&name, &allowed_name].map(|name| Service::named(name, SocketType::STREAM));
    // No rule names it, and none that allows the path allows it.
    let mut actor = Actor::user();
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::abstract_name(&name));
    guard.case.allows(&mut actor, &connect);
    let mut confined = user(CONFINED);
    let socket = confined.unix();
    let connect = calls::connect(socket, &Address::abstract_name(&allowed_name));
    let decided = Decided::stream("closed", Object::Name(allowed_name));
    guard.case.denies(&mut confined, &connect, &decided);
    let _service = Service::stream(&allowed);
    guard.admits_to(&mut confined, allowed);
}

/// A socket of one's own in the place of one that is allowed: by rename, by hard
/// link, by a mount, by a file system of one's own. What is allowed is a place,
/// and those began to listen in another.
#[test]
fn an_allowed_name_for_a_socket_of_ones_own() {
    let mut guard = Guard::of("exe");
    let allowed = guarded("allowed");
    let mut evil = user(CONFINED);
    let own = guarded("own");
    let refused = |guard: &mut Guard, evil: &mut Actor| {
        let socket = evil.unix();
        let connect = calls::connect(socket, &Address::path("/run/evasion/allowed"));
        let decided = Decided::stream("closed", Object::path("/run/evasion/own"));
        guard.case.denies(evil, &connect, &decided);
    };
    listens(&mut evil, &Address::path(&own));
    fs::hard_link(&own, &allowed).unwrap();
    refused(&mut guard, &mut evil);
    fs::rename(&own, guarded("unused")).unwrap();
    refused(&mut guard, &mut evil);
    fs::remove_file(&allowed).unwrap();
    fs::rename(guarded("unused"), &own).unwrap();
    symlink(&own, &allowed).unwrap();
    refused(&mut guard, &mut evil);
    fs::remove_file(&allowed).unwrap();
    let real = Service::stream(&allowed);
    guard.admits_to(&mut evil, &allowed);
    evil.user_namespace();
    evil.must(&calls::bind_mount(&own, &allowed));
    refused(&mut guard, &mut evil);
    evil.must(&tricks::detach(&allowed));
    guard.admits_to(&mut evil, &allowed);
    drop(real);
}

#[test]
fn an_allowed_name_on_a_file_system_of_ones_own() {
    let mut guard = Guard::of("exe");
    let allowed = guarded("allowed");
    let _service = Service::stream(&allowed);
    let mut evil = user(CONFINED);
    evil.user_namespace();
    guard.admits_to(&mut evil, &allowed);
    evil.must(&calls::mount_tmpfs(FOLDER));
    listens(&mut evil, &Address::path(&allowed));
    let socket = evil.unix();
    let connect = calls::connect(socket, &Address::path(&allowed));
    assert_eq!(tried(&mut evil, &connect), Err(Errno::PERM));
    guard.case.event().says("/decision/rule", "closed");
}

/// The rule's own path goes through a link, and the link is changed. The engine
/// looks every thirty seconds; here it is told to.
#[test]
fn a_link_in_the_rule_that_leads_elsewhere_later() {
    let root = super::folder();
    for name in ["a", "b"] {
        open_folder(root.join(name));
    }
    symlink("a", root.join("link")).unwrap();
    let policy = "deny unix connect to /run/evasion/link/s unless exe = /usr/bin/good id link\n";
    let mut case = Case::under(&[("evasion", policy)]);
    let _services = ["a/s", "b/s", "b/t"].map(|name| Service::stream(root.join(name)));
    let mut actor = Actor::user();
    let mut connect = |case: &mut Case, typed: &str, denied: Option<&str>| {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::path(root.join(typed)));
        if let Some(place) = denied {
            let decided = Decided::stream("link", Object::path(place));
            case.denies(&mut actor, &connect, &decided);
        } else {
            case.allows(&mut actor, &connect);
        }
    };
    connect(&mut case, "link/s", Some("/run/evasion/a/s"));
    connect(&mut case, "b/s", None);
    symlink("b", guarded("link.new")).unwrap();
    fs::rename(guarded("link.new"), guarded("link")).unwrap();
    case.engine().reload();
    connect(&mut case, "link/s", Some("/run/evasion/b/s"));
    connect(&mut case, "b/s", Some("/run/evasion/b/s"));
    connect(&mut case, "link/t", None);
}

#[test]
fn while_a_link_changes_where_it_leads() {
    let mut guard = Guard::of("exe");
    let root = place::fresh("links");
    for (name, to) in [("a", guarded("exe")), ("b", OPEN.into())] {
        symlink(to, root.join(name)).unwrap();
    }
    let over = AtomicBool::new(false);
    let mut actor = Actor::user();
    let rounds = 150;
    let refused = std::thread::scope(|scope| {
        let over = &over;
        let root = &root;
        scope.spawn(move || {
            let (a, b) = (root.join("a"), root.join("b"));
            while !over.load(Ordering::Acquire) {
                renameat_with(CWD, &a, CWD, &b, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let mut refused = 0;
        for _ in 0..rounds {
            let socket = actor.unix();
            let connect = calls::connect(socket, &Address::path(root.join("a")));
            match outcome(&actor.ask(&connect)) {
                Ok(_) => {}
                Err(Errno::PERM) => refused += 1,
                Err(other) => {
                    over.store(true, Ordering::Release);
                    panic!("{other}");
                }
            }
            actor.must(&calls::close(socket));
        }
        over.store(true, Ordering::Release);
        refused
    });
    let events = guard.case.rest();
    assert_eq!(events.len(), refused);
    for event in events {
        event.says("/decision/object/path", "/run/evasion/exe");
    }
    // Whoever came through came to the other one.
    assert_eq!(guard.service.waiting(), 0);
    guard.admits_to(&mut Actor::good(), guarded("exe"));
    assert_eq!(guard.service.waiting(), 1);
}

#[test]
fn a_name_that_drives_a_terminal() {
    let policy = "deny unix connect to { @evil*, /run/evasion/evil/* } id evil\n";
    let root = super::folder();
    open_folder(root.join("evil"));
    let mut case = Case::under(&[("evasion", policy)]);
    let mut actor = Actor::user();
    let name = b"evil\x1b[2J\nin force: \xff\0";
    let _service = Service::named(name, SocketType::STREAM);
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::abstract_name(name));
    let decided = Decided::stream("evil", Object::Name(name.to_vec()));
    let event = case.denies(&mut actor, &connect, &decided);
    let shown = r"@evil\x1b[2J\x0ain force: \xff\x00";
    event.says("/decision/object/name", shown);
    assert_eq!(event.typed()["sun_path"], shown);
    let file = "/run/evasion/evil/\u{202e}\x1b]0;x\x07";
    let _service = Service::stream(file);
    let connect = calls::connect(socket, &Address::path(file));
    assert_eq!(tried(&mut actor, &connect), Err(Errno::PERM));
    let event = case.event();
    let shown = r"/run/evasion/evil/\xe2\x80\xae\x1b]0;x\x07";
    event.says("/decision/object/path", shown);
    assert_eq!(event.typed()["sun_path"], shown);
    // Beside it nothing is refused.
    let _service = Service::named(b"other", SocketType::STREAM);
    let connect = calls::connect(socket, &Address::abstract_name(b"other"));
    case.allows(&mut actor, &connect);
}
