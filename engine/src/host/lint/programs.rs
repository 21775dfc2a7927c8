//! Programs that an exemption should not rest on, or that no process has.

use super::super::profile::{Account, By, Kind, PathFacts};
use super::super::uses::Use;
use super::paths::At;
use super::{Lints, Said};
use policy_lang::diag::{Code, show};
use policy_lang::types::pattern::Pattern;

/// Programs that run what they are told to, without the version at their end.
const INTERPRETERS: &[&str] = &[
    "sh", "ash", "bash", "dash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "busybox", "toybox",
    "python", "pypy", "perl", "ruby", "node", "nodejs", "deno", "bun", "lua", "luajit", "tclsh",
    "wish", "php", "awk", "gawk", "mawk", "guile", "pwsh", "java", "dotnet", "mono", "erl",
    "beam.smp", "expect", "osh",
];

/// Usual places of such programs: what a pattern over programs takes in.
const USUAL: &[&str] = &[
    "/usr/bin/bash",
    "/bin/bash",
    "/usr/bin/sh",
    "/bin/sh",
    "/usr/bin/dash",
    "/usr/bin/python3",
    "/usr/bin/perl",
];

/// An exemption of a shell or an interpreter.
pub(super) fn interpreter(lints: &mut Lints<'_>, used: &Use<'_>, pattern: &Pattern) {
    let message = if let Some(literal) = pattern.literal() {
        let path = String::from_utf8_lossy(literal);
        let real = lints.host.look(&path).real;
        let Some(name) = [&*path, &real].into_iter().find_map(interpreter_name) else {
            return;
        };
        format!("`{}` runs whatever it is told to", show(name))
    } else {
        let Some(taken) = USUAL.iter().find(|path| pattern.holds(path.as_bytes())) else {
            return;
        };
        format!("the pattern takes in `{taken}`, which runs whatever it is told to")
    };
    let said = Said::new(message)
        .label("exempts every script and command that it runs, whoever starts it")
        .help("ask for a service with `unit = …`, or for a program that does one thing");
    let spot = lints.pattern(pattern, used);
    lints.report(Code::InterpreterExe, &spot, said);
}

/// The file's name, if it is an interpreter's.
fn interpreter_name(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let version = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
    let stem = name.trim_end_matches(version);
    let known = INTERPRETERS.contains(&stem) || INTERPRETERS.contains(&name);
    // The loader runs the program that is its argument, as `exe` of its own.
    let loader = name.starts_with("ld-linux") || name.starts_with("ld-musl") || name == "ld.so";
    let emulator = name.starts_with("qemu-") && name.ends_with("-static");
    (known || loader || emulator).then_some(name)
}

/// What is wrong with a program's file that is there.
pub(super) fn file(lints: &mut Lints<'_>, used: &Use<'_>, at: &At<'_>, facts: &PathFacts) {
    if at.literal {
        no_program(lints, at, facts);
    }
    if !used.exempts {
        return;
    }
    let by_others = facts.changeable.iter().find(|one| one.by != By::Everybody);
    let Some(changeable) = by_others else {
        return;
    };
    let accounts = |all: &Option<Vec<Account>>, id: u32| {
        let known = all.iter().flatten().find(|account| account.id == id);
        known.map_or_else(
            || id.to_string(),
            |account| format!("`{}`", show(&account.name)),
        )
    };
    let profile = lints.host.profile();
    let who = match changeable.by {
        By::Everybody => return,
        By::User(id) => format!("the user {}", accounts(&profile.users, id)),
        By::Group(id) => format!("the group {}", accounts(&profile.groups, id)),
    };
    let message = format!("{who} can change `{}`", show(&changeable.path));
    let said = Said::new(message)
        .label("who can change the program, or its folder, is exempt by it")
        .help("let root own the file and every folder above it, or ask for `user` as well");
    lints.report(Code::WritableExe, &at.spot, said);
}

fn no_program(lints: &mut Lints<'_>, at: &At<'_>, facts: &PathFacts) {
    let shown = show(at.path);
    if let Some(interpreter) = &facts.script {
        let interpreter = show(interpreter);
        let said = Said::new(format!(
            "`{shown}` is a script, which no process has as `exe`"
        ))
        .label(format!(
            "the kernel has its interpreter, `{interpreter}`, for the program"
        ))
        .help("ask for its service with `unit = …`; an interpreter runs other scripts too");
        lints.report(Code::ScriptExe, &at.spot, said);
    } else if matches!(facts.kind, Some(Kind::Folder | Kind::Socket | Kind::Other)) {
        let said = Said::new(format!("`{shown}` is not a program's file")).label("matches nobody");
        let folder = facts.kind == Some(Kind::Folder);
        let said = if folder {
            said.help(format!("for the programs in it, write `{shown}/*`"))
        } else {
            said
        };
        lints.report(Code::MissingPath, &at.spot, said);
    }
}
