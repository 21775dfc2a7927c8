//! Units and cgroups: what they are called, how deep they lie, and patterns of them.

use std::path::Path;

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::calls;
use interdict_tests::protocol::Request;
use rustix::io::Errno;

use crate::subjects::{Host, decided, web};

/// The cgroup file system.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Makes a cgroup and puts a process there.
fn put_into(path: &str, pid: u32) {
    let folder = Path::new(CGROUPS).join(path.trim_start_matches('/'));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("cgroup.procs"), pid.to_string()).unwrap();
}

#[test]
fn the_unit_of_a_cgroup() {
    let mut host = Host::with(&["unless unit = nginx.service id nginx"]);
    let mut actor = Actor::other();
    host.denies(&mut actor, "nginx");
    for (cgroup, passes) in [
        ("/system.slice/nginx.service", true),
        ("/system.slice", false),
        ("/nginx.service", true),
        ("/system.slice/nginx.service/sub/tree", true),
        ("/system.slice/nginx.service/docker-1.scope", true),
        ("/a.slice/a-b.slice/_nginx.service", true),
        ("/system.slice/__nginx.service", false),
        ("/system.slice/nginx.service2", false),
        ("/system.slice/xnginx.service", false),
        // Whoever may make cgroups below his own cannot choose the name.
        ("/system.slice/docker-1.scope/nginx.service", false),
        ("/docker/nginx.service", false),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/nginx.service",
            false,
        ),
        ("/system.slice/nginx.service.slice/x.service", false),
        ("/slice/nginx.service", false),
    ] {
        put_into(cgroup, actor.pid());
        if passes {
            host.allows(&mut actor);
        } else {
            host.denies(&mut actor, "nginx");
        }
    }
}

#[test]
fn the_path_of_a_cgroup() {
    let long = "l".repeat(255);
    let deep = "/d".repeat(64);
    let odd = "/with space/\u{e9}";
    let policy = format!(
        "if cgroup in {{ /, /eight888, /sixteen-16161616/b, /{long}/{long}, {deep}, \"{odd}\" }} id named"
    );
    let mut host = Host::with(&[&policy]);
    let mut actor = Actor::other();
    host.denies(&mut actor, "named");
    for (cgroup, denied) in [
        ("/eight888".to_owned(), true),
        ("/eight8888".to_owned(), false),
        ("/eight88".to_owned(), false),
        ("/eight888/b".to_owned(), false),
        ("/sixteen-16161616/b".to_owned(), true),
        ("/sixteen-16161616".to_owned(), false),
        (format!("/{long}"), false),
        (format!("/{long}/{long}"), true),
        (format!("/{}/{long}", "l".repeat(254)), false),
        (deep.clone(), true),
        ("/d".repeat(63), false),
        (odd.to_owned(), true),
    ] {
        put_into(&cgroup, actor.pid());
        if denied {
            host.denies(&mut actor, "named");
        } else {
            host.allows(&mut actor);
        }
    }
    put_into("/", actor.pid());
    host.denies(&mut actor, "named");
}

/// A way down to a cgroup of many names of 255 bytes, which no single path leads to.
fn put_deep(actor: &mut Actor, top: &str, levels: usize) {
    let long = "l".repeat(255);
    put_into(top, actor.pid());
    actor.must(&calls::chdir(
        Path::new(CGROUPS).join(top.trim_start_matches('/')),
    ));
    for _ in 0..levels {
        let made = actor.ask(&calls::make_folder(&long));
        assert!(
            matches!(outcome(&made), Ok(_) | Err(Errno::EXIST)),
            "{made:?}"
        );
        actor.must(&calls::chdir(&long));
    }
    let procs = actor.must(&calls::open("cgroup.procs", libc::O_WRONLY));
    actor.must(&calls::write(procs, b"0"));
    actor.must(&calls::close(procs));
    actor.must(&calls::chdir("/"));
}

/// Whoever may make cgroups of his own can make them as deep as he likes: neither
/// his unit nor the folder that he is below changes with that.
#[test]
fn no_depth_hides_the_unit_or_the_folder() {
    let mut host = Host::with(&[
        "unless unit != a.service id unit",
        "if unit = b* id units",
        "if cgroup = /c.service/** id below",
        "unless cgroup != /no/such/one or unit = d.service id negated",
        "if cgroup = /no/such/one id positive",
        "if cgroup = /d.service/**/x id tail",
    ]);
    let mut actor = Actor::other();
    for (top, rule) in [
        ("/a.service", Some("unit")),
        ("/b.service", Some("units")),
        ("/c.service", Some("below")),
        ("/d.service", None),
    ] {
        // Four bytes, 70 names, and more than are ever read.
        for levels in [0, 70, 130] {
            put_deep(&mut actor, top, levels);
            match rule {
                // The folder itself is not below itself.
                Some("below") if levels == 0 => host.allows(&mut actor),
                Some(rule) => drop(host.denies(&mut actor, rule)),
                None => host.allows(&mut actor),
            }
        }
    }
    host.case.provokes("unreadable_subjects");
    host.case.provokes("long_texts");
}

