//! Diagnostics for people: the line, the underlined words, why, what instead.
//!
//! ```text
//! error[P0202]: unknown operation `conect`
//!   --> web.policy:3:10
//!    |
//!  3 | deny tcp conect to 10.0.0.1
//!    |          ^^^^^^ not an operation
//!    |
//!    = help: did you mean `connect`?
//! ```

use super::{Diagnostic, Label, Report, Severity, show};
use crate::source::{SourceFile, Sources, Span};
use std::fmt::Write as _;

/// How to write for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No colours.
    Plain,
    /// ANSI colours.
    Coloured,
}

/// Longest part of a source line that is shown, in bytes.
const WIDTH: usize = 160;

/// All findings, and a line that counts them.
#[must_use]
pub fn render_all(report: &Report, sources: &Sources, style: Style) -> String {
    let mut out = String::new();
    for one in report.diagnostics() {
        out.push_str(&render(one, sources, style));
        out.push('\n');
    }
    if report.left_out() > 0 {
        // Writing to a string cannot fail.
        writeln!(out, "{} more findings are not shown\n", report.left_out()).ok();
    }
    let counts = [
        (report.count(Severity::Error), "error"),
        (report.count(Severity::Warning), "warning"),
        (report.count(Severity::Note), "note"),
    ];
    let said: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    if !said.is_empty() {
        out.push_str(&said.join(", "));
        out.push('\n');
    }
    out
}

/// One finding.
#[must_use]
pub fn render(one: &Diagnostic, sources: &Sources, style: Style) -> String {
    let paint = Paint(style);
    let head = format!("{}[{}]", one.severity.word(), one.code.id());
    let mut out = format!(
        "{}{}\n",
        paint.severity(one.severity, &head),
        paint.bold(&format!(": {}", show(&one.message)))
    );
    let gutter = gutter(one, sources);
    for (index, group) in by_file(&one.labels).iter().enumerate() {
        let arrow = if index == 0 { "-->" } else { ":::" };
        file_part(
            &mut out,
            group,
            sources,
            (arrow, gutter, one.severity),
            paint,
        );
    }
    if let Some(help) = &one.help {
        let bar = paint.dim("=");
        writeln!(out, "{:gutter$} {bar} help: {}", "", show(help)).ok();
    }
    out
}

