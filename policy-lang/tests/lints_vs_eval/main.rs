//! What lints say of rules that never matter, against the definition: over a
//! world so small that all of it can be asked about.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod policies;
mod requests;

use policies::{Policy, policy};
use policy_lang::ast::Effect;
use policy_lang::diag::Code;
use policy_lang::request::{Object, Request};
use policy_lang::source::Sources;
use policy_lang::{CheckedPolicy, Lints, Outcome, Verdict, eval, load_with};
use proptest::prelude::*;
use std::sync::LazyLock;

static WORLD: LazyLock<Vec<Request>> = LazyLock::new(requests::all);

const FIFTH: usize = 5;

/// What a rule that decides says, but for its name.
type Said = (Verdict, Option<Effect>, Option<&'static str>);

fn loaded(text: &str, lints: Lints) -> (CheckedPolicy, policy_lang::diag::Report) {
    let (policy, report) = load_with(&Sources::single("p.policy", text), lints, None);
    (
        policy.unwrap_or_else(|| panic!("{text}\n{report:?}")),
        report,
    )
}

fn said(policy: &CheckedPolicy, outcome: Outcome) -> Said {
    let rule = outcome.rule.and_then(|rule| policy.rule(rule));
    let errno = rule.map(|rule| rule.errno.name);
    (outcome.verdict, outcome.effect, errno)
}

fn answer(policy: &CheckedPolicy, request: &Request) -> [Said; 2] {
    let decision = eval(policy, request);
    [
        said(policy, decision.actual),
        said(policy, decision.hypothetical),
    ]
}

/// Positions of the rules that findings are about, by whether they say that the
/// rule matches nothing, opens nothing, or does nothing that others do not.
#[derive(Debug, Default)]
struct Useless {
    never: Vec<usize>,
    idle: Vec<usize>,
    covered: Vec<usize>,
    undecided: bool,
}

fn useless(policy: &Policy, lints: Lints) -> Useless {
    let (checked, report) = loaded(&policy.without(&[]), lints);
    let mut found = Useless::default();
    for one in report.diagnostics() {
        let span = one.span().unwrap();
        let rules = checked.rules().iter();
        let at = rules
            .enumerate()
            .find(|(_, rule)| rule.span.start <= span.start && span.start < rule.span.end)
            .map(|(at, _)| at)
            .unwrap();
        let covers = [Code::Duplicate, Code::Shadowed, Code::Covered];
        // Where a part of a condition contradicts itself, the rule may match still.
        let nothing = || one.code == Code::Contradiction && !matches_something(policy, at);
        if covers.contains(&one.code) {
            found.covered.push(at);
        } else if one.code == Code::NeverMatches || nothing() {
            found.never.push(at);
        } else if one.code == Code::IdleAllow {
            found.idle.push(at);
        }
        found.undecided |= one.code == Code::NotDecided;
    }
    found
}

/// Whether a rule matches an object that could be read: alone, and as a `record`
/// rule, so that nothing stands before it.
fn matches_something(policy: &Policy, at: usize) -> bool {
    let mut rule = policy.0[at].clone();
    for errno in [" with EACCES", " with ENOENT"] {
        rule = rule.replace(errno, "");
    }
    for effect in ["audit ", "default deny", "kill", "deny", "allow"] {
        if let Some(rest) = rule.strip_prefix(effect) {
            rule = rest.to_owned();
        }
    }
    let (checked, _) = loaded(&format!("record{rule}"), Lints::None);
    let mut readable = WORLD.iter().filter(|one| one.object != Object::Unreadable);
    readable.any(|request| !eval(&checked, request).recorded.is_empty())
}

/// Leaving out all that is called useless changes nothing; and if `exact`, what
/// is left all matters.
///
/// The first is asked of every fifth operation: the world is large.
fn holds(policy: &Policy, lints: Lints, exact: bool, from: usize) -> Result<(), TestCaseError> {
    let useless = useless(policy, lints);
    prop_assert!(!useless.undecided, "not decided");
    let (whole, _) = loaded(&policy.without(&[]), Lints::None);
    // Idle ones decide, to no effect.
    let (kept_idle, _) = loaded(&policy.without(&useless.covered), Lints::None);
    let but_never = [&useless.covered[..], &useless.idle[..]].concat();
    let (kept, _) = loaded(&policy.without(&but_never), Lints::None);
    let all = [&but_never[..], &useless.never[..]].concat();
    let (least, _) = loaded(&policy.without(&all), Lints::None);
    for request in WORLD.iter().skip(from).step_by(FIFTH) {
        let before = answer(&whole, request);
        prop_assert_eq!(&before, &answer(&kept_idle, request), "{:?}", request);
        let verdict = |policy: &CheckedPolicy| {
            let decision = eval(policy, request);
            (decision.actual.verdict, decision.hypothetical.verdict)
        };
        prop_assert_eq!(verdict(&whole), verdict(&kept), "{:?}", request);
        if request.object != Object::Unreadable {
            prop_assert_eq!(verdict(&kept), verdict(&least), "{:?}", request);
        }
    }
    for at in (0..policy.0.len()).filter(|at| exact && !all.contains(at)) {
        let without = [&all[..], &[at]].concat();
        let (without, _) = loaded(&policy.without(&without), Lints::None);
        let mut world = WORLD.iter();
        let matters = world.any(|one| answer(&least, one) != answer(&without, one));
        prop_assert!(matters, "`{}` does not matter", policy.0[at]);
    }
    Ok(())
}

proptest! {
    // Each case asks about the whole world several times.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 8,
        ..ProptestConfig::default()
    })]

    /// Of two rules everything is decided, and exactly.
    #[test]
    fn of_two_rules_those_that_matter_are_those_not_reported(
        policy in policy(2..3, &["", "", " with EACCES"]),
        from in 0..FIFTH,
    ) {
        holds(&policy, Lints::Pairs, false, from)?;
        holds(&policy, Lints::All, true, from)?;
    }

    /// Rules that say the same: what several do to one is exact too.
    #[test]
    fn of_several_rules_those_that_matter_are_those_not_reported(
        policy in policy(3..6, &[""]),
        from in 0..FIFTH,
    ) {
        holds(&policy, Lints::All, true, from)?;
    }

    #[test]
    fn without_useless_rules_nothing_changes(
        policy in policy(4..10, &["", " with EACCES", " with ENOENT"]),
        from in 0..FIFTH,
    ) {
        holds(&policy, Lints::All, false, from)?;
    }
}
