//! Properties, each a plain function on bytes, so that stable tests replay the
//! corpora through what the fuzzer runs.

use policy_generator::{Choices, Style, World, files, meaning, policy, request, sources};
use policy_lang::diag::{Code, Severity, Style as Plain, render_all, to_json};
use policy_lang::request::{Object, Request, parse_request};
use policy_lang::source::{Sources, Span};
use policy_lang::words::family::Family;
use policy_lang::words::operation::OPERATIONS;
use policy_lang::{eval, explain, fmt, load};
use std::time::Duration;

/// Time on a processor that an input may take. It is measured, and not the
/// clock's time: what else runs on the machine is no fault of the input.
///
/// The counters, the assertions and what is done three times over (checked, written
/// anew, checked) make an input some fifteen times slower than `interdict check` is:
/// a policy that uses up the work allowed for lints takes it 70 ms, and here a second.
const SLOW: Duration = Duration::from_secs(2);

/// Runs a property, and holds it to its time.
///
/// # Panics
/// When the property does not hold, or takes longer than [`SLOW`].
pub fn timed(property: fn(&[u8]), bytes: &[u8]) {
    let start = on_processor();
    property(bytes);
    let took = on_processor().saturating_sub(start);
    assert!(took < SLOW, "{took:?} for {} bytes", bytes.len());
}

/// What this thread has run so far, as the scheduler counts it.
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat");
    let nanoseconds = text.ok().and_then(|text| {
        let first = text.split_whitespace().next()?;
        first.parse().ok()
    });
    Duration::from_nanos(nanoseconds.expect("Linux counts what a thread runs"))
}

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
    let screen = render_all(&report, &sources, Plain::Plain);
    assert!(screen.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(to_json(&report, &sources).is_object());
    format(&sources);
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

/// Whatever the generator makes of bytes is accepted, unless it has too many
/// alternatives; and what holds for any text holds for it.
///
/// # Panics
/// When the property does not hold.
pub fn generated(bytes: &[u8]) {
    let (choices, noise) = bytes.split_at(bytes.len() - bytes.len() / 4);
    let made = policy(&mut Choices::new(choices), World::Whole);
    let style = Style {
        noise: Some(noise),
        ..Style::default()
    };
    for (name, text) in files(&made, &style) {
        format(&Sources::single(name, text));
    }
    let all = sources(&made, &style);
    let (policy, report) = load(&all);
    let errors = report.diagnostics().iter();
    let mut errors = errors.filter(|one| one.severity == Severity::Error);
    assert!(
        errors.all(|one| one.code == Code::TooManyTerms),
        "{}",
        render_all(&report, &all, Plain::Plain)
    );
    if let Some(policy) = policy {
        let mut choices = Choices::new(noise);
        let request = request(&mut choices, World::Whole);
        let answer = eval(&policy, &request);
        assert_eq!(explain(&policy, &all, &request).decision, answer);
    }
}

/// What can be formatted means the same afterwards, and is formatted once and for all.
///
/// # Panics
/// When the property does not hold.
pub fn format(sources: &Sources) {
    let Some(file) = sources.files().first() else {
        return;
    };
    let text = match fmt::format(file) {
        Ok(text) => text,
        Err(refused) => {
            assert!(refused != fmt::Refused::Defect, "the layout lost a word");
            return;
        }
    };
    let again = Sources::single(file.name(), text.as_str());
    if let Some(written) = again.files().first() {
        assert_eq!(fmt::format(written).as_ref(), Ok(&text), "formatted twice");
    }
    let said = |sources: &Sources| load(sources).0.as_ref().map(meaning);
    if let Some(before) = said(sources) {
        assert_eq!(said(&again), Some(before), "{text}");
    }
}

fn inside(sources: &Sources, span: Span) {
    let text = sources.file(span.source).map_or("", |file| file.text());
    let place = text.get(span.start as usize..span.end as usize);
    assert!(place.is_some(), "{span:?} is not in the text");
}
