//! Rules and defaults.

use super::Checker;
use super::condition::Resolved;
use super::definitions::Definitions;
use super::names::NameUse;
use super::statements::Context;
use super::target::Demand;
use crate::ast::{self, ClauseKind, Effect, Form, Mode, Word, Words};
use crate::checked::{IMPORTANCE_WORDS, Importance, Rule};
use crate::diag::suggest::did_you_mean;
use crate::diag::{Code, Diagnostic, show};
use crate::limits;
use crate::source::Span;
use crate::types::text;
use crate::words::errno::{EPERM, Errno, MISLEADING, NAMES, SPINNING};
use crate::words::family::{self, FamilySet, Named};
use crate::words::operation::{OPERATIONS, Operation, OperationSet};
use crate::words::shape::{Shape, possible};
use std::sync::Arc;

/// What a rule's clauses say.
#[derive(Default)]
struct Clauses {
    when: Option<Resolved>,
    unless: Option<Resolved>,
    errno: Option<Errno>,
    id: Option<Word>,
    because: Option<String>,
    severity: Option<Importance>,
    tags: Vec<String>,
    /// A condition could not be resolved.
    broken: bool,
}

/// The shapes of a rule's possible pairs, as bits by [`Shape`].
pub(super) type ShapeBits = u8;

fn shape_bits(families: FamilySet, operations: OperationSet) -> ShapeBits {
    let mut bits = 0;
    for operation in operations.iter() {
        for family in families.iter() {
            if possible(family, operation) {
                bits |= 1 << Shape::of(family, operation) as u8;
            }
        }
    }
    bits
}

/// What families there are, where none is meant that is near.
const FAMILIES: &str = "families are `unix`, `tcp`, `udp`, `sctp`, `icmp`, `raw`, `ip`, other words of Linux's address families, and `any`";

impl<'a> Checker<'a> {
    pub(super) fn rule(
        &mut self,
        rule: &'a ast::Rule,
        definitions: &mut Definitions<'a>,
        context: &Context,
    ) -> Option<Rule> {
        let families = self.families(&rule.families);
        let operations = self.operations(&rule.operations);
        let clauses = self.clauses(rule, definitions);
        let (effect, _) = rule.effect;
        let id = self.id(rule, clauses.id, context);
        let mode = rule.prefix.map_or(context.mode, |(mode, _)| mode);
        if let Some((mode, span)) = rule.prefix.filter(|_| effect == Effect::Record) {
            let word = mode.word();
            self.report(
                Diagnostic::new(
                    Code::NoEffectPrefix,
                    span,
                    format!("`{word}` has no effect on a `record` rule"),
                )
                .help("a record rule records whatever the mode; remove the prefix"),
            );
        }
        // Without families and operations there is nothing to hold a target against.
        let (families, operations) = (families?, operations?);
        let shapes = self.shapes(rule, families, operations)?;
        let target = match &rule.target {
            None => Some(Demand::Nothing),
            Some(target) => self.target(target, shapes, &rule.families, definitions),
        };
        self.local_address(rule, operations);
        let conditions = context
            .scopes
            .iter()
            .chain(&clauses.when)
            .chain(&clauses.unless);
        for condition in conditions {
            self.possible(condition, shapes, rule);
        }
        // INVARIANT: conditions share parts; only this bound makes it safe to walk them as trees.
        let bounded = self.bounded(rule, context, &clauses);
        let target = target?.target();
        if clauses.broken || context.broken || !bounded {
            return None;
        }
        let scopes = context.scopes.iter().map(|scope| scope.condition.clone());
        Some(Rule {
            id,
            named: clauses.id.is_some(),
            source: rule.span.source,
            line: self
                .sources
                .file(rule.span.source)
                .map_or(1, |file| file.line(rule.span.start)),
            span: rule.span,
            effect,
            enforced: mode == Mode::Enforce,
            errno: clauses.errno.unwrap_or(EPERM),
            because: clauses.because,
            severity: clauses.severity,
            tags: clauses.tags,
            families,
            operations,
            target,
            scopes: context.scopes.len(),
            when: scopes
                .chain(clauses.when.map(|when| when.condition))
                .collect(),
            unless: clauses.unless.map(|unless| unless.condition),
        })
    }

    /// A warning where `to` reads like the peer of an accept (notes 92).
    fn local_address(&mut self, rule: &ast::Rule, operations: OperationSet) {
        let accepts = operations.contains(Operation::Accept);
        let Some(target) = rule.target.as_ref().filter(|_| accepts) else {
            return;
        };
        let connects = operations.contains(Operation::Connect);
        if !connects && self.slice(target.preposition) == "to" {
            let message = "`accept` is judged by the local address, not by the peer's";
            self.report(
                Diagnostic::new(Code::LocalAddress, target.span, message)
                    .label("the address and port on which the socket listens")
                    .help("if that is meant, write `on`; a rule cannot ask for the peer"),
            );
        }
    }

    /// Words of a list; an error for `any` beside others (notes 80).
    fn alone(&mut self, words: &Words, word: Word) -> bool {
        let any = self.slice(word.span) == "any";
        if any && words.braced {
            self.report(
                Diagnostic::new(Code::AnyInList, word.span, "`any` stands in a list")
                    .help("write `any` alone, without braces"),
            );
        }
        !(any && words.braced)
    }

