//! Other ways to come by a unix address than the one that a rule forbids.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::Decided;
use interdict_tests::event::Object;
use interdict_tests::place;
use interdict_tests::protocol::{Argument, Carrier, Request};
use interdict_tests::tricks;
use rustix::io::Errno;

use super::{CONFINED, Guard, POLICY, folder, guarded, listens, open_folder, tried, user};

/// The folder where nobody but one program may bind.
const BOUND: &str = "/run/evasion/bound";

fn case() -> Case {
    place::make_good();
    open_folder(folder().join("bound"));
    Case::under(POLICY)
}

/// Binding to a path is refused under this name, and leaves no file at `place`.
#[track_caller]
fn refuses(case: &mut Case, actor: &mut Actor, typed: impl AsRef<Path>, place: &str) {
    let socket = actor.unix();
    let bind = calls::bind(socket, &Address::path(typed));
    assert_eq!(tried(actor, &bind), Err(Errno::PERM), "{bind:?}");
    let event = case.event();
    event.says("/decision/rule", "bound");
    event.says("/decision/operation", "bind");
    event.says("/decision/object/path", place);
    let exe = actor.subject.exe.as_ref().unwrap();
    event.says("/decision/subject/exe", exe.to_str().unwrap());
    assert!(fs::symlink_metadata(place).is_err(), "{place} is there");
    actor.must(&calls::close(socket));
}

/// Binding to a path succeeds; the socket listens.
#[track_caller]
fn admits(case: &mut Case, actor: &mut Actor, typed: impl AsRef<Path>) {
    let socket = actor.unix();
    case.allows(actor, &calls::bind(socket, &Address::path(typed)));
    actor.must(&calls::listen(socket));
}

#[test]
fn through_a_link_that_leads_nowhere() {
    let mut case = case();
    let mut actor = Actor::user();
    let root = place::fresh("links");
    symlink("/run/evasion/bound/s", root.join("link")).unwrap();
    symlink(BOUND, root.join("folder")).unwrap();
    // bind(2) makes no file at a link's end.
    let socket = actor.unix();
    let bind = calls::bind(socket, &Address::path(root.join("link")));
    case.fails(&mut actor, &bind, Errno::ADDRINUSE);
    refuses(
        &mut case,
        &mut actor,
        root.join("folder/s"),
        "/run/evasion/bound/s",
    );
    admits(&mut case, &mut actor, root.join("s"));
}

#[test]
fn through_descriptors_and_other_processes() {
    let mut case = case();
    let mut actor = Actor::user();
    let mut inside = Actor::user();
    inside.must(&calls::chdir(BOUND));
    let descriptor = actor.must(&calls::open(BOUND, libc::O_PATH));
    for folder in [
        format!("/proc/self/fd/{descriptor}"),
        format!("/proc/{}/cwd", inside.pid()),
        format!("/proc/{}/root{BOUND}", inside.pid()),
    ] {
        let typed = Path::new(&folder).join("s");
        refuses(&mut case, &mut actor, typed, "/run/evasion/bound/s");
    }
    admits(
        &mut case,
        &mut actor,
        format!("/proc/{}/cwd/../s", inside.pid()),
    );
    admits(&mut case, &mut Actor::good(), "/run/evasion/bound/s");
}

#[test]
fn through_a_mount_of_a_folder_within() {
    let mut case = case();
    open_folder("/run/evasion/bound/deep/er");
    let mut actor = Actor::user();
    actor.user_namespace();
    let root = place::fresh("root");
    actor.must(&calls::bind_mount("/run/evasion/bound/deep", &root));
    let tree = actor.must(&tricks::detached_mount("/run/evasion/bound/deep/er"));
    refuses(
        &mut case,
        &mut actor,
        root.join("er/s"),
        "/run/evasion/bound/deep/er/s",
    );
    refuses(
        &mut case,
        &mut actor,
        format!("/proc/self/fd/{tree}/t"),
        "/run/evasion/bound/deep/er/t",
    );
    admits(&mut case, &mut actor, "/run/evasion/s");
}

#[test]
fn by_a_descriptor_of_the_exempt_program() {
    let mut case = case();
    // The socket is the other's, who binds it; what counts is who binds.
    let mut good = Actor::good();
    let mut actor = Actor::other();
    let theirs = good.unix();
    let process = actor.must(&tricks::process(good.pid()));
    let stolen = actor.must(&tricks::steal(process, theirs));
    let bind = calls::bind(stolen, &Address::path("/run/evasion/bound/s"));
    assert_eq!(tried(&mut actor, &bind), Err(Errno::PERM));
    case.event().says("/decision/rule", "bound");
    let bind = calls::bind(theirs, &Address::path("/run/evasion/bound/s"));
    case.allows(&mut good, &bind);
}

#[test]
fn a_name_by_its_exact_bytes() {
    let mut case = case();
    let mut actor = Actor::user();
    let mut bind = |name: &[u8], denied: bool| {
        let socket = actor.unix();
        let bind = calls::bind(socket, &Address::abstract_name(name));
        if denied {
            let decided = Decided {
                rule: "bound",
                hook: "socket_bind",
                name: "security_socket_bind",
                object: Object::Name(name.to_vec()),
            };
            case.denies(&mut actor, &bind, &decided);
        } else {
            case.allows(&mut actor, &bind);
        }
    };
    bind(b"evasion-bound", true);
    for other in [
        &b"evasion-bound\0"[..],
        b"\0evasion-bound",
        b"evasion-boun",
        b"evasion-bound2",
        b"Evasion-bound",
    ] {
        bind(other, false);
    }
    bind(b"evasion-bound", true);
}

