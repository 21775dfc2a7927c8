//! The lints on described hosts, the pages of their codes, and the description's form.
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the form in which UPDATE_EXPECT=1 writes what it saw"
)]

use super::*;

#[test]
fn of_what_is_not_known_nothing_is_said() {
    let text = "deny unix connect to /var/run/x unless exe = /home/a/b and user = nobody-here \
                and unit = no.service";
    assert!(codes(Profile::default(), text).is_empty());
    assert_eq!(codes(host(), text), ["P0543", "P0544", "P0540", "P0541"]);
}

#[test]
fn names_that_the_host_has_not() {
    let text = "let people = { alice, alise }
deny tcp connect unless group = dokcer or user in people
deny udp connect if user = \"alice\" and group in { docker, staff }
deny unix connect unless unit = ngnix.service or unit = docker
for unit in { getty@tty1.service, session-3.scope, getty@*.service, web.service, ssh*.service } {
    record unix connect
}";
    check(
        Vec::new(),
        text,
        &expect![[r#"
        warning[P0540]: the host has no user `alise`
          --> p.policy:1:23
           |
         1 | let people = { alice, alise }
           |                       ^^^^^ matches nobody
         2 | deny tcp connect unless group = dokcer or user in people
           |                                           -------------- used here
           |
           = help: did you mean `alice`?

        warning[P0540]: the host has no group `dokcer`
          --> p.policy:2:33
           |
         2 | deny tcp connect unless group = dokcer or user in people
           |                                 ^^^^^^ matches nobody
           |
           = help: did you mean `docker`?

        warning[P0540]: the host has no group `staff`
          --> p.policy:3:59
           |
         3 | deny udp connect if user = "alice" and group in { docker, staff }
           |                                                           ^^^^^ matches nobody
           |
           = help: only /etc/group counts, no directory service; ids are held against `uid` and `gid`

        warning[P0541]: the host has no unit `ngnix.service`
          --> p.policy:4:33
           |
         4 | deny unix connect unless unit = ngnix.service or unit = docker
           |                                 ^^^^^^^^^^^^^ matches nothing until there is one
           |
           = help: did you mean `nginx.service`?

        warning[P0541]: the host has no unit `docker`
          --> p.policy:4:57
           |
         4 | deny unix connect unless unit = ngnix.service or unit = docker
           |                                                         ^^^^^^ matches nothing until there is one
           |
           = help: a unit's name has its kind: `docker.service`

        warning[P0542]: `web.service` is another name of `nginx.service`
          --> p.policy:5:69
           |
         5 | for unit in { getty@tty1.service, session-3.scope, getty@*.service, web.service, ssh*.service } {
           |                                                                     ^^^^^^^^^^^ processes are in the unit of the real name, and never match
           |
           = help: write `nginx.service`

        warning[P0541]: no unit of the host is called like `ssh*.service`
          --> p.policy:5:82
           |
         5 | for unit in { getty@tty1.service, session-3.scope, getty@*.service, web.service, ssh*.service } {
           |                                                                                  ^^^^^^^^^^^^ matches nothing until there is one
           |
           = help: see `systemctl list-unit-files`

        7 warnings
    "#]],
    );
}

#[test]
fn paths_that_lead_elsewhere() {
    let text = "let tools = { /bin/true, /usr/bin/nc }
deny unix connect to /var/run/docker.sock unless exe in tools
deny unix connect to { /run/a, /mnt/box/b } unless exe = /home/alice/bin/c
deny tcp connect unless exe in { \"/bin/my*\", /mnt/box/x/* }";
    check(
        Vec::new(),
        text,
        &expect![[r#"
        warning[P0543]: `/bin/true` leads through a symbolic link
          --> p.policy:1:15
           |
         1 | let tools = { /bin/true, /usr/bin/nc }
           |               ^^^^^^^^^ it is `/usr/bin/true`
         2 | deny unix connect to /var/run/docker.sock unless exe in tools
           |                                                  ------------ used here
           |
           = help: write `/usr/bin/true`: whoever changes the link changes the rule

        warning[P0543]: `/var/run/docker.sock` leads through a symbolic link
          --> p.policy:2:22
           |
         2 | deny unix connect to /var/run/docker.sock unless exe in tools
           |                      ^^^^^^^^^^^^^^^^^^^^ it is `/run/docker.sock`
           |
           = help: write `/run/docker.sock`: whoever changes the link changes the rule

        warning[P0544]: `/mnt/box/b` lies on fuse.sshfs, mounted on `/mnt/box`
          --> p.policy:3:32
           |
         3 | deny unix connect to { /run/a, /mnt/box/b } unless exe = /home/alice/bin/c
           |                                ^^^^^^^^^^ whoever serves the file system decides what lies there
           |

        warning[P0544]: `/home/alice/bin/c` lies on nfs4, mounted on `/home`
          --> p.policy:3:58
           |
         3 | deny unix connect to { /run/a, /mnt/box/b } unless exe = /home/alice/bin/c
           |                                                          ^^^^^^^^^^^^^^^^^ exempts nobody: whoever serves the file system decides what lies there
           |
           = help: name something on a file system of the host's own

        warning[P0543]: `/bin/` leads through a symbolic link
          --> p.policy:4:34
           |
         4 | deny tcp connect unless exe in { "/bin/my*", /mnt/box/x/* }
           |                                  ^^^^^^^^^^ it is `/usr/bin/…`
           |
           = help: write `/usr/bin/…`: whoever changes the link changes the rule

        warning[P0544]: `/mnt/box/x` lies on fuse.sshfs, mounted on `/mnt/box`
          --> p.policy:4:46
           |
         4 | deny tcp connect unless exe in { "/bin/my*", /mnt/box/x/* }
           |                                              ^^^^^^^^^^^^ exempts nobody: whoever serves the file system decides what lies there
           |
           = help: name something on a file system of the host's own

        6 warnings
    "#]],
    );
}

#[test]
fn paths_that_others_decide() {
    let tmp = |path: &str, kind| PathFacts {
        changeable: by("/tmp", By::Everybody),
        ..at(path, kind)
    };
    let paths = vec![
        tmp("/tmp/x.sock", Kind::Socket),
        tmp("/tmp/tool", Kind::File),
        PathFacts {
            changeable: by("/opt/app", By::User(1000)),
            ..at("/opt/app/bin/one", Kind::File)
        },
        PathFacts {
            changeable: by("/opt/two", By::Group(77)),
            ..at("/opt/two", Kind::File)
        },
    ];
    let text = "deny unix connect to /tmp/x.sock unless exe = /tmp/tool
deny unix connect if exe = /tmp/tool
default deny tcp connect
allow tcp connect if exe in { /opt/app/bin/one, /opt/two }
deny udp connect if exe = /opt/two
deny udp connect if exe != /opt/two";
    check(
        paths,
        text,
        &expect![[r#"
        warning[P0545]: everybody can write to `/tmp`
          --> p.policy:1:22
           |
         1 | deny unix connect to /tmp/x.sock unless exe = /tmp/tool
           |                      ^^^^^^^^^^^ any user can put a socket of his own there first
           |
           = help: choose a path in folders that root alone can write to

        warning[P0545]: everybody can write to `/tmp`
          --> p.policy:1:47
           |
         1 | deny unix connect to /tmp/x.sock unless exe = /tmp/tool
           |                                               ^^^^^^^^^ any user can put a program of his own there
           |
           = help: choose a path in folders that root alone can write to

        warning[P0548]: the user `alice` can change `/opt/app`
          --> p.policy:4:31
           |
         4 | allow tcp connect if exe in { /opt/app/bin/one, /opt/two }
           |                               ^^^^^^^^^^^^^^^^ who can change the program, or its folder, is exempt by it
           |
           = help: let root own the file and every folder above it, or ask for `user` as well

        warning[P0548]: the group 77 can change `/opt/two`
          --> p.policy:4:49
           |
         4 | allow tcp connect if exe in { /opt/app/bin/one, /opt/two }
           |                                                 ^^^^^^^^ who can change the program, or its folder, is exempt by it
           |
           = help: let root own the file and every folder above it, or ask for `user` as well

        warning[P0548]: the group 77 can change `/opt/two`
          --> p.policy:6:28
           |
         6 | deny udp connect if exe != /opt/two
           |                            ^^^^^^^^ who can change the program, or its folder, is exempt by it
           |
           = help: let root own the file and every folder above it, or ask for `user` as well

        5 warnings
    "#]],
    );
}

#[test]
fn programs_that_are_none_or_run_others() {
    let paths = vec![
        PathFacts {
            script: Some("/usr/bin/python3".into()),
            ..at("/usr/bin/certbot", Kind::File)
        },
        PathFacts {
            real: "/usr/bin/dash".into(),
            ..at("/usr/bin/editor", Kind::File)
        },
        at("/usr/libexec/tools", Kind::Folder),
    ];
    let text = "deny tcp connect if exe = /usr/bin/certbot
deny tcp connect unless exe in { /usr/bin/python3.11, /usr/bin/editor, /usr/bin/*sh }
deny tcp connect if exe = /usr/bin/bash
deny tcp connect unless exe = /usr/libexec/tools";
    check(
        paths,
        text,
        &expect![[r#"
            warning[P0546]: `/usr/bin/certbot` is a script, which no process has as `exe`
              --> p.policy:1:27
               |
             1 | deny tcp connect if exe = /usr/bin/certbot
               |                           ^^^^^^^^^^^^^^^^ the kernel has its interpreter, `/usr/bin/python3`, for the program
               |
               = help: ask for its service with `unit = …`; an interpreter runs other scripts too

            warning[P0547]: this is `/usr/bin/dash`, which runs what others wrote
              --> p.policy:2:55
               |
             2 | deny tcp connect unless exe in { /usr/bin/python3.11, /usr/bin/editor, /usr/bin/*sh }
               |                                                       ^^^^^^^^^^^^^^^ exempts every script and command that it runs, whoever starts it
               |
               = help: ask for a service with `unit = …`, or for a program that does one thing

            warning[P0543]: `/usr/bin/editor` leads through a symbolic link
              --> p.policy:2:55
               |
             2 | deny tcp connect unless exe in { /usr/bin/python3.11, /usr/bin/editor, /usr/bin/*sh }
               |                                                       ^^^^^^^^^^^^^^^ it is `/usr/bin/dash`
               |
               = help: write `/usr/bin/dash`: whoever changes the link changes the rule

            warning[P0549]: `/usr/libexec/tools` is not a program's file
              --> p.policy:4:31
               |
             4 | deny tcp connect unless exe = /usr/libexec/tools
               |                               ^^^^^^^^^^^^^^^^^^ matches nobody
               |
               = help: for the programs in it, write `/usr/libexec/tools/*`

            4 warnings
        "#]],
    );
}

#[test]
fn paths_that_lead_to_nothing() {
    let paths = vec![
        PathFacts {
            near: Some("dockerd".into()),
            ..nothing("/usr/bin/dokcerd", "/usr/bin")
        },
        nothing("/usr/libexec/docker/cli-plugins", "/usr/libexec"),
        // The service is not running; it makes the folder under /run itself.
        nothing("/run/docker/x.sock", "/run"),
        nothing("/var/lib/mysql/mysql.sock", "/var/lib/mysql"),
        nothing("/var/lib/msyql/mysql.sock", "/var/lib"),
        at("/circle", Kind::Circle),
    ];
    let text = "deny unix connect to { /run/docker/x.sock, /var/lib/mysql/mysql.sock } unless exe = /usr/bin/dokcerd
deny unix connect to { /var/lib/msyql/mysql.sock, /circle }
record unix connect if exe in { /usr/libexec/docker/cli-plugins/* }";
    check(
        paths,
        text,
        &expect![[r#"
        warning[P0549]: there is nothing at `/usr/bin/dokcerd`
          --> p.policy:1:85
           |
         1 | deny unix connect to { /run/docker/x.sock, /var/lib/mysql/mysql.sock } unless exe = /usr/bin/dokcerd
           |                                                                                     ^^^^^^^^^^^^^^^^ `/usr/bin` is the last part that exists
           |
           = help: did you mean `/usr/bin/dockerd`?

        warning[P0549]: there is nothing at `/var/lib/msyql/mysql.sock`
          --> p.policy:2:24
           |
         2 | deny unix connect to { /var/lib/msyql/mysql.sock, /circle }
           |                        ^^^^^^^^^^^^^^^^^^^^^^^^^ `/var/lib` is the last part that exists
           |
           = help: correct the path; the rule holds as soon as something is there

        warning[P0549]: the symbolic links of `/circle` go in a circle
          --> p.policy:2:51
           |
         2 | deny unix connect to { /var/lib/msyql/mysql.sock, /circle }
           |                                                   ^^^^^^^ such a policy is not put in force
           |
           = help: correct the path; the rule holds as soon as something is there

        warning[P0549]: there is nothing at `/usr/libexec/docker/cli-plugins`
          --> p.policy:3:33
           |
         3 | record unix connect if exe in { /usr/libexec/docker/cli-plugins/* }
           |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/usr/libexec` is the last part that exists
           |
           = help: correct the path; the rule holds as soon as something is there

        4 warnings
    "#]],
    );
}

#[test]
fn what_is_missing_as_one_expects() {
    let profile = Profile {
        mounts: None,
        paths: vec![
            nothing("/run/systemd/journal", "/run"),
            nothing("/usr/sbin/dockerd", "/usr/sbin"),
            at("/usr/bin/dockerd", Kind::File),
            nothing("/usr/bin/podman", "/usr/bin"),
            nothing("/usr/sbin/podman", "/usr/sbin"),
        ],
        ..host()
    };
    let said = |text| codes(profile.clone(), text);
    assert!(said("deny unix connect to /run/systemd/journal/*").is_empty());
    let both = "deny tcp connect unless exe in { /usr/sbin/dockerd, /usr/bin/dockerd }";
    assert!(said(both).is_empty());
    // Not there at all, here or there.
    let none = "deny tcp connect unless exe in { /usr/bin/podman, /usr/sbin/podman }";
    assert_eq!(said(none), ["P0549", "P0549"]);
    assert_eq!(
        said("deny tcp connect unless exe = /usr/sbin/dockerd"),
        ["P0549"]
    );
}

#[test]
fn a_host_that_cannot_enforce() {
    let profile = Profile {
        kernel: Some("5.15.0-91-generic".into()),
        security_modules: Some(vec!["apparmor".into()]),
        hooks: Some(
            [
                "socket_connect",
                "socket_sendmsg",
                "unix_may_send",
                "task_alloc",
            ]
            .map(str::to_owned)
            .into(),
        ),
        ..host()
    };
    let text = "deny tcp connect to 10.0.0.1
deny unix connect to /run/x";
    expect![[r#"
        warning[P0551]: the host's kernel is 5.15.0-91-generic, older than 6.1
          --> p.policy:1:1
           |
         1 | deny tcp connect to 10.0.0.1
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ and all other rules
           |
           = help: boot Linux 6.1 or newer

        warning[P0551]: BPF is not among the host's security modules: apparmor
          --> p.policy:1:1
           |
         1 | deny tcp connect to 10.0.0.1
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ and all other rules
           |
           = help: add `lsm=apparmor,bpf` to the kernel command line and reboot

        warning[P0551]: the host's kernel lacks the hook `bprm_committed_creds`, `bprm_creds_for_exec`, `socket_listen`
          --> p.policy:1:1
           |
         1 | deny tcp connect to 10.0.0.1
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ and all other rules
           |
           = help: boot a kernel with CONFIG_BPF_LSM and CONFIG_SECURITY_NETWORK

        warning[P0550]: the host's kernel lacks the hook `unix_stream_connect`
          --> p.policy:2:1
           |
         2 | deny unix connect to /run/x
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^ cannot be enforced there
           |
           = help: boot a kernel with CONFIG_BPF_LSM and CONFIG_SECURITY_NETWORK

        4 warnings
    "#]]
    .assert_eq(&said(profile, text));
}

/// What stands on a page: the policy under a heading.
fn page(code: Code, heading: &str) -> &'static str {
    let (_, part) = code
        .page()
        .split_once(&format!("\n## {heading}\n"))
        .unwrap();
    let (_, block) = part.split_once("```policy\n").unwrap();
    block.split_once("```").unwrap().0
}

/// A host on which the example of every page is wrong, and what to write instead is right.
fn host_of_pages() -> Profile {
    let program = |path: &str| at(path, Kind::File);
    let paths = vec![
        PathFacts {
            changeable: by("/tmp", By::Everybody),
            ..at("/tmp/x.sock", Kind::Socket)
        },
        at("/run/x/x.sock", Kind::Socket),
        PathFacts {
            script: Some("/usr/bin/python3".into()),
            ..program("/usr/bin/certbot")
        },
        PathFacts {
            changeable: by("/opt/app", By::User(1000)),
            ..program("/opt/app/bin/one")
        },
        nothing("/usr/bin/dokcerd", "/usr/bin"),
        program("/usr/bin/tool"),
        PathFacts {
            real: "/usr/bin/python3".into(),
            ..program("/usr/bin/editor")
        },
    ];
    let units = ["nginx.service", "certbot.service", "inventory.service"];
    Profile {
        paths,
        units: Some(units.map(str::to_owned).into()),
        ..host()
    }
}

/// The same, with a kernel that lacks something.
fn lacking(code: Code) -> Profile {
    let mut profile = host_of_pages();
    if code == Code::MissingHook {
        let hooks = profile.hooks.iter_mut().flatten();
        let unix = hooks.filter(|hook| hook.starts_with("unix_stream"));
        unix.for_each(|hook| *hook = "another".into());
    } else if code == Code::HostCannotEnforce {
        profile.kernel = Some("5.10.0".into());
    }
    profile
}

#[test]
fn every_page_s_example_gives_its_code_on_a_host_and_what_is_instead_gives_none() {
    for code in CODES.iter().copied().filter(|code| code.of_host()) {
        // What is an interpreter under another name is a link, too.
        let linked = (code == Code::InterpreterExe).then_some(Code::LinkedPath.id());
        let found = codes(lacking(code), page(code, "Example"));
        let found: Vec<_> = found.into_iter().filter(|id| Some(*id) != linked).collect();
        assert_eq!(found, [code.id()]);
        assert!(
            codes(lacking(code), page(code, "Instead")).is_empty(),
            "{}",
            code.id()
        );
    }
}

#[test]
fn a_comment_silences_what_a_host_says_and_is_not_idle_without_one() {
    let text = "# allow P0540: they come with the next image\ndeny tcp connect if user = bob";
    assert!(codes(host(), text).is_empty());
    let all = |text: &str| {
        let (_, report) = policy_lang::load(&Sources::single("p.policy", text));
        report.diagnostics().len()
    };
    assert_eq!(all(text), 0);
    let profile = Profile {
        users: Some(vec![account("bob", 1)]),
        ..host()
    };
    let host = Host::described(profile);
    let sources = Sources::single("p.policy", text);
    let lint: policy_lang::HostLint<'_> = &|policy, files| lint(policy, &sources, files, &host);
    let (_, report) = policy_lang::load_on(&sources, Some(lint));
    let ids: Vec<&str> = report
        .diagnostics()
        .iter()
        .map(|one| one.code.id())
        .collect();
    assert_eq!(ids, ["P0508"]);
}

#[test]
fn the_last_mount_on_a_point_hides_the_others() {
    let profile = Profile {
        mounts: Some(vec![
            mount("/", "ext4"),
            mount("/a", "xfs"),
            mount("/a", "nfs"),
            mount("/ab", "tmpfs"),
        ]),
        ..Profile::default()
    };
    let host = Host::described(profile);
    let kind = |path: &str| host.mount(path).map(|mount| mount.kind.clone());
    assert_eq!(kind("/a/b").as_deref(), Some("nfs"));
    assert_eq!(kind("/a").as_deref(), Some("nfs"));
    assert_eq!(kind("/abc").as_deref(), Some("ext4"));
    assert_eq!(Host::described(Profile::default()).mount("/a"), None);
}

/// The page has a row for every member that is written.
#[test]
fn every_member_has_its_row_in_the_page() {
    let page = include_str!("../../../../docs/host-profile.md");
    let profile = Profile {
        paths: vec![PathFacts {
            script: Some("/bin/sh".into()),
            changeable: by("/tmp", By::Everybody),
            near: Some("x".into()),
            ..at("/a", Kind::File)
        }],
        ..host()
    };
    let written: serde_json::Value = serde_json::from_str(&profile.to_json()).unwrap();
    let mut keys = Vec::new();
    for (key, value) in written.as_object().unwrap() {
        keys.push(key.clone());
        let element = value.get(0).and_then(serde_json::Value::as_object);
        let named = element.map(serde_json::Map::keys);
        keys.extend(
            named
                .into_iter()
                .flatten()
                .map(|inner| format!("{key}[].{inner}")),
        );
    }
    keys.extend(["path", "by"].map(|inner| format!("paths[].changeable[].{inner}")));
    assert!(keys.len() > 25, "{keys:?}");
    for key in keys {
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
}
