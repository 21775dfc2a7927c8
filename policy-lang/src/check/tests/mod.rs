//! Points of the language's notes that checking settles: each test names its note.

mod meaning;
mod names;
mod statements;

use crate::diag::{Style, render_all};
use crate::request::parse_request;
use crate::source::Sources;

use crate::{CheckedPolicy, Lints, Verdict, eval, load, load_with};

/// The codes that a policy gives, errors and warnings, in order of place, but
/// those of lints that are not about the points here.
fn codes(text: &str) -> Vec<&'static str> {
    files(&[("p.policy", text)])
}

fn files(all: &[(&str, &str)]) -> Vec<&'static str> {
    let mut sources = Sources::new();
    for (name, text) in all {
        sources.add(*name, *text);
    }
    // Whether a rule is of use is tested beside the lints.
    let (policy, report) = load_with(&sources, Lints::None, None);
    assert_eq!(policy.is_none(), report.has_errors());
    report
        .diagnostics()
        .iter()
        .map(|one| one.code)
        .filter(|code| {
            use crate::diag::Code::{IdleAllow, ImplicitId, NegatedExemption, NeverMatches};
            !matches!(
                code,
                IdleAllow | ImplicitId | NegatedExemption | NeverMatches
            )
        })
        .map(crate::diag::Code::id)
        .collect()
}

fn good(text: &str) -> CheckedPolicy {
    let sources = Sources::single("p.policy", text);
    let (policy, report) = load(&sources);
    policy.unwrap_or_else(|| panic!("{}", render_all(&report, &sources, Style::Plain)))
}

fn clean(text: &str) {
    assert_eq!(codes(text), Vec::<&str>::new(), "{text}");
}

fn refused(text: &str, code: &str) {
    assert_eq!(codes(text), [code], "{text}");
}

/// The verdict and the determining rule's id.
fn ask(policy: &CheckedPolicy, question: &str) -> (Verdict, Option<String>) {
    let sources = Sources::single("request", question);
    let (request, found) = parse_request(&sources.files()[0]);
    let decision = eval(
        policy,
        &request.unwrap_or_else(|| panic!("{question}: {found:?}")),
    );
    let rule = decision
        .hypothetical
        .rule
        .and_then(|index| policy.rule(index));
    (
        decision.hypothetical.verdict,
        rule.map(|rule| rule.id.to_string()),
    )
}

fn denies(text: &str, question: &str) -> bool {
    ask(&good(text), question).0 == Verdict::Deny
}
