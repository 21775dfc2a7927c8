//! The lines of one file that a finding is about, with their marks.
//!
//! What lies on one line is underlined. What goes over several has a bar at
//! their side, in a *lane* of its own where two go over the same line:
//!
//! ```text
//!  3 |   let x = {
//!    |  _________^
//!  4 | |     1,
//!  5 | | }
//!    | |_^ a set
//! ```

use super::render::Paint;
use super::window::Window;
use super::{Label, Severity, show};
use crate::source::{SourceFile, Sources, Span};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Most lines of a text over several that are all shown; of a longer one, so many
/// of its first and of its last ones.
const MOST_LINES: u32 = 6;
const FIRST_LINES: u32 = 3;
const LAST_LINES: u32 = 2;

/// A label of a file, and which of the finding's it is: the first is what it is about.
pub(super) type Numbered<'l> = (usize, &'l Label);

/// How the lines are written.
#[derive(Clone, Copy)]
pub(super) struct Look {
    /// What the file's name stands behind.
    pub(super) arrow: &'static str,
    /// Columns of the line numbers.
    pub(super) gutter: usize,
    /// What the first label is coloured as.
    pub(super) severity: Severity,
    /// Colours, or none.
    pub(super) paint: Paint,
}

/// The lines that some labels of one file are about, below the file's name.
pub(super) fn write(out: &mut String, labels: &[Numbered<'_>], sources: &Sources, look: Look) {
    let Some((_, first)) = labels.first() else {
        return;
    };
    let Some(file) = sources.file(first.span.source) else {
        return;
    };
    let Look { gutter, paint, .. } = look;
    let at = file.position(first.span.start);
    let (arrow, name) = (paint.dim(look.arrow), show(file.name()));
    let place = format!("{name}:{}:{}", at.line, at.column);
    let bar = paint.dim("|");
    // Writing to a string cannot fail.
    writeln!(out, "{:gutter$}{arrow} {place}\n{:gutter$} {bar}", "", "").ok();
    let mut snippet = Snippet::new(out, labels, file, look);
    snippet.lines();
    writeln!(out, "{:gutter$} {bar}", "").ok();
}

/// The last line of what a label is about, as far as it is marked.
pub(super) fn last_line(file: &SourceFile, label: &Label) -> u32 {
    let end = last_character(file, label.span).unwrap_or(label.span);
    file.line(end.start)
}

/// The last character of a text that goes over several lines.
fn last_character(file: &SourceFile, span: Span) -> Option<Span> {
    let text = file.slice(span).trim_end();
    let last = text.chars().next_back().filter(|_| text.contains('\n'))?;
    let end = span.start as usize + text.len();
    Some(Span {
        start: u32::try_from(end - last.len_utf8()).ok()?,
        end: u32::try_from(end).ok()?,
        ..span
    })
}

/// A label with the places of its marks.
struct Mark<'l> {
    index: usize,
    label: &'l Label,
    /// Its line, or the first of them.
    line: u32,
    /// For what goes over several lines: the last character, its line, the lane.
    far: Option<Far>,
}

#[derive(Clone, Copy)]
struct Far {
    end: Span,
    line: u32,
    lane: usize,
}

/// What is written below a line.
#[derive(Clone, Copy)]
enum Below {
    /// The underline of what lies on the line.
    Whole(Span),
    /// Where a longer text begins.
    Begin(Span, Far),
    /// Where it ends.
    End(Span, Far),
}

impl Below {
    const fn span(self) -> Span {
        match self {
            Self::Whole(span) | Self::Begin(span, _) | Self::End(span, _) => span,
        }
    }
}

struct Snippet<'o, 'f> {
    out: &'o mut String,
    file: &'f SourceFile,
    look: Look,
    marks: Vec<Mark<'f>>,
    /// For each lane the label whose bar goes on below.
    bars: Vec<Option<usize>>,
}

