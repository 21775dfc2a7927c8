//! Which hooks are attached, and what becomes of rules whose hook a kernel lacks.

use std::fs;
use std::time::{Duration, Instant};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::engine::{Engine, Reloaded};
use interdict_tests::place;
use interdict_tests::service::Service;
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, mount_bind, unmount};

/// What the engine that tests share does while another is tried.
const NOTHING: &[(&str, &str)] = &[("nothing", "# No rule.\n")];
/// The running kernel's types.
const TYPES: &str = "/sys/kernel/btf/vmlinux";
/// Where nobody listens, as a rule has it.
const CONNECT: &str = "deny tcp connect to 127.0.0.1 port 9 id here\n";
const OPTION: &str = "deny tcp setsockopt on option SOL_SOCKET/SO_MARK id lacking\n";

/// The kernel's types with one hook under another name: as a kernel that lacks it.
struct Lacking;

impl Lacking {
    fn hook(name: &str) -> Self {
        Self::function(&format!("bpf_lsm_{name}"))
    }

    fn function(name: &str) -> Self {
        let mut types = fs::read(TYPES).unwrap();
        let hook = format!("\0{name}\0");
        let mut windows = types.windows(hook.len());
        let at = windows
            .position(|window| window == hook.as_bytes())
            .unwrap();
        let last = at + hook.len() - 2;
        *types.get_mut(last).unwrap() = b'_';
        let copy = place::fresh("types").join("vmlinux");
        fs::write(&copy, types).unwrap();
        mount_bind(&copy, TYPES).unwrap();
        Self
    }
}

impl Drop for Lacking {
    fn drop(&mut self) {
        unmount(TYPES, UnmountFlags::empty()).unwrap();
    }
}

fn refused_by_rule(actor: &mut Actor) -> Result<i64, Errno> {
    let socket = actor.tcp();
    let to = Address::ip(std::net::Ipv4Addr::LOCALHOST, 9);
    outcome(&actor.ask(&calls::connect(socket, &to)))
}

#[test]
fn a_rule_whose_hook_the_kernel_lacks_is_refused() {
    drop(Case::under(NOTHING));
    let lacking = Lacking::hook("socket_setsockopt");
    let both = format!("{CONNECT}{OPTION}");
    let ended = Engine::start(&[("both", &both)], &[]).err().unwrap();
    assert_eq!(ended.status.code(), Some(4), "{ended:?}");
    let said = ended.errors.join("\n");
    assert!(said.contains("P0550"), "{said}");
    assert!(said.contains("both.policy:2:1"), "{said}");
    assert!(said.contains("`socket_setsockopt`"), "{said}");
    assert!(!said.contains("both.policy:1:1"), "{said}");

    // A policy that does not need it is enforced, and one that does leaves it so.
    let mut engine = Engine::start(&[("one", CONNECT)], &[]).unwrap();
    let Reloaded::Rejected(lines) = engine.try_put(&[("both", &both)]) else {
        panic!("it was taken");
    };
    assert!(lines.join("\n").contains("P0550"), "{lines:?}");
    let mut actor = Actor::other();
    assert_eq!(refused_by_rule(&mut actor), Err(Errno::PERM));
    engine.stop();

    // By an explicit switch the rest of the policy is enforced, and that is said.
    let policy = [("both", both.as_str())];
    let mut engine = Engine::start(&policy, &["--allow-unenforced"]).unwrap();
    let said = engine.errors.since(0).join("\n");
    assert!(said.contains("cannot enforce"), "{said}");
    assert!(said.contains("both.policy:2:1"), "{said}");
    assert_eq!(refused_by_rule(&mut actor), Err(Errno::PERM));
    let socket = actor.tcp();
    actor.must(&calls::set_option(
        socket,
        libc::SOL_SOCKET,
        libc::SO_MARK,
        1,
    ));
    engine.stop();
    drop(lacking);
}

