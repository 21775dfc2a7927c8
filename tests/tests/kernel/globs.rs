//! Patterns with wildcards, decided in the kernel.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::protocol::Request;
use interdict_tests::service::Service;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::net::SocketType;

/// A stream connect on a socket of its own.
fn to(actor: &mut Actor, path: impl AsRef<Path>) -> Request {
    let socket = actor.unix();
    calls::connect(socket, &Address::path(path))
}

fn to_name(actor: &mut Actor, name: &[u8]) -> Request {
    let socket = actor.unix();
    calls::connect(socket, &Address::abstract_name(name))
}

/// A connect to each path is denied by a rule, or allowed without one.
#[track_caller]
fn judged(case: &mut Case, actor: &mut Actor, rule: &'static str, all: &[(&str, bool)]) {
    for (path, denied) in all {
        let connect = to(actor, path);
        if *denied {
            let decided = Decided::stream(rule, Object::path(path));
            case.denies(actor, &connect, &decided);
        } else {
            case.allows(actor, &connect);
        }
    }
}

/// A tmpfs of PID 1's, gone at the end.
struct Tmpfs(std::path::PathBuf);

impl Tmpfs {
    fn on(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        fs::create_dir_all(path).unwrap();
        mount("tmpfs", path, "tmpfs", MountFlags::empty(), None).unwrap();
        Self(path.to_owned())
    }

    fn bind(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Self {
        rustix::mount::mount_bind(from.as_ref(), to.as_ref()).unwrap();
        Self(to.as_ref().to_owned())
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).unwrap();
    }
}

#[test]
fn a_star_stays_in_its_folder_and_two_do_not() {
    let root = place::fresh("globs");
    fs::create_dir_all(root.join("a/b")).unwrap();
    let policy = "deny unix connect to { /tmp/interdict-tests/globs/*.sock, \
                  /tmp/interdict-tests/globs/a/**/deep, /tmp/interdict-tests/globs/?x } id glob\n";
    let mut case = Case::under(&[("globs", policy)]);
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let names = [
        ("one.sock", true),
        (".sock", true),
        ("one.socket", false),
        ("one.sock.bak", false),
        ("a/one.sock", false),
        ("a/deep", true),
        ("a/b/deep", true),
        ("a/b/deeper", false),
        ("deep", false),
        ("yx", true),
        ("xx", true),
        ("xxx", false),
        ("x", false),
    ];
    let paths = names.map(|(name, denied)| (path(name), denied));
    let _services = paths.each_ref().map(|(path, _)| Service::stream(path));
    let all = paths
        .each_ref()
        .map(|(path, denied)| (path.as_str(), *denied));
    judged(&mut case, &mut Actor::user(), "glob", &all);
    // The way there is of no account.
    let link = root.join("link");
    symlink(root.join("a"), &link).unwrap();
    let mut actor = Actor::user();
    let connect = to(&mut actor, link.join("b/deep"));
    let object = Object::Path(path("a/b/deep"));
    case.denies(&mut actor, &connect, &Decided::stream("glob", object));
    actor.must(&calls::chdir(root.join("a/b")));
    let connect = to(&mut actor, "../../one.sock");
    let object = Object::Path(path("one.sock"));
    case.denies(&mut actor, &connect, &Decided::stream("glob", object));
}

#[test]
fn a_literal_path_is_in_every_pattern_that_it_matches() {
    let root = place::fresh("globs");
    let policy = "default deny unix connect to /tmp/interdict-tests/globs/* id closed\n\
                  allow unix connect to /tmp/interdict-tests/globs/open id open\n\
                  deny unix connect to /tmp/interdict-tests/globs/o* if uid = 1001 id odd\n";
    let mut case = Case::under(&[("globs", policy)]);
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let [open, other] = [path("open"), path("other")];
    let _services = [&open, &other].map(Service::stream);
    let mut user = Actor::user();
    judged(
        &mut case,
        &mut user,
        "closed",
        &[(&open, false), (&other, true)],
    );
    let mut odd = Actor::start(place::other(), 1001);
    judged(&mut case, &mut odd, "odd", &[(&open, true), (&other, true)]);
}