impl<'o, 'f> Snippet<'o, 'f> {
    fn new(out: &'o mut String, labels: &[Numbered<'f>], file: &'f SourceFile, look: Look) -> Self {
        let mut labels = labels.to_vec();
        labels.sort_by_key(|(_, label)| label.span.start);
        // For each lane the last line of what is in it.
        let mut lanes: Vec<u32> = Vec::new();
        let mut marks = Vec::with_capacity(labels.len());
        for (index, label) in labels {
            let first = file.line(label.span.start);
            let far = last_character(file, label.span).map(|end| {
                let last = file.line(end.start);
                let free = lanes.iter().position(|until| *until < first);
                let lane = free.unwrap_or(lanes.len());
                match lanes.get_mut(lane) {
                    Some(until) => *until = last,
                    None => lanes.push(last),
                }
                Far {
                    end,
                    line: last,
                    lane,
                }
            });
            marks.push(Mark {
                index,
                label,
                line: first,
                far,
            });
        }
        Self {
            out,
            file,
            look,
            marks,
            bars: vec![None; lanes.len()],
        }
    }

    /// The numbers of the lines that are shown.
    fn shown(&self) -> BTreeSet<u32> {
        let mut shown = BTreeSet::new();
        for mark in &self.marks {
            let last = mark.far.map_or(mark.line, |far| far.line);
            if last - mark.line < MOST_LINES {
                shown.extend(mark.line..=last);
            } else {
                shown.extend(mark.line..mark.line + FIRST_LINES);
                shown.extend(last + 1 - LAST_LINES..=last);
            }
        }
        shown
    }

    fn lines(&mut self) {
        let mut former = None;
        for line in self.shown() {
            if former.is_some_and(|former| former + 1 < line) {
                self.gap();
            }
            self.line(line);
            former = Some(line);
        }
    }

    /// Says that lines are left out.
    fn gap(&mut self) {
        let dots = self.look.paint.dim("...");
        let cells = self.cells(self.bars.len());
        // As wide as a line's number and the bar behind it.
        let pad = if cells.trim_end().is_empty() {
            0
        } else {
            self.look.gutter
        };
        self.row(&format!("{dots}{:pad$}{cells}", ""));
    }

    /// A line with all that stands below it. A long one is shown again for what
    /// lies far from the rest.
    fn line(&mut self, line: u32) {
        let mut below: Vec<(usize, Below)> = Vec::new();
        for (number, mark) in self.marks.iter().enumerate() {
            let span = mark.label.span;
            match mark.far {
                None if mark.line == line => below.push((number, Below::Whole(span))),
                Some(far) if mark.line == line => below.push((number, Below::Begin(span, far))),
                Some(far) if far.line == line => below.push((number, Below::End(far.end, far))),
                None | Some(_) => {}
            }
        }
        below.sort_by_key(|(_, one)| one.span().start);
        let start = Span {
            start: self.file.line_start(line),
            end: self.file.line_start(line),
            source: self.file.id(),
        };
        let first = below.first().map_or(start, |(_, one)| one.span());
        let mut window = Window::new(self.file, line, first);
        let slashes = self.slashes(&below);
        self.source(&window, &slashes);
        for (number, one) in below {
            if !window.shows(line, one.span()) {
                window = Window::new(self.file, line, one.span());
                self.source(&window, &[]);
            }
            self.below(number, one, &window, &slashes);
        }
    }

    /// The lanes of what begins a line: there its bar begins beside the line, not below it.
    fn slashes(&mut self, below: &[(usize, Below)]) -> Vec<usize> {
        let mut slashes = Vec::new();
        for (number, one) in below {
            let Below::Begin(span, far) = one else {
                continue;
            };
            let start = self.file.line_start(self.file.line(span.start));
            let before = self.file.text().get(start as usize..span.start as usize);
            if before.is_some_and(|before| before.len() < 80 && before.trim().is_empty()) {
                slashes.push(far.lane);
                self.set(far.lane, Some(*number));
            }
        }
        slashes
    }

    fn set(&mut self, lane: usize, mark: Option<usize>) {
        if let Some(bar) = self.bars.get_mut(lane) {
            *bar = mark;
        }
    }

    /// A line's number and its text.
    fn source(&mut self, window: &Window<'_>, slashes: &[usize]) {
        let Look { gutter, paint, .. } = self.look;
        let number = paint.dim(&format!("{:>gutter$} |", window.line()));
        let mut cells = String::new();
        for lane in 0..self.bars.len() {
            let mark = if slashes.contains(&lane) { "/" } else { "|" };
            cells += &self.cell(lane, mark);
        }
        self.row(&format!("{number} {cells}{}", window.shown()));
    }

    fn below(&mut self, number: usize, one: Below, window: &Window<'_>, slashes: &[usize]) {
        let Some(mark) = self.marks.get(number) else {
            return;
        };
        let (index, text) = (mark.index, show(&mark.label.text));
        let sign = if index == 0 { "^" } else { "-" };
        let (indent, length) = window.underline(one.span());
        let all = self.bars.len();
        // From the lane of a bar to the sign below the text.
        let line = |lane: usize| "_".repeat(2 * (all - lane) - 1 + indent);
        let row = match one {
            Below::Whole(_) => {
                let marks = format!("{} {text}", sign.repeat(length));
                let marks = self.coloured(index, marks.trim_end());
                format!("{}{:indent$}{marks}", self.cells(all), "")
            }
            Below::Begin(_, far) if slashes.contains(&far.lane) => return,
            Below::Begin(_, far) => {
                let cells = self.cells(far.lane);
                self.set(far.lane, Some(number));
                let marks = self.coloured(index, &format!("{}{sign}", line(far.lane)));
                format!("{cells} {marks}")
            }
            Below::End(_, far) => {
                let cells = self.cells(far.lane);
                self.set(far.lane, None);
                let marks = format!("|{}{sign} {text}", line(far.lane));
                format!("{cells}{}", self.coloured(index, marks.trim_end()))
            }
        };
        let Look { gutter, paint, .. } = self.look;
        let bar = paint.dim("|");
        self.row(&format!("{:gutter$} {bar} {row}", ""));
    }

    /// The bars of the first lanes, where they go on.
    fn cells(&self, lanes: usize) -> String {
        (0..lanes).map(|lane| self.cell(lane, "|")).collect()
    }

    fn cell(&self, lane: usize, mark: &str) -> String {
        let bar = self.bars.get(lane).copied().flatten();
        match bar.and_then(|number| self.marks.get(number)) {
            Some(label) => format!("{} ", self.coloured(label.index, mark)),
            None => "  ".to_owned(),
        }
    }

    fn coloured(&self, index: usize, text: &str) -> String {
        if index == 0 {
            self.look.paint.severity(self.look.severity, text)
        } else {
            self.look.paint.dim(text)
        }
    }

    fn row(&mut self, text: &str) {
        // Writing to a string cannot fail.
        writeln!(self.out, "{}", text.trim_end()).ok();
    }
}

