//! Which program a process is, whatever it says of itself.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Event, Object};
use interdict_tests::place::{self, GOOD};
use interdict_tests::protocol::Request;
use interdict_tests::service::Tcp;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::process::Signal;

const POLICY: &[(&str, &str)] = &[(
    "web",
    "deny tcp connect to 127.0.0.0/8 port 8080 unless exe=/usr/bin/good\n",
)];

/// A service for one program, and one for all.
struct Host {
    case: Case,
    _web: Tcp,
    _beside: Tcp,
}

impl Host {
    fn new() -> Self {
        // There before the engine looks where its path leads.
        place::make_good();
        Self {
            case: Case::under(POLICY),
            _web: Tcp::on("127.0.0.1:8080"),
            _beside: Tcp::on("127.0.0.1:8081"),
        }
    }

    /// The process does not pass for the program; it can reach what all may.
    #[track_caller]
    fn refuses(&mut self, actor: &mut Actor) -> Event {
        let socket = actor.tcp();
        let event = self.case.denies(actor, &web(socket), &decided());
        let beside = calls::connect(socket, &Address::ip(Ipv4Addr::LOCALHOST, 8081));
        self.case.allows(actor, &beside);
        actor.must(&calls::close(socket));
        event
    }

    /// The process is the program.
    #[track_caller]
    fn admits(&mut self, actor: &mut Actor) {
        let socket = actor.tcp();
        self.case.allows(actor, &web(socket));
        actor.must(&calls::close(socket));
    }
}

fn web(socket: i64) -> Request {
    calls::connect(socket, &Address::ip(Ipv4Addr::LOCALHOST, 8080))
}

fn decided() -> Decided {
    Decided::connect("web/1", Object::ip("127.0.0.1", 8080))
}

/// What a process takes itself for.
fn claims(actor: &mut Actor) -> PathBuf {
    let link = actor.fetch(&calls::readlink("/proc/self/exe"));
    let text = String::from_utf8(link).unwrap();
    PathBuf::from(text.trim_end_matches('\0'))
}

#[test]
fn a_replaced_exe_does_not_pass() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    host.refuses(&mut actor);
    actor.user_namespace();
    let exe = actor.must(&calls::open(GOOD, libc::O_RDONLY));
    actor.must(&Request::Masquerade { exe });
    assert_eq!(claims(&mut actor), Path::new(GOOD), "the trick works");
    // The event names the program that really runs.
    host.refuses(&mut actor);
    host.admits(&mut Actor::start(place::good(), 1000));
    // Nor do its children pass; what it then becomes does.
    let socket = actor.tcp();
    let child = Request::Fork(Box::new(web(socket)));
    host.case.denies(&mut actor, &child, &decided());
    actor.exec(GOOD);
    host.admits(&mut actor);
}

#[test]
fn a_replaced_exe_of_roots_does_not_pass() {
    let mut host = Host::new();
    let mut actor = Actor::other();
    let exe = actor.must(&calls::open(GOOD, libc::O_RDONLY));
    actor.must(&Request::Masquerade { exe });
    assert_eq!(claims(&mut actor), Path::new(GOOD), "the trick works");
    host.refuses(&mut actor);
}

#[test]
fn a_program_that_is_mounted_over_it_does_not_pass() {
    let mut host = Host::new();
    place::make_good();
    let evil = place::install(place::fresh("evil").join("good"));
    let mut actor = Actor::user();
    actor.user_namespace();
    actor.must(&calls::bind_mount(&evil, GOOD));
    actor.exec(GOOD);
    assert_eq!(claims(&mut actor), Path::new(GOOD), "by its own lights");
    actor.subject.exe = Some(evil);
    host.refuses(&mut actor);
    host.admits(&mut Actor::start(place::good(), 1000));
}

