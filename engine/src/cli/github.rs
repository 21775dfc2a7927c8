//! Findings as workflow commands, which GitHub shows beside the lines of a change.

use policy_lang::diag::{Diagnostic, Report, Severity};
use policy_lang::source::Sources;
use std::fmt::Write as _;

/// One line for each finding.
pub(super) fn annotations(report: &Report, sources: &Sources) -> String {
    report
        .diagnostics()
        .iter()
        .map(|one| annotation(one, sources))
        .collect()
}

fn annotation(one: &Diagnostic, sources: &Sources) -> String {
    let command = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut out = format!("::{command} title={}", property(one.code.id()));
    let place = one
        .span()
        .and_then(|span| Some((span, sources.file(span.source)?)));
    if let Some((span, file)) = place {
        let (start, end) = (file.position(span.start), file.position(span.end));
        // Writing to a string cannot fail.
        write!(
            out,
            ",file={},line={},col={},endLine={},endColumn={}",
            property(file.name()),
            start.line,
            start.column,
            end.line,
            end.column
        )
        .ok();
    }
    let help = one.help.as_ref().map(|help| format!(" ({help})"));
    let text = format!("{}{}", one.message, help.unwrap_or_default());
    writeln!(out, "::{}", data(&text)).ok();
    out
}

/// The characters that end a command's text.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The characters that end a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
