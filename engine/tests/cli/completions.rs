//! `completions` and `man`: made of the command line, so they know each command.

use crate::Dir;
use std::process::Command;

/// The commands that `--help` lists.
fn commands(dir: &Dir) -> Vec<String> {
    let help = dir.ran(&["--help"], b"").out;
    let (_, list) = help.split_once("\nCommands:\n").unwrap();
    let list = list.lines().take_while(|line| !line.is_empty());
    let names = list.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<String> = names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    for name in ["check", "explain", "fmt", "test", "completions", "man"] {
        assert!(names.iter().any(|one| one == name), "{names:?}");
    }
    let daemon = names.iter().any(|one| one == "run");
    assert_eq!(daemon, cfg!(feature = "daemon"));
    names
}

#[test]
fn every_shell_is_told_every_command() {
    let dir = Dir::new("completions");
    let commands = commands(&dir);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = dir.ran(&["completions", shell], b"");
        assert_eq!((&*ran.err, ran.exit), ("", 0));
        for word in commands.iter().map(String::as_str).chain(["deny-warnings"]) {
            assert!(ran.out.contains(word), "{shell} is not told of {word}");
        }
    }
    for wrong in [&["completions"][..], &["completions", "command.com"]] {
        let ran = dir.ran(wrong, b"");
        assert_eq!((&*ran.out, ran.exit), ("", 2));
    }
}

/// What the shell that is always there makes of it.
#[test]
fn bash_completes_a_word() {
    let dir = Dir::new("completions-bash");
    let script = dir.ran(&["completions", "bash"], b"").out;
    let dir = dir.file("interdict", script);
    let complete = |words: &str, last: &str, before: &str| {
        let script = format!(
            "source ./interdict; complete -p interdict >/dev/null || exit 1
             COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
             _interdict interdict '{last}' '{before}'; echo \"${{COMPREPLY[*]}}\""
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "--noprofile", "-c", &script]);
        let output = bash.current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("interdict che", "che", "interdict"), "check");
    assert_eq!(
        complete("interdict check --deny", "--deny", "check"),
        "--deny-warnings"
    );
    assert_eq!(
        complete("interdict check --format s", "s", "--format"),
        "sarif"
    );
}

#[test]
fn every_command_has_a_page() {
    let dir = Dir::new("man");
    let commands = commands(&dir);
    let page = |arguments: &[&str]| {
        let ran = dir.ran(arguments, b"");
        assert_eq!((&*ran.err, ran.exit), ("", 0), "{arguments:?}");
        assert!(ran.out.contains("\n.SH SYNOPSIS\n"), "{}", ran.out);
        ran.out
    };
    let first = page(&["man"]);
    assert!(first.contains("\n.TH interdict 1 "), "{first}");
    assert!(first.contains("Exit codes"), "{first}");
    for name in &commands {
        assert!(first.contains(&format!("interdict\\-{name}(1)")), "{name}");
        let own = page(&["man", name]);
        assert!(own.contains(&format!("\n.TH interdict-{name} 1 ")), "{own}");
    }
    assert!(page(&["man", "check"]).contains("\\-\\-deny\\-warnings"));
    let ran = dir.ran(&["man", "chek"], b"");
    assert_eq!((&*ran.out, ran.exit), ("", 2));
    assert!(ran.err.contains("did you mean `check`?"), "{}", ran.err);
}
