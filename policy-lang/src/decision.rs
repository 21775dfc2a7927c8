//! What a policy answers, and how the answer is written.

use crate::ast::Effect;
use crate::checked::{CheckedPolicy, RuleIndex};
use serde::Serialize;

/// What happens to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Allow,
    /// It is refused.
    Deny,
    /// It is refused and the process is killed.
    Kill,
}

impl Verdict {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Kill => "kill",
        }
    }

    /// What an effect comes to when it decides.
    #[must_use]
    pub const fn of(effect: Effect) -> Self {
        match effect {
            Effect::Kill => Self::Kill,
            Effect::Deny | Effect::DefaultDeny => Self::Deny,
            Effect::Allow | Effect::Record => Self::Allow,
        }
    }
}

/// What one set of rules says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What happens.
    pub verdict: Verdict,
    /// The effect of the step that decided; `None` when nothing did.
    pub effect: Option<Effect>,
    /// The determining rule; `None` when nothing decided.
    pub rule: Option<RuleIndex>,
}

impl Outcome {
    /// Nothing decided: allowed.
    pub const NONE: Self = Self {
        verdict: Verdict::Allow,
        effect: None,
        rule: None,
    };
}

/// What a policy answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// By the rules in `mode enforce`: what happens.
    pub actual: Outcome,
    /// By all rules.
    pub hypothetical: Outcome,
    /// `record` rules that match, in byte order of id.
    pub recorded: Vec<RuleIndex>,
}

#[derive(Serialize)]
struct Answer<'p> {
    verdict: &'static str,
    rule: Option<&'p str>,
    errno: Option<&'static str>,
    hypothetical: Hypothetical<'p>,
    recorded: Vec<&'p str>,
}

#[derive(Serialize)]
struct Hypothetical<'p> {
    verdict: &'static str,
    rule: Option<&'p str>,
}

impl Decision {
    /// One line of JSON, as `explain --batch` writes it (notes 26, 27).
    #[must_use]
    pub fn to_json(&self, policy: &CheckedPolicy) -> String {
        let id = |index: RuleIndex| policy.rule(index).map(|rule| &*rule.id);
        let answer = Answer {
            verdict: self.actual.verdict.word(),
            rule: self.actual.rule.and_then(id),
            errno: self.errno(policy),
            hypothetical: Hypothetical {
                verdict: self.hypothetical.verdict.word(),
                rule: self.hypothetical.rule.and_then(id),
            },
            recorded: self.recorded.iter().copied().filter_map(id).collect(),
        };
        // Strings and lists alone: there is nothing that cannot be written.
        serde_json::to_string(&answer).unwrap_or_default()
    }

    /// The errno that the caller gets; `None` unless the actual verdict refuses.
    #[must_use]
    pub fn errno(&self, policy: &CheckedPolicy) -> Option<&'static str> {
        if self.actual.verdict == Verdict::Allow {
            return None;
        }
        let rule = policy.rule(self.actual.rule?)?;
        Some(rule.errno.name)
    }
}
