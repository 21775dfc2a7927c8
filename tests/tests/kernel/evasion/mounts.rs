//! A unix socket behind mounts of every kind, and under other roots.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::service::Service;
use interdict_tests::tricks;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use super::{FOLDER, Guard, OPEN, guarded, listens, open_folder};

#[test]
fn through_the_root_of_another_process() {
    let mut guard = Guard::of("exe");
    let mut inside = Actor::user();
    inside.user_namespace();
    let root = place::fresh("root");
    fs::create_dir(root.join("srv")).unwrap();
    inside.must(&calls::bind_mount(FOLDER, root.join("srv")));
    inside.must(&calls::chroot(&root));
    let id = inside.pid();
    let typed = |name: &str| format!("/proc/{id}/root/srv/{name}");
    guard.protects(&mut Actor::user(), typed);
    guard.protects(&mut Actor::other(), typed);
}

#[test]
fn under_a_pivoted_root() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    actor.user_namespace();
    let root = place::fresh("root");
    fs::create_dir(root.join("srv")).unwrap();
    actor.must(&calls::bind_mount(&root, &root));
    actor.must(&calls::bind_mount(FOLDER, root.join("srv")));
    actor.must(&calls::chdir(&root));
    actor.must(&tricks::pivot_root("."));
    actor.must(&tricks::detach("."));
    actor.must(&calls::chdir("/"));
    guard.protects(&mut actor, |name| format!("/srv/{name}"));
    // There is nothing left of the host's names.
    guard.leads_nowhere(&mut actor, guarded("exe"), Errno::NOENT);
}

#[test]
fn through_a_copy_of_all_mounts() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    actor.user_namespace();
    let root = place::fresh("root");
    actor.must(&calls::bind_mount_all("/", &root));
    guard.protects(&mut actor, |name| {
        format!("/tmp/interdict-tests/root{FOLDER}/{name}")
    });
    actor.must(&calls::chroot(&root));
    guard.protects(&mut actor, |name| format!("{FOLDER}/{name}"));
}

#[test]
fn through_a_mount_that_was_moved() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::other();
    actor.mount_namespace();
    let root = place::fresh("moved");
    fs::create_dir(root.join("a")).unwrap();
    fs::create_dir(root.join("b")).unwrap();
    actor.must(&calls::bind_mount(FOLDER, root.join("a")));
    actor.must(&tricks::move_mount(root.join("a"), root.join("b")));
    let b = root.join("b").to_str().unwrap().to_owned();
    guard.protects(&mut actor, |name| format!("{b}/{name}"));
    guard.leads_nowhere(&mut actor, root.join("a/exe"), Errno::NOENT);
}

#[test]
fn through_a_mount_that_is_nowhere() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    actor.user_namespace();
    let folder = actor.must(&tricks::detached_mount(FOLDER));
    guard.protects(&mut actor, |name| format!("/proc/self/fd/{folder}/{name}"));
}

#[test]
fn under_the_name_of_an_open_socket() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    actor.user_namespace();
    actor.must(&calls::bind_mount(guarded("exe"), OPEN));
    let event = guard.refuses_as(&mut actor, OPEN);
    assert_eq!(event.typed()["sun_path"], OPEN, "as the caller wrote it");
    // The other way round the guarded name leads to what is open.
    let mut actor = Actor::user();
    actor.user_namespace();
    actor.must(&calls::bind_mount(OPEN, guarded("exe")));
    guard.admits_to(&mut actor, guarded("exe"));
}

#[test]
fn through_an_overlay_of_ones_own() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    actor.user_namespace();
    let merged = place::fresh("merged");
    let below = place::fresh("below");
    let layers = format!("lowerdir={FOLDER}:{}", below.display());
    actor.must(&tricks::mount("overlay", &merged, "overlay", &layers));
    // The files are there, but they are others: nobody listens on those.
    for name in ["exe", "open"] {
        guard.leads_nowhere(&mut actor, merged.join(name), Errno::CONNREFUSED);
    }
    guard.protects(&mut actor, |name| format!("{FOLDER}/{name}"));
}

