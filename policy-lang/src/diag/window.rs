//! The part of a source line that is shown, and where in it a span lies. Widths
//! are columns of a terminal: a wide character has two, a combining one none.

use super::show;
use crate::source::{SourceFile, Span};
use unicode_width::UnicodeWidthStr as _;

/// Longest part of a line, in columns.
const WIDTH: usize = 140;
/// What of it may stand before the text in question, where the line is longer.
const BEFORE: usize = 60;

/// A line as it is shown: all of it, or the surroundings of a span that is in a long one.
pub(super) struct Window<'f> {
    line: u32,
    text: &'f str,
    /// Offset of the part within the file.
    start: usize,
    cut_before: bool,
    cut_after: bool,
}

impl<'f> Window<'f> {
    /// The part of a line around the start of a span.
    pub(super) fn new(file: &'f SourceFile, line: u32, span: Span) -> Self {
        let line_start = file.line_start(line) as usize;
        let text = file.line_text(line);
        let within = (span.start as usize).saturating_sub(line_start);
        let (before, after) = text.split_at_checked(within).unwrap_or((text, ""));
        let whole = text.len() <= 4 * WIDTH && columns(text) <= WIDTH;
        let from = if whole {
            0
        } else {
            last_columns(before, BEFORE)
        };
        let room = WIDTH.saturating_sub(columns(before.get(from..).unwrap_or("")));
        let to = before.len() + first_columns(after, room);
        Self {
            line,
            text: text.get(from..to).unwrap_or(""),
            start: line_start + from,
            cut_before: from > 0,
            cut_after: to < text.len(),
        }
    }

    /// The number of the line.
    pub(super) const fn line(&self) -> u32 {
        self.line
    }

    /// Whether the start of a span on a line is in it.
    pub(super) fn shows(&self, line: u32, span: Span) -> bool {
        let end = self.start + self.text.len();
        let start = span.start as usize;
        let within = start < end || (start == end && !self.cut_after);
        self.line == line && start >= self.start && within
    }

    /// As shown: tabs as one blank, hidden characters escaped.
    pub(super) fn shown(&self) -> String {
        let before = if self.cut_before { "…" } else { "" };
        let after = if self.cut_after { "…" } else { "" };
        format!("{before}{}{after}", escaped(self.text))
    }

    /// Columns before the underline, and its length, at least one.
    pub(super) fn underline(&self, span: Span) -> (usize, usize) {
        let within = |offset: u32| {
            (offset as usize)
                .saturating_sub(self.start)
                .min(self.text.len())
        };
        let (from, to) = (within(span.start), within(span.end));
        let width = |from, to| columns(self.text.get(from..to).unwrap_or(""));
        let indent = width(0, from) + usize::from(self.cut_before);
        (indent, width(from, to).max(1))
    }
}

fn escaped(text: &str) -> String {
    show(&text.replace('\t', " "))
}

/// How wide a text is shown.
fn columns(text: &str) -> usize {
    escaped(text).width()
}

/// Where the first `most` columns of a text end.
fn first_columns(text: &str, most: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += columns(c.encode_utf8(&mut [0; 4]));
        if used > most {
            return at;
        }
    }
    text.len()
}

/// Where the last `most` columns of a text begin.
fn last_columns(text: &str, most: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += columns(c.encode_utf8(&mut [0; 4]));
        if used > most {
            return at + c.len_utf8();
        }
    }
    0
}
