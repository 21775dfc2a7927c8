//! What paths stand for, whatever the command.

use crate::{DOCKER, Dir};
use expect_test::expect;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

#[test]
fn a_directory_stands_for_its_policy_files() {
    let dir = Dir::new("directory")
        .file("d/b.policy", "record tcp connect\n")
        .file("d/a.policy", DOCKER)
        .file("d/.hidden.policy", "nonsense\n")
        .file("d/notes.txt", "nonsense\n")
        .file("d/deeper/c.policy", "nonsense\n")
        .file("d/folder.policy/x", "nonsense\n")
        .file("data/linked", "record udp connect\n");
    symlink("../data/linked", dir.path().join("d/linked.policy")).unwrap();
    dir.check(
        &["check", "d"],
        "",
        &expect![[r#"
        3 rules in 3 files: nothing to say
        -- stderr
        -- exit 0
    "#]],
    );
    // A file that is reached twice counts once, by whatever path.
    dir.check(
        &["check", "d/a.policy", "d", "d/../d/a.policy", "./d"],
        "",
        &expect![[r#"
            3 rules in 3 files: nothing to say
            -- stderr
            -- exit 0
        "#]],
    );
}

#[test]
fn standard_input_is_a_file_called_stdin() {
    let dir = Dir::new("stdin").file("a.policy", "record tcp connect\n");
    dir.check(
        &["check", "-", "a.policy"],
        "deny tcp conect",
        &expect![[r#"
            error[P0202]: unknown operation `conect`
              --> stdin:1:10
               |
             1 | deny tcp conect
               |          ^^^^^^
               |
               = help: did you mean `connect`?

            1 error
            more about a code: interdict explain --code P0202
            -- stderr
            -- exit 1
        "#]],
    );
    let question = ["explain", "-", "--", "tcp connect to 10.0.0.1"];
    dir.check(
        &question,
        "deny tcp connect",
        &expect![[r#"
        verdict: deny, by deny `stdin/1`
        the caller gets EPERM

        deny `stdin/1` at stdin:1 matches:
          it has no target and no condition
        -- stderr
        -- exit 0
    "#]],
    );
    dir.check(
        &["explain", "-", "--batch", "-"],
        "",
        &expect![[r#"
        -- stderr
        error: `-` cannot be the policy and the batch at once
        help: put one of them in a file
        -- exit 2
    "#]],
    );
}

#[test]
fn what_cannot_be_read() {
    let dir = Dir::new("unreadable")
        .file("d/notes.txt", "")
        .file("e/a.policy", "");
    dir.check(
        &["check", "nowhere"],
        "",
        &expect![[r#"
        -- stderr
        error: cannot read `nowhere`: No such file or directory (os error 2)
        -- exit 3
    "#]],
    );
    dir.check(
        &["check", "d", "d"],
        "",
        &expect![[r#"
        -- stderr
        error: no `.policy` file in `d`, `d`
        help: an empty policy is a `.policy` file without rules
        -- exit 3
    "#]],
    );
    // Files without rules are a policy; no file is none.
    dir.check(
        &["check", "e"],
        "",
        &expect![[r#"
        0 rules in 1 file: nothing to say
        -- stderr
        -- exit 0
    "#]],
    );
    symlink("nowhere", dir.path().join("d/gone.policy")).unwrap();
    dir.check(
        &["check", "d"],
        "",
        &expect![[r#"
        -- stderr
        error: cannot read `d/gone.policy`: No such file or directory (os error 2)
        -- exit 3
    "#]],
    );
    fs::remove_file(dir.path().join("d/gone.policy")).unwrap();
    // A socket's own path must be short.
    let socket = std::env::temp_dir().join(format!("interdict-{}.sock", std::process::id()));
    let listener = UnixListener::bind(&socket).unwrap();
    symlink(&socket, dir.path().join("d/socket.policy")).unwrap();
    dir.check(
        &["check", "d"],
        "",
        &expect![[r#"
        -- stderr
        error: `d/socket.policy` is not a regular file
        help: rename it, or take it out of the directory
        -- exit 3
    "#]],
    );
    drop(listener);
    fs::remove_file(socket).unwrap();
    dir.check(
        &["explain", "e", "--batch", "nowhere"],
        "",
        &expect![[r#"
        -- stderr
        error: cannot read `nowhere`: No such file or directory (os error 2)
        -- exit 3
    "#]],
    );
}

#[test]
fn a_policy_that_is_too_large_is_refused_without_being_read_whole() {
    let dir = Dir::new("large").file("a.policy", "");
    let file = fs::File::options()
        .write(true)
        .open(dir.path().join("a.policy"))
        .unwrap();
    file.set_len(1 << 34).unwrap();
    let output = dir.run(&["check", "a.policy"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("P0401"));
}
