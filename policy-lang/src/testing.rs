//! `test` blocks: what a policy's author expects of it, judged by the definition.
//!
//! They are judged over all rules, those in audit mode included, so that a
//! policy can be tested before it is enforced (notes 22).

use crate::ast::Effect;
use crate::checked::{CheckedPolicy, RuleIndex};
use crate::decision::{Decision, Outcome, Verdict};
use crate::eval;
use crate::request::Request;
use crate::source::Span;
use std::collections::BTreeSet;

/// `test "name" { … }`.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its name.
    pub name: String,
    /// Its place.
    pub span: Span,
    /// What it expects, in order.
    pub expectations: Vec<Expectation>,
}

/// What an expectation says happens (notes 23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Denied, by a rule or a default, and not killed.
    Deny,
    /// Denied and killed.
    Kill,
    /// Allowed, by a rule or by none.
    Allow,
    /// Denied by a default.
    DefaultDeny,
}

/// Words of [`Wanted`].
pub const WANTED_WORDS: &[(&str, Wanted)] = &[
    ("deny", Wanted::Deny),
    ("kill", Wanted::Kill),
    ("allow", Wanted::Allow),
    ("default-deny", Wanted::DefaultDeny),
];

impl Wanted {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = WANTED_WORDS.iter().find(|(_, one)| *one == self);
        found.map_or("", |(word, _)| word)
    }

    fn is(self, outcome: Outcome) -> bool {
        match self {
            Self::Deny => outcome.verdict == Verdict::Deny,
            Self::Kill => outcome.verdict == Verdict::Kill,
            Self::Allow => outcome.verdict == Verdict::Allow,
            Self::DefaultDeny => outcome.effect == Some(Effect::DefaultDeny),
        }
    }
}

/// `expect …`.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Its place.
    pub span: Span,
    /// What is to happen.
    pub wanted: Wanted,
    /// The rule that is to decide.
    pub by: Option<RuleIndex>,
    /// A rule that is to record it.
    pub recorded: Option<RuleIndex>,
    /// The operation.
    pub request: Request,
}

/// What came of an expectation.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What the policy says.
    pub decision: Decision,
    /// What is otherwise than expected, a sentence each; empty when it holds.
    pub failures: Vec<String>,
}

impl Expectation {
    /// Judges it.
    #[must_use]
    pub fn judge(&self, policy: &CheckedPolicy) -> Judged {
        let decision = eval(policy, &self.request);
        let outcome = decision.hypothetical;
        let id = |index: RuleIndex| policy.rule(index).map_or("", |rule| &*rule.id);
        let mut failures = Vec::new();
        if !self.wanted.is(outcome) || self.by.is_some_and(|by| outcome.rule != Some(by)) {
            let by = self.by.map(|by| format!(" by `{}`", id(by)));
            let got = match (outcome.verdict, outcome.effect) {
                (_, Some(Effect::DefaultDeny)) => Wanted::DefaultDeny.word(),
                (verdict, _) => verdict.word(),
            };
            let decided = outcome.rule.map_or_else(
                || "because no rule decides".to_owned(),
                |rule| format!("by `{}`", id(rule)),
            );
            failures.push(format!(
                "expected `{}`{}, it is `{got}` {decided}",
                self.wanted.word(),
                by.unwrap_or_default()
            ));
        }
        if let Some(rule) = self
            .recorded
            .filter(|rule| !decision.recorded.contains(rule))
        {
            failures.push(format!("`{}` does not record it", id(rule)));
        }
        Judged { decision, failures }
    }
}