/// rename(2) and link(2) are no bind(2): whoever may write to the folder can put
/// a socket there that was bound elsewhere. Nobody who is allowed that place
/// alone is led to it.
#[test]
fn a_socket_that_was_bound_elsewhere() {
    let mut guard = Guard::of("exe");
    open_folder(BOUND);
    let mut actor = Actor::user();
    refuses(
        &mut guard.case,
        &mut actor,
        "/run/evasion/bound/s",
        "/run/evasion/bound/s",
    );
    let mut actor = Actor::user();
    for name in ["renamed", "linked"] {
        listens(&mut actor, &Address::path(guarded(name)));
        actor.must(&calls::change_mode(guarded(name), 0o777));
    }
    fs::rename(guarded("renamed"), "/run/evasion/bound/renamed").unwrap();
    fs::hard_link(guarded("linked"), "/run/evasion/bound/linked").unwrap();
    for name in ["renamed", "linked"] {
        guard.admits_to(&mut actor, Path::new(BOUND).join(name));
        let mut confined = user(CONFINED);
        let socket = confined.unix();
        let connect = calls::connect(socket, &Address::path(Path::new(BOUND).join(name)));
        let path = guarded(name);
        let object = Object::path(path.to_str().unwrap());
        let decided = Decided::stream("closed", object);
        guard.case.denies(&mut confined, &connect, &decided);
    }
}

/// The overlay's own file is judged, which no rule names; the one that it makes
/// in its upper layer is a socket's file that nobody can ever listen on.
#[test]
fn through_an_overlay_whose_upper_layer_it_is() {
    let mut case = case();
    let root = place::fresh("layers");
    for name in ["merged", "below", "work"] {
        open_folder(root.join(name));
    }
    let tmpfs = place::fresh("layers/fs");
    let mut actor = Actor::user();
    actor.user_namespace();
    // The work folder has to lie in the upper layer's file system.
    open_folder("/run/evasion/work");
    let layers = format!(
        "lowerdir={},upperdir={BOUND},workdir=/run/evasion/work,userxattr",
        tmpfs.display()
    );
    let mount = tricks::mount("overlay", root.join("merged"), "overlay", &layers);
    actor.must(&mount);
    let typed = root.join("merged/s");
    let socket = actor.unix();
    case.allows(&mut actor, &calls::bind(socket, &Address::path(&typed)));
    actor.must(&calls::listen(socket));
    assert!(fs::symlink_metadata("/run/evasion/bound/s").is_ok());
    let mut client = Actor::user();
    let to_it = client.unix();
    let connect = calls::connect(to_it, &Address::path("/run/evasion/bound/s"));
    case.fails(&mut client, &connect, Errno::CONNREFUSED);
    // The way that leads somewhere is refused.
    refuses(
        &mut case,
        &mut Actor::user(),
        "/run/evasion/bound/t",
        "/run/evasion/bound/t",
    );
}

#[test]
fn a_node_that_was_made_with_mknodat() {
    let mut case = case();
    let mut actor = Actor::user();
    let folder = actor.must(&calls::open(BOUND, libc::O_PATH));
    let node = |mode: u32, name: &[u8]| {
        let arguments = vec![
            Argument::Number(folder),
            Argument::Bytes(name.to_vec()),
            Argument::Number(mode.into()),
            Argument::Number(0),
        ];
        calls::call(libc::SYS_mknodat, arguments)
    };
    let make: Request = node(libc::S_IFSOCK | 0o777, b"s\0");
    assert_eq!(tried(&mut actor, &make), Err(Errno::PERM));
    let event = case.event();
    event.says("/decision/rule", "bound");
    event.says("/decision/object/path", "/run/evasion/bound/s");
    case.allows(&mut actor, &node(libc::S_IFIFO | 0o777, b"p\0"));
    case.allows(&mut actor, &node(libc::S_IFSOCK | 0o777, b"../s\0"));
}

/// `io_uring` can bind since 6.11.
#[test]
fn by_io_uring() {
    let mut case = case();
    let mut actor = Actor::user();
    let known = std::env::var("INTERDICT_KERNEL").unwrap() != "6.1";
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        for (guarded, beside) in [
            (
                Address::path("/run/evasion/bound/s"),
                Address::path(format!("/run/evasion/{by:?}")),
            ),
            (
                Address::abstract_name(b"evasion-bound"),
                Address::abstract_name(format!("{by:?}").as_bytes()),
            ),
        ] {
            let socket = actor.unix();
            let bind = calls::ring_bind(socket, &guarded, by);
            let beside = calls::ring_bind(socket, &beside, by);
            if known {
                assert_eq!(tried(&mut actor, &bind), Err(Errno::PERM), "{by:?}");
                let event = case.event();
                event.says("/decision/rule", "bound");
                event.says("/decision/operation", "bind");
                event.says("/workload/process/host_pid", actor.pid());
                case.allows(&mut actor, &beside);
            } else {
                case.fails(&mut actor, &bind, Errno::INVAL);
                case.fails(&mut actor, &beside, Errno::INVAL);
            }
        }
    }
    admits(&mut case, &mut Actor::good(), "/run/evasion/bound/s");
}
