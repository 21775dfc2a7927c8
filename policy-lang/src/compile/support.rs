//! What this build can decide in the kernel. What it cannot is refused here,
//! never left out.

use crate::checked::{CheckedPolicy, Rule, Target, Test};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::terms::each_test;
use crate::types::Values;
use crate::types::pattern::Pattern;
use crate::words::attribute::Attribute;
use crate::words::family::Family;
use crate::words::operation::Operation;
use crate::words::shape::possible;
use policy_abi::fields::Dimension;
use policy_abi::image::MAX_RULES;
use policy_abi::mediation;

/// Whether the hooks see every operation of a pair.
#[must_use]
pub fn decides(family: Family, operation: Operation) -> bool {
    mediation::row(family.number(), operation.number()).is_some()
}

/// The tables' dimension of an attribute that the kernel side captures.
pub(super) const fn dimension(attribute: Attribute) -> Option<Dimension> {
    Some(match attribute {
        Attribute::Exe => Dimension::Exe,
        Attribute::Comm => Dimension::Comm,
        Attribute::Uid => Dimension::Uid,
        Attribute::Gid => Dimension::Gid,
        Attribute::Addr => Dimension::Addr,
        Attribute::Port => Dimension::Port,
        Attribute::Path | Attribute::Name => Dimension::Unix,
        Attribute::Ruid
        | Attribute::Rgid
        | Attribute::Loginuid
        | Attribute::User
        | Attribute::Group
        | Attribute::Unit
        | Attribute::Cgroup
        | Attribute::Cap
        | Attribute::Userns
        | Attribute::Netns
        | Attribute::Pidns
        | Attribute::Mntns
        | Attribute::Cgroupns
        | Attribute::ParentComm
        | Attribute::ParentExe
        | Attribute::ParentUid
        | Attribute::Type
        | Attribute::Protocol => return None,
    })
}

/// Everything in a policy that the kernel cannot decide.
pub(super) fn check(policy: &CheckedPolicy) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(rule) = policy.rules().get(MAX_RULES as usize) {
        let message = format!(
            "the policy has {} rules and defaults; the kernel counts {MAX_RULES}",
            policy.rules().len()
        );
        found.push(Diagnostic::new(Code::ImageTooLarge, rule.span, message));
    }
    for rule in policy.rules() {
        check_rule(rule, &mut found);
    }
    found.sort_by_key(|one: &Diagnostic| one.span().map(|span| (span.source, span.start)));
    found.dedup();
    found
}

fn check_rule(rule: &Rule, found: &mut Vec<Diagnostic>) {
    let mut missing: Vec<String> = Vec::new();
    for family in rule.families.iter() {
        for operation in rule.operations.iter() {
            // `smc` is in every rule for `tcp`: it is named only where it stands alone.
            let implied = family == Family::SMC && rule.families.contains(Family::TCP);
            if !implied && possible(family, operation) && !decides(family, operation) {
                missing.push(format!("`{family} {operation}`"));
            }
        }
    }
    if let Some(first) = missing.first() {
        let more = match missing.len() - 1 {
            0 => String::new(),
            1 => " and one other".to_owned(),
            more => format!(" and {more} others"),
        };
        found.push(
            cannot(rule.span, &format!("{first}{more}"))
                .help("`docs/coverage.md` says what is decided in the kernel"),
        );
    }
    if let Some(Target::Unix(values)) = &rule.target {
        globs(rule.span, "a target with wildcards", values, found);
    }
    for condition in rule.when.iter().chain(&rule.unless) {
        each_test(condition, &mut |test| check_test(test, found));
    }
}

fn check_test(test: &Test, found: &mut Vec<Diagnostic>) {
    let word = test.attribute.word();
    if dimension(test.attribute).is_none() {
        found.push(cannot(test.span, &format!("`{word}`")));
        return;
    }
    globs(
        test.span,
        &format!("a `{word}` with wildcards"),
        &test.values,
        found,
    );
}

fn globs(span: Span, what: &str, values: &Values, found: &mut Vec<Diagnostic>) {
    let any = |patterns: &[Pattern]| patterns.iter().any(|one| one.literal().is_none());
    let has = match values {
        Values::Patterns(patterns) => any(patterns),
        Values::Unix(set) => any(&set.paths) || any(&set.names),
        Values::Numbers(_)
        | Values::Addresses(_)
        | Values::Names(_)
        | Values::Words(_)
        | Values::Options(_) => false,
    };
    if has {
        found.push(cannot(span, what));
    }
}

fn cannot(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(
        Code::KernelCannotDecide,
        span,
        format!("this build cannot decide {what} in the kernel yet"),
    )
}
