//! The line that everybody writes first, and the ways around it.

use std::fs;
use std::path::Path;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Event, Object};
use interdict_tests::place;
use interdict_tests::protocol::Carrier;
use interdict_tests::service::Service;
use rustix::io::Errno;

const SOCKET: &str = "/run/docker.sock";
const POLICY: &[(&str, &str)] = &[(
    "docker",
    "deny unix connect to /run/docker.sock unless comm=dockerd\n",
)];

/// The protected service, and one beside it.
struct Host {
    case: Case,
    docker: Service,
    _other: Service,
}

impl Host {
    fn new() -> Self {
        Self {
            case: Case::under(POLICY),
            docker: Service::stream(SOCKET),
            _other: Service::stream("/run/other.sock"),
        }
    }

    /// Under the name that `typed` makes of the file's name the socket is denied,
    /// and the one beside it can be reached.
    #[track_caller]
    fn protects(&mut self, actor: &mut Actor, typed: impl Fn(&str) -> String) {
        let event = self.denies(actor, &typed("docker.sock"));
        let shown = &event.typed()["sun_path"];
        assert_eq!(shown, &typed("docker.sock"), "as the caller wrote it");
        let socket = actor.unix();
        let other = Address::path(typed("other.sock"));
        self.case.allows(actor, &calls::connect(socket, &other));
        actor.must(&calls::close(socket));
    }

    #[track_caller]
    fn denies(&mut self, actor: &mut Actor, typed: &str) -> Event {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::path(typed));
        let event = self.case.denies(actor, &connect, &by_stream());
        event.says("/data/0/name", "sockfd");
        event.says("/data/0/int32", socket);
        actor.must(&calls::close(socket));
        event
    }
}

fn by_stream() -> Decided {
    Decided::stream("docker/1", Object::path(SOCKET))
}

/// A process named `dockerd`.
fn dockerd() -> Actor {
    let path = Path::new("/usr/bin/dockerd");
    if !path.exists() {
        place::install(path);
    }
    Actor::start(path, 0)
}

#[test]
fn the_very_line() {
    let mut host = Host::new();
    let mut shell = Actor::other();
    let event = host.denies(&mut shell, SOCKET);
    event.says("/decision/line", 1);
    event.says("/decision/object/path", SOCKET);
    // The refused socket is as good as new.
    let socket = shell.unix();
    let denied = calls::connect(socket, &Address::path(SOCKET));
    host.case.denies(&mut shell, &denied, &by_stream());
    let other = Address::path("/run/other.sock");
    host.case
        .allows(&mut shell, &calls::connect(socket, &other));

    let mut dockerd = dockerd();
    let socket = dockerd.unix();
    let connect = calls::connect(socket, &Address::path(SOCKET));
    host.case.allows(&mut dockerd, &connect);
}

#[test]
fn through_a_symbolic_link_to_the_socket() {
    let mut host = Host::new();
    let folder = place::fresh("links");
    for name in ["docker.sock", "other.sock"] {
        std::os::unix::fs::symlink(Path::new("/run").join(name), folder.join(name)).unwrap();
    }
    let folder = folder.to_str().unwrap().to_owned();
    host.protects(&mut Actor::user(), |name| format!("{folder}/{name}"));
}

#[test]
fn through_a_symbolic_link_to_its_folder() {
    let mut host = Host::new();
    let link = place::fresh("links").join("folder");
    std::os::unix::fs::symlink("/run", &link).unwrap();
    let link = link.to_str().unwrap().to_owned();
    host.protects(&mut Actor::user(), |name| format!("{link}/{name}"));
    let mut dockerd = dockerd();
    let socket = dockerd.unix();
    let connect = calls::connect(socket, &Address::path(format!("{link}/docker.sock")));
    host.case.allows(&mut dockerd, &connect);
}

#[test]
fn through_proc_self_root() {
    let mut host = Host::new();
    let typed = |name: &str| format!("/proc/self/root/run/{name}");
    host.protects(&mut Actor::other(), typed);
    host.protects(&mut Actor::user(), typed);
}

#[test]
fn by_relative_paths() {
    let mut host = Host::new();
    let mut actor = Actor::other();
    actor.must(&calls::chdir("/run"));
    host.protects(&mut actor, str::to_owned);
    host.protects(&mut actor, |name| format!("/proc/self/cwd/{name}"));
    actor.must(&calls::chdir("/run/lock"));
    host.protects(&mut actor, |name| format!("../{name}"));
}

#[test]
fn by_paths_that_are_not_tidy() {
    let mut host = Host::new();
    let mut actor = Actor::other();
    host.protects(&mut actor, |name| format!("/run//{name}"));
    host.protects(&mut actor, |name| format!("/run/./lock/../{name}"));
    host.protects(&mut actor, |name| format!("/../run/{name}"));
}

