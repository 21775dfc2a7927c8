//! Command lines, and readers that go away.

use crate::{DOCKER, Dir};
use std::process::Stdio;

#[test]
fn a_wrong_command_line_ends_with_2() {
    let dir = Dir::new("usage").file("a.policy", "");
    for arguments in [
        &[][..],
        &["chek"],
        &["check"],
        &["check", "--format", "xml", "a.policy"],
        &["explain", "a.policy"],
        &["explain", "a.policy", "--code", "P0203"],
        &["explain", "--batch", "-"],
        &["explain", "a.policy", "--batch", "-", "--", "tcp connect"],
        &["explain", "--", "tcp connect"],
    ] {
        let output = dir.run(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{arguments:?}"
        );
    }
    for arguments in [&["--help"][..], &["--version"], &["check", "--help"]] {
        let output = dir.run(arguments, "");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_nobody_s_error() {
    let line = "{\"family\":\"tcp\",\"operation\":\"connect\"}\n";
    let dir = Dir::new("pipe")
        .file("a.policy", DOCKER)
        .file("requests", line.repeat(20_000));
    let mut child = dir
        .command(&["explain", "a.policy", "--batch", "requests"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}
