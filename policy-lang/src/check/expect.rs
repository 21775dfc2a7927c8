//! `test` blocks (notes 22, 23, 95, 96).

use super::Checker;
use crate::ast::{self, Effect, Form, Word};
use crate::checked::{Rule, RuleIndex, Test};
use crate::diag::suggest::did_you_mean;
use crate::diag::{Code, Diagnostic, show};
use crate::request::{Request, question};
use crate::terms::each_test;
use crate::testing::{Block, Expectation, WANTED_WORDS, Wanted};
use crate::words::attribute::Attribute;
use std::collections::HashMap;

/// Ids, and the names that the host looks up for them.
const IDS_AND_NAMES: &[(Attribute, Attribute)] = &[
    (Attribute::Uid, Attribute::User),
    (Attribute::Gid, Attribute::Group),
];

/// A rule, and a test of it that asks for a name.
type Named<'r> = (&'r Rule, &'r Test);

fn named(rules: &[Rule]) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    for rule in rules {
        for condition in rule.when.iter().chain(&rule.unless) {
            each_test(condition, &mut |test| {
                if IDS_AND_NAMES
                    .iter()
                    .any(|(_, name)| *name == test.attribute)
                {
                    found.push((rule, test));
                }
            });
        }
    }
    found
}

/// Rules by id.
type ByName<'r> = HashMap<&'r str, (RuleIndex, Effect)>;

impl<'a> Checker<'a> {
    /// The test blocks of all files, once all rules are known.
    pub(super) fn tests(&mut self, files: &'a [ast::File], rules: &[Rule]) -> Vec<Block> {
        let indices = (0..).map(RuleIndex);
        let by_name: ByName<'_> = indices
            .zip(rules)
            .map(|(index, rule)| (&*rule.id, (index, rule.effect)))
            .collect();
        let named = named(rules);
        let mut blocks = Vec::new();
        for statement in files.iter().flat_map(|file| &file.statements) {
            if let ast::Statement::Test(test) = statement {
                blocks.push(Block {
                    name: self.string(test.name).unwrap_or_default(),
                    span: test.span,
                    expectations: test
                        .expectations
                        .iter()
                        .filter_map(|one| self.expectation(one, &by_name, &named))
                        .collect(),
                });
            }
        }
        blocks
    }

    /// `None`, reported, for one that is wrong.
    fn expectation(
        &mut self,
        one: &ast::Expectation,
        rules: &ByName<'_>,
        named: &[Named<'_>],
    ) -> Option<Expectation> {
        let wanted = self.wanted(one.verdict);
        let by = one.by.map(|word| self.decider(word, rules, false));
        let recorded = one.recorded.map(|word| self.decider(word, rules, true));
        let file = self.sources.file(one.span.source)?;
        let request = match question(file, &one.question) {
            Ok(request) => request,
            Err(found) => {
                self.diagnostics.extend(found);
                return None;
            }
        };
        self.ids_for_names(one, &request, named);
        Some(Expectation {
            span: one.span,
            wanted: wanted?,
            by: by.flatten(),
            recorded: recorded.flatten(),
            request,
        })
    }

    /// A warning for an id in a test where a rule asks for the name: nothing is
    /// looked up (notes 8).
    fn ids_for_names(&mut self, one: &ast::Expectation, request: &Request, named: &[Named<'_>]) {
        for (id, name) in IDS_AND_NAMES {
            let fact = |attribute: Attribute| {
                let mut facts = one.question.facts.iter();
                facts.find(|fact| self.slice(fact.attribute.span) == attribute.word())
            };
            let (Some(given), None) = (fact(*id), fact(*name)) else {
                continue;
            };
            let asks = named.iter().find(|(rule, test)| {
                test.attribute == *name && rule.covers(request.family, request.operation)
            });
            if let Some((_, test)) = asks {
                let (id, name) = (id.word(), name.word());
                let message = format!("the test gives `{id}`, and a rule asks for `{name}`");
                let found = Diagnostic::new(Code::IdForName, given.attribute.span, message)
                    .label(format!("the process of this test has no `{name}`"))
                    .also(test.span, "asked here")
                    .help(format!(
                        "give `{name} = …` as well: a test looks no names up"
                    ));
                self.report(found);
            }
        }
    }

    fn wanted(&mut self, word: Word) -> Option<Wanted> {
        let text = self.slice(word.span);
        let known = WANTED_WORDS.iter().find(|(known, _)| *known == text);
        if known.is_none() {
            let help = did_you_mean(text, WANTED_WORDS.iter().map(|(word, _)| *word));
            let message = format!("`{}` is nothing that a test can expect", show(text));
            self.report(Diagnostic::new(Code::UnknownWord, word.span, message).help(
                help.unwrap_or_else(|| {
                    "expect `deny`, `kill`, `allow` or `default-deny`".to_owned()
                }),
            ));
        }
        known.map(|(_, wanted)| *wanted)
    }

    /// The rule that `by` or `recorded by` names.
    fn decider(&mut self, word: Word, rules: &ByName<'_>, records: bool) -> Option<RuleIndex> {
        let text = if word.form == Form::Bare {
            self.slice(word.span)
        } else {
            self.inner(word)
        };
        let Some((index, effect)) = rules.get(text) else {
            // A rule that is wrong itself is told about once.
            if !self.ids.has(text) {
                let help = self
                    .guess(text, rules.keys().copied(), rules.len())
                    .unwrap_or_else(|| "give the rule an `id`, or leave `by` out".to_owned());
                let message = format!("no rule has the id `{}`", show(text));
                self.report(Diagnostic::new(Code::Undefined, word.span, message).help(help));
            }
            return None;
        };
        if (*effect == Effect::Record) != records {
            let (message, help) = if records {
                ("does not record", "name a `record` rule, or write `by`")
            } else {
                ("only records and never decides", "write `recorded by`")
            };
            let message = format!("the rule `{}` {message}", show(text));
            self.report(Diagnostic::new(Code::UnknownWord, word.span, message).help(help));
            return None;
        }
        Some(*index)
    }
}