#[test]
fn links_before_the_first_wildcard_are_followed() {
    let root = place::fresh("globs");
    fs::create_dir_all(root.join("real/in")).unwrap();
    symlink(root.join("real"), root.join("link")).unwrap();
    let policy = "deny unix connect to /tmp/interdict-tests/globs/link/in/* id glob\n";
    let mut case = Case::under(&[("globs", policy)]);
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let [inside, beside] = [path("real/in/s"), path("real/s")];
    let _services = [&inside, &beside].map(Service::stream);
    let mut user = Actor::user();
    judged(
        &mut case,
        &mut user,
        "glob",
        &[(&inside, true), (&beside, false)],
    );
}

#[test]
fn mounts_below_are_reached_and_followed() {
    let root = place::fresh("globs");
    let before = Tmpfs::on(root.join("run/user/1000"));
    let policy = "deny unix connect to /tmp/interdict-tests/globs/run/** id all\n\
                  deny unix connect to /tmp/interdict-tests/globs/run/user/*/bus id bus\n";
    let mut case = Case::under(&[("globs", policy)]);
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let mut user = Actor::user();
    let inside = path("run/user/1000/bus");
    let other = path("run/user/1000/a/b");
    fs::create_dir_all(root.join("run/user/1000/a")).unwrap();
    let own = path("run/x");
    let beside = path("x");
    let services = [&inside, &other, &own, &beside].map(Service::stream);
    judged(
        &mut case,
        &mut user,
        "all",
        &[
            (&inside, true),
            (&other, true),
            (&own, true),
            (&beside, false),
        ],
    );
    // A mount that comes later is found within a moment.
    let generation = case.counted().generation;
    let from = case.engine().errors.count();
    let after = Tmpfs::on(root.join("run/user/1001"));
    let reloaded = case.engine().reloaded(from);
    assert!(format!("{reloaded:?}").contains("InForce"), "{reloaded:?}");
    assert!(case.counted().generation > generation);
    let later = path("run/user/1001/bus");
    let _service = Service::stream(&later);
    judged(
        &mut case,
        &mut user,
        "all",
        &[(&later, true), (&inside, true)],
    );
    drop(services);
    drop((before, after));
}

#[test]
fn a_pattern_ends_at_the_right_place_of_a_mount() {
    let root = place::fresh("globs");
    let _mount = Tmpfs::on(root.join("m/a"));
    let policy = "deny unix connect to /tmp/interdict-tests/globs/m/?/x* id glob\n";
    let mut case = Case::under(&[("globs", policy)]);
    fs::create_dir_all(root.join("m/a/b")).unwrap();
    fs::create_dir_all(root.join("m/b")).unwrap();
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let names = ["m/a/x1", "m/a/b/x1", "m/a/y", "m/b/x"].map(path);
    let _services = names.each_ref().map(Service::stream);
    let [first, deeper, other, unmounted] = names.each_ref().map(String::as_str);
    let mut user = Actor::user();
    let all = [
        (first, true),
        (deeper, false),
        (other, false),
        (unmounted, true),
    ];
    judged(&mut case, &mut user, "glob", &all);
}

#[test]
fn a_folder_that_is_mounted_twice_is_one_place() {
    let root = place::fresh("globs");
    fs::create_dir_all(root.join("data/s")).unwrap();
    fs::create_dir_all(root.join("srv")).unwrap();
    let _bind = Tmpfs::bind(root.join("data/s"), root.join("srv"));
    let policy = "deny unix connect to /tmp/interdict-tests/globs/srv/* id glob\n";
    let mut case = Case::under(&[("globs", policy)]);
    let service = Service::stream(root.join("srv/a"));
    let _beside = Service::stream(root.join("data/a"));
    let mut user = Actor::user();
    for name in ["srv/a", "data/s/a"] {
        let connect = to(&mut user, root.join(name));
        assert_eq!(outcome(&user.ask(&connect)), Err(Errno::PERM), "{name}");
        case.event().says("/decision/rule", "glob");
    }
    let connect = to(&mut user, root.join("data/a"));
    case.allows(&mut user, &connect);
    drop(service);
}

