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

use super::window::Window;
use super::{Diagnostic, Label, Report, Severity, show};
use crate::source::Sources;
use std::fmt::Write as _;

/// How to write for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No colours.
    Plain,
    /// ANSI colours.
    Coloured,
}

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
    let mut window: Option<Window<'_>> = None;
    for (index, label) in sorted {
        let line = file.line(label.span.start);
        let seen = window.take_if(|last| last.shows(line, label.span));
        let last = window.take().map(|last| last.line());
        let here = seen.unwrap_or_else(|| {
            if last.is_some_and(|last| last + 1 < line) {
                writeln!(out, "{}", paint.dim("...")).ok();
            }
            let number = paint.dim(&format!("{line:>gutter$} |"));
            let fresh = Window::new(file, line, label.span);
            writeln!(out, "{}", format!("{number} {}", fresh.shown()).trim_end()).ok();
            fresh
        });
        let (indent, length) = here.underline(label.span);
        window = Some(here);
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
    use crate::source::Span;

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

    /// The two lines that show a span of a text.
    fn shown(text: &str, part: &str) -> (String, String) {
        let sources = Sources::single("web.policy", text);
        let start = text.find(part).unwrap();
        let span = Span {
            start: u32::try_from(start).unwrap(),
            end: u32::try_from(start + part.len()).unwrap(),
            ..Span::default()
        };
        let text = render(
            &Diagnostic::new(Code::Syntax, span, "x"),
            &sources,
            Style::Plain,
        );
        let mut lines = text.lines().skip(3).map(str::to_owned);
        (lines.next().unwrap(), lines.next().unwrap())
    }

    #[test]
    fn underlines_stand_below_what_they_are_about() {
        let expect = |text, part, line: &str, marks: &str| {
            assert_eq!(shown(text, part), (line.to_owned(), marks.to_owned()));
        };
        expect("a\tb x", "x", " 1 | a b x", "   |     ^");
        expect("日本 x", "x", " 1 | 日本 x", "   |      ^");
        expect("a 日本", "日本", " 1 | a 日本", "   |   ^^^^");
        expect("e\u{301} x", "x", " 1 | e\u{301} x", "   |   ^");
        expect("\u{202e} x", "x", " 1 | \\u{202e} x", "   |          ^");
        expect("\x07 x", "\x07", " 1 | \\x07 x", "   | ^^^^");
    }

    #[test]
    fn a_long_line_is_cut_around_what_is_underlined() {
        let long = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let (line, marks) = shown(&long, "X");
        let (before, after) = ("a".repeat(60), "b".repeat(79));
        assert_eq!(line, format!(" 1 | …{before}X{after}…"));
        assert_eq!(marks, format!("   | {}^", " ".repeat(61)));
        // At its start, and over its end.
        assert_eq!(shown(&long, "a").0, format!(" 1 | {}…", "a".repeat(140)));
        let end = format!("{}X", "日".repeat(500));
        assert_eq!(shown(&end, "X").0, format!(" 1 | …{}X", "日".repeat(30)));
        // What is longer than the part is underlined as far as it is seen.
        let (line, marks) = shown(&long, long.get(400..).unwrap());
        assert_eq!(line.chars().count(), marks.chars().count() + 1);
        // One that fits is not cut.
        let fits = format!("{}X", "a".repeat(139));
        assert_eq!(shown(&fits, "X").0, format!(" 1 | {fits}"));
    }

    #[test]
    fn two_places_far_apart_on_a_long_line_are_both_seen() {
        let text = format!("one{}two", " ".repeat(1_000));
        let sources = Sources::single("web.policy", text);
        let span = |start, end| Span {
            start,
            end,
            ..Span::default()
        };
        let one = Diagnostic::new(Code::Syntax, span(1003, 1006), "x").also(span(0, 3), "first");
        let text = render(&one, &sources, Style::Plain);
        assert!(
            text.contains("\n 1 | one") && text.contains("two\n"),
            "{text}"
        );
        assert!(text.contains("   | --- first\n"), "{text}");
    }
}
