//! bind(2) of unix sockets: by path, where the file is made, and by abstract name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::protocol::{Argument, Carrier, Request};
use rustix::io::Errno;

/// A stream socket's bind.
fn bind(actor: &mut Actor, path: impl AsRef<Path>) -> Request {
    let socket = actor.unix();
    calls::bind(socket, &Address::path(path))
}

fn bind_name(actor: &mut Actor, name: &[u8]) -> Request {
    let socket = actor.unix();
    calls::bind(socket, &Address::abstract_name(name))
}

/// A bind is refused, leaves no file, and its event names the place.
#[track_caller]
fn refused(case: &mut Case, actor: &mut Actor, request: &Request, rule: &str, place: &Path) {
    assert_eq!(
        outcome(&actor.ask(request)),
        Err(Errno::PERM),
        "{request:?}"
    );
    let event = case.event();
    event.says("/decision/rule", rule);
    event.says("/decision/action", "deny");
    event.says("/decision/operation", "bind");
    event.says("/decision/hook", "path_mknod");
    event.says("/name", "security_socket_bind");
    event.says("/decision/object/path", place.to_str().unwrap());
    event.says("/decision/object/inode", None::<u64>);
    assert!(
        fs::symlink_metadata(place).is_err(),
        "{} is there",
        place.display()
    );
}

const POLICY: &str = "deny unix bind on { /tmp/interdict-tests/bind/its/s.sock, \
                      /tmp/interdict-tests/bind/its/x* } unless exe = /usr/bin/good id bound\n";

#[test]
fn a_path_by_all_its_names() {
    let root = place::fresh("bind");
    fs::create_dir_all(root.join("its/in")).unwrap();
    fs::set_permissions(
        root.join("its"),
        std::os::unix::fs::PermissionsExt::from_mode(0o777),
    )
    .unwrap();
    symlink(root.join("its"), root.join("link")).unwrap();
    let mut case = Case::under(&[("bind", POLICY)]);
    let place = root.join("its/s.sock");
    let mut user = Actor::user();
    for typed in [
        "its/s.sock",
        "link/s.sock",
        "its/in/../s.sock",
        "its//./s.sock",
    ] {
        let request = bind(&mut user, root.join(typed));
        refused(&mut case, &mut user, &request, "bound", &place);
    }
    let request = bind(
        &mut user,
        Path::new("/proc/self/root").join(place.strip_prefix("/").unwrap()),
    );
    refused(&mut case, &mut user, &request, "bound", &place);
    user.must(&calls::chdir(root.join("its/in")));
    let request = bind(&mut user, "../s.sock");
    refused(&mut case, &mut user, &request, "bound", &place);
    user.must(&calls::chdir(root.join("its")));
    let request = bind(&mut user, "xyz");
    refused(
        &mut case,
        &mut user,
        &request,
        "bound",
        &root.join("its/xyz"),
    );
    // What lies beside, and who may.
    let request = bind(&mut user, "t.sock");
    case.allows(&mut user, &request);
    let mut good = Actor::good();
    let request = bind(&mut good, &place);
    case.allows(&mut good, &request);
    // A name that is taken is the kernel's to refuse.
    let request = bind(&mut user, &place);
    case.fails(&mut user, &request, Errno::ADDRINUSE);
}

#[test]
fn a_path_in_another_mount_namespace_and_under_another_root() {
    let root = place::fresh("bind");
    fs::create_dir_all(root.join("its")).unwrap();
    fs::set_permissions(
        root.join("its"),
        std::os::unix::fs::PermissionsExt::from_mode(0o777),
    )
    .unwrap();
    fs::create_dir_all(root.join("root/srv")).unwrap();
    let mut case = Case::under(&[("bind", POLICY)]);
    let place = root.join("its/s.sock");
    let mut guest = Actor::user();
    guest.user_namespace();
    guest.must(&calls::bind_mount(root.join("its"), root.join("root/srv")));
    let request = bind(&mut guest, root.join("root/srv/s.sock"));
    refused(&mut case, &mut guest, &request, "bound", &place);
    guest.must(&calls::chroot(root.join("root")));
    let request = bind(&mut guest, "/srv/s.sock");
    refused(&mut case, &mut guest, &request, "bound", &place);
    // The same path in a file system of its own is another place.
    let mut own = Actor::user();
    own.user_namespace();
    own.must(&calls::mount_tmpfs(root.join("its")));
    let request = bind(&mut own, &place);
    case.allows(&mut own, &request);
}