    fn families(&mut self, words: &Words) -> Option<FamilySet> {
        let mut set = Some(FamilySet::default());
        for word in &words.words {
            if !self.alone(words, *word) {
                set = None;
                continue;
            }
            let text = self.slice(word.span);
            match family::named(text) {
                Named::Families(more) => set = set.map(|set| set.union(more)),
                Named::Numbered(more, name) => {
                    self.report(
                        Diagnostic::new(
                            Code::NumberForWord,
                            word.span,
                            format!("the family {text} has a word"),
                        )
                        .help(format!("write `{name}`")),
                    );
                    set = set.map(|set| set.union(more));
                }
                Named::Refused(help) => {
                    let help = match help {
                        Some(help) => Some(help.to_owned()),
                        None => self.guess(text, family::words(), family::WORDS.len()),
                    };
                    let message = format!("unknown family `{}`", show(text));
                    self.report(
                        Diagnostic::new(Code::UnknownFamily, word.span, message)
                            .help(help.unwrap_or_else(|| FAMILIES.to_owned())),
                    );
                    set = None;
                }
            }
        }
        set
    }

    fn operations(&mut self, words: &Words) -> Option<OperationSet> {
        let mut set = Some(OperationSet::default());
        for word in &words.words {
            if !self.alone(words, *word) {
                set = None;
                continue;
            }
            let text = self.slice(word.span);
            if text == "any" {
                set = set.map(|_| OperationSet::ANY);
            } else if let Some(operation) = Operation::from_word(text) {
                set = set.map(|set| set.with(operation));
            } else {
                let known = OPERATIONS.iter().map(|one| one.word());
                let help = did_you_mean(text, known).unwrap_or_else(|| {
                    "operations are `connect`, `bind`, `listen`, `accept`, `create`, `setsockopt` and `any`".into()
                });
                self.report(
                    Diagnostic::new(
                        Code::UnknownOperation,
                        word.span,
                        format!("unknown operation `{}`", show(text)),
                    )
                    .help(help),
                );
                set = None;
            }
        }
        set
    }

    /// Shapes of the pairs that can be; an error when none can (notes 93).
    fn shapes(
        &mut self,
        rule: &ast::Rule,
        families: FamilySet,
        operations: OperationSet,
    ) -> Option<ShapeBits> {
        let bits = *self
            .shapes
            .entry((families, operations))
            .or_insert_with(|| shape_bits(families, operations));
        if bits == 0 {
            let span = rule.families.span.to(rule.operations.span);
            let family = show(self.slice(rule.families.span));
            let operation = show(self.slice(rule.operations.span));
            self.report(
                Diagnostic::new(
                    Code::ImpossiblePair,
                    span,
                    format!("`{family}` sockets never do `{operation}`"),
                )
                .help("remove the rule; sockets without connections neither listen nor accept"),
            );
            return None;
        }
        Some(bits)
    }

