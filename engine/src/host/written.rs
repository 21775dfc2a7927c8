//! Where a value is written: a checked policy knows the place of a test, not
//! that of each value, which may stand in a definition far away.

use policy_lang::ast::{
    Body, ClauseKind, Condition, File, Form, Object, Operand, Statement, Target, Word,
};
use policy_lang::source::{Sources, Span};
use policy_lang::types::pattern::{Pattern, parse};
use std::collections::HashMap;

/// Places of a policy's values, by their text.
pub(super) struct Written<'s> {
    sources: &'s Sources,
    places: HashMap<&'s str, Vec<Place>>,
}

#[derive(Clone, Copy)]
struct Place {
    span: Span,
    /// In a `let` or an `extend`.
    defined: bool,
}

impl<'s> Written<'s> {
    pub(super) fn of(sources: &'s Sources, files: &[File]) -> Self {
        let mut written = Self {
            sources,
            places: HashMap::new(),
        };
        for file in files {
            written.statements(&file.statements);
        }
        written
    }

    /// Where a value that is used at `span` is written: there, or in a
    /// definition. `None` when it is not written as it is, but with escapes.
    pub(super) fn value(&self, text: &str, span: Span) -> Option<Span> {
        nearest(self.places.get(text)?, span)
    }

    /// Where a pattern that is used at `span` is written, likewise.
    pub(super) fn pattern(&self, pattern: &Pattern, span: Span) -> Option<Span> {
        let Pattern::Glob(syntax, _) = pattern else {
            return self.value(std::str::from_utf8(pattern.literal()?).ok()?, span);
        };
        let start = pattern.start();
        let same = |text: &str| {
            text.as_bytes().starts_with(&start) && parse(text, *syntax).as_ref() == Ok(pattern)
        };
        let written = self.places.iter().filter(|(text, _)| same(text));
        let all: Vec<Place> = written.flat_map(|(_, places)| places).copied().collect();
        nearest(&all, span)
    }

    /// The text at a place.
    pub(super) fn text(&self, span: Span) -> &'s str {
        self.sources.slice(span)
    }

    fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            match statement {
                Statement::Rule(rule) => {
                    if let Some(target) = &rule.target {
                        self.target(target);
                    }
                    for clause in &rule.clauses {
                        if let ClauseKind::If(condition) | ClauseKind::Unless(condition) =
                            &clause.kind
                        {
                            self.condition(condition, false);
                        }
                    }
                }
                Statement::Scope(scope) => {
                    self.condition(&scope.condition, false);
                    self.statements(&scope.body);
                }
                Statement::Definition(definition) => match &definition.body {
                    Body::Operand(operand) => self.operand(operand, true),
                    Body::Condition(condition) => self.condition(condition, true),
                },
                Statement::Mode { .. } | Statement::Language { .. } | Statement::Test(_) => {}
            }
        }
    }

    fn target(&mut self, target: &Target) {
        if let Object::Place {
            place: Some(place), ..
        } = &target.object
        {
            self.operand(place, false);
        }
    }

    fn condition(&mut self, condition: &Condition, defined: bool) {
        match condition {
            Condition::Or(all) | Condition::And(all) => {
                for one in all {
                    self.condition(one, defined);
                }
            }
            Condition::Not(one, _) | Condition::Group(one, _) => self.condition(one, defined),
            Condition::Test { operand, .. } => self.operand(operand, defined),
            // `let x = /a` is a name to the grammar.
            Condition::Name(word) => self.word(*word, defined),
        }
    }

    fn operand(&mut self, operand: &Operand, defined: bool) {
        match operand {
            Operand::Word(word) => self.word(*word, defined),
            Operand::Set(set) => {
                for element in &set.elements {
                    self.operand(element, defined);
                }
            }
        }
    }

    fn word(&mut self, word: Word, defined: bool) {
        let text = self.sources.slice(word.span);
        let text = match word.form {
            Form::Bare => text,
            Form::Quoted | Form::AtQuoted => text.trim_start_matches('@').trim_matches('"'),
        };
        let place = Place {
            span: word.span,
            defined,
        };
        self.places.entry(text).or_default().push(place);
    }
}

/// The place within `span`, else the first one in a definition.
fn nearest(places: &[Place], span: Span) -> Option<Span> {
    let within = |place: &&Place| {
        place.span.source == span.source
            && span.start <= place.span.start
            && place.span.end <= span.end
    };
    let near = places.iter().find(within);
    let found = near.or_else(|| places.iter().find(|place| place.defined))?;
    Some(found.span)
}