#[test]
fn programs_by_pattern() {
    let policy = "deny unix connect to /run/some.sock unless exe = /usr/bin/go*d id glob\n\
                  deny unix connect to /run/other.sock if exe = /usr/**/oth?r id deep\n";
    let mut case = Case::under(&[("globs", policy)]);
    let _services = ["/run/some.sock", "/run/other.sock"].map(Service::stream);
    let mut good = Actor::good();
    judged(
        &mut case,
        &mut good,
        "glob",
        &[("/run/some.sock", false), ("/run/other.sock", false)],
    );
    let mut other = Actor::other();
    judged(&mut case, &mut other, "glob", &[("/run/some.sock", true)]);
    judged(&mut case, &mut other, "deep", &[("/run/other.sock", true)]);
    // The same name in another place.
    let folder = place::fresh("globs");
    let twin = place::install(folder.join("good"));
    let mut twin = Actor::start(twin, 1000);
    judged(&mut case, &mut twin, "glob", &[("/run/some.sock", true)]);
    // What runs a program of that name in a mount of its own is nobody.
    let mut guest = Actor::user();
    guest.user_namespace();
    guest.must(&calls::bind_mount(folder, "/usr/bin"));
    guest.must(&calls::exec("/usr/bin/good"));
    let connect = to(&mut guest, "/run/some.sock");
    assert_eq!(outcome(&guest.ask(&connect)), Err(Errno::PERM));
    case.event().says("/decision/rule", "glob");
}

#[test]
fn names_of_processes_by_pattern() {
    let policy = "deny unix connect to /run/some.sock unless comm = \"kw*/?:[0-9]*\" id glob\n";
    let mut case = Case::under(&[("globs", policy)]);
    let _service = Service::stream("/run/some.sock");
    let mut actor = Actor::user();
    for (name, denied) in [
        ("kworker/0:1", false),
        ("kw/0:12345", false),
        ("kworker/0:x", true),
        ("xkworker/0:1", true),
        ("kw23456789/0:12", false),
        ("kw", true),
        ("", true),
    ] {
        actor.must(&calls::set_name(name));
        actor.subject.comm = name.into();
        judged(&mut case, &mut actor, "glob", &[("/run/some.sock", denied)]);
    }
}

#[test]
fn abstract_names_by_pattern() {
    let policy = r#"deny unix connect to { "@/tmp/.X11-unix/*", "@a\x00*z", "@???" } id glob"#;
    let mut case = Case::under(&[("globs", policy)]);
    let long = [&b"/tmp/.X11-unix/"[..], &[b'n'; 92]].concat();
    let names: [(&[u8], bool); 12] = [
        (b"/tmp/.X11-unix/X0", true),
        (b"/tmp/.X11-unix/", true),
        (b"/tmp/.X11-unix/a/b\0c", true),
        (&long, true),
        (b"/tmp/.X11-unix", false),
        (b"a\0z", true),
        (b"a\0\0\xff\0z", true),
        (b"a\0zz\0", false),
        (b"\0\0\0", true),
        (b"\0\0", false),
        (b"\0\0\0\0", false),
        (b"", false),
    ];
    let _services = names.map(|(name, _)| Service::named(name, SocketType::STREAM));
    let mut actor = Actor::user();
    for (name, denied) in names {
        let connect = to_name(&mut actor, name);
        if denied {
            let decided = Decided::stream("glob", Object::Name(name.to_vec()));
            case.denies(&mut actor, &connect, &decided);
        } else {
            case.allows(&mut actor, &connect);
        }
    }
    // A path is no name.
    let _service = Service::stream("/run/abc");
    judged(&mut case, &mut actor, "glob", &[("/run/abc", false)]);
}

#[test]
fn names_that_the_kernel_gave_are_names() {
    let mut case = Case::under(&[("globs", "deny unix connect to @????? id auto\n")]);
    let mut server = Actor::user();
    let listener = server.unix();
    // bind(2) with nothing but the family: five digits of the kernel's choice.
    server.must(&calls::bind(listener, &Address::unix(b"")));
    server.must(&calls::listen(listener));
    let own = server.fetch(&calls::own_name(listener));
    let name = own.get(3..8).unwrap().to_vec();
    let mut actor = Actor::user();
    let connect = to_name(&mut actor, &name);
    case.denies(
        &mut actor,
        &connect,
        &Decided::stream("auto", Object::Name(name)),
    );
}