#[cfg(test)]
mod tests {
    use crate::diag::{Code, Diagnostic, Style, render};
    use crate::source::{Sources, Span};

    /// What is shown of parts of a text, each with what is said of it: below the
    /// file's name, without the numbers.
    fn shown(text: &str, parts: &[(&str, &str)]) -> Vec<String> {
        let sources = Sources::single("p.policy", text);
        let span = |part: &str| {
            let start = text.find(part).unwrap();
            Span {
                start: u32::try_from(start).unwrap(),
                end: u32::try_from(start + part.len()).unwrap(),
                ..Span::default()
            }
        };
        let (first, rest) = parts.split_first().unwrap();
        let one = Diagnostic::new(Code::Syntax, span(first.0), "x").label(first.1);
        let one = rest
            .iter()
            .fold(one, |one, (part, said)| one.also(span(part), *said));
        let lines = render(&one, &sources, Style::Plain);
        let lines: Vec<String> = lines.lines().skip(3).map(str::to_owned).collect();
        let (last, lines) = lines.split_last().unwrap();
        assert_eq!(last, "   |");
        lines.to_vec()
    }

    #[test]
    fn a_text_over_lines_has_a_bar_beside_it() {
        let text = "deny tcp\n  connect\n  id a\nx";
        let expected = [
            " 1 | / deny tcp",
            " 2 | |   connect",
            " 3 | |   id a",
            "   | |______^ a rule",
        ];
        assert_eq!(
            shown(text, &[("deny tcp\n  connect\n  id a", "a rule")]),
            expected
        );
        // The end of a line, and what is empty, do not count.
        let ended = "deny tcp\n  connect\n  id a\n";
        assert_eq!(shown(text, &[(ended, "a rule")]), expected);
        assert_eq!(shown(text, &[("x", "")]), [" 4 | x", "   | ^"]);
        assert_eq!(
            shown(text, &[("id a\n", "")]),
            [" 3 |   id a", "   |   ^^^^"]
        );
        // Where it does not begin the line, it is shown where it begins.
        let expected = [
            " 1 |   let a = {",
            "   |  _________^",
            " 2 | |   1",
            " 3 | | } let",
            "   | |_^",
        ];
        assert_eq!(
            shown("let a = {\r\n  1\r\n} let", &[("{\r\n  1\r\n}", "")]),
            expected
        );
    }