#[test]
fn units_by_pattern() {
    let mut host = Host::with(&["if unit in { cloud-init*.service, *x, \"[!a]?t*\" } id unit"]);
    let mut actor = Actor::other();
    for (cgroup, denied) in [
        ("/system.slice/cloud-init.service", true),
        ("/system.slice/cloud-init-local.service/sub", true),
        ("/_cloud-init.service", true),
        ("/system.slice/cloud-init", false),
        ("/system.slice/cloud-init.service2", false),
        ("/system.slice/xcloud-init.service", false),
        // No unit has such a name.
        ("/system.slice/unix", false),
        ("/system.slice/a b.service", false),
        ("/system.slice/bet a.service", false),
        ("/system.slice/bet.service", true),
        ("/system.slice/@bt.service", false),
        ("/system.slice/at@.service", false),
        ("/system.slice/cat@.service", true),
        ("/system.slice", false),
        ("/", false),
    ] {
        put_into(cgroup, actor.pid());
        if denied {
            host.denies(&mut actor, "unit");
        } else {
            host.allows(&mut actor);
        }
    }
}

#[test]
fn cgroups_by_pattern() {
    let policy =
        "if cgroup in { /kube*.slice/**, /one/*, /deep/**/end, \"/spaces/[!x] y/?\" } id cgroup";
    let mut host = Host::with(&[policy]);
    let mut actor = Actor::other();
    let long = "l".repeat(240);
    for (cgroup, denied) in [
        ("/kubepods.slice/a".to_owned(), true),
        ("/kubepods.slice".to_owned(), false),
        (format!("/kubepods.slice/{long}/{long}/x"), true),
        ("/kubepods.scope/a".to_owned(), false),
        ("/one/two".to_owned(), true),
        ("/one/two/three".to_owned(), false),
        ("/deep/end".to_owned(), true),
        ("/deep/a/b/c/end".to_owned(), true),
        ("/deep/a/b/c/ending".to_owned(), false),
        // Read to its end or not: of what is too long to be kept it cannot be said.
        (format!("/deep/{long}/end"), true),
        (format!("/deep/{long}-/abcde/end"), false),
        ("/spaces/z y/1".to_owned(), true),
        ("/spaces/x y/1".to_owned(), false),
        ("/".to_owned(), false),
    ] {
        put_into(&cgroup, actor.pid());
        if denied {
            host.denies(&mut actor, "cgroup");
        } else {
            host.allows(&mut actor);
        }
    }
    host.case.provokes("long_texts");
}

/// A cgroup is known from the moment it is made, and the next one is too.
#[test]
fn a_cgroup_that_was_made_just_now() {
    let mut host = Host::with(&["if cgroup in { /fresh/0, /fresh/2, /fresh/4 } id even"]);
    let mut actor = Actor::other();
    std::fs::create_dir_all("/sys/fs/cgroup/fresh").unwrap();
    for round in 0..6_usize {
        let folder = format!("/sys/fs/cgroup/fresh/{round}");
        let socket = actor.tcp();
        // Made, entered and used by one process, with nothing in between.
        let enter = Request::Sequence(vec![
            calls::make_folder(&folder),
            calls::chdir(&folder),
            calls::open("cgroup.procs", libc::O_WRONLY),
        ]);
        let procs = actor.must(&enter);
        let connect = Request::Sequence(vec![calls::write(procs, b"0"), web(socket)]);
        if round % 2 == 0 {
            host.case.denies(&mut actor, &connect, &decided("even"));
        } else {
            host.case.allows(&mut actor, &connect);
        }
        // The child is where its creator is.
        let socket = actor.tcp();
        let child = Request::Fork(Box::new(web(socket)));
        if round % 2 == 0 {
            host.case.denies(&mut actor, &child, &decided("even"));
        } else {
            host.case.allows(&mut actor, &child);
        }
        actor.must(&calls::chdir("/"));
    }
}
