//! Hosts for the tests: facts to describe one by, and what the lints say of it.

mod described;
mod looked;

use super::profile::{Account, MountPoint};
use super::*;
use expect_test::{Expect, expect};
use policy_lang::diag::codes::CODES;
use policy_lang::diag::{Code, Report, Style, render_all};
use policy_lang::source::Sources;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

fn account(name: &str, id: u32) -> Account {
    Account {
        name: name.into(),
        id,
    }
}

fn mount(point: &str, kind: &str) -> MountPoint {
    MountPoint {
        point: point.into(),
        kind: kind.into(),
        device: "0:1".into(),
        root: "/".into(),
    }
}

fn at(path: &str, kind: Kind) -> PathFacts {
    PathFacts {
        path: path.into(),
        real: path.into(),
        existing: path.into(),
        kind: Some(kind),
        script: None,
        changeable: Vec::new(),
        near: None,
    }
}

fn nothing(path: &str, existing: &str) -> PathFacts {
    PathFacts {
        existing: existing.into(),
        kind: None,
        ..at(path, Kind::File)
    }
}

fn by(path: &str, by: By) -> Vec<Changeable> {
    vec![Changeable {
        path: path.into(),
        by,
    }]
}

/// A host of which everything is known that can be.
fn host() -> Profile {
    let hooks = policy_abi::hooks::HOOKS.iter();
    let hooks = hooks.filter(|desc| !desc.role.tells());
    Profile {
        schema: SCHEMA,
        kernel: Some("6.1.0-13-amd64".into()),
        security_modules: Some(["lockdown", "capability", "bpf"].map(str::to_owned).into()),
        hooks: Some(hooks.map(|desc| desc.kernel_name().to_owned()).collect()),
        users: Some(vec![account("root", 0), account("alice", 1000)]),
        groups: Some(vec![account("root", 0), account("docker", 998)]),
        mounts: Some(vec![
            mount("/", "ext4"),
            mount("/run", "tmpfs"),
            mount("/home", "nfs4"),
            mount("/srv/share", "nfs4"),
            mount("/mnt/box", "fuse.sshfs"),
        ]),
        units: Some(
            ["docker.service", "getty@.service", "nginx.service"]
                .map(str::to_owned)
                .into(),
        ),
        unit_aliases: BTreeMap::from([("web.service".into(), "nginx.service".into())]),
        links: BTreeMap::from([
            ("/bin".into(), "usr/bin".into()),
            ("/var/run".into(), "/run".into()),
        ]),
        paths: Vec::new(),
    }
}

fn said(profile: Profile, text: &str) -> String {
    rendered(&Host::described(profile), text)
}

fn rendered(host: &Host, text: &str) -> String {
    let sources = Sources::single("p.policy", text);
    let (policy, report) = policy_lang::load_on(
        &sources,
        Some(&|policy, files| lint(policy, &sources, files, host)),
    );
    let of_host = report.diagnostics().iter().filter(|one| one.code.of_host());
    assert!(policy.is_some(), "{report:?}");
    render_all(
        &Report::new(of_host.cloned().collect()),
        &sources,
        Style::Plain,
    )
}

fn codes(profile: Profile, text: &str) -> Vec<&'static str> {
    let sources = Sources::single("p.policy", text);
    let host = Host::described(profile);
    let (_, report) = policy_lang::load_on(
        &sources,
        Some(&|policy, files| lint(policy, &sources, files, &host)),
    );
    let all = report.diagnostics().iter().map(|one| one.code);
    let of_host = all.filter(|code| code.of_host());
    of_host.map(Code::id).collect()
}

fn check(paths: Vec<PathFacts>, text: &str, expected: &Expect) {
    let profile = Profile { paths, ..host() };
    expected.assert_eq(&said(profile, text));
}
