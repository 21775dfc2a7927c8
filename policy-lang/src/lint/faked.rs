//! Exemptions that whoever wants one can have: by `comm` or `parent.*` alone.

use crate::ast::Effect;
use crate::checked::{Condition, Rule, Test};
use crate::diag::{Code, Diagnostic};
use crate::words::attribute::{Attribute, Owner};

/// A warning if one way through a rule's exemption asks nothing of a process
/// but what the process chooses itself.
pub(super) fn lint(rule: &Rule) -> Option<Diagnostic> {
    let test = match rule.effect {
        Effect::Allow => {
            let all = rule.when.iter().map(|one| ways(one, false));
            all.fold(Ways::NOTHING_ASKED, Ways::and).chosen
        }
        Effect::Deny | Effect::Kill | Effect::DefaultDeny => {
            rule.unless.as_ref().and_then(|one| ways(one, false).chosen)
        }
        // Nothing is refused, so nothing is exempt.
        Effect::Record => None,
    }?;
    let word = test.attribute.word();
    let why = if test.attribute == Attribute::Comm {
        "any process can set its own name"
    } else {
        "any process can be started by such a parent"
    };
    let message = format!("`{word}` alone exempts a process from being denied");
    let found = if super::within(test.span, rule) {
        Diagnostic::new(Code::FakedExemption, test.span, message).label(why)
    } else {
        Diagnostic::new(Code::FakedExemption, rule.span, message).also(test.span, why)
    };
    Some(found.help(
        "ask for the program's file with `exe = …`, or for its service with `unit = …`, instead or as well",
    ))
}

/// In which ways a condition can come true, by what they ask of the process.
#[derive(Clone, Copy)]
struct Ways<'r> {
    /// One that asks for nothing that a process has, or for what it has not.
    nothing: bool,
    /// One that asks only for what a process chooses itself.
    chosen: Option<&'r Test>,
    /// One that asks for more.
    more: bool,
}

impl Ways<'_> {
    const NONE: Self = Self {
        nothing: false,
        chosen: None,
        more: false,
    };
    const NOTHING_ASKED: Self = Self {
        nothing: true,
        ..Self::NONE
    };

    /// Either.
    fn or(self, other: Self) -> Self {
        Self {
            nothing: self.nothing || other.nothing,
            chosen: self.chosen.or(other.chosen),
            more: self.more || other.more,
        }
    }

    /// One of these and one of those.
    fn and(self, other: Self) -> Self {
        let some = |ways: Self| ways.nothing || ways.chosen.is_some() || ways.more;
        let first = self
            .chosen
            .filter(|_| other.nothing || other.chosen.is_some());
        let second = other.chosen.filter(|_| self.nothing);
        Self {
            nothing: self.nothing && other.nothing,
            chosen: first.or(second),
            more: (self.more && some(other)) || (other.more && some(self)),
        }
    }
}

fn ways(condition: &Condition, denied: bool) -> Ways<'_> {
    let either = |all: &mut dyn Iterator<Item = _>| all.fold(Ways::NONE, Ways::or);
    let both = |all: &mut dyn Iterator<Item = _>| all.fold(Ways::NOTHING_ASKED, Ways::and);
    match condition {
        Condition::Not(one) => ways(one, !denied),
        Condition::Any(all) | Condition::All(all) => {
            let any = matches!(condition, Condition::Any(_)) != denied;
            let mut all = all.iter().map(|one| ways(one, denied));
            if any {
                either(&mut all)
            } else {
                both(&mut all)
            }
        }
        Condition::Test(test) => {
            let asked = test.negated == denied;
            if !asked || test.attribute.owner() != Owner::Subject {
                // What a process has not is no ground to trust it, nor is its object.
                Ways::NOTHING_ASKED
            } else if chosen(test.attribute) {
                Ways {
                    chosen: Some(test),
                    ..Ways::NONE
                }
            } else {
                Ways {
                    more: true,
                    ..Ways::NONE
                }
            }
        }
    }
}

/// Whether a process has the value that it wants.
const fn chosen(attribute: Attribute) -> bool {
    matches!(
        attribute,
        Attribute::Comm | Attribute::ParentComm | Attribute::ParentExe | Attribute::ParentUid
    )
}