/// A folder whose path inside its file system has `length` bytes, and a socket in
/// it, all reached by a relative name.
fn long_folder(length: usize) -> std::path::PathBuf {
    let root = place::fresh("globs");
    let mut folder = root.clone();
    let inside = |path: &Path| path.strip_prefix("/tmp").unwrap().as_os_str().len();
    while inside(&folder) < length {
        let rest = length - inside(&folder) - 1;
        folder = folder.join("n".repeat(rest.clamp(1, 100)));
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_text_that_is_too_long_matches_every_denial_by_pattern() {
    // `/s` more makes 255 bytes and the slash that closes it 256: the longest kept.
    let kept = long_folder(253);
    let policy = "deny unix connect to /tmp/interdict-tests/globs/**/x if uid = 1000 id denied\n\
                  default deny unix connect to any if uid = 1001 id closed\n\
                  allow unix connect to /tmp/interdict-tests/globs/** if uid = 1001 id open\n\
                  deny unix connect to /tmp/interdict-tests/globs/x if uid = 1002 id literal\n";
    let mut case = Case::under(&[("globs", policy)]);
    let server = |folder: &Path, name: &str| {
        let mut server = Actor::other();
        server.must(&calls::chdir(folder));
        let listener = server.unix();
        server.must(&calls::bind(listener, &Address::path(name)));
        server.must(&calls::change_mode(name, 0o777));
        server.must(&calls::listen(listener));
        server
    };
    let _servers = [server(&kept, "s"), server(&kept, "tt")];
    let users = [(1000, Some("denied")), (1001, Some("closed")), (1002, None)];
    for (user, rule) in users {
        let mut actor = Actor::start(place::other(), user);
        actor.must(&calls::chdir(&kept));
        // Read to its end: no `x`, but below the folder.
        let connect = to(&mut actor, "s");
        case.allows(&mut actor, &connect);
        let connect = to(&mut actor, "tt");
        let reply = actor.ask(&connect);
        match rule {
            Some(rule) => {
                assert_eq!(outcome(&reply), Err(Errno::PERM));
                case.event().says("/decision/rule", rule);
            }
            None => assert!(outcome(&reply).is_ok(), "{reply:?}"),
        }
    }
    case.provokes("long_texts");
}

#[test]
fn a_program_with_too_long_a_path_is_known_by_its_folder_alone() {
    let folder = long_folder(250);
    let program = folder.join("probe-of-mine");
    fs::copy(place::good(), folder.join("p")).unwrap();
    fs::rename(folder.join("p"), &program).unwrap();
    let policy = "deny unix connect to /run/some.sock unless exe = /tmp/interdict-tests/**/*e* id tail\n\
                  deny unix connect to /run/other.sock unless exe = /tmp/interdict-tests/** id folder\n\
                  deny unix connect to /run/other.sock if exe = /tmp/interdict-tests/x/** id beside\n";
    let mut case = Case::under(&[("globs", policy)]);
    case.provokes("long_texts");
    let _services = ["/run/some.sock", "/run/other.sock"].map(Service::stream);
    let mut actor = Actor::start(&program, 0);
    let connect = to(&mut actor, "/run/some.sock");
    assert_eq!(outcome(&actor.ask(&connect)), Err(Errno::PERM));
    case.event().says("/decision/rule", "tail");
    let near = place::install("/tmp/interdict-tests/near");
    let mut near = Actor::start(near, 0);
    judged(&mut case, &mut near, "tail", &[("/run/some.sock", false)]);
    // Of what is in a folder, nothing but its beginning matters: but here it is
    // read together with a pattern of the end.
    judged(
        &mut case,
        &mut near,
        "folder",
        &[("/run/other.sock", false)],
    );
    let connect = to(&mut actor, "/run/other.sock");
    assert_eq!(outcome(&actor.ask(&connect)), Err(Errno::PERM));
    case.event().says("/decision/rule", "folder");
    drop(case);
    let policy = "deny unix connect to /run/other.sock unless exe = /tmp/interdict-tests/** id folder\n\
                  deny unix connect to /run/other.sock if exe = /tmp/interdict-tests/x/** id beside\n";
    let mut case = Case::under(&[("globs", policy)]);
    judged(
        &mut case,
        &mut actor,
        "folder",
        &[("/run/other.sock", false)],
    );
}
