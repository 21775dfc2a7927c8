//! Diagnostics for machines.

use super::{Diagnostic, Report};
use crate::source::{Sources, Span};
use serde_json::{Value, json};

/// Version of the shape that [`to_json`] writes. It only grows within a version.
pub const JSON_SCHEMA: u32 = 1;

/// A whole report: `{"schema":1,"diagnostics":[…],"errors":0,"warnings":0,"notes":0,"left_out":0}`.
#[must_use]
pub fn to_json(report: &Report, sources: &Sources) -> Value {
    let all: Vec<Value> = report
        .diagnostics()
        .iter()
        .map(|one| diagnostic(one, sources))
        .collect();
    json!({
        "schema": JSON_SCHEMA,
        "diagnostics": all,
        "errors": report.count(super::Severity::Error),
        "warnings": report.count(super::Severity::Warning),
        "notes": report.count(super::Severity::Note),
        "left_out": report.left_out(),
    })
}

fn diagnostic(one: &Diagnostic, sources: &Sources) -> Value {
    let labels: Vec<Value> = one
        .labels
        .iter()
        .map(|label| {
            let mut place = place(label.span, sources);
            if let Some(object) = place.as_object_mut() {
                object.insert("text".into(), label.text.clone().into());
            }
            place
        })
        .collect();
    json!({
        "code": one.code.id(),
        "severity": one.severity.word(),
        "message": one.message,
        "help": one.help,
        "labels": labels,
    })
}

fn place(span: Span, sources: &Sources) -> Value {
    let Some(file) = sources.file(span.source) else {
        return json!({});
    };
    let (start, end) = (file.position(span.start), file.position(span.end));
    json!({
        "file": file.name(),
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "start": span.start,
        "end": span.end,
    })
}
