//! Users, groups and units that a host has not.

use super::super::uses::{Named, Use};
use super::{Lints, Said};
use policy_lang::diag::suggest::did_you_mean;
use policy_lang::diag::{Code, show};
use policy_lang::types::pattern::Pattern;

/// Users and groups: a name that the host lacks is nobody's (notes 8).
pub(super) fn accounts(lints: &mut Lints<'_>, used: &Use<'_>) {
    let profile = lints.host.profile();
    let (known, what, file) = if used.named == Named::User {
        (&profile.users, "user", "/etc/passwd")
    } else {
        (&profile.groups, "group", "/etc/group")
    };
    let Some(known) = known else {
        return;
    };
    for name in used.names() {
        let name = String::from_utf8_lossy(name);
        if known.iter().any(|account| account.name == *name) {
            continue;
        }
        let near = did_you_mean(&name, known.iter().map(|account| account.name.as_str()));
        let said = Said::new(format!("the host has no {what} `{}`", show(&name)))
            .label("matches nobody")
            .help(near.unwrap_or_else(|| {
                format!(
                    "only {file} counts, no directory service; ids are held against `uid` and `gid`"
                )
            }));
        let spot = lints.name(&name, used);
        lints.report(Code::UnknownAccount, &spot, said);
    }
}

/// Units by their files; a scope has none, it is made while the host runs.
pub(super) fn units(lints: &mut Lints<'_>, used: &Use<'_>) {
    let profile = lints.host.profile();
    let Some(known) = &profile.units else {
        return;
    };
    for pattern in used.patterns() {
        let Some(literal) = pattern.literal() else {
            unit_pattern(lints, used, pattern, known);
            continue;
        };
        let name = String::from_utf8_lossy(literal);
        if let Some(real) = profile.unit_aliases.get(&*name) {
            let said = Said::new(format!(
                "`{}` is another name of `{}`",
                show(&name),
                show(real)
            ))
            .label("processes are in the unit of the real name, and never match")
            .help(format!("write `{}`", show(real)));
            let spot = lints.pattern(pattern, used);
            lints.report(Code::UnitAlias, &spot, said);
        } else if !name.ends_with(".scope") && !has_unit(known, &name) {
            let said = Said::new(format!("the host has no unit `{}`", show(&name)));
            let help = if name.contains('.') {
                did_you_mean(&name, known.iter().map(String::as_str))
            } else {
                Some(format!(
                    "a unit's name has its kind: `{}.service`",
                    show(&name)
                ))
            };
            let said = said
                .label("matches nothing until there is one")
                .help(help.unwrap_or_else(|| "see `systemctl list-unit-files`".to_owned()));
            let spot = lints.pattern(pattern, used);
            lints.report(Code::UnknownUnit, &spot, said);
        }
    }
}

/// Whether there is a file for a unit: its own, or its template's.
fn has_unit(known: &[String], name: &str) -> bool {
    let template = || {
        let (stem, rest) = name.split_once('@')?;
        let (_, kind) = rest.rsplit_once('.')?;
        Some(format!("{stem}@.{kind}"))
    };
    let is = |wanted: &str| known.iter().any(|one| one == wanted);
    is(name) || template().is_some_and(|template| is(&template))
}

fn unit_pattern(lints: &mut Lints<'_>, used: &Use<'_>, pattern: &Pattern, known: &[String]) {
    let start = pattern.start();
    let start = String::from_utf8_lossy(&start).into_owned();
    // Instances of a template, and scopes, have no file of their own.
    let instances = start.split_once('@').is_some_and(|(stem, _)| {
        let stem = format!("{stem}@.");
        known.iter().any(|one| one.starts_with(&stem))
    });
    let scopes = pattern.holds(b"x.scope") || pattern.holds(format!("{start}.scope").as_bytes());
    if instances || scopes || known.iter().any(|one| pattern.holds(one.as_bytes())) {
        return;
    }
    let spot = lints.pattern(pattern, used);
    let said = Said::new(format!(
        "no unit of the host is called like `{}`",
        spot.text
    ))
    .label("matches nothing until there is one")
    .help("see `systemctl list-unit-files`");
    lints.report(Code::UnknownUnit, &spot, said);
}
