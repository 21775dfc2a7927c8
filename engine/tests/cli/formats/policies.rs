//! Policies and file names that a format must be able to say anything about.

use crate::program::Dir;

/// Errors of several kinds in several files, some with two places, one of them in another file.
pub(super) const ERRORS: &[(&str, &str)] = &[
    (
        "a.policy",
        "deny tcp conect to 10.0.0.1\nlet x = { 1 }\ndeny tcp connect if uid in x id one\n",
    ),
    (
        "b.policy",
        "let x = { 2 }\ndeny udp connect to 10.0.0.1/8\n\ndeny tcp connect id one\ndeny tcp connect to",
    ),
];

/// Warnings, and nothing else.
pub(super) const WARNINGS: &[(&str, &str)] = &[(
    "warned.policy",
    "let c = comm = x\ndeny tcp connect unless c id a\ndeny tcp connect with EAGAIN\n",
)];

/// Text that ends a line, a property, an attribute or a tag somewhere, or drives a terminal.
pub(super) const HOSTILE: &str = "%25:,\u{1b}[2J\"'<&>]]>\u{202e}é日\u{85}\u{ffff}";

/// A policy of one broken file whose name and text are hostile.
pub(super) fn hostile(test: &str) -> Dir {
    let file = format!("{HOSTILE}\r\n::error::x.policy");
    let policy =
        format!("deny tcp connect if comm = a because \"{HOSTILE}\"\ndeny tcp \"{HOSTILE}\"\n");
    Dir::new(test).file(&file, policy)
}

/// A directory with these files.
pub(super) fn dir(test: &str, files: &[(&str, &str)]) -> Dir {
    let start = Dir::new(test);
    files
        .iter()
        .fold(start, |dir, (name, text)| dir.file(name, text))
}

/// More findings than are kept.
pub(super) fn many() -> String {
    "deny tcp conect\n".repeat(policy_lang::diag::KEPT + 7)
}
