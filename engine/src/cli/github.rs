//! Findings as workflow commands, which GitHub shows beside the lines of a change.

use super::output::from_here;
use policy_lang::diag::{Diagnostic, Report, Severity, show};
use policy_lang::source::Sources;
use std::fmt::Write as _;

/// One line for each finding.
pub(super) fn annotations(report: &Report, sources: &Sources) -> String {
    let mut out: String = report
        .diagnostics()
        .iter()
        .map(|one| annotation(one, sources))
        .collect();
    if report.left_out() > 0 {
        // Writing to a string cannot fail.
        writeln!(
            out,
            "::notice::{} more findings are not shown",
            report.left_out()
        )
        .ok();
    }
    out
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
            property(from_here(file.name())),
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

/// A command's text: what would end it is encoded, and what would drive the
/// terminal that a log is read on is shown.
fn data(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' => out += "%25",
            '\r' => out += "%0D",
            '\n' => out += "%0A",
            _ => out += &show(c.encode_utf8(&mut [0; 4])),
        }
    }
    out
}

/// A command's property: what would end it is encoded too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