#[test]
fn a_tmpfs_that_is_mounted_over_its_folder_does_not_pass() {
    let mut host = Host::new();
    let evil = place::install(place::fresh("evil").join("good"));
    let mut actor = Actor::user();
    actor.user_namespace();
    let from = actor.must(&calls::open(&evil, libc::O_RDONLY));
    // A file system of the user's own, with the same path inside as the host's.
    actor.must(&calls::mount_tmpfs("/mnt"));
    actor.must(&calls::make_folder("/mnt/usr"));
    actor.must(&calls::make_folder("/mnt/usr/bin"));
    let flags = libc::O_WRONLY | libc::O_CREAT;
    let to = actor.must(&calls::open("/mnt/usr/bin/good", flags));
    actor.must(&calls::copy(to, from));
    actor.must(&calls::close(to));
    actor.exec("/mnt/usr/bin/good");
    actor.subject.exe = None;
    host.refuses(&mut actor);
}

/// The device number of what lies at a path.
fn device(actor: &mut Actor, path: &str) -> u64 {
    let status = actor.fetch(&calls::status_of(path));
    u64::from_ne_bytes(*status.first_chunk().unwrap())
}

#[test]
fn a_device_number_that_is_used_again_does_not_pass() {
    place::make_good();
    let folder = Path::new("/run/mounted");
    fs::create_dir_all(folder).unwrap();
    rustix::mount::mount("tmpfs", folder, "tmpfs", MountFlags::empty(), None).unwrap();
    let exempt = place::install(folder.join("exempt"));
    let policy = "deny tcp connect to 127.0.0.0/8 port 8080 unless exe=/run/mounted/exempt\n";
    let mut case = Case::under(&[("web", policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::start(&exempt, 1000);
    let number = device(&mut actor, "/run/mounted");
    let socket = actor.tcp();
    case.allows(&mut actor, &web(socket));
    drop(actor);
    // Before the engine can see that the mount is gone, a user has its number.
    case.engine().signal(Signal::STOP);
    rustix::mount::unmount(folder, UnmountFlags::empty()).unwrap();
    let mut actor = Actor::user();
    actor.user_namespace();
    let from = actor.must(&calls::open(GOOD, libc::O_RDONLY));
    actor.must(&calls::mount_tmpfs("/mnt"));
    let reused = device(&mut actor, "/mnt");
    let flags = libc::O_WRONLY | libc::O_CREAT;
    let to = actor.must(&calls::open("/mnt/exempt", flags));
    actor.must(&calls::copy(to, from));
    actor.must(&calls::close(to));
    actor.exec("/mnt/exempt");
    actor.subject.exe = None;
    let socket = actor.tcp();
    let reply = actor.ask(&web(socket));
    case.engine().signal(Signal::CONT);
    assert_eq!(reused, number, "the kernel gives the lowest free number");
    assert_eq!(outcome(&reply), Err(Errno::PERM));
    case.event().speaks_of(&decided(), &actor.subject, &reply);
}

#[test]
fn another_root_does_not_pass() {
    let mut host = Host::new();
    let root = place::fresh("root");
    let mut actor = Actor::user();
    // What the program needs to start, then the program itself.
    let maps = fs::read_to_string(format!("/proc/{}/maps", actor.pid())).unwrap();
    let mut libraries: Vec<&str> = maps
        .lines()
        .filter_map(|line| line.split(' ').next_back())
        .filter(|path| path.starts_with('/') && path.contains(".so"))
        .collect();
    libraries.dedup();
    assert!(!libraries.is_empty());
    for library in libraries.into_iter().map(Path::new) {
        let name = library.file_name().unwrap();
        for folder in [library.parent().unwrap(), Path::new("/lib64")] {
            let folder = root.join(folder.strip_prefix("/").unwrap());
            fs::create_dir_all(&folder).unwrap();
            fs::copy(library, folder.join(name)).unwrap();
        }
    }
    fs::create_dir_all(root.join("usr/bin")).unwrap();
    fs::create_dir_all(root.join("proc")).unwrap();
    let evil = place::install(root.join("usr/bin/good"));
    actor.user_namespace();
    actor.must(&calls::bind_mount_all("/proc", root.join("proc")));
    actor.must(&calls::chroot(&root));
    actor.must(&calls::chdir("/"));
    actor.exec(GOOD);
    assert_eq!(claims(&mut actor), Path::new(GOOD), "by its own lights");
    actor.subject.exe = Some(evil);
    host.refuses(&mut actor);
}

#[test]
fn a_link_to_it_does_pass() {
    let mut host = Host::new();
    let link = place::fresh("links").join("link");
    std::os::unix::fs::symlink(place::good(), &link).unwrap();
    let mut actor = Actor::start(&link, 1000);
    host.admits(&mut actor);
    // A copy of it does not.
    let copy = place::install(place::fresh("copies").join("good"));
    host.refuses(&mut Actor::start(copy, 1000));
}

#[test]
fn a_path_in_the_policy_may_lead_through_links() {
    let place_of = place::install("/usr/lib/real-program");
    let link = Path::new("/usr/bin/linked-program");
    fs::remove_file(link).ok();
    std::os::unix::fs::symlink("../lib/real-program", link).unwrap();
    let mut case = Case::under(&[(
        "web",
        "deny tcp connect to 127.0.0.0/8 port 8080 unless exe=/usr/bin/linked-program\n",
    )]);
    let _web = Tcp::on("127.0.0.1:8080");
    for path in [place_of.as_path(), link] {
        let mut actor = Actor::start(path, 0);
        let socket = actor.tcp();
        case.allows(&mut actor, &web(socket));
    }
    let mut actor = Actor::good();
    let socket = actor.tcp();
    case.denies(&mut actor, &web(socket), &decided());
}

#[test]
fn a_file_in_memory_is_nobody() {
    let mut host = Host::new();
    let mut actor = Actor::user();
    let file = actor.must(&calls::memory_file());
    let from = actor.must(&calls::open(GOOD, libc::O_RDONLY));
    actor.must(&calls::copy(file, from));
    actor.must(&calls::exec_descriptor(file));
    actor.subject.exe = None;
    // Kernels differ in how they name it.
    actor.must(&calls::set_name("nobody"));
    actor.subject.comm = "nobody".to_owned();
    host.refuses(&mut actor);
}

#[test]
fn a_file_that_was_deleted_before_is_nobody() {
    let mut host = Host::new();
    place::make_good();
    let mut actor = Actor::user();
    let mut running = Actor::start(GOOD, 1000);
    let file = actor.must(&calls::open(GOOD, libc::O_RDONLY));
    fs::remove_file(GOOD).unwrap();
    actor.must(&calls::exec_descriptor(file));
    actor.subject.exe = None;
    // Kernels differ in how they name it.
    actor.must(&calls::set_name("nobody"));
    actor.subject.comm = "nobody".to_owned();
    host.refuses(&mut actor);
    // What ran when its file went is what it was.
    host.admits(&mut running);
    // A new file in that place is the program again.
    host.admits(&mut Actor::start(place::good(), 1000));
}

#[test]
fn a_child_is_what_its_creator_was() {
    let mut host = Host::new();
    let mut good = Actor::good();
    let socket = good.tcp();
    let child = Request::Fork(Box::new(web(socket)));
    host.case.allows(&mut good, &child);
    let socket = good.tcp();
    let grandchild = Request::Fork(Box::new(Request::Fork(Box::new(web(socket)))));
    host.case.allows(&mut good, &grandchild);
    let mut other = Actor::other();
    let socket = other.tcp();
    let child = Request::Fork(Box::new(web(socket)));
    host.case.denies(&mut other, &child, &decided());
}

#[test]
fn another_program_is_another_subject() {
    let mut host = Host::new();
    let mut actor = Actor::good();
    host.admits(&mut actor);
    actor.exec(place::other());
    host.refuses(&mut actor);
    actor.exec(GOOD);
    host.admits(&mut actor);
    // An exec that fails changes nothing.
    let failed = actor.ask(&calls::exec("/usr/bin/no-such-program"));
    assert_eq!(failed.result, -i64::from(libc::ENOENT));
    host.admits(&mut actor);
}

#[test]
fn a_thread_that_executes_a_program() {
    let mut host = Host::new();
    let mut actor = Actor::good();
    let in_thread = |path: &Path| Request::Thread(Box::new(calls::exec(path)));
    actor.must(&in_thread(&place::other()));
    actor.subject.exe = Some(place::other());
    actor.subject.comm = "other".to_owned();
    host.refuses(&mut actor);
    actor.must(&in_thread(&place::good()));
    host.admits(&mut actor);
}

#[test]
fn a_thread_is_its_process() {
    let mut host = Host::new();
    let mut good = Actor::good();
    let socket = good.tcp();
    host.case
        .allows(&mut good, &Request::Thread(Box::new(web(socket))));
    let mut other = Actor::other();
    let socket = other.tcp();
    let in_thread = Request::Thread(Box::new(web(socket)));
    let event = host.case.denies(&mut other, &in_thread, &decided());
    assert_ne!(
        event.at("/workload/process/thread/host_tid"),
        event.at("/workload/process/host_pid")
    );
}

#[test]
fn the_name_is_that_of_the_main_thread() {
    let policy = "deny tcp connect to 127.0.0.0/8 port 8080 unless comm=trusted\n";
    let mut case = Case::under(&[("web", policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::other();
    let socket = actor.tcp();
    let renamed_thread = Request::Thread(Box::new(Request::Sequence(vec![
        calls::set_name("trusted"),
        web(socket),
    ])));
    let event = case.denies(&mut actor, &renamed_thread, &decided());
    event.says("/workload/process/thread/name", "trusted");
    actor.must(&calls::set_name("trusted"));
    actor.subject.comm = "trusted".to_owned();
    let unnamed_thread = Request::Thread(Box::new(Request::Sequence(vec![
        calls::set_name("anything"),
        web(socket),
    ])));
    case.allows(&mut actor, &unnamed_thread);
    let socket = actor.tcp();
    case.allows(&mut actor, &web(socket));
    // One byte more is another name.
    actor.must(&calls::set_name("trusted2"));
    actor.subject.comm = "trusted2".to_owned();
    let socket = actor.tcp();
    case.denies(&mut actor, &web(socket), &decided());
}

#[test]
fn the_same_path_in_another_file_system_does_not_pass() {
    let mut host = Host::new();
    fs::create_dir_all("/tmp/usr/bin").unwrap();
    // Inside its file system it is `/usr/bin/good` as well.
    let twin = place::install("/tmp/usr/bin/good");
    host.refuses(&mut Actor::start(twin, 0));
    host.admits(&mut Actor::good());
}

#[test]
fn a_program_on_another_mount_of_the_hosts() {
    let exempt = place::install(place::fresh("programs").join("exempt"));
    let policy = format!(
        "deny tcp connect to 127.0.0.0/8 port 8080 unless exe={}\n",
        exempt.display()
    );
    let mut case = Case::under(&[("web", &policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::start(&exempt, 1000);
    let socket = actor.tcp();
    case.allows(&mut actor, &web(socket));
    let beside = place::install(exempt.with_file_name("beside"));
    let mut actor = Actor::start(beside, 1000);
    let socket = actor.tcp();
    case.denies(&mut actor, &web(socket), &decided());
}

#[test]
fn a_program_with_a_long_path() {
    // Names of every length that a file may have, and a path longer than an
    // event holds.
    let names = [
        "a".repeat(255),
        "b".repeat(8),
        "c".repeat(255),
        "d".repeat(7),
    ];
    let folder = names
        .iter()
        .fold(place::fresh("long"), |path, name| path.join(name));
    fs::create_dir_all(&folder).unwrap();
    let exempt = place::install(folder.join("e".repeat(254)));
    let policy = format!(
        "deny tcp connect to 127.0.0.0/8 port 8080 unless exe={}\n",
        exempt.display()
    );
    let mut case = Case::under(&[("web", &policy)]);
    let _web = Tcp::on("127.0.0.1:8080");
    let mut actor = Actor::start(&exempt, 1000);
    let socket = actor.tcp();
    case.allows(&mut actor, &web(socket));
    let beside = place::install(folder.join("e".repeat(253)));
    let mut actor = Actor::start(beside, 1000);
    // It is known, but its path is too long for an event.
    actor.subject.exe = None;
    let socket = actor.tcp();
    let event = case.denies(&mut actor, &web(socket), &decided());
    assert!(
        event.at("/decision/subject/exe_inode").is_u64(),
        "{event:?}"
    );
    let cut = event.at("/decision/cut").to_string();
    assert!(cut.contains("decision.subject.exe"), "{cut}");
}
