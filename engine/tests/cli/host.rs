//! A policy on a host: `check --host`, `check --profile` and `doctor --export`.

use crate::Dir;
use expect_test::expect;
#[cfg(feature = "daemon")]
use std::fs;

/// A host of a few names, as `doctor --export` describes one.
const HOST: &str = r#"{
  "schema": 1,
  "kernel": "6.12.0",
  "users": [{ "name": "root", "id": 0 }],
  "groups": [{ "name": "docker", "id": 998 }],
  "mounts": [{ "point": "/", "type": "ext4", "device": "8:1", "root": "/" }],
  "units": ["docker.service"],
  "links": { "/var/run": "/run" }
}"#;

#[test]
fn a_policy_is_held_against_a_host_that_was_described() {
    let dir = Dir::new("profile").file("host.json", HOST).file(
        "a.policy",
        "deny unix connect to /var/run/docker.sock unless exe = /usr/bin/bash\n",
    );
    dir.check(
        &["check", "--profile", "host.json", "a.policy"],
        "",
        &expect![[r#"
            warning[P0524]: the docker socket is closed, and open is: containerd, podman, tcp port 2375
              --> a.policy:1:1
               |
             1 | deny unix connect to /var/run/docker.sock unless exe = /usr/bin/bash
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ who may talk to one of them is root on this host too
               |
               = help: close them too; where they are not in use, that costs nothing

            warning[P0543]: `/var/run/docker.sock` leads through a symbolic link
              --> a.policy:1:22
               |
             1 | deny unix connect to /var/run/docker.sock unless exe = /usr/bin/bash
               |                      ^^^^^^^^^^^^^^^^^^^^ it is `/run/docker.sock`
               |
               = help: write `/run/docker.sock`: whoever changes the link changes the rule

            warning[P0528]: `bash` runs what others wrote, and the exemption is theirs too
              --> a.policy:1:50
               |
             1 | deny unix connect to /var/run/docker.sock unless exe = /usr/bin/bash
               |                                                  ^^^^^^^^^^^^^^^^^^^ a script's `exe` is its interpreter
               |
               = help: ask for the service with `unit`, or name a program that is no interpreter

            3 warnings
            more about a code: interdict explain --code P0524
            -- stderr
            -- exit 0
        "#]],
    );
    dir.check(
        &[
            "check",
            "--profile",
            "host.json",
            "--deny-warnings",
            "--format",
            "github",
            "a.policy",
        ],
        "",
        &expect![[r#"
            ::warning title=P0524,file=a.policy,line=1,col=1,endLine=1,endColumn=69::the docker socket is closed, and open is: containerd, podman, tcp port 2375 (close them too; where they are not in use, that costs nothing)
            ::warning title=P0543,file=a.policy,line=1,col=22,endLine=1,endColumn=42::`/var/run/docker.sock` leads through a symbolic link (write `/run/docker.sock`: whoever changes the link changes the rule)
            ::warning title=P0528,file=a.policy,line=1,col=50,endLine=1,endColumn=69::`bash` runs what others wrote, and the exemption is theirs too (ask for the service with `unit`, or name a program that is no interpreter)
            -- stderr
            -- exit 1
        "#]],
    );
}

#[test]
fn a_description_that_cannot_be_read() {
    let dir = Dir::new("profile-unreadable")
        .file("a.policy", "")
        .file("other.json", r#"{ "schema": 7 }"#)
        .file("none.json", "[]");
    for (profile, expected) in [
        (
            "missing.json",
            expect![[r#"
            -- stderr
            error: cannot read `missing.json`: No such file or directory (os error 2)
            -- exit 3
        "#]],
        ),
        (
            "other.json",
            expect![[r#"
            -- stderr
            error: cannot read `other.json`: its schema is 7, this program reads 1
            -- exit 3
        "#]],
        ),
        (
            "none.json",
            expect![[r#"
                -- stderr
                error: cannot read `none.json`: invalid length 0, expected a description of a host at line 1 column 2
                -- exit 3
            "#]],
        ),
    ] {
        dir.check(&["check", "--profile", profile, "a.policy"], "", &expected);
    }
    let both = dir.run(
        &["check", "--host", "--profile", "other.json", "a.policy"],
        "",
    );
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn this_host_is_asked_about_names_and_paths() {
    let dir = Dir::new("this-host").file(
        "a.policy",
        "deny tcp connect unless exe = /no/such/program\n",
    );
    let output = dir.run(&["check", "--host", "a.policy"], "");
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("warning[P0549]"), "{said}");
}

/// What `doctor` describes of this host, `check` takes, and it knows what lay at
/// the paths of the policies that it was told.
#[cfg(feature = "daemon")]
#[test]
fn a_host_is_described_and_the_description_is_taken() {
    let dir = Dir::new("export").file(
        "a.policy",
        "deny tcp connect unless exe = /no/such/program\n",
    );
    let output = dir.run(
        &["doctor", "--export", "host.json", "--policy", "a.policy"],
        "",
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty());
    let text = fs::read_to_string(dir.path().join("host.json")).unwrap();
    let profile: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(profile["schema"], 1);
    assert!(profile["kernel"].is_string());
    let mounts = profile["mounts"].as_array().unwrap();
    assert!(mounts.iter().any(|mount| mount["point"] == "/proc"));
    assert_eq!(profile["paths"][0]["path"], "/no/such/program");
    let output = dir.run(&["check", "--profile", "host.json", "a.policy"], "");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("warning[P0549]"), "{said}");
    let written = dir.run(&["doctor", "--export", "-"], "");
    assert_eq!(written.status.code(), Some(0));
    assert!(written.stdout.starts_with(b"{\n  \"schema\": 1,"));
}
