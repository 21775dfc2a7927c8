//! Properties, each a plain function on bytes, so that stable tests replay the
//! corpora through what the fuzzer runs.

use policy_lang::diag::{Style, render_all, to_json};
use policy_lang::request::{Object, Request, parse_request};
use policy_lang::source::{Sources, Span};
use policy_lang::words::family::Family;
use policy_lang::words::operation::OPERATIONS;
use policy_lang::{eval, explain, load};

/// Any bytes are a policy or are refused: nothing panics, every place that is
/// named lies in the text, and a policy that is accepted can be asked.
///
/// # Panics
/// When the property does not hold.
pub fn parse(bytes: &[u8]) {
    let sources = Sources::single("fuzz.policy", bytes);
    let (policy, report) = load(&sources);
    assert_eq!(policy.is_none(), report.has_errors());
    for label in report.diagnostics().iter().flat_map(|one| &one.labels) {
        inside(&sources, label.span);
    }
    let screen = render_all(&report, &sources, Style::Plain);
    assert!(screen.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(to_json(&report, &sources).is_object());
    if let Some(policy) = policy {
        for family in [Family::UNIX, Family::TCP, Family::IP_OTHER] {
            for operation in OPERATIONS {
                let request = Request::new(family, *operation, Object::None);
                let answer = eval(&policy, &request).to_json(&policy);
                assert!(answer.starts_with('{'));
                let explained = explain(&policy, &sources, &request);
                assert_eq!(explained.decision.to_json(&policy), answer);
            }
        }
    }
    // The same bytes as a request.
    if let Some(file) = sources.files().first() {
        let (request, found) = parse_request(file);
        assert!(request.is_some() || !found.is_empty() || file.invalid_at().is_some());
    }
}

fn inside(sources: &Sources, span: Span) {
    let text = sources.file(span.source).map_or("", |file| file.text());
    let place = text.get(span.start as usize..span.end as usize);
    assert!(place.is_some(), "{span:?} is not in the text");
}
