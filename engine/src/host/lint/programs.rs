//! Programs that an exemption should not rest on, or that no process has.

use super::super::profile::{Account, By, Kind, PathFacts};
use super::super::uses::Use;
use super::paths::At;
use super::{Lints, Said};
use policy_lang::diag::{Code, show};
use policy_lang::types::pattern::Pattern;
use policy_lang::words::interpreter::is_interpreter;

/// An exemption that leads to a shell or an interpreter under another name; of
/// the names themselves, every `check` warns (P0528).
pub(super) fn interpreter(lints: &mut Lints<'_>, used: &Use<'_>, pattern: &Pattern) {
    let Some(literal) = pattern.literal() else {
        return;
    };
    let real = lints.host.look(&String::from_utf8_lossy(literal)).real;
    if is_interpreter(name(literal)) || !is_interpreter(name(real.as_bytes())) {
        return;
    }
    let said = Said::new(format!(
        "this is `{}`, which runs what others wrote",
        show(&real)
    ))
    .label("exempts every script and command that it runs, whoever starts it")
    .help("ask for a service with `unit = …`, or for a program that does one thing");
    let spot = lints.pattern(pattern, used);
    lints.report(Code::InterpreterExe, &spot, said);
}

/// A path's last component.
fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
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