#[test]
fn by_lengths_that_cut_the_path() {
    let mut host = Host::new();
    let mut actor = Actor::other();
    // The length ends the path, and so does a NUL before it.
    for bytes in [
        &b"/run/docker.sock"[..],
        b"/run/docker.sock\0ZZZZ",
        b"/run/docker.sockZZZZ",
    ] {
        let socket = actor.unix();
        let length = if bytes.contains(&0) {
            bytes.len()
        } else {
            SOCKET.len()
        };
        let typed = Address::unix(bytes).cut(2 + length);
        let connect = calls::connect(socket, &typed);
        let event = host.case.denies(&mut actor, &connect, &by_stream());
        assert_eq!(event.typed()["sun_path"], SOCKET);
        let other = Address::unix(b"/run/other.sock");
        host.case
            .allows(&mut actor, &calls::connect(socket, &other));
    }
}

#[test]
fn through_descriptors() {
    let mut host = Host::new();
    let mut actor = Actor::other();
    let folder = actor.must(&calls::open("/run", libc::O_PATH));
    host.protects(&mut actor, |name| format!("/proc/self/fd/{folder}/{name}"));
    let docker = actor.must(&calls::open(SOCKET, libc::O_PATH));
    let other = actor.must(&calls::open("/run/other.sock", libc::O_PATH));
    host.protects(&mut actor, |name| {
        let descriptor = if name == "docker.sock" { docker } else { other };
        format!("/proc/self/fd/{descriptor}")
    });
}

/// Binds the folder and the files elsewhere, in the actor's mount namespace.
fn bind_elsewhere(actor: &mut Actor) {
    let folder = place::fresh("elsewhere");
    fs::create_dir(folder.join("folder")).unwrap();
    actor.must(&calls::bind_mount("/run", folder.join("folder")));
    for name in ["docker.sock", "other.sock"] {
        fs::write(folder.join(name), "").unwrap();
        let from = Path::new("/run").join(name);
        actor.must(&calls::bind_mount(from, folder.join(name)));
    }
}

#[test]
fn through_bind_mounts_of_roots_own() {
    let mut host = Host::new();
    let mut actor = Actor::other();
    actor.mount_namespace();
    bind_elsewhere(&mut actor);
    host.protects(&mut actor, |name| {
        format!("/tmp/interdict-tests/elsewhere/folder/{name}")
    });
    host.protects(&mut actor, |name| {
        format!("/tmp/interdict-tests/elsewhere/{name}")
    });
}

#[test]
fn through_bind_mounts_in_a_user_namespace() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    actor.user_namespace();
    bind_elsewhere(&mut actor);
    host.protects(&mut actor, |name| {
        format!("/tmp/interdict-tests/elsewhere/folder/{name}")
    });
    host.protects(&mut actor, |name| {
        format!("/tmp/interdict-tests/elsewhere/{name}")
    });
}

#[test]
fn under_another_root() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    actor.user_namespace();
    let root = place::fresh("root");
    fs::create_dir(root.join("srv")).unwrap();
    actor.must(&calls::bind_mount("/run", root.join("srv")));
    actor.must(&calls::chroot(&root));
    host.protects(&mut actor, |name| format!("/srv/{name}"));
}

#[test]
fn through_a_hard_link() {
    let mut host = Host::new();
    for name in ["docker.sock", "other.sock"] {
        let link = format!("/run/lock/{name}");
        fs::remove_file(&link).ok();
        fs::hard_link(Path::new("/run").join(name), link).unwrap();
    }
    host.protects(&mut Actor::user(), |name| format!("/run/lock/{name}"));
}

#[test]
fn by_io_uring() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    let mut dockerd = dockerd();
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        let socket = actor.unix();
        let connect = calls::ring_connect(socket, &Address::path(SOCKET), by);
        let event = host.case.denies(&mut actor, &connect, &by_stream());
        // No system call has named the socket, nor typed the path.
        assert_ne!(event.text("/data/0/name"), "sockfd");
        assert_eq!(event.typed()["sun_path"], SOCKET);
        let other = Address::path("/run/other.sock");
        let beside = calls::ring_connect(socket, &other, by);
        host.case.allows(&mut actor, &beside);
        let socket = dockerd.unix();
        let connect = calls::ring_connect(socket, &Address::path(SOCKET), by);
        host.case.allows(&mut dockerd, &connect);
    }
}

#[test]
fn the_same_path_in_another_file_system() {
    let mut host = Host::new();
    // Both are `/docker.sock` inside theirs.
    let twin = Service::stream("/tmp/docker.sock");
    let mut actor = Actor::user();
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::path("/tmp/docker.sock"));
    host.case.allows(&mut actor, &connect);
    drop(twin);
    host.denies(&mut actor, SOCKET);
}

