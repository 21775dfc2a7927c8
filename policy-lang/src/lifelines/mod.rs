//! **The** table of lifelines: what a host must be able to do so that somebody
//! can still log in and mend it, and what makes that recognisable.
//!
//! A lifeline is cut when the policy denies every way in which hosts do it: each
//! operation by each program that may be the one. Distributions differ, so one
//! row has several of both. It is decided by [`mod@crate::eval`], of requests
//! that have all that such a process has: nothing is guessed from a rule's text.

mod table;

use crate::ast::Effect;
use crate::checked::{CheckedPolicy, Rule, RuleIndex};
use crate::decision::{Outcome, Verdict};
use crate::diag::{Code, Diagnostic};
use crate::eval::{self, Asked, eval};
use crate::request::{Request, parse_request};
use crate::source::Sources;
use crate::words::family::{self, FamilySet};
use crate::words::operation::{OPERATIONS, Operation};
use std::sync::{LazyLock, OnceLock};
use table::{ROOT, ROWS, Row};

/// A row, its requests read once they are needed: most policies close nothing
/// that they are about.
struct Lifeline {
    row: &'static Row,
    /// What its first request is about: one of these families.
    pair: Option<(FamilySet, Operation)>,
    /// The first operation by the first process.
    first: OnceLock<Option<Request>>,
    /// Every operation by every process.
    all: OnceLock<Vec<Request>>,
}

static LIFELINES: LazyLock<Vec<Lifeline>> =
    LazyLock::new(|| ROWS.iter().map(Lifeline::new).collect());

impl Lifeline {
    fn new(row: &'static Row) -> Self {
        Self {
            row,
            pair: row.operations.first().and_then(|operation| pair(operation)),
            first: OnceLock::new(),
            all: OnceLock::new(),
        }
    }

    fn first(&self) -> Option<&Request> {
        let read = || {
            let (operation, subject) =
                self.row.operations.first().zip(self.row.subjects.first())?;
            request(operation, subject)
        };
        self.first.get_or_init(read).as_ref()
    }

    fn all(&self) -> &[Request] {
        self.all.get_or_init(|| {
            let by_each = |operation| {
                let subjects = self.row.subjects.iter();
                subjects.filter_map(move |subject| request(operation, subject))
            };
            self.row
                .operations
                .iter()
                .flat_map(|one| by_each(one))
                .collect()
        })
    }
}

/// The families and the operation that a question begins with.
fn pair(question: &str) -> Option<(FamilySet, Operation)> {
    let mut words = question.split(' ');
    let family::Named::Families(families) = family::named(words.next()?) else {
        return None;
    };
    Some((families, Operation::from_word(words.next()?)?))
}

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
    for line in in_danger(policy) {
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
            Some(lockout) => lockout.cut.push(line.row.name),
            None => found.push(Lockout {
                rule,
                cut: vec![line.row.name],
                enforced,
            }),
        }
    }
    found.sort_by_key(|one| one.rule);
    found
}

/// The lifelines about whose first way a rule says no to something.
fn touched(policy: &CheckedPolicy) -> impl Iterator<Item = &'static Lifeline> {
    let refuses = |rule: &&Rule| !matches!(rule.effect, Effect::Allow | Effect::Record);
    let none = |operation: &Operation| (*operation, FamilySet::default());
    let mut closed: Vec<_> = OPERATIONS.iter().map(none).collect();
    for rule in policy.rules().iter().filter(refuses) {
        for (operation, families) in &mut closed {
            if rule.operations.contains(*operation) {
                *families = families.union(rule.families);
            }
        }
    }
    LIFELINES.iter().filter(move |line| {
        line.pair.is_none_or(|(families, operation)| {
            let mut closed = closed.iter().filter(|(one, _)| *one == operation);
            closed.any(|(_, closed)| !closed.intersection(families).is_empty())
        })
    })
}

/// The lifelines whose first way is denied: of the others, one way is left. All
/// are asked about in one pass over the rules, which are many.
fn in_danger(policy: &CheckedPolicy) -> Vec<&'static Lifeline> {
    let mut asked: Vec<_> = touched(policy)
        .filter_map(|line| Some((line, Asked::new(line.first()?), Vec::new())))
        .collect();
    let families = asked.iter().map(|(_, asked, _)| asked.request.family);
    let families = families.map(FamilySet::one);
    let families = families.fold(FamilySet::default(), FamilySet::union);
    let about = |rule: &&Rule| !rule.families.intersection(families).is_empty();
    for index in policy.by_id() {
        let Some(rule) = policy.rule(*index).filter(about) else {
            continue;
        };
        for (_, asked, matching) in &mut asked {
            if eval::matches(rule, asked) {
                matching.push((*index, rule));
            }
        }
    }
    let denied = asked.into_iter().filter(|(.., matching)| {
        let decision = eval::decide(matching);
        let outcomes = [decision.actual, decision.hypothetical];
        outcomes.iter().any(|one| one.verdict != Verdict::Allow)
    });
    denied.map(|(line, ..)| line).collect()
}

/// The rule that denies the first way of a lifeline, if all are denied.
fn cut(
    policy: &CheckedPolicy,
    line: &Lifeline,
    by: impl Fn(&crate::Decision) -> Outcome,
) -> Option<RuleIndex> {
    let mut rule = None;
    for request in line.all() {
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
            assert_eq!(line.all().len(), asked, "{}", row.name);
            assert_eq!(line.first(), line.all().first(), "{}", row.name);
            for request in line.all() {
                assert!(request.subject.exe.is_some() && request.subject.uid.is_some());
            }
            let (families, operation) = line.pair.unwrap();
            let first = line.first().unwrap();
            assert!(families.contains(first.family), "{}", row.name);
            assert_eq!(operation, first.operation, "{}", row.name);
        }
    }

    #[test]
    fn no_line_that_is_cut_is_passed_over() {
        for text in [
            "deny any any id all",
            "audit deny any any id all",
            "default deny any any audit allow any any",
            "default deny unix connect allow unix connect to /run/systemd/notify",
            "deny tcp { accept, bind } on port 22 audit deny tcp listen",
            "kill netlink create deny ip connect to { 10.0.0.0/8, 127.0.0.0/8 }",
            "for unit in { ssh.service, sshd.service } { default deny any any }",
            "deny { packet, raw } create deny udp any if uid != 0",
        ] {
            let (policy, report) = load(&Sources::single("p.policy", text));
            let policy = policy.unwrap_or_else(|| panic!("{report:?}"));
            let looked_at: Vec<&str> = in_danger(&policy)
                .iter()
                .map(|line| line.row.name)
                .collect();
            for line in LIFELINES.iter() {
                let actual = cut(&policy, line, |decision| decision.actual);
                let hypothetical = cut(&policy, line, |decision| decision.hypothetical);
                if actual.or(hypothetical).is_some() {
                    assert!(looked_at.contains(&line.row.name), "{text}");
                }
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