#[test]
fn datagrams_packets_and_mknod() {
    let root = place::fresh("bind");
    fs::create_dir_all(root.join("its")).unwrap();
    let mut case = Case::under(&[("bind", POLICY)]);
    let place = root.join("its/s.sock");
    let mut actor = Actor::other();
    for kind in [libc::SOCK_DGRAM, libc::SOCK_SEQPACKET] {
        let socket = actor.socket(libc::AF_UNIX, kind);
        let request = calls::bind(socket, &Address::path(&place));
        refused(&mut case, &mut actor, &request, "bound", &place);
    }
    let request = node(libc::S_IFSOCK | 0o600, &place);
    refused(&mut case, &mut actor, &request, "bound", &place);
    // Other files are nobody's business.
    let beside = root.join("its/xyz");
    case.allows(&mut actor, &node(libc::S_IFIFO | 0o600, &beside));
    case.allows(&mut actor, &node(libc::S_IFREG | 0o600, &place));
}

/// mknod(2).
fn node(mode: u32, path: &Path) -> Request {
    let mut bytes = path.to_str().unwrap().as_bytes().to_vec();
    bytes.push(0);
    let arguments = vec![
        Argument::Bytes(bytes),
        Argument::Number(mode.into()),
        Argument::Number(0),
    ];
    calls::call(libc::SYS_mknod, arguments)
}

#[test]
fn the_type_and_the_protocol_of_the_socket() {
    let root = place::fresh("bind");
    let policy = "deny unix bind if type = dgram id datagrams\n\
                  deny unix bind on /tmp/interdict-tests/bind/* if type = seqpacket and protocol = 0 id packets\n\
                  deny unix bind if type != stream and protocol != 0 id none\n\
                  deny unix bind unless protocol = 0 or type != stream id other\n";
    let mut case = Case::under(&[("bind", policy)]);
    let mut actor = Actor::other();
    let kinds = [
        (libc::SOCK_STREAM, None),
        (libc::SOCK_DGRAM, Some("datagrams")),
        // What the kernel makes of it.
        (libc::SOCK_RAW, Some("datagrams")),
        (libc::SOCK_SEQPACKET, Some("packets")),
    ];
    for (at, (kind, rule)) in kinds.into_iter().enumerate() {
        let place = root.join(format!("s{at}"));
        let socket = actor.socket(libc::AF_UNIX, kind);
        let request = calls::bind(socket, &Address::path(&place));
        match rule {
            Some(rule) => refused(&mut case, &mut actor, &request, rule, &place),
            None => drop(case.allows(&mut actor, &request)),
        }
        // Abstract names have a hook that is told of the socket.
        let request = calls::bind(socket, &Address::abstract_name(b"some"));
        if kind == libc::SOCK_DGRAM {
            assert_eq!(outcome(&actor.ask(&request)), Err(Errno::PERM));
            case.event().says("/decision/rule", "datagrams");
        }
    }
    // A file without a socket has neither, whatever was bound before: here by a
    // bind(2) that found no folder.
    let socket = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let nowhere = calls::bind(socket, &Address::path(root.join("no/folder")));
    case.fails(&mut actor, &nowhere, Errno::NOENT);
    let place = root.join("node");
    let mknod = node(libc::S_IFSOCK | 0o600, &place);
    refused(&mut case, &mut actor, &mknod, "none", &place);
    // Another thread of the process has a socket of its own.
    let stream = actor.unix();
    let allowed = calls::bind(stream, &Address::path(root.join("thread")));
    case.allows(&mut actor, &Request::Thread(Box::new(allowed)));
    let place = root.join("denied");
    let request = calls::bind(socket, &Address::path(&place));
    let request = Request::Thread(Box::new(request));
    refused(&mut case, &mut actor, &request, "datagrams", &place);
}

