//! Where lines break: text, places where a line may end, and groups of them.
//!
//! A group stands on one line if it fits there and holds no comment; else each
//! of its own places ends a line, and the groups within are asked in turn (Oppen,
//! "Prettyprinting", 1980). Both passes are linear in the document.

use super::WIDTH;
use std::borrow::Cow;

/// A step of a document.
#[derive(Debug)]
pub(super) enum Op<'t> {
    /// Words.
    Text(Cow<'t, str>),
    /// One space.
    Space,
    /// `flat` on one line; the line's end in a group that is broken.
    Line {
        /// What it is if the group stands on one line.
        flat: &'static str,
        /// Whether an empty line follows, if a line ends here.
        blank: bool,
    },
    /// The line's end, whatever stands around; with an empty line after it.
    Hard(bool),
    /// Text only where the group is broken.
    IfBroken(&'static str),
    /// A comment: the line ends after it.
    Comment {
        /// It, its `#` included.
        text: &'t str,
        /// Whether it has a line to itself.
        own: bool,
        /// Whether an empty line precedes it, if it has.
        blank: bool,
    },
    /// A group begins.
    Open,
    /// A group ends.
    Close,
    /// One level deeper, from here on.
    Indent,
    /// The level of the line on which this stands.
    Align,
    /// Ends the last `Indent` or `Align`.
    End,
}

/// Spaces a level.
const STEP: usize = 4;

/// What lies ahead of each step.
struct Measures {
    /// Characters up to each step, everything on one line.
    before: Vec<usize>,
    /// What ends a line in any case, up to each step.
    forced: Vec<usize>,
    /// Characters from each step to the next place where a line may end.
    tail: Vec<usize>,
    /// For `Open`, its `Close`.
    close: Vec<usize>,
}

impl Measures {
    fn of(ops: &[Op<'_>]) -> Self {
        let mut before = Vec::with_capacity(ops.len() + 1);
        let mut forced = Vec::with_capacity(ops.len() + 1);
        let mut close = vec![ops.len(); ops.len()];
        let mut open = Vec::new();
        let (mut width, mut ends) = (0, 0);
        for (index, op) in ops.iter().enumerate() {
            before.push(width);
            forced.push(ends);
            width += flat_width(op);
            ends += usize::from(matches!(op, Op::Hard(_) | Op::Comment { .. }));
            if matches!(op, Op::Open) {
                open.push(index);
            } else if matches!(op, Op::Close)
                && let Some(place) = open.pop().and_then(|at| close.get_mut(at))
            {
                *place = index;
            }
        }
        before.push(width);
        forced.push(ends);
        let mut tail = vec![0; ops.len() + 1];
        let mut ahead = 0;
        for (index, op) in ops.iter().enumerate().rev() {
            let ends = matches!(op, Op::Line { .. } | Op::Hard(_) | Op::Comment { .. });
            ahead = if ends { 0 } else { ahead + flat_width(op) };
            if let Some(place) = tail.get_mut(index) {
                *place = ahead;
            }
        }
        Self {
            before,
            forced,
            tail,
            close,
        }
    }

    /// Whether the group that opens at a step fits on one line from `column` on.
    fn fits(&self, open: usize, column: usize) -> bool {
        let get = |all: &[usize], at: usize| all.get(at).copied().unwrap_or(0);
        let close = get(&self.close, open);
        let forced = get(&self.forced, close) > get(&self.forced, open);
        let width = get(&self.before, close) - get(&self.before, open);
        !forced && column + width + get(&self.tail, close) <= WIDTH
    }
}

fn flat_width(op: &Op<'_>) -> usize {
    match op {
        Op::Text(text) => text.chars().count(),
        Op::Space => 1,
        Op::Line { flat, .. } => flat.len(),
        Op::Hard(_)
        | Op::IfBroken(_)
        | Op::Comment { .. }
        | Op::Open
        | Op::Close
        | Op::Indent
        | Op::Align
        | Op::End => 0,
    }
}

/// White space that is due before the next text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Nothing,
    Space,
    Newline,
    EmptyLine,
}

struct Printer {
    out: String,
    column: usize,
    /// Spaces at the start of the current line.
    start: usize,
    due: Due,
    /// Whether the last thing written is a comment.
    commented: bool,
    levels: Vec<usize>,
    /// For each open group, whether it is broken.
    broken: Vec<bool>,
}

/// The text of a document.
pub(super) fn print(ops: &[Op<'_>]) -> String {
    let measures = Measures::of(ops);
    let mut printer = Printer {
        out: String::new(),
        column: 0,
        start: 0,
        due: Due::Nothing,
        commented: false,
        levels: Vec::new(),
        broken: Vec::new(),
    };
    for (index, op) in ops.iter().enumerate() {
        printer.step(index, op, &measures);
    }
    if !printer.out.is_empty() {
        printer.out.push('\n');
    }
    printer.out
}

impl Printer {
    fn step(&mut self, index: usize, op: &Op<'_>, measures: &Measures) {
        match op {
            Op::Text(text) => self.text(text),
            Op::Space => self.owe(Due::Space),
            Op::Line { flat, blank } => self.line(flat, *blank),
            Op::Hard(blank) => self.newline(*blank),
            Op::IfBroken(text) => {
                if self.is_broken() {
                    self.text(text);
                }
            }
            Op::Comment { text, own, blank } => self.comment(text, *own, *blank),
            Op::Open => {
                let flat = self.broken.last() == Some(&false);
                let broken = !flat && !measures.fits(index, self.next_column());
                self.broken.push(broken);
            }
            Op::Close => {
                self.broken.pop();
            }
            Op::Indent => self.levels.push(self.level() + STEP),
            Op::Align => {
                let own_line = self.due >= Due::Newline;
                self.levels
                    .push(if own_line { self.level() } else { self.start });
            }
            Op::End => {
                self.levels.pop();
            }
        }
    }

    fn level(&self) -> usize {
        self.levels.last().copied().unwrap_or(0)
    }

    /// Outside of groups, lines end where they may.
    fn is_broken(&self) -> bool {
        self.broken.last().copied().unwrap_or(true)
    }

    fn owe(&mut self, due: Due) {
        self.due = self.due.max(due);
    }

    fn newline(&mut self, blank: bool) {
        self.owe(if blank { Due::EmptyLine } else { Due::Newline });
    }

    fn line(&mut self, flat: &str, blank: bool) {
        if self.is_broken() {
            self.newline(blank);
        } else if !flat.is_empty() {
            self.owe(Due::Space);
        }
    }

    /// The column at which the next text begins.
    fn next_column(&self) -> usize {
        match self.due {
            Due::Nothing => self.column,
            Due::Space => self.column + 1,
            Due::Newline | Due::EmptyLine => self.level(),
        }
    }

    fn text(&mut self, text: &str) {
        let due = std::mem::replace(&mut self.due, Due::Nothing);
        if due == Due::Space {
            self.out.push(' ');
            self.column += 1;
        } else if due >= Due::Newline {
            if !self.out.is_empty() {
                self.out
                    .push_str(if due == Due::EmptyLine { "\n\n" } else { "\n" });
            }
            self.start = self.level();
            self.column = self.start;
            self.out.extend(std::iter::repeat_n(' ', self.start));
        }
        self.out.push_str(text);
        self.column += text.chars().count();
        self.commented = false;
    }

    fn comment(&mut self, text: &str, own: bool, blank: bool) {
        if own || self.commented || self.out.is_empty() {
            self.newline(own && blank);
        } else {
            // It stays on the line of the words before it.
            self.due = Due::Space;
        }
        self.text(text);
        self.commented = true;
        self.due = Due::Newline;
    }
}
