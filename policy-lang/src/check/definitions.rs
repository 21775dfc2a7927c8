//! `let` and `extend`: what names stand for (notes 3, 60 to 64, 108, 115).

use super::Checker;
use super::condition::Resolved;
use super::names::NameUse;
use super::value::{Gathered, only_a_value};
use crate::ast::{Body, Condition, Definition, File, Statement, Word};
use crate::diag::{Code, Diagnostic, show};
use crate::limits;
use crate::types::Values;
use crate::types::pattern::PathUse;
use crate::words::attribute::{Kind, LAST_ID};
use crate::words::reserved;
use std::collections::HashMap;
use std::sync::Arc;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Set,
    Condition,
}

/// One definition.
pub(super) struct Entry<'a> {
    pub(super) word: Word,
    pub(super) body: &'a Body,
    pub(super) extensions: Vec<&'a Body>,
    pub(super) used: bool,
    /// Whether it is being resolved.
    pub(super) entered: bool,
}

/// All definitions of a policy.
pub(super) struct Definitions<'a> {
    pub(super) entries: HashMap<&'a str, Entry<'a>>,
    order: Vec<&'a str>,
    sorts: HashMap<&'a str, Option<Sort>>,
    pub(super) sets: HashMap<(&'a str, Kind), Option<Arc<Values>>>,
    pub(super) conditions: HashMap<&'a str, Option<Resolved>>,
    /// How many names are being resolved, one for another.
    depth: usize,
    /// Elements that all sets came to so far, sets within sets written out.
    pub(super) expanded: usize,
}

impl<'a> Definitions<'a> {
    /// Takes all definitions of all files in.
    pub(super) fn collect(checker: &mut Checker<'a>, files: &'a [File]) -> Self {
        let mut all = Self {
            entries: HashMap::new(),
            order: Vec::new(),
            sorts: HashMap::new(),
            sets: HashMap::new(),
            conditions: HashMap::new(),
            depth: 0,
            expanded: 0,
        };
        let mut extensions = Vec::new();
        for statement in files.iter().flat_map(|file| &file.statements) {
            match statement {
                Statement::Definition(one) if one.extends => extensions.push(&**one),
                Statement::Definition(one) => all.define(checker, one),
                Statement::Rule(_)
                | Statement::Scope(_)
                | Statement::Mode { .. }
                | Statement::Language { .. }
                | Statement::Test(_) => {}
            }
        }
        all.sort_all(checker);
        for one in extensions {
            all.extend(checker, one);
        }
        all
    }

    fn define(&mut self, checker: &mut Checker<'a>, one: &'a Definition) {
        if !checker.name_is_valid(one.name, NameUse::Definition) {
            return;
        }
        let name = checker.slice(one.name.span);
        if let Some(before) = self.entries.get(name) {
            let first = before.word.span;
            checker.report(
                Diagnostic::new(
                    Code::Redefined,
                    one.name.span,
                    format!("`{name}` is defined twice"),
                )
                .also(first, "the first definition")
                .help("choose another name, or add to the set with `extend`"),
            );
            return;
        }
        self.order.push(name);
        self.entries.insert(
            name,
            Entry {
                word: one.name,
                body: &one.body,
                extensions: Vec::new(),
                used: false,
                entered: false,
            },
        );
    }

    fn extend(&mut self, checker: &mut Checker<'a>, one: &'a Definition) {
        let name = checker.slice(one.name.span);
        let span = one.name.span;
        if reserved::BUILT_IN.contains(&name) {
            let message = format!("`{name}` is built in and cannot be extended");
            let help = format!("define a set of your own: `let mine = {{ {name}, … }}`");
            checker.report(Diagnostic::new(Code::WrongDefinition, span, message).help(help));
            return;
        }
        let is_condition = |body: &Body| matches!(body, Body::Condition(condition) if !matches!(condition, Condition::Name(_)));
        if is_condition(&one.body) {
            checker.report(
                Diagnostic::new(Code::WrongDefinition, one.span, "`extend` adds a condition")
                    .help("only sets can be extended"),
            );
            return;
        }
        if !self.entries.contains_key(name) {
            self.undefined(checker, one.name, None);
            return;
        }
        if self.sort(name) == Some(Sort::Condition) {
            let first = self.entries.get(name).map(|entry| entry.word.span);
            checker.report(
                Diagnostic::new(
                    Code::WrongDefinition,
                    span,
                    format!("`{name}` is a condition and cannot be extended"),
                )
                .also(first.unwrap_or(span), "defined here")
                .help("write the new test into its definition, after `or`, or use a set there and extend that"),
            );
            return;
        }
        if let Some(entry) = self.entries.get_mut(name) {
            entry.extensions.push(&one.body);
        }
    }

    /// What a name stands for; `None` for one that is undefined or defined by itself.
    pub(super) fn sort(&self, name: &str) -> Option<Sort> {
        if let Some(sort) = self.sorts.get(name) {
            return *sort;
        }
        reserved::BUILT_IN.contains(&name).then_some(Sort::Set)
    }