    fn clauses(&mut self, rule: &'a ast::Rule, definitions: &mut Definitions<'a>) -> Clauses {
        let mut said = Clauses::default();
        // The first clause of each keyword.
        let mut seen: Vec<(&'static str, Span)> = Vec::new();
        for clause in &rule.clauses {
            let keyword = clause.kind.keyword();
            let before = seen.iter().find(|(other, _)| *other == keyword).copied();
            if before.is_none() {
                seen.push((keyword, clause.span));
            }
            if let Some((_, before)) = before.filter(|_| keyword != "tag") {
                let found = Diagnostic::new(
                    Code::RepeatedClause,
                    clause.span,
                    format!("the rule has two `{keyword}` clauses"),
                )
                .also(before, "the first one");
                let found = match keyword {
                    "if" | "unless" => found.help("join the conditions with `and` or `or`"),
                    _ => found,
                };
                self.report(found);
            }
            self.clause(&clause.kind, rule.effect.0, definitions, &mut said);
        }
        said
    }

    fn clause(
        &mut self,
        kind: &'a ClauseKind,
        effect: Effect,
        definitions: &mut Definitions<'a>,
        said: &mut Clauses,
    ) {
        match kind {
            ClauseKind::If(condition) => {
                said.when = definitions.condition(self, condition);
                said.broken |= said.when.is_none();
            }
            ClauseKind::Unless(condition) => {
                said.unless = definitions.condition(self, condition);
                said.broken |= said.unless.is_none();
            }
            ClauseKind::With(word) => said.errno = self.errno(*word, effect),
            ClauseKind::Id(word) => said.id = Some(*word),
            ClauseKind::Because(word) => said.because = self.string(*word),
            ClauseKind::Severity(word) => said.severity = self.importance(*word),
            ClauseKind::Tag(word) => said.tags.extend(self.string(*word)),
        }
    }

    fn errno(&mut self, word: Word, effect: Effect) -> Option<Errno> {
        let text = self.slice(word.span);
        if matches!(effect, Effect::Allow | Effect::Record) {
            self.report(
                Diagnostic::new(
                    Code::UnusableClause,
                    word.span,
                    format!(
                        "`with` has no effect on a rule with the effect `{}`",
                        effect.word()
                    ),
                )
                .help("remove the clause: nothing is refused"),
            );
        }
        let unusable = MISLEADING.contains(&text);
        let Some(errno) = Errno::from_name(text).filter(|_| !unusable) else {
            let help = if unusable {
                Some("the caller would believe that it is connected; use `EACCES`".to_owned())
            } else {
                let upper = text.to_ascii_uppercase();
                let known = || NAMES.iter().map(|(name, _)| *name);
                let same = known().find(|name| *name == upper);
                same.map(|name| format!("write `{name}`"))
                    .or_else(|| did_you_mean(text, known()))
                    .or_else(|| {
                        Some("the usual ones are `EPERM`, `EACCES` and `ECONNREFUSED`".into())
                    })
            };
            self.report(
                Diagnostic::new(
                    Code::UnknownErrno,
                    word.span,
                    format!("`{}` is not an errno that a rule can give", show(text)),
                )
                .maybe_help(help),
            );
            return None;
        };
        if SPINNING.contains(&text) {
            self.report(
                Diagnostic::new(
                    Code::SpinningErrno,
                    word.span,
                    format!("`{text}` makes callers try again at once"),
                )
                .help("use `EPERM` or `EACCES`"),
            );
        }
        Some(errno)
    }

    fn importance(&mut self, word: Word) -> Option<Importance> {
        let text = self.slice(word.span);
        let found = IMPORTANCE_WORDS.iter().find(|(known, _)| *known == text);
        if found.is_none() {
            let known = IMPORTANCE_WORDS.iter().map(|(word, _)| *word);
            let help = did_you_mean(text, known)
                .unwrap_or_else(|| "severities are `low`, `medium`, `high` and `critical`".into());
            let message = format!("unknown severity `{}`", show(text));
            self.report(Diagnostic::new(Code::UnknownWord, word.span, message).help(help));
        }
        found.map(|(_, importance)| *importance)
    }

    /// A text in quotes, of bounded length.
    pub(super) fn string(&mut self, word: Word) -> Option<String> {
        match text::string(self.inner(word)) {
            Err(fault) => {
                self.fault(word.span, fault);
                None
            }
            Ok(text) if text.len() > limits::TEXT_BYTES => {
                let message = format!(
                    "the text has {} bytes, more than {}",
                    text.len(),
                    limits::TEXT_BYTES
                );
                self.report(
                    Diagnostic::new(Code::TooLong, word.span, message)
                        .help("shorten it, or say the rest in a comment"),
                );
                None
            }
            Ok(text) => Some(text),
        }
    }

    fn id(&mut self, rule: &ast::Rule, given: Option<Word>, context: &Context) -> Arc<str> {
        let id: Arc<str> = match given {
            Some(word) if self.name_is_valid(word, NameUse::Id) => self.slice(word.span).into(),
            _ => {
                let file = self.sources.file(rule.span.source);
                let number = context.number.to_string();
                self.text.clear();
                self.text.push_str(file.map_or("", |file| file.stem()));
                self.text.push('/');
                self.text.push_str(&number);
                self.text.as_str().into()
            }
        };
        let span = match given {
            Some(word) if word.form == Form::Bare => word.span,
            _ => rule.effect.1,
        };
        self.ids.add(id.clone(), span);
        id
    }

    /// Attributes that none of the rule's pairs can have (notes 13, 74, 109).
    fn possible(&mut self, condition: &Resolved, shapes: ShapeBits, rule: &ast::Rule) {
        let Some((attribute, at)) = condition.impossible(shapes) else {
            return;
        };
        let families = show(self.slice(rule.families.span));
        let operations = show(self.slice(rule.operations.span));
        let mut found = Diagnostic::new(
            Code::ImpossibleAttribute,
            at,
            format!(
                "nothing that `{families} {operations}` is about has a `{}`",
                attribute.word()
            ),
        )
        .help("remove the test, or give the rule families and operations that have it");
        let within = |span: Span, of: Span| {
            span.source == of.source && of.start <= span.start && span.end <= of.end
        };
        if !within(at, rule.span) {
            found = found.also(rule.families.span.to(rule.operations.span), "asked here");
        }
        self.report(found);
    }

    /// Whether the rule's conditions are few enough once names are written out.
    fn bounded(&mut self, rule: &ast::Rule, context: &Context, clauses: &Clauses) -> bool {
        let conditions = context
            .scopes
            .iter()
            .chain(&clauses.when)
            .chain(&clauses.unless);
        let tests = conditions.fold(0_usize, |sum, one| sum.saturating_add(one.tests));
        if tests > limits::TESTS_PER_RULE {
            self.report(
                Diagnostic::new(
                    Code::TooManyTerms,
                    rule.span,
                    format!(
                        "the rule's conditions come to {tests} tests, more than {}",
                        limits::TESTS_PER_RULE
                    ),
                )
                .help("use sets instead of `or`"),
            );
        }
        tests <= limits::TESTS_PER_RULE
    }
}
