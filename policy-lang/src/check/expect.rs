//! `test` blocks (notes 22, 23, 95, 96).

use super::Checker;
use crate::ast::{self, Effect, Form, Word};
use crate::checked::{Rule, RuleIndex};
use crate::diag::suggest::did_you_mean;
use crate::diag::{Code, Diagnostic, show};
use crate::request::question;
use crate::testing::{Block, Expectation, WANTED_WORDS, Wanted};
use std::collections::HashMap;

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
        let mut blocks = Vec::new();
        for statement in files.iter().flat_map(|file| &file.statements) {
            if let ast::Statement::Test(test) = statement {
                blocks.push(Block {
                    name: self.string(test.name).unwrap_or_default(),
                    span: test.span,
                    expectations: test
                        .expectations
                        .iter()
                        .filter_map(|one| self.expectation(one, &by_name))
                        .collect(),
                });
            }
        }
        blocks
    }

    /// `None`, reported, for one that is wrong.
    fn expectation(&mut self, one: &ast::Expectation, rules: &ByName<'_>) -> Option<Expectation> {
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
        Some(Expectation {
            span: one.span,
            wanted: wanted?,
            by: by.flatten(),
            recorded: recorded.flatten(),
            request,
        })
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
