//! Colours are for a terminal whose reader has not refused them.

use super::policies::{ERRORS, dir};
use crate::program::Dir;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Read as _;
use std::process::Command;

/// What a command writes on a terminal as its standard output.
fn on_a_terminal(mut command: Command) -> String {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = File::options().read(true).write(true).open(name).unwrap();
    let mut child = command.stdout(theirs).spawn().unwrap();
    // The command holds the other end until it is dropped.
    drop(command);
    let mut said = Vec::new();
    // The end of what is written on a terminal reads as an error.
    File::from(ours).read_to_end(&mut said).ok();
    child.wait().unwrap();
    String::from_utf8(said).unwrap().replace("\r\n", "\n")
}

/// `check` with colours neither asked for nor refused by whoever runs the tests.
fn check(dir: &Dir, environment: &[(&str, &str)]) -> Command {
    let mut command = dir.command(&["check", "."]);
    command.env_remove("NO_COLOR").env("TERM", "xterm");
    command.envs(environment.iter().copied());
    command
}

#[test]
fn colours_are_for_terminals_alone() {
    let dir = dir("terminal", ERRORS);
    let plain = check(&dir, &[]).output().unwrap();
    let plain = String::from_utf8(plain.stdout).unwrap();
    assert!(plain.contains("error[P0202]") && !plain.contains('\u{1b}'));

    let coloured = on_a_terminal(check(&dir, &[]));
    assert!(
        coloured.contains("\u{1b}[1;31merror[P0202]\u{1b}[0m"),
        "{coloured}"
    );
    assert!(coloured.ends_with("\n5 errors\nmore about a code: interdict explain --code P0202\n"));

    assert_eq!(on_a_terminal(check(&dir, &[("NO_COLOR", "1")])), plain);
    assert_eq!(on_a_terminal(check(&dir, &[("TERM", "dumb")])), plain);
    // Set and empty is not set (no-color.org).
    assert_eq!(on_a_terminal(check(&dir, &[("NO_COLOR", "")])), coloured);
}

#[test]
fn formats_for_programs_have_no_colours_on_a_terminal_either() {
    let dir = dir("terminal-formats", ERRORS);
    for format in ["json", "sarif", "github"] {
        let mut command = dir.command(&["check", "--format", format, "."]);
        command.env_remove("NO_COLOR").env("TERM", "xterm");
        assert!(!on_a_terminal(command).contains('\u{1b}'), "{format}");
    }
}