/// Labels of one file, in order of place; the first file is the first label's.
fn by_file(labels: &[Label]) -> Vec<Vec<(usize, &Label)>> {
    let mut groups: Vec<Vec<(usize, &Label)>> = Vec::new();
    for entry in labels.iter().enumerate() {
        let same = |group: &&mut Vec<(usize, &Label)>| {
            group
                .first()
                .is_some_and(|(_, first)| first.span.source == entry.1.span.source)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    groups
}

fn file_part(
    out: &mut String,
    group: &[(usize, &Label)],
    sources: &Sources,
    (arrow, gutter, severity): (&str, usize, Severity),
    paint: Paint,
) {
    let Some((_, first)) = group.first() else {
        return;
    };
    let Some(file) = sources.file(first.span.source) else {
        return;
    };
    let at = file.position(first.span.start);
    let name = show(file.name());
    let arrow = paint.dim(arrow);
    writeln!(
        out,
        "{:gutter$}{arrow} {name}:{}:{}",
        "", at.line, at.column
    )
    .ok();
    let bar = paint.dim("|");
    writeln!(out, "{:gutter$} {bar}", "").ok();
    let mut sorted: Vec<&(usize, &Label)> = group.iter().collect();
    sorted.sort_by_key(|(_, label)| label.span.start);
    let mut shown = None;
    let mut window = Window::new(file, at.line, first.span);
    for (index, label) in sorted {
        let line = file.line(label.span.start);
        if shown != Some(line) {
            if shown.is_some_and(|last: u32| last + 1 < line) {
                writeln!(out, "{}", paint.dim("...")).ok();
            }
            let number = paint.dim(&format!("{line:>gutter$} |"));
            window = Window::new(file, line, label.span);
            writeln!(out, "{}", format!("{number} {}", window.shown()).trim_end()).ok();
            shown = Some(line);
        }
        let (indent, length) = window.underline(label.span);
        let mark = if *index == 0 { "^" } else { "-" };
        let text = format!("{} {}", mark.repeat(length), show(&label.text));
        let text = if *index == 0 {
            paint.severity(severity, text.trim_end())
        } else {
            paint.dim(text.trim_end())
        };
        writeln!(out, "{:gutter$} {bar} {:indent$}{text}", "", "").ok();
    }
    writeln!(out, "{:gutter$} {bar}", "").ok();
}

/// The part of a line that is shown: all of it, or the surroundings of a span
/// that is far into a long one.
struct Window<'f> {
    text: &'f str,
    /// Offset of the part within the file.
    start: usize,
    cut_before: bool,
    cut_after: bool,
}

impl<'f> Window<'f> {
    fn new(file: &'f SourceFile, line: u32, span: Span) -> Self {
        let line_start = file.line_start(line) as usize;
        let text = file.line_text(line);
        let within = (span.start as usize)
            .saturating_sub(line_start)
            .min(text.len());
        let from = if text.len() <= WIDTH || within < WIDTH / 2 {
            0
        } else {
            floor(text, within - WIDTH / 4)
        };
        let rest = text.get(from..).unwrap_or("");
        let shown = rest.get(..floor(rest, WIDTH)).unwrap_or("");
        Self {
            text: shown,
            start: line_start + from,
            cut_before: from > 0,
            cut_after: shown.len() < rest.len(),
        }
    }

    /// As shown: tabs as one blank, hidden characters escaped.
    fn shown(&self) -> String {
        let before = if self.cut_before { "…" } else { "" };
        let after = if self.cut_after { "…" } else { "" };
        format!("{before}{}{after}", escaped(self.text))
    }

    /// Columns before the underline, and its length.
    fn underline(&self, span: Span) -> (usize, usize) {
        let within = |offset: u32| {
            (offset as usize)
                .saturating_sub(self.start)
                .min(self.text.len())
        };
        let (from, to) = (within(span.start), within(span.end));
        let columns = |from: usize, to: usize| {
            let text = self.text.get(from..to.max(from)).unwrap_or("");
            escaped(text).chars().count()
        };
        let indent = columns(0, from) + usize::from(self.cut_before);
        (indent, columns(from, to).max(1))
    }
}

fn escaped(text: &str) -> String {
    show(&text.replace('\t', " "))
}

/// The last place at or before `at` where a character starts.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// Width of the column of line numbers.
fn gutter(one: &Diagnostic, sources: &Sources) -> usize {
    let widest = one.labels.iter().filter_map(|label| {
        let file = sources.file(label.span.source)?;
        Some(file.line(label.span.start).to_string().len())
    });
    widest.max().unwrap_or(1).max(2)
}

#[derive(Clone, Copy)]
struct Paint(Style);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        match self.0 {
            Style::Plain => text.to_owned(),
            Style::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }

    fn severity(self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Error => self.with("1;31", text),
            Severity::Warning => self.with("1;33", text),
            Severity::Note => self.with("1;36", text),
        }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("34", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Code;

    #[test]
    fn shows_line_underline_and_help() {
        let sources = Sources::single("web.policy", "\n\ndeny tcp conect to 10.0.0.1\n");
        let span = Span {
            start: 11,
            end: 17,
            ..Span::default()
        };
        let one = Diagnostic::new(Code::UnknownOperation, span, "unknown operation `conect`")
            .label("not an operation")
            .help("did you mean `connect`?");
        let expected = "error[P0202]: unknown operation `conect`\n  --> web.policy:3:10\n   |\n 3 | deny tcp conect to 10.0.0.1\n   |          ^^^^^^ not an operation\n   |\n   = help: did you mean `connect`?\n";
        assert_eq!(render(&one, &sources, Style::Plain), expected);
        assert!(render(&one, &sources, Style::Coloured).contains("\x1b[1;31merror[P0202]"));
    }
}