    /// Follows every chain of names to its end, each name once.
    fn sort_all(&mut self, checker: &Checker<'a>) {
        for name in &self.order {
            let mut chain = vec![*name];
            let sort = loop {
                let Some(last) = chain.last().copied() else {
                    break None;
                };
                if let Some(known) = self.sorts.get(last) {
                    break *known;
                }
                match self.entries.get(last).map(|entry| entry.body) {
                    None => break self.sort(last),
                    Some(Body::Operand(_)) => break Some(Sort::Set),
                    Some(Body::Condition(Condition::Name(word))) => {
                        let text = checker.slice(word.span);
                        if only_a_value(text) {
                            break Some(Sort::Set);
                        }
                        // Unknown for now: a chain that comes back here is a cycle.
                        self.sorts.insert(last, None);
                        chain.push(text);
                    }
                    Some(Body::Condition(_)) => break Some(Sort::Condition),
                }
            };
            for name in chain {
                if self.entries.contains_key(name) {
                    self.sorts.insert(name, sort);
                }
            }
        }
    }

    /// Sets as rules use them.
    pub(super) fn resolved_sets(&self) -> impl Iterator<Item = &Arc<Values>> {
        self.sets.values().flatten()
    }

    /// Reports a name that stands for nothing.
    pub(super) fn undefined(&self, checker: &mut Checker<'a>, word: Word, help: Option<String>) {
        let text = checker.slice(word.span);
        let names = self.entries.keys().copied();
        let names = names.chain(reserved::BUILT_IN.iter().copied());
        let near = checker.guess(text, names, self.entries.len());
        let message = format!("`{}` is not defined", show(text));
        let help = near.or(help).unwrap_or_else(|| {
            let name = show(text);
            format!("define it, in any file: `let {name} = …`; or check all files of the policy together")
        });
        checker.report(Diagnostic::new(Code::Undefined, word.span, message).help(help));
    }

    /// Marks a name as used, and goes into it; `None`, reported, for a cycle or a chain too long.
    pub(super) fn enter(
        &mut self,
        checker: &mut Checker<'a>,
        name: &'a str,
        word: Word,
    ) -> Option<()> {
        let entry = self.entries.get_mut(name)?;
        entry.used = true;
        let defined = entry.word.span;
        if entry.entered {
            checker.report(
                Diagnostic::new(
                    Code::Cycle,
                    defined,
                    format!("`{name}` is defined by itself"),
                )
                .also(word.span, "needed here")
                .help("remove the name from one of the definitions"),
            );
            return None;
        }
        if self.depth >= limits::NESTING {
            checker.report(Diagnostic::new(
                Code::TooDeep,
                word.span,
                format!(
                    "definitions use one another more than {} deep",
                    limits::NESTING
                ),
            ));
            return None;
        }
        entry.entered = true;
        self.depth += 1;
        Some(())
    }

    /// Comes out of a name again.
    pub(super) fn leave(&mut self, name: &str) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.entered = false;
        }
        self.depth -= 1;
    }

    /// Definitions that no rule uses: names and syntax (notes 62, 64, 108).
    pub(super) fn check_unused(&mut self, checker: &mut Checker<'a>) {
        let order = std::mem::take(&mut self.order);
        for name in &order {
            let Some(entry) = self.entries.get(name).filter(|entry| !entry.used) else {
                continue;
            };
            let word = entry.word;
            if let Body::Condition(Condition::Name(inner)) = entry.body {
                let text = checker.slice(inner.span);
                let known = only_a_value(text)
                    || self.entries.contains_key(text)
                    || reserved::BUILT_IN.contains(&text);
                if !known {
                    let help = format!("to define a set of one word, write `{{ {} }}`", show(text));
                    self.undefined(checker, *inner, Some(help));
                    continue;
                }
            }
            match self.sort(name) {
                Some(Sort::Condition) => {
                    self.named_condition(checker, name, word);
                }
                Some(Sort::Set) | None => self.unused_set(checker, name, word),
            }
        }
    }

    /// A set that nothing uses is wrong only if no use could take it.
    fn unused_set(&mut self, checker: &mut Checker<'a>, name: &'a str, word: Word) {
        let uses = [
            Kind::Text,
            Kind::Number(LAST_ID),
            Kind::Address,
            Kind::UnixTarget,
            Kind::Path(PathUse::Cgroup),
        ];
        let mut fewest: Option<Vec<Diagnostic>> = None;
        for want in uses {
            let before = checker.diagnostics.len();
            let mut gathered = Gathered::new(want);
            self.gather_name(checker, name, word, &mut gathered);
            let found = checker.diagnostics.split_off(before);
            if found.is_empty() {
                return;
            }
            // A definition by itself, or one too deep, is one in every use.
            let always = |one: &Diagnostic| matches!(one.code, Code::Cycle | Code::TooDeep);
            if found.iter().any(always) {
                checker.diagnostics.extend(found);
                return;
            }
            let fewer = |fewest: &Vec<Diagnostic>| found.len() < fewest.len();
            if fewest.as_ref().is_none_or(fewer) {
                fewest = Some(found);
            }
        }
        checker.diagnostics.extend(fewest.unwrap_or_default());
    }
}