/// What tells of failures is no part of enforcement.
#[test]
fn where_a_function_is_lacking_its_events_alone_are_not_made() {
    drop(Case::under(NOTHING));
    let _lacking = Lacking::function("unix_dgram_connect");
    let config = place::fresh("telling").join("interdict.toml");
    fs::write(&config, "[events]\nsecurity_socket_connect = \"all\"\n").unwrap();
    let options = ["--config", config.to_str().unwrap()];
    let mut engine = Engine::start(&[("one", CONNECT)], &options).unwrap();
    let said = engine.errors.since(0).join("\n");
    assert!(said.contains("`unix_dgram_connect_exit`"), "{said}");
    let hooks = engine.status().hooks;
    assert!(!hooks.iter().any(|one| one == "unix_dgram_connect_exit"));
    assert!(hooks.iter().any(|one| one == "unix_stream_connect_exit"));

    let mut actor = Actor::other();
    let to = Address::path("/run/nobody");
    for kind in [libc::SOCK_DGRAM, libc::SOCK_STREAM] {
        let socket = actor.socket(libc::AF_UNIX, kind);
        let connect = calls::connect(socket, &to);
        assert_eq!(outcome(&actor.ask(&connect)), Err(Errno::NOENT));
    }
    assert_eq!(refused_by_rule(&mut actor), Err(Errno::PERM));
    engine.settled();
    let events = engine.events_since(0);
    let by = |hook: &str| {
        let of = events
            .iter()
            .filter(|one| one.text("/decision/hook") == hook);
        of.filter(|one| one.text("/decision/subject/exe") == "/usr/bin/other")
            .count()
    };
    let hooks = [
        "unix_dgram_connect_exit",
        "unix_stream_connect_exit",
        "socket_connect",
    ];
    assert_eq!(hooks.map(by), [0, 1, 1]);
    engine.stop();
}

/// Links of BPF programs that a process holds, by the kernel's count.
fn links(pid: u32) -> usize {
    let all = fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap();
    let infos = all.filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok());
    infos.filter(|info| info.contains("link_type:")).count()
}

#[test]
fn a_place_is_taken_before_any_rule_asks_for_it() {
    drop(Case::under(NOTHING));
    let mut engine = Engine::start(&[("one", CONNECT)], &[]).unwrap();
    let hooks = engine.status().hooks;
    let has = |name: &str| hooks.iter().any(|hook| hook == name);
    assert!(
        has("socket_listen_keep") && !has("socket_listen"),
        "{hooks:?}"
    );
    let mut service = Service::stream("/run/early.sock");
    fs::rename("/run/early.sock", "/run/later.sock").unwrap();
    service.moved("/run/later.sock");
    engine.put(&[("one", "deny unix connect to /run/early.sock\n")]);
    let mut actor = Actor::other();
    let connect = calls::connect(actor.unix(), &Address::path("/run/later.sock"));
    assert_eq!(outcome(&actor.ask(&connect)), Err(Errno::PERM));
    let _other = Service::stream("/run/early.sock");
    let _free = Service::stream("/run/free.sock");
    let mut reach = |path| {
        let connect = calls::connect(actor.unix(), &Address::path(path));
        outcome(&actor.ask(&connect))
    };
    assert_eq!(reach("/run/early.sock"), Err(Errno::PERM));
    assert_eq!(reach("/run/free.sock"), Ok(0));
    engine.stop();
}

#[test]
fn what_no_rule_needs_any_more_is_let_go() {
    drop(Case::under(NOTHING));
    let folder = place::fresh("idle");
    let config = folder.join("interdict.toml");
    fs::write(&config, "detach_after = 1\n").unwrap();
    let options = ["--config", config.to_str().unwrap()];
    let mut engine = Engine::start(&[("one", CONNECT), ("two", OPTION)], &options).unwrap();
    let has = |engine: &mut Engine, hook: &str| engine.status().hooks.iter().any(|one| one == hook);
    assert!(has(&mut engine, "socket_setsockopt"));
    let before = links(engine.pid());
    engine.put(&[("one", CONNECT)]);
    let deadline = Instant::now() + Duration::from_mins(2);
    while has(&mut engine, "socket_setsockopt") {
        assert!(Instant::now() < deadline, "{:?}", engine.status().hooks);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(links(engine.pid()), before - 1);
    // What rules need stays, and so does what keeps identities.
    for hook in ["socket_connect", "socket_listen_keep", "task_alloc"] {
        assert!(has(&mut engine, hook), "{hook}");
    }
    let mut actor = Actor::other();
    assert_eq!(refused_by_rule(&mut actor), Err(Errno::PERM));
    // It comes back with the rule.
    engine.put(&[("one", CONNECT), ("two", OPTION)]);
    let socket = actor.tcp();
    let set = calls::set_option(socket, libc::SOL_SOCKET, libc::SO_MARK, 1);
    assert_eq!(outcome(&actor.ask(&set)), Err(Errno::PERM));
    assert_eq!(links(engine.pid()), before);
    engine.stop();
}
