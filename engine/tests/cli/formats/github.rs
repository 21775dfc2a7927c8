//! `check --format github`: workflow commands, one a line, whatever stands in a policy.

use super::policies::{ERRORS, dir, hostile, many};
use crate::program::Dir;
use expect_test::expect;

/// A command as a runner reads it: `::NAME KEY=VALUE,…::TEXT`, percent-decoded.
#[derive(Debug)]
struct Command {
    name: String,
    properties: Vec<(String, String)>,
    text: String,
}

impl Command {
    fn read(line: &str) -> Self {
        let (head, text) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
        let (name, rest) = head.split_once(' ').unwrap_or((head, ""));
        let properties = rest.split(',').filter(|one| !one.is_empty()).map(|one| {
            let (key, value) = one.split_once('=').unwrap();
            (key.to_owned(), decoded(value))
        });
        Self {
            name: name.to_owned(),
            properties: properties.collect(),
            text: decoded(text),
        }
    }

    fn property(&self, key: &str) -> &str {
        let found = self.properties.iter().find(|(name, _)| name == key);
        &found.unwrap().1
    }
}

fn decoded(text: &str) -> String {
    text.replace("%3A", ":")
        .replace("%2C", ",")
        .replace("%0D", "\r")
        .replace("%0A", "\n")
        .replace("%25", "%")
}

#[test]
fn a_finding_is_a_command() {
    let ran = dir("github-errors", ERRORS).ran(&["check", "--format=github", "."], b"");
    assert_eq!(ran.exit, 1);
    expect![[r#"
        ::error title=P0202,file=a.policy,line=1,col=10,endLine=1,endColumn=16::unknown operation `conect` (did you mean `connect`?)
        ::error title=P0205,file=b.policy,line=1,col=5,endLine=1,endColumn=6::`x` is defined twice (choose another name, or add to the set with `extend`)
        ::error title=P0302,file=b.policy,line=2,col=21,endLine=2,endColumn=31::`10.0.0.1/8` has bits set past its prefix (the network is `10.0.0.0/8`)
        ::error title=P0209,file=b.policy,line=4,col=21,endLine=4,endColumn=24::two rules have the id `one` (give one of them another id; files of one name need ids of their own)
        ::error title=P0101,file=b.policy,line=5,col=20,endLine=5,endColumn=20::expected `port` or a target, found the end of the file (a target is an address, network or set, and `port` after it or alone; for `unix`, a path or an `@name`)
    "#]].assert_eq(&ran.out);
}

#[test]
fn hostile_text_stays_within_its_command() {
    let dir = hostile("github-hostile");
    let ran = dir.ran(&["check", "--format=github", "."], b"");
    assert_eq!(ran.exit, 1);
    let control = |c: char| c.is_control() && c != '\n';
    assert!(!ran.out.contains(control) && !ran.out.contains('\u{202e}'));
    let commands: Vec<Command> = ran.out.lines().map(Command::read).collect();
    assert!(commands.len() >= 2);
    for command in commands {
        assert_eq!(command.name, "error");
        assert!(command.property("title").starts_with("P0"), "{command:?}");
        let file = command.property("file");
        assert!(
            file.starts_with("%25:,\\x1b[2J\"'<&>]]>\\u{202e}é日"),
            "{file}"
        );
        assert!(file.ends_with("\r\n::error::x.policy"), "{file}");
        assert!(command.text.len() > 10);
    }
}

#[test]
fn what_is_left_out_is_said() {
    let dir = Dir::new("github-many").file("many.policy", many());
    let ran = dir.ran(&["check", "--format=github", "."], b"");
    let last = Command::read(ran.out.lines().last().unwrap());
    assert_eq!(
        (&*last.name, &*last.text),
        ("notice", "7 more findings are not shown")
    );
}
