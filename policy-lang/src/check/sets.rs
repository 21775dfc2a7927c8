//! Sets: elements, names of sets within them, and one set a name and a kind.

use super::Checker;
use super::definitions::{Definitions, Sort};
use super::value::{Gathered, only_a_value};
use crate::ast::{Body, Condition, Form, Operand, Set, Word};
use crate::diag::{Code, Diagnostic, show};
use crate::types::Values;
use crate::words::attribute::{Kind, LAST_PORT};
use crate::words::reserved::{BUILT_IN, is_name};
use crate::words::sockopt;
use std::sync::Arc;

/// Elements that all sets of a policy may come to, sets within sets written
/// out: bounds the work that `{ a, b }` within `{ … }` can make.
const EXPANDED: usize = 1 << 22;

impl<'a> Definitions<'a> {
    /// What a target's operand comes to: a set, a name of one, or one value.
    pub(super) fn target_values(
        &mut self,
        checker: &mut Checker<'a>,
        operand: &'a Operand,
        want: Kind,
    ) -> Option<Arc<Values>> {
        match operand {
            Operand::Set(set) => self.set(checker, set, want),
            Operand::Word(word) => {
                let text = checker.slice(word.span);
                let value = word.form != Form::Bare || text == "unnamed" || !is_name(text);
                if value {
                    let mut gathered = Gathered::new(want);
                    let good = checker.add_value(&mut gathered, *word);
                    return good.then(|| Arc::new(gathered.finish()));
                }
                self.named_set(checker, *word, want)
            }
        }
    }

    /// `{ … }`.
    pub(super) fn set(
        &mut self,
        checker: &mut Checker<'a>,
        set: &'a Set,
        want: Kind,
    ) -> Option<Arc<Values>> {
        let mut gathered = Gathered::new(want);
        let good = self.gather_set(checker, set, &mut gathered);
        good.then(|| Arc::new(gathered.finish()))
    }

    /// The set of a name; resolved once a kind.
    pub(super) fn named_set(
        &mut self,
        checker: &mut Checker<'a>,
        word: Word,
        want: Kind,
    ) -> Option<Arc<Values>> {
        let name = checker.slice(word.span);
        if let Some(known) = self.sets.get(&(name, want)) {
            return known.clone();
        }
        let mut gathered = Gathered::new(want);
        let good = self.gather_name(checker, name, word, &mut gathered);
        let values = good.then(|| Arc::new(gathered.finish()));
        if self.entries.contains_key(name) || BUILT_IN.contains(&name) {
            self.sets.insert((name, want), values.clone());
        }
        values
    }

    fn gather_set(&mut self, checker: &mut Checker<'a>, set: &'a Set, into: &mut Gathered) -> bool {
        if set.elements.is_empty() {
            checker.report(
                Diagnostic::new(Code::EmptySet, set.span, "the set has no values")
                    .help("write at least one, or remove the test"),
            );
            return false;
        }
        let mut good = true;
        for element in &set.elements {
            good &= match element {
                Operand::Word(word) => self.element(checker, *word, into),
                Operand::Set(inner) => {
                    checker.report(
                        Diagnostic::new(Code::NestedSet, inner.span, "a set stands inside a set")
                            .help("write its values without the inner braces"),
                    );
                    false
                }
            };
        }
        good
    }

    /// A word between braces: a value, or the name of a set (notes 3, 63).
    fn element(&mut self, checker: &mut Checker<'a>, word: Word, into: &mut Gathered) -> bool {
        let text = checker.slice(word.span);
        let want = into.want();
        if word.form != Form::Bare {
            return checker.add_value(into, word);
        }
        if want.takes_words() {
            if let Some(entry) = self.entries.get(text) {
                checker.report(
                    Diagnostic::new(
                        Code::AmbiguousWord,
                        word.span,
                        format!("`{text}` is a value here, and the name of a definition"),
                    )
                    .also(entry.word.span, "defined here")
                    .help(format!("to mean the value, write `\"{text}\"`")),
                );
                return false;
            }
            return checker.add_value(into, word);
        }
        if text == "any" {
            checker.report(
                Diagnostic::new(Code::AnyInList, word.span, "`any` stands in a list")
                    .help("write `any` alone, without braces"),
            );
            return false;
        }
        let value = !is_name(text) || (text == "unnamed" && want == Kind::UnixTarget);
        if value {
            return checker.add_value(into, word);
        }
        self.gather_name(checker, text, word, into)
    }

