//! Whether the host's kernel can enforce a policy.

use super::super::Host;
use crate::needs::{FLOOR, version};
use policy_abi::hooks::{HOOKS, Hook, HookDesc};
use policy_abi::mediation;
use policy_lang::diag::{Code, Diagnostic, show};
use policy_lang::{CheckedPolicy, Rule};
use std::collections::BTreeSet;

/// Findings about the host, at the first rule, and about rules that need what it lacks.
pub(super) fn lint(policy: &CheckedPolicy, host: &Host) -> Vec<Diagnostic> {
    let Some(first) = policy.rules().first() else {
        return Vec::new();
    };
    let mut found: Vec<Diagnostic> = lacks(host)
        .into_iter()
        .map(|(message, help)| {
            Diagnostic::new(Code::HostCannotEnforce, first.span, message)
                .label("and all other rules")
                .help(help)
        })
        .collect();
    if let Some(hooks) = &host.profile().hooks {
        let lacks = |hook: Hook| !hooks.iter().any(|name| name == hook.name());
        found.extend(unenforced(policy, lacks));
    }
    found
}

/// A finding about each rule that needs a hook which a kernel lacks.
#[must_use]
pub fn unenforced(policy: &CheckedPolicy, lacks: impl Fn(Hook) -> bool) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in policy.rules() {
        let missing = needed(rule).into_iter().filter(|hook| lacks(*hook));
        let missing: Vec<&str> = missing.map(Hook::name).collect();
        if !missing.is_empty() {
            let message = format!(
                "the host's kernel lacks the hook `{}`",
                missing.join("`, `")
            );
            found.push(
                Diagnostic::new(Code::MissingHook, rule.span, message)
                    .label("cannot be enforced there")
                    .help("boot a kernel with CONFIG_BPF_LSM and CONFIG_SECURITY_NETWORK"),
            );
        }
    }
    found
}

/// What a host lacks for any rule at all, and what to do about it.
fn lacks(host: &Host) -> Vec<(String, String)> {
    let profile = host.profile();
    let mut lacks = Vec::new();
    if let Some(release) = &profile.kernel
        && version(release).is_none_or(|version| version < FLOOR)
    {
        let (major, minor) = FLOOR;
        lacks.push((
            format!(
                "the host's kernel is {}, older than {major}.{minor}",
                show(release)
            ),
            format!("boot Linux {major}.{minor} or newer"),
        ));
    }
    if let Some(modules) = &profile.security_modules
        && !modules.iter().any(|module| module == "bpf")
    {
        let list = show(&modules.join(","));
        lacks.push((
            format!("BPF is not among the host's security modules: {list}"),
            format!("add `lsm={list},bpf` to the kernel command line and reboot"),
        ));
    }
    if let Some(hooks) = &profile.hooks {
        let always = HOOKS.iter().filter(|desc| desc.role.always());
        let names = always.map(HookDesc::kernel_name);
        let missing: Vec<&str> = names
            .filter(|name| !hooks.iter().any(|hook| hook == name))
            .collect();
        if !missing.is_empty() {
            lacks.push((
                format!(
                    "the host's kernel lacks the hook `{}`",
                    missing.join("`, `")
                ),
                "boot a kernel with CONFIG_BPF_LSM and CONFIG_SECURITY_NETWORK".to_owned(),
            ));
        }
    }
    lacks
}

/// The hooks that a rule needs.
fn needed(rule: &Rule) -> BTreeSet<Hook> {
    let mut hooks = BTreeSet::new();
    for operation in rule.operations.iter() {
        for family in rule.families.iter() {
            let needed = mediation::hooks(family.number(), operation.number());
            hooks.extend(needed.iter().copied());
        }
    }
    hooks
}