/// A ring's bind is no system call of the thread that carries it out.
#[test]
fn the_type_of_a_socket_that_a_ring_binds() {
    let root = place::fresh("bind");
    let policy = "deny unix bind if type = dgram id datagrams\n\
                  deny unix bind if type != stream id none\n";
    let mut case = Case::under(&[("bind", policy)]);
    let kernel = std::env::var("INTERDICT_KERNEL").unwrap();
    for by in [Carrier::Submitter, Carrier::Worker, Carrier::Poller] {
        let mut actor = Actor::other();
        let place = root.join(format!("{by:?}"));
        let datagrams = actor.socket(libc::AF_UNIX, libc::SOCK_DGRAM);
        let stream = actor.unix();
        let [denied, allowed] =
            [datagrams, stream].map(|socket| calls::ring_bind(socket, &Address::path(&place), by));
        if kernel == "6.1" {
            // Its rings cannot bind.
            case.fails(&mut actor, &denied, Errno::INVAL);
            continue;
        }
        refused(&mut case, &mut actor, &denied, "datagrams", &place);
        case.allows(&mut actor, &allowed);
    }
}

/// The root of the guest is an overlay: what is made there is made in its upper
/// layer as well, which is judged no second time.
#[test]
fn on_an_overlay() {
    let folder = Path::new("/srv/interdict-bind");
    fs::remove_dir_all(folder).ok();
    fs::create_dir_all(folder).unwrap();
    let policy = "default deny unix bind if comm = other id closed\n\
                  allow unix bind on /srv/interdict-bind/a* id open\n";
    let mut case = Case::under(&[("bind", policy)]);
    let mut actor = Actor::other();
    let request = bind(&mut actor, folder.join("abc"));
    let before = case.counted().counter("decisions");
    case.allows(&mut actor, &request);
    assert_eq!(case.counted().counter("decisions"), before + 1);
    let request = bind(&mut actor, folder.join("b"));
    refused(&mut case, &mut actor, &request, "closed", &folder.join("b"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn abstract_names() {
    let policy = r#"deny unix bind on { "@x\x00", "@svc-*" } id name"#;
    let mut case = Case::under(&[("bind", policy)]);
    let mut actor = Actor::user();
    let long = [&b"svc-"[..], &[b'n'; 103]].concat();
    for name in [&b"x\0"[..], b"svc-", b"svc-a\0b", &long] {
        let decided = Decided {
            rule: "name",
            hook: "socket_bind",
            name: "security_socket_bind",
            object: Object::Name(name.to_vec()),
        };
        let request = bind_name(&mut actor, name);
        let event = case.denies(&mut actor, &request, &decided);
        event.says("/decision/operation", "bind");
    }
    for name in [&b"x"[..], b"svc", b"", b"\0"] {
        let request = bind_name(&mut actor, name);
        case.allows(&mut actor, &request);
    }
}

#[test]
fn a_name_of_the_kernels_choice_is_none() {
    let policy = "deny unix bind on @* if uid = 1000 id named\n\
                  deny unix bind on unnamed if uid = 1001 id unnamed\n";
    let mut case = Case::under(&[("bind", policy)]);
    let mut actor = Actor::user();
    let socket = actor.unix();
    let request = calls::bind(socket, &Address::unix(b""));
    case.allows(&mut actor, &request);
    let mut actor = Actor::start(place::other(), 1001);
    let socket = actor.unix();
    let request = calls::bind(socket, &Address::unix(b""));
    let decided = Decided {
        rule: "unnamed",
        hook: "socket_bind",
        name: "security_socket_bind",
        object: Object::Unnamed,
    };
    case.denies(&mut actor, &request, &decided);
    let request = bind_name(&mut actor, b"abc");
    case.allows(&mut actor, &request);
}

#[test]
fn addresses_that_the_protocol_refuses() {
    let mut case = Case::under(&[("bind", "deny unix bind id all\n")]);
    let mut actor = Actor::user();
    let socket = actor.unix();
    let ip = Address::ip(std::net::Ipv4Addr::LOCALHOST, 80);
    case.fails(&mut actor, &calls::bind(socket, &ip), Errno::INVAL);
    let too_long = Address::abstract_name(&[b'n'; 108]);
    case.fails(&mut actor, &calls::bind(socket, &too_long), Errno::INVAL);
    let cut = Address::unix(b"").cut(1);
    case.fails(&mut actor, &calls::bind(socket, &cut), Errno::INVAL);
}
