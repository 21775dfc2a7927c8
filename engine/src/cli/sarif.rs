//! Findings as a SARIF 2.1.0 log, which code scanning services take.

use super::output::from_here;
use policy_lang::diag::{Code, Diagnostic, Label, Report, Severity};
use policy_lang::source::Sources;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A log of one run. Its rules are the codes that were found, each with its page.
pub(super) fn log(report: &Report, sources: &Sources) -> Value {
    let found = report.diagnostics().iter().map(|one| one.code);
    let codes: Vec<Code> = found.collect::<BTreeSet<_>>().into_iter().collect();
    let results: Vec<Value> = report
        .diagnostics()
        .iter()
        .map(|one| result(one, &codes, sources))
        .collect();
    let rules: Vec<Value> = codes.iter().copied().map(rule).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "invocations": [invocation(report)],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// That the policy was judged, and what of the judgement is not listed.
fn invocation(report: &Report) -> Value {
    let left_out = report.left_out();
    let notes: Vec<Value> = (left_out > 0)
        .then(|| {
            let text = format!("{left_out} more findings are not listed");
            json!({ "level": "warning", "message": { "text": text } })
        })
        .into_iter()
        .collect();
    json!({ "executionSuccessful": true, "toolExecutionNotifications": notes })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.id(),
        "shortDescription": { "text": code.summary() },
        "help": { "text": code.page(), "markdown": code.page() },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

fn result(one: &Diagnostic, codes: &[Code], sources: &Sources) -> Value {
    let (first, others) = match one.labels.split_first() {
        Some((first, others)) => (Some(first), others),
        None => (None, [].as_slice()),
    };
    let text = match &one.help {
        Some(help) => format!("{} ({help})", one.message),
        None => one.message.clone(),
    };
    let places: Vec<Value> = first
        .and_then(|label| place(label, sources))
        .into_iter()
        .collect();
    let related: Vec<Value> = others
        .iter()
        .filter_map(|label| place(label, sources))
        .collect();
    json!({
        "ruleId": one.code.id(),
        "ruleIndex": codes.iter().position(|code| *code == one.code),
        "level": level(one.severity),
        "message": { "text": text },
        "locations": places,
        "relatedLocations": related,
    })
}

fn place(label: &Label, sources: &Sources) -> Option<Value> {
    let file = sources.file(label.span.source)?;
    let (start, end) = (
        file.position(label.span.start),
        file.position(label.span.end),
    );
    let mut place = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(from_here(file.name())) },
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        },
    });
    if !label.text.is_empty()
        && let Some(object) = place.as_object_mut()
    {
        object.insert("message".to_owned(), json!({ "text": label.text }));
    }
    Some(place)
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A path as a relative reference: what is no unreserved character or slash is
/// written as `%NN`.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(out, "%{byte:02X}").ok();
        }
    }
    out
}
