//! Names and ids: form, reserved words, duplicates (notes 53, 54, 83).

use super::Checker;
use crate::ast::{Form, Word};
use crate::diag::{Code, Diagnostic, show};
use crate::limits;
use crate::maps::HashMap;
use crate::source::Span;
use crate::words::reserved;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// What a name is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NameUse {
    Definition,
    Id,
}

impl Checker<'_> {
    /// Whether a word may be a name; reports why not.
    pub(super) fn name_is_valid(&mut self, word: Word, name_use: NameUse) -> bool {
        let text = self.slice(word.span);
        let reserved = match name_use {
            NameUse::Definition => reserved::cannot_be_defined,
            NameUse::Id => reserved::cannot_be_id,
        };
        let good = word.form == Form::Bare
            && reserved::is_name(text)
            && text.len() <= limits::NAME_BYTES
            && !reserved(text);
        if !good {
            self.bad_name(word, name_use);
        }
        good
    }

    fn bad_name(&mut self, word: Word, name_use: NameUse) {
        let text = self.slice(word.span);
        let (article, what) = match name_use {
            NameUse::Definition => ("a", "name"),
            NameUse::Id => ("an", "id"),
        };
        let shown = show(text);
        let found = if word.form != Form::Bare {
            Diagnostic::new(Code::BadName, word.span, format!("{shown} is not a word"))
                .help(format!("write the {what} without quotes"))
        } else if !reserved::is_name(text) {
            let message = format!("`{shown}` cannot be {article} {what}");
            Diagnostic::new(Code::BadName, word.span, message)
                .help("begin with a letter or `_`, go on with letters, digits, `_`, `.` and `-`")
        } else if text.len() > limits::NAME_BYTES {
            let message = format!(
                "the {what} has {} bytes, more than {}",
                text.len(),
                limits::NAME_BYTES
            );
            Diagnostic::new(Code::TooLong, word.span, message)
                .help("shorten it; what it is for is said by `because`, or in a comment")
        } else {
            let message =
                format!("`{shown}` is a word of the language and cannot be {article} {what}");
            Diagnostic::new(Code::Reserved, word.span, message)
                .help(format!("choose another {what}"))
        };
        self.report(found);
    }
}

/// The ids of a policy's rules.
#[derive(Default)]
pub(super) struct Ids {
    first: HashMap<Arc<str>, Span>,
    /// Ids that stand here, and stood there.
    again: Vec<(Arc<str>, Span, Span)>,
}

impl Ids {
    /// Makes room for so many.
    pub(super) fn reserve(&mut self, count: usize) {
        self.first.reserve(count);
    }

    pub(super) fn add(&mut self, id: Arc<str>, span: Span) {
        match self.first.entry(id) {
            Entry::Occupied(first) => self.again.push((first.key().clone(), span, *first.get())),
            Entry::Vacant(place) => {
                place.insert(span);
            }
        }
    }

    /// Whether a rule has the id, one that is wrong included.
    pub(super) fn has(&self, id: &str) -> bool {
        self.first.contains_key(id)
    }

    pub(super) fn report_duplicates(&self, diagnostics: &mut Vec<Diagnostic>) {
        for (id, span, before) in &self.again {
            diagnostics.push(
                Diagnostic::new(
                    Code::DuplicateId,
                    *span,
                    format!("two rules have the id `{id}`"),
                )
                .also(*before, "the first one")
                .help("give one of them another id; files of one name need ids of their own"),
            );
        }
    }
}