/// Rules that no expectation of a policy makes decide or record, in order of file and place.
#[must_use]
pub fn not_covered(policy: &CheckedPolicy) -> Vec<RuleIndex> {
    let mut covered = BTreeSet::new();
    for one in policy.tests().iter().flat_map(|block| &block.expectations) {
        let decision = eval(policy, &one.request);
        covered.extend(decision.hypothetical.rule);
        covered.extend(decision.recorded);
    }
    let all = (0..).map(RuleIndex).zip(policy.rules());
    all.map(|(index, _)| index)
        .filter(|index| !covered.contains(index))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load;
    use crate::source::Sources;

    const POLICY: &str = "mode audit
        let people = uid >= 1000
        default deny tcp connect id rest
        deny tcp connect to 10.0.0.0/8 if people id ten
        kill tcp connect to 10.6.6.6 id six
        allow tcp connect to public id out
        record tcp connect to port 22 id ssh
        deny udp connect id never\n";

    fn outcome(expectations: &str) -> Vec<bool> {
        let sources = Sources::single(
            "p.policy",
            format!("{POLICY} test \"t\" {{ {expectations} }}"),
        );
        let (policy, report) = load(&sources);
        let policy = policy.unwrap_or_else(|| panic!("{report:?}"));
        let all = policy.tests().iter().flat_map(|block| &block.expectations);
        all.map(|one| one.judge(&policy).failures.is_empty())
            .collect()
    }

    fn codes(text: &str) -> Vec<&'static str> {
        let (_, report) = load(&Sources::single("p.policy", text));
        report
            .diagnostics()
            .iter()
            .map(|one| one.code.id())
            .collect()
    }

    #[test]
    fn notes_22_23_expectations_hold_over_all_rules() {
        for holds in [
            "expect deny tcp connect to 10.0.0.1 as uid = 1000",
            "expect deny by ten tcp connect to 10.0.0.1 as uid = 1000",
            // Nobody, 65534, is who asks when nothing is said.
            "expect deny by ten tcp connect to 10.0.0.1",
            "expect deny by rest tcp connect to 10.0.0.1 as uid = 0",
            "expect default-deny by rest tcp connect to 10.0.0.1 as uid = 0",
            "expect kill by six tcp connect to 10.6.6.6",
            "expect allow by out tcp connect to 192.0.2.1",
            "expect allow recorded by ssh tcp connect to 192.0.2.1 port 22",
            "expect allow unix connect to /run/x",
        ] {
            assert_eq!(outcome(holds), [true], "{holds}");
        }
        for fails in [
            "expect deny tcp connect to 10.6.6.6",
            "expect deny by rest tcp connect to 10.0.0.1",
            "expect default-deny tcp connect to 10.0.0.1",
            "expect allow recorded by ssh tcp connect to 192.0.2.1 port 23",
            "expect allow by out unix connect to /run/x",
            "expect kill tcp connect to 10.0.0.1",
            "expect allow tcp connect",
        ] {
            assert_eq!(outcome(fails), [false], "{fails}");
        }
        assert_eq!(
            outcome("expect allow udp bind expect deny udp bind"),
            [true, false]
        );
    }

    #[test]
    fn notes_95_96_what_is_wrong_in_a_test_refuses_the_policy() {
        let expect = |text: &str| {
            codes(&format!(
                "deny tcp connect id a record tcp bind id r test \"t\" {{ expect {text} }}"
            ))
        };
        assert!(expect("deny by a tcp connect").is_empty());
        assert!(expect("allow by a tcp connect").is_empty());
        assert_eq!(expect("denied tcp connect"), ["P0211"]);
        assert_eq!(expect("deny by b tcp connect"), ["P0204"]);
        assert_eq!(expect("allow by r tcp bind"), ["P0211"]);
        assert_eq!(expect("allow recorded by a tcp bind"), ["P0211"]);
        assert_eq!(expect("deny tcp conect"), ["P0202"]);
        assert_eq!(expect("deny tcp connect to 10.0.0.0/8"), ["P0301"]);
        assert_eq!(expect("deny tcp connect as exe = /usr/bin/*"), ["P0301"]);
        // Implicit ids, of other files too.
        let mut sources =
            Sources::single("a.policy", "test \"t\" { expect deny by b/1 tcp connect }");
        sources.add("b.policy", "deny tcp connect");
        assert!(load(&sources).0.is_some());
    }

    #[test]
    fn rules_that_no_test_makes_decide() {
        let text = format!(
            "{POLICY} test \"t\" {{
                expect allow tcp connect to 192.0.2.1 port 22
                expect kill tcp connect to 10.6.6.6
            }}"
        );
        let (policy, _) = load(&Sources::single("p.policy", text));
        let policy = policy.unwrap();
        let ids: Vec<&str> = not_covered(&policy)
            .iter()
            .map(|index| &*policy.rule(*index).unwrap().id)
            .collect();
        assert_eq!(ids, ["rest", "ten", "never"]);
    }
}