    #[test]
    fn the_middle_of_a_long_text_is_left_out() {
        let lines = |count: usize| -> String {
            let lines = (1..=count).map(|line| format!("l{line}\n"));
            lines.collect()
        };
        assert_eq!(shown(&lines(6), &[(&lines(6), "")]).len(), 7);
        let expected = [
            " 1 | / l1",
            " 2 | | l2",
            " 3 | | l3",
            "...  |",
            " 8 | | l8",
            " 9 | | l9",
            "   | |__^",
        ];
        assert_eq!(shown(&lines(9), &[(&lines(9), "")]), expected);
        // But for what is said of it.
        let expected = [
            " 1 | / l1",
            " 2 | | l2",
            " 3 | | l3",
            "...  |",
            " 6 | | l6",
            "   | | -- here",
            "...  |",
            " 8 | | l8",
            " 9 | | l9",
            "   | |__^ all",
        ];
        assert_eq!(
            shown(&lines(9), &[(&lines(9), "all"), ("l6", "here")]),
            expected
        );
    }

    #[test]
    fn texts_that_overlap_have_bars_of_their_own() {
        let text = "for a {\n  for b {\n  }\n}\nlet a = {\n}";
        let (outer, inner) = ("for a {\n  for b {\n  }\n}", "for b {\n  }");
        let expected = [
            " 1 | /   for a {",
            " 2 | | /   for b {",
            " 3 | | |   }",
            "   | | |___^ inner",
            " 4 | |   }",
            "   | |___- outer",
            " 5 |     let a = {",
            "   |  ___________-",
            " 6 | |   }",
            "   | |___- after",
        ];
        let parts = [(inner, "inner"), (outer, "outer"), ("{\n}", "after")];
        assert_eq!(shown(text, &parts), expected);
        let expected = [
            " 1 |     a b",
            "   |  _____-",
            " 2 | | / c d",
            "   | |___- one",
            " 3 |   | e f",
            "   |   |_^ other",
        ];
        // Neither within the other.
        let parts = [("c d\ne", "other"), ("b\nc", "one")];
        assert_eq!(shown("a b\nc d\ne f", &parts), expected);
    }

    #[test]
    fn a_text_on_one_line_within_one_over_several() {
        let text = "deny tcp\n  connect if\n  uid = 0";
        let expected = [
            " 1 | / deny tcp",
            "   | |      --- family",
            " 2 | |   connect if",
            "   | |           -- why",
            " 3 | |   uid = 0",
            "   | |_________^ rule",
        ];
        assert_eq!(
            shown(text, &[(text, "rule"), ("tcp", "family"), ("if", "why")]),
            expected
        );
    }

    #[test]
    fn columns_are_those_of_a_terminal_and_long_lines_are_cut() {
        let expected = [
            " 1 |   日\tx".replace('\t', " "),
            "   |  ____^".to_owned(),
            " 2 | | \\x07日x".to_owned(),
            "   | |_____^".to_owned(),
        ];
        assert_eq!(shown("日\tx\n\x07日x", &[("x\n\x07日", "")]), expected);
        let long = format!(
            "{}(\n{}) {}",
            "a".repeat(500),
            "b".repeat(500),
            "c".repeat(500)
        );
        let part = format!("(\n{})", "b".repeat(500));
        let got = shown(&long, &[(&part, "")]);
        let expected = [
            format!(" 1 |   …{}(", "a".repeat(60)),
            format!("   |  _{}^", "_".repeat(61)),
            format!(" 2 | | …{}) {}…", "b".repeat(60), "c".repeat(78)),
            format!("   | |_{}^", "_".repeat(61)),
        ];
        assert_eq!(got, expected);
    }
}