#[test]
fn with_packets() {
    let mut case = Case::under(POLICY);
    let _docker = Service::packets(SOCKET);
    let _other = Service::packets("/run/other.sock");
    let mut actor = Actor::user();
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_SEQPACKET);
    let connect = calls::connect(socket, &Address::path(SOCKET));
    let event = case.denies(&mut actor, &connect, &by_stream());
    event.says("/data/1/int32", libc::SOCK_SEQPACKET);
    let other = Address::path("/run/other.sock");
    case.allows(&mut actor, &calls::connect(socket, &other));
}

#[test]
fn after_the_service_has_made_its_socket_again() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    let first = host.denies(&mut actor, SOCKET);
    for _ in 0..2 {
        // Another socket, another inode, the same place.
        host.docker = Service::stream("/run/docker.sock.new");
        fs::rename("/run/docker.sock.new", SOCKET).unwrap();
        host.docker.moved(SOCKET);
        drop(std::mem::replace(
            &mut host.docker,
            Service::stream("/run/unused.sock"),
        ));
        host.docker = Service::stream(SOCKET);
        let again = host.denies(&mut actor, SOCKET);
        assert_ne!(
            first.at("/decision/object/inode"),
            again.at("/decision/object/inode")
        );
    }
    host.protects(&mut actor, |name| format!("/run/{name}"));
}

#[test]
fn after_the_file_was_renamed() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    fs::rename(SOCKET, "/run/moved.sock").unwrap();
    host.docker.moved("/run/moved.sock");
    // It began to listen in its old place, which nobody has reached so far.
    let event = host.denies(&mut actor, "/run/moved.sock");
    assert_eq!(event.typed()["sun_path"], "/run/moved.sock");
    // One that began to listen elsewhere is another service.
    let mut guest = Service::stream("/run/guest.sock");
    fs::rename("/run/guest.sock", SOCKET).unwrap();
    guest.moved(SOCKET);
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::path(SOCKET));
    host.case.allows(&mut actor, &connect);
}

#[test]
fn when_the_server_bound_a_relative_name() {
    let mut host = Host::new();
    drop(std::mem::replace(
        &mut host.docker,
        Service::stream("/run/unused.sock"),
    ));
    let mut server = dockerd();
    server.must(&calls::chdir("/run"));
    let listener = server.unix();
    server.must(&calls::bind(listener, &Address::unix(b"docker.sock\0")));
    server.must(&calls::listen(listener));
    host.protects(&mut Actor::other(), |name| format!("/run/{name}"));
    fs::remove_file(SOCKET).unwrap();
}

#[test]
fn a_private_socket_of_the_same_path_is_another() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    host.denies(&mut actor, SOCKET);
    actor.user_namespace();
    actor.must(&calls::mount_tmpfs("/run"));
    let listener = actor.unix();
    actor.must(&calls::bind(listener, &Address::path(SOCKET)));
    actor.must(&calls::listen(listener));
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::path(SOCKET));
    host.case.allows(&mut actor, &connect);
    // The host's own is what it was.
    host.denies(&mut Actor::user(), SOCKET);
}

#[test]
fn a_dead_socket_is_the_kernels_to_refuse() {
    let mut host = Host::new();
    let before = host.case.counted();
    let mut actor = Actor::other();
    let mut server = Actor::other();
    drop(std::mem::replace(
        &mut host.docker,
        Service::stream("/run/unused.sock"),
    ));
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::path(SOCKET));
    host.case.fails(&mut actor, &connect, Errno::NOENT);
    let bound = server.unix();
    server.must(&calls::bind(bound, &Address::path(SOCKET)));
    // Bound, but nobody listens.
    host.case.fails(&mut actor, &connect, Errno::CONNREFUSED);
    server.must(&calls::close(bound));
    // A file that nobody holds.
    host.case.fails(&mut actor, &connect, Errno::CONNREFUSED);
    let after = host.case.counted();
    assert_eq!(after.counter("decisions"), before.counter("decisions"));
    host.docker = Service::stream(SOCKET);
    host.case.denies(&mut actor, &connect, &by_stream());
}

#[test]
fn a_socket_that_did_not_exist_when_the_policy_was_loaded() {
    let folder = Path::new("/run/later");
    fs::remove_dir_all(folder).ok();
    let mut case = Case::under(&[(
        "later",
        "deny unix connect to /run/later/a/deep.sock unless comm=dockerd\n",
    )]);
    let mut actor = Actor::user();
    let socket = actor.unix();
    let connect = calls::connect(socket, &Address::path("/run/later/a/deep.sock"));
    case.fails(&mut actor, &connect, Errno::NOENT);
    fs::create_dir_all(folder.join("a")).unwrap();
    let _service = Service::stream("/run/later/a/deep.sock");
    let _beside = Service::stream("/run/later/a/beside.sock");
    let object = Object::path("/run/later/a/deep.sock");
    case.denies(&mut actor, &connect, &Decided::stream("later/1", object));
    let beside = Address::path("/run/later/a/beside.sock");
    case.allows(&mut actor, &calls::connect(socket, &beside));
}
