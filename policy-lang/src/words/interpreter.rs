//! Programs that run what others wrote: an exemption of one exempts every script.

/// **The** table of them, by name, the version left off.
const INTERPRETERS: &[&str] = &[
    "sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "fish", "csh", "tcsh", "busybox", "toybox",
    "env", "python", "pypy", "perl", "ruby", "node", "nodejs", "deno", "bun", "php", "php-fpm",
    "lua", "luajit", "tclsh", "wish", "expect", "awk", "gawk", "mawk", "java", "mono", "dotnet",
    "guile", "osh", "pwsh", "rscript", "erl", "beam.smp",
];

/// Where such programs usually lie: what a pattern over programs takes in.
pub(crate) const USUAL: &[&[u8]] = &[
    b"/usr/bin/bash",
    b"/bin/bash",
    b"/usr/bin/sh",
    b"/bin/sh",
    b"/usr/bin/dash",
    b"/usr/bin/python3",
    b"/usr/bin/perl",
];

/// Whether a file of this name, without its folder, runs what others wrote.
#[must_use]
pub fn is_interpreter(name: &[u8]) -> bool {
    let bare = unversioned(name);
    let known = |known: &&str| known.as_bytes() == bare || known.as_bytes() == name;
    // The loader runs the program that is its argument, as `exe` of its own.
    let loader = name.starts_with(b"ld-linux") || name.starts_with(b"ld-musl") || name == b"ld.so";
    let emulator = name.starts_with(b"qemu-") && name.ends_with(b"-static");
    INTERPRETERS.iter().any(known) || loader || emulator
}

/// A name without a version at its end: `python3.11`, `ruby-3`.
fn unversioned(name: &[u8]) -> &[u8] {
    let version = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let end = name.iter().rposition(|byte| !version(byte));
    let length = end.map_or(0, |end| end.saturating_add(1));
    name.get(..length).unwrap_or(name)
}
