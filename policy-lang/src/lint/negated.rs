//! Exemptions of whoever lacks something: a process that could not be
//! identified lacks it too.

use crate::ast::Effect;
use crate::checked::{Condition, Rule, Test};
use crate::diag::{Code, Diagnostic};
use crate::words::attribute::Owner;

/// A warning for the first test of an exemption that holds for a process
/// without the attribute.
pub(super) fn lint(rule: &Rule) -> Option<Diagnostic> {
    let test = match rule.effect {
        Effect::Allow => rule.when.iter().find_map(|one| negated(one, false)),
        Effect::Deny | Effect::Kill | Effect::DefaultDeny => {
            rule.unless.as_ref().and_then(|one| negated(one, false))
        }
        // Nothing is refused, so nothing is exempt.
        Effect::Record => None,
    }?;
    let word = test.attribute.word();
    let why = format!("also holds where `{word}` could not be read");
    let message = "a negated test exempts whoever cannot be identified";
    let found = if super::within(test.span, rule) {
        Diagnostic::new(Code::NegatedExemption, test.span, message).label(why)
    } else {
        Diagnostic::new(Code::NegatedExemption, rule.span, message).also(test.span, why)
    };
    Some(found.help("name who is exempt with `=` or `in`, or move the test into `if` of a `deny`"))
}

fn negated(condition: &Condition, denied: bool) -> Option<&Test> {
    match condition {
        Condition::Not(one) => negated(one, !denied),
        Condition::Any(all) | Condition::All(all) => {
            all.iter().find_map(|one| negated(one, denied))
        }
        Condition::Test(test) => {
            let subject = test.attribute.owner() == Owner::Subject;
            (subject && test.negated != denied).then_some(test)
        }
    }
}