/// The root of the guest is an overlay, where a file has a second inode below.
#[test]
fn on_the_hosts_overlay() {
    let root = Path::new("/srv/evasion");
    fs::remove_dir_all(root).ok();
    open_folder(root.join("links"));
    let policy = "deny unix connect to /srv/evasion/s unless exe = /usr/bin/good id overlay\n";
    let mut case = Case::under(&[("evasion", policy)]);
    let service = Service::stream(root.join("s"));
    let beside = Service::stream(root.join("t"));
    for name in ["s", "t"] {
        fs::hard_link(root.join(name), root.join(format!("links/{name}"))).unwrap();
        let to = root.join(name);
        symlink(to, root.join(format!("links/soft-{name}"))).unwrap();
        fs::rename(root.join(name), root.join(format!("{name}-moved"))).unwrap();
        symlink(root.join(format!("{name}-moved")), root.join(name)).unwrap();
    }
    let mut actor = Actor::user();
    actor.user_namespace();
    let mounted = place::fresh("mounted");
    actor.must(&calls::bind_mount(root, &mounted));
    let decided = Decided::stream("overlay", Object::path("/srv/evasion/s"));
    for folder in [root, &mounted] {
        for (denied, allowed) in [
            ("s-moved", "t-moved"),
            ("links/s", "links/t"),
            ("links/soft-s", "links/soft-t"),
        ] {
            let socket = actor.unix();
            let connect = calls::connect(socket, &Address::path(folder.join(denied)));
            case.denies(&mut actor, &connect, &decided);
            let connect = calls::connect(socket, &Address::path(folder.join(allowed)));
            case.allows(&mut actor, &connect);
        }
    }
    drop((service, beside));
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_file_system_that_is_mounted_over_it_later() {
    let root = super::folder();
    open_folder(root.join("over"));
    let policy = "deny unix connect to /run/evasion/over/s unless exe = /usr/bin/good id over\n";
    let mut case = Case::under(&[("evasion", policy)]);
    let mut actor = Actor::user();
    let mut connect = |case: &mut Case, path: &str, denied: bool| {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::path(path));
        if denied {
            let object = Object::path("/run/evasion/over/s");
            case.denies(&mut actor, &connect, &Decided::stream("over", object));
        } else {
            case.allows(&mut actor, &connect);
        }
    };
    let from = case.engine().errors.count();
    let over = root.join("over");
    rustix::mount::mount("tmpfs", &over, "tmpfs", MountFlags::empty(), None).unwrap();
    case.engine().reloaded(from);
    fs::set_permissions(&over, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let service = Service::stream(over.join("s"));
    let _beside = Service::stream(over.join("t"));
    connect(&mut case, "/run/evasion/over/s", true);
    connect(&mut case, "/run/evasion/over/t", false);
    drop(service);
    let from = case.engine().errors.count();
    rustix::mount::unmount(&over, UnmountFlags::DETACH).unwrap();
    case.engine().reloaded(from);
    let _service = Service::stream(over.join("s"));
    connect(&mut case, "/run/evasion/over/s", true);
}

#[test]
fn when_the_server_lives_in_another_mount_namespace() {
    let mut guard = Guard::of("exe");
    fs::remove_file(guarded("exe")).unwrap();
    fs::remove_file(OPEN).unwrap();
    let root = place::fresh("container");
    fs::create_dir(root.join("srv")).unwrap();
    let mut server = Actor::user();
    server.user_namespace();
    server.must(&calls::bind_mount(FOLDER, root.join("srv")));
    server.must(&calls::chroot(&root));
    // It has no other name for the folder, and the rule none for this one.
    listens(&mut server, &Address::path("/srv/exe"));
    listens(&mut server, &Address::path("/srv/open"));
    let mut actor = Actor::user();
    guard.protects(&mut actor, |name| format!("{FOLDER}/{name}"));
    guard.admits_to(&mut Actor::good(), guarded("exe"));
}
