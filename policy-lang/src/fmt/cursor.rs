//! Tokens and comments, one after the other, into a document.

use super::doc::Op;
use crate::parse::{Lexed, Token};
use crate::source::{SourceFile, Span};
use std::borrow::Cow;

/// A document in the making.
pub(super) struct Layout<'t> {
    text: &'t str,
    tokens: std::iter::Peekable<std::slice::Iter<'t, Token>>,
    comments: std::iter::Peekable<std::slice::Iter<'t, Span>>,
    /// The end of the last token or comment.
    last: usize,
    ops: Vec<Op<'t>>,
}

/// What stands between two things on lines of their own.
#[derive(Clone, Copy)]
pub(super) enum Between {
    /// The end of a line.
    Statements,
    /// A line's end, or a space.
    Elements,
}

/// A word as the canonical form has it (notes 45).
pub(super) fn canonical(word: &str) -> Cow<'_, str> {
    match word.strip_prefix("@\"") {
        Some(rest) => Cow::Owned(format!("\"@{rest}")),
        None => Cow::Borrowed(word),
    }
}

impl<'t> Layout<'t> {
    /// Nothing yet of a file.
    pub(super) fn new(file: &'t SourceFile, lexed: &'t Lexed) -> Self {
        Self {
            text: file.text(),
            tokens: lexed.tokens.iter().peekable(),
            comments: lexed.comments.iter().peekable(),
            last: 0,
            ops: Vec::with_capacity(lexed.tokens.len() * 3),
        }
    }

    /// The document; what comments are left stand at its end.
    pub(super) fn finish(mut self, empty: bool) -> Vec<Op<'t>> {
        self.comments_up_to(usize::MAX, empty);
        self.ops
    }

    pub(super) fn push(&mut self, op: Op<'t>) {
        self.ops.push(op);
    }

    pub(super) fn space(&mut self) {
        self.push(Op::Space);
    }

    pub(super) fn line(&mut self) {
        self.push(Op::Line {
            flat: " ",
            blank: false,
        });
    }

    fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or("")
    }

    /// Where the next token starts; the end of the text if there is none.
    pub(super) fn ahead(&mut self) -> usize {
        let text = self.text.len();
        self.tokens
            .peek()
            .map_or(text, |token| token.start as usize)
    }

    pub(super) fn next_is(&mut self, word: &str) -> bool {
        let Some(token) = self.tokens.peek().copied() else {
            return false;
        };
        self.slice(token.start as usize, token.end as usize) == word
    }

    /// The comments before an offset. `first` says that nothing stands before
    /// them in what they are in; gives whether that is still so.
    pub(super) fn comments_up_to(&mut self, offset: usize, mut first: bool) -> bool {
        while let Some(span) = self
            .comments
            .next_if(|span| (span.start as usize) < offset)
            .copied()
        {
            let (start, end) = (span.start as usize, span.end as usize);
            let own = self.last == 0 || self.slice(self.last, start).contains('\n');
            let blank = own && !first && self.blank_before(start);
            let text = self.slice(start, end).trim_end();
            self.push(Op::Comment { text, own, blank });
            self.last = end;
            first &= !own;
        }
        first
    }

    /// Whether a line is empty between the last thing and an offset.
    fn blank_before(&self, offset: usize) -> bool {
        let mut lines = self.slice(self.last, offset).split('\n').skip(1).peekable();
        while let Some(line) = lines.next() {
            if lines.peek().is_some() && line.trim().is_empty() {
                return true;
            }
        }
        false
    }

    /// The next token.
    pub(super) fn token(&mut self) {
        self.token_as(None);
    }

    /// The next token, as another word.
    pub(super) fn token_as(&mut self, word: Option<&'static str>) {
        let Some(token) = self.tokens.next() else {
            return;
        };
        let (start, end) = (token.start as usize, token.end as usize);
        self.comments_up_to(start, true);
        let text = match word {
            Some(word) => Cow::Borrowed(word),
            None => canonical(self.slice(start, end)),
        };
        self.push(Op::Text(text));
        self.last = end;
    }

    /// A comma, directly after what it follows: comments come after it.
    pub(super) fn comma(&mut self, shown: bool) {
        if !self.next_is(",") {
            return;
        }
        if let Some(token) = self.tokens.next() {
            // A comment before it is still to come, and is counted from its own end.
            let waiting = self.comments.peek().map(|span| span.start as usize);
            if waiting.is_none_or(|start| start > token.start as usize) {
                self.last = token.end as usize;
            }
        }
        if shown {
            self.push(Op::Text(Cow::Borrowed(",")));
        }
    }

    /// What comes before a thing on a line of its own.
    pub(super) fn before_item(&mut self, between: Between, first: bool) {
        let start = self.ahead();
        let first = self.comments_up_to(start, first);
        let blank = !first && self.blank_before(start);
        self.push(match between {
            Between::Statements => Op::Hard(blank),
            Between::Elements => Op::Line { flat: " ", blank },
        });
    }
}
