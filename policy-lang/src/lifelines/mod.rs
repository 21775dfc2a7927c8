//! **The** table of lifelines: what a host must be able to do so that somebody
//! can still log in and mend it, and what makes that recognisable.
//!
//! A lifeline is cut when the policy denies every way in which hosts do it: each
//! operation by each program that may be the one. Distributions differ, so one
//! row has several of both. It is decided by [`mod@crate::eval`], of requests
//! that have all that such a process has: nothing is guessed from a rule's text.

mod table;

use crate::checked::{CheckedPolicy, RuleIndex};
use crate::decision::{Outcome, Verdict};
use crate::diag::{Code, Diagnostic};
use crate::eval;
use crate::request::{Request, parse_request};
use crate::source::Sources;
use std::sync::LazyLock;
use table::{ROOT, ROWS, Row};

/// A row's requests, every operation by every process.
struct Lifeline {
    name: &'static str,
    requests: Vec<Request>,
}

static LIFELINES: LazyLock<Vec<Lifeline>> = LazyLock::new(|| {
    let lifeline = |row: &Row| Lifeline {
        name: row.name,
        requests: row
            .operations
            .iter()
            .flat_map(|operation| {
                row.subjects
                    .iter()
                    .filter_map(|one| request(operation, one))
            })
            .collect(),
    };
    ROWS.iter().map(lifeline).collect()
});

fn request(operation: &str, subject: &str) -> Option<Request> {
    // What the row says of the process comes before what they all have.
    let has = |attribute: &str| {
        let mut own = subject.split(", ");
        own.any(|one| one.split(" = ").next() == Some(attribute))
    };
    let common = ROOT.split(", ").map(str::trim);
    let common = common.filter(|one| !one.split(" = ").next().is_some_and(has));
    let common: Vec<&str> = common.collect();
    let text = format!("{operation} as {subject}, {}", common.join(", "));
    let sources = Sources::single("lifelines", text);
    parse_request(sources.files().first()?).0
}

/// A rule that cuts lifelines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// The rule that denies.
    pub rule: RuleIndex,
    /// What cannot be done any more, in the order of the table.
    pub cut: Vec<&'static str>,
    /// Whether it is cut by what is enforced, and not only by rules in audit mode.
    pub enforced: bool,
}

/// The rules that would cut the host off, in order of place.
#[must_use]
pub fn lockouts(policy: &CheckedPolicy) -> Vec<Lockout> {
    let mut found: Vec<Lockout> = Vec::new();
    for line in LIFELINES.iter() {
        // Either can cut alone: an `allow` in audit mode opens a line in the
        // hypothetical verdict only. Where both do, the enforced rule is the one
        // to mend first.
        let actual = cut(policy, line, |decision| decision.actual);
        let hypothetical = || cut(policy, line, |decision| decision.hypothetical);
        let Some(rule) = actual.or_else(hypothetical) else {
            continue;
        };
        let enforced = actual.is_some();
        let known = |one: &&mut Lockout| one.rule == rule && one.enforced == enforced;
        match found.iter_mut().find(known) {
            Some(lockout) => lockout.cut.push(line.name),
            None => found.push(Lockout {
                rule,
                cut: vec![line.name],
                enforced,
            }),
        }
    }
    found.sort_by_key(|one| one.rule);
    found
}

/// The rule that denies the first way of a lifeline, if all are denied.
fn cut(
    policy: &CheckedPolicy,
    line: &Lifeline,
    by: impl Fn(&crate::Decision) -> Outcome,
) -> Option<RuleIndex> {
    let mut rule = None;
    for request in &line.requests {
        let outcome = by(&eval(policy, request));
        if outcome.verdict == Verdict::Allow {
            return None;
        }
        rule = rule.or(outcome.rule);
    }
    rule
}

/// Names of lifelines that a finding spells out.
const NAMED: usize = 3;

impl Lockout {
    /// What is to be said about it.
    #[must_use]
    pub fn finding(&self, policy: &CheckedPolicy) -> Option<Diagnostic> {
        let rule = policy.rule(self.rule)?;
        let verb = if self.enforced { "cuts" } else { "would cut" };
        let message = format!("the rule `{}` {verb} the host off", rule.id);
        let shown = self.cut.get(..NAMED).unwrap_or(&self.cut).join("; ");
        let more = match self.cut.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Some(
            Diagnostic::new(Code::Lockout, rule.span, message)
                .label(format!("with it, no more: {shown}{more}"))
                .help("name who is exempt with `unless`; `run` refuses such a rule in `mode enforce`, unless `allow_lockout` is set"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load;

    fn found(text: &str) -> Vec<(String, usize, bool)> {
        let (policy, report) = load(&Sources::single("p.policy", text));
        let policy = policy.unwrap_or_else(|| panic!("{report:?}"));
        let id = |rule: RuleIndex| policy.rule(rule).unwrap().id.to_string();
        lockouts(&policy)
            .iter()
            .map(|one| (id(one.rule), one.cut.len(), one.enforced))
            .collect()
    }

    #[test]
    fn every_row_can_be_asked() {
        for (row, line) in ROWS.iter().zip(LIFELINES.iter()) {
            let asked = row.operations.len() * row.subjects.len();
            assert_eq!(line.requests.len(), asked, "{}", row.name);
            for request in &line.requests {
                assert!(request.subject.exe.is_some() && request.subject.uid.is_some());
            }
        }
    }

    #[test]
    fn what_denies_everything_cuts_every_line() {
        assert_eq!(
            found("deny any any id all"),
            [("all".into(), ROWS.len(), true)]
        );
        assert_eq!(
            found("audit deny any any id all"),
            [("all".into(), ROWS.len(), false)]
        );
        assert_eq!(found("default deny any any allow any any id a"), []);
        assert_eq!(found("deny any any unless uid < 1000"), []);
    }

    #[test]
    fn an_allow_in_audit_mode_keeps_no_line() {
        let text = "default deny any any id all audit allow any any id a";
        assert_eq!(found(text), [("all".into(), ROWS.len(), true)]);
        let text = "default deny any any id all allow any any id a";
        assert_eq!(found(text), []);
    }

    #[test]
    fn one_way_that_is_left_suffices() {
        assert_eq!(
            found("deny tcp accept on port 22 id a"),
            [("a".into(), 1, true)]
        );
        assert_eq!(found("deny tcp accept on 10.0.0.0/8 port 22"), []);
        assert_eq!(
            found("deny tcp accept on port 22 unless unit = sshd.service"),
            []
        );
        assert_eq!(found("deny tcp accept on port 22 if uid >= 1000"), []);
        assert_eq!(
            found(
                "deny { packet, raw } create unless unit in { systemd-networkd.service, dhcpcd.service }"
            ),
            []
        );
        // Enforced by one rule, in audit mode by another: each is said for what it does.
        assert_eq!(
            found(
                "deny unix connect to /run/systemd/notify id a  audit deny udp bind on port 53 id b"
            ),
            [("a".into(), 2, true), ("b".into(), 1, false)]
        );
    }
}
