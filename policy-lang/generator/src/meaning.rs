//! What a policy means, less where it is written: two texts mean the same if
//! this is the same.

use policy_lang::testing::Block;
use policy_lang::{CheckedPolicy, Condition, Rule};
use std::fmt::Write as _;

/// All that a policy says, a rule and an expectation a line.
#[must_use]
pub fn meaning(policy: &CheckedPolicy) -> String {
    let mut out = String::new();
    for rule in policy.rules() {
        line(&mut out, rule);
    }
    for block in policy.tests() {
        expectations(&mut out, policy, block);
    }
    out
}

fn line(out: &mut String, rule: &Rule) {
    // Writing to a string does not fail.
    write!(
        out,
        "{} {} {:?} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} if",
        rule.id,
        rule.named,
        rule.effect,
        rule.enforced,
        rule.errno,
        rule.because,
        rule.severity,
        rule.tags,
        rule.families,
        rule.operations,
        rule.target,
    )
    .ok();
    for one in &rule.when {
        condition(out, one);
    }
    out.push_str(" unless");
    if let Some(one) = &rule.unless {
        condition(out, one);
    }
    out.push('\n');
}

fn condition(out: &mut String, one: &Condition) {
    let (word, all) = match one {
        Condition::All(all) => ("all", all.as_slice()),
        Condition::Any(all) => ("any", all.as_slice()),
        Condition::Not(inner) => ("not", std::slice::from_ref(inner)),
        Condition::Test(test) => {
            let not = if test.negated { "!" } else { "" };
            write!(out, " {not}{}{:?}", test.attribute.word(), test.values).ok();
            return;
        }
    };
    write!(out, " {word}(").ok();
    for inner in all {
        condition(out, inner);
    }
    out.push(')');
}

fn expectations(out: &mut String, policy: &CheckedPolicy, block: &Block) {
    writeln!(out, "test {:?}", block.name).ok();
    for one in &block.expectations {
        let id = |index| policy.rule(index).map(|rule| &*rule.id);
        let (by, recorded) = (one.by.and_then(id), one.recorded.and_then(id));
        writeln!(
            out,
            "{:?} {by:?} {recorded:?} {:?}",
            one.wanted, one.request
        )
        .ok();
    }
}