    /// Adds all values that a name stands for.
    pub(super) fn gather_name(
        &mut self,
        checker: &mut Checker<'a>,
        name: &'a str,
        word: Word,
        into: &mut Gathered,
    ) -> bool {
        if BUILT_IN.contains(&name) {
            if into.add_built_in(name) {
                return true;
            }
            checker.report(
                Diagnostic::new(
                    Code::WrongValue,
                    word.span,
                    format!("`{name}` is a set of addresses"),
                )
                .label(format!("{} is needed here", into.want().noun())),
            );
            return false;
        }
        if !self.entries.contains_key(name) {
            let want = into.want();
            let help = if want == Kind::Option {
                Some(sockopt::spelling(name))
            } else if want == Kind::Number(LAST_PORT) {
                let help = "services have no names here: write the port's number, or define a set";
                Some(help.to_owned())
            } else {
                want.takes_words()
                    .then(|| format!("to mean the word itself, write `{{ {} }}`", show(name)))
            };
            self.undefined(checker, word, help);
            return false;
        }
        if self.sort(name) == Some(Sort::Condition) {
            self.not_a_set(checker, name, word);
            return false;
        }
        if self.enter(checker, name, word).is_none() {
            return false;
        }
        let mut bodies = Vec::new();
        if let Some(entry) = self.entries.get(name) {
            bodies.push(entry.body);
            bodies.extend(&entry.extensions);
        }
        let mut good = true;
        for body in bodies {
            good &= self.gather_body(checker, body, into);
        }
        self.leave(name);
        good
    }

    fn gather_body(
        &mut self,
        checker: &mut Checker<'a>,
        body: &'a Body,
        into: &mut Gathered,
    ) -> bool {
        if self.expanded > EXPANDED {
            return false;
        }
        let before = into.count;
        let good = match body {
            Body::Operand(Operand::Set(set)) => self.gather_set(checker, set, into),
            Body::Operand(Operand::Word(word)) => checker.add_value(into, *word),
            Body::Condition(Condition::Name(word)) => {
                let text = checker.slice(word.span);
                if only_a_value(text) {
                    checker.add_value(into, *word)
                } else {
                    self.gather_name(checker, text, *word, into)
                }
            }
            // `sort` has told conditions apart.
            Body::Condition(_) => false,
        };
        let within = self.expanded <= EXPANDED;
        self.expanded = self.expanded.saturating_add(into.count - before);
        if within && self.expanded > EXPANDED {
            let span = match body {
                Body::Operand(operand) => operand.span(),
                Body::Condition(condition) => condition.span(),
            };
            checker.report(
                Diagnostic::new(
                    Code::TooManyValues,
                    span,
                    format!("sets within sets come to more than {EXPANDED} values"),
                )
                .help("name the values in one set, once"),
            );
        }
        good && self.expanded <= EXPANDED
    }

    fn not_a_set(&self, checker: &mut Checker<'a>, name: &str, word: Word) {
        let defined = self
            .entries
            .get(name)
            .map_or(word.span, |entry| entry.word.span);
        checker.report(
            Diagnostic::new(
                Code::WrongDefinition,
                word.span,
                format!("`{name}` is a condition, not a set"),
            )
            .also(defined, "defined here")
            .help(format!(
                "a condition stands alone: `if {name}`, `unless {name} and …`"
            )),
        );
    }

    /// Whether a target's operand names unix objects: decided by its first value.
    pub(super) fn looks_unix(&self, checker: &Checker<'a>, operand: &Operand) -> bool {
        self.operand_looks_unix(checker, operand, 0)
            .unwrap_or(false)
    }

    fn operand_looks_unix(
        &self,
        checker: &Checker<'a>,
        operand: &Operand,
        depth: usize,
    ) -> Option<bool> {
        match operand {
            Operand::Word(word) => self.word_looks_unix(checker, *word, depth),
            Operand::Set(set) => set.elements.iter().find_map(|element| match element {
                Operand::Word(word) => self.word_looks_unix(checker, *word, depth),
                Operand::Set(_) => None,
            }),
        }
    }

    fn word_looks_unix(&self, checker: &Checker<'a>, word: Word, depth: usize) -> Option<bool> {
        let text = checker.slice(word.span);
        if word.form != Form::Bare || text.starts_with(['/', '@']) || text == "unnamed" {
            return Some(true);
        }
        if !is_name(text) {
            return Some(false);
        }
        if BUILT_IN.contains(&text) {
            return Some(false);
        }
        let entry = self.entries.get(text).filter(|_| depth < 8)?;
        let bodies = std::iter::once(entry.body).chain(entry.extensions.iter().copied());
        bodies.into_iter().find_map(|body| match body {
            Body::Operand(operand) => self.operand_looks_unix(checker, operand, depth + 1),
            Body::Condition(Condition::Name(word)) => {
                self.word_looks_unix(checker, *word, depth + 1)
            }
            Body::Condition(_) => None,
        })
    }
}
