//! Where statements may stand, and what applies to a whole file.

use super::Checker;
use super::condition::Resolved;
use super::definitions::Definitions;
use crate::ast::{File, Form, Mode, Scope, Statement, Word};
use crate::checked::Rule;
use crate::diag::suggest::did_you_mean;
use crate::diag::{Code, Diagnostic, show};
use crate::source::Span;

/// What a file and the scopes around a rule give it.
#[derive(Clone)]
pub(super) struct Context {
    /// Rules and defaults of the file so far (notes 2).
    pub(super) number: usize,
    /// The mode of a rule without a prefix.
    pub(super) mode: Mode,
    /// Conditions of the scopes, outermost first.
    pub(super) scopes: Vec<Resolved>,
    /// Whether a scope's condition is broken: its rules are checked, not kept.
    pub(super) broken: bool,
}

impl<'a> Checker<'a> {
    pub(super) fn file(
        &mut self,
        file: &'a File,
        definitions: &mut Definitions<'a>,
        rules: &mut Vec<Rule>,
    ) {
        let mut context = Context {
            number: 0,
            mode: self.header(file),
            scopes: Vec::new(),
            broken: false,
        };
        for statement in &file.statements {
            self.statement(statement, definitions, &mut context, rules);
        }
    }

    /// `language` and `mode` of a file (notes 73, 116).
    fn header(&mut self, file: &'a File) -> Mode {
        let mut mode = None;
        let mut ruled = false;
        for (index, statement) in file.statements.iter().enumerate() {
            match statement {
                Statement::Language { span, version } => self.language(index, *span, *version),
                Statement::Mode { span, mode: word } => {
                    let meant = self.mode_word(*word);
                    if ruled {
                        self.report(
                            Diagnostic::new(
                                Code::Misplaced,
                                *span,
                                "`mode` stands after a rule, a default or a scope",
                            )
                            .help("a file's mode comes before its rules; one statement takes `audit` or `enforce` as a prefix"),
                        );
                    } else if let Some((_, before)) = mode {
                        self.report(
                            Diagnostic::new(Code::Misplaced, *span, "the file has two modes")
                                .also(before, "the first one")
                                .help("keep one; a single rule takes `audit` or `enforce` as a prefix"),
                        );
                    } else if let Some(meant) = meant {
                        mode = Some((meant, *span));
                    }
                }
                Statement::Rule(_) | Statement::Scope(_) => ruled = true,
                Statement::Definition(_) | Statement::Test(_) => {}
            }
        }
        mode.map_or(Mode::Enforce, |(mode, _)| mode)
    }

    fn language(&mut self, index: usize, span: Span, version: Word) {
        let text = self.slice(version.span);
        if index != 0 {
            self.report(
                Diagnostic::new(
                    Code::Misplaced,
                    span,
                    "`language` is not the first statement of its file",
                )
                .help("write it before everything but comments, and once"),
            );
        }
        if version.form != Form::Bare || text != "1" {
            self.report(
                Diagnostic::new(
                    Code::Version,
                    version.span,
                    format!("`{}` is not a known version of the language", show(text)),
                )
                .help("the known version is `1`"),
            );
        }
    }

    fn mode_word(&mut self, word: Word) -> Option<Mode> {
        match self.slice(word.span) {
            "audit" => Some(Mode::Audit),
            "enforce" => Some(Mode::Enforce),
            text => {
                self.report(
                    Diagnostic::new(
                        Code::BadMode,
                        word.span,
                        format!("`{}` is not a mode", show(text)),
                    )
                    .help(
                        did_you_mean(text, ["audit", "enforce"])
                            .unwrap_or_else(|| "a mode is `enforce` or `audit`".into()),
                    ),
                );
                None
            }
        }
    }

    fn statement(
        &mut self,
        statement: &'a Statement,
        definitions: &mut Definitions<'a>,
        context: &mut Context,
        rules: &mut Vec<Rule>,
    ) {
        match statement {
            Statement::Rule(rule) => {
                context.number += 1;
                rules.extend(self.rule(rule, definitions, context));
            }
            Statement::Scope(scope) => self.scope(scope, definitions, context, rules),
            // Seen by `header`, by `Definitions::collect` and by `tests`.
            Statement::Mode { .. }
            | Statement::Language { .. }
            | Statement::Definition(_)
            | Statement::Test(_) => {}
        }
    }

    fn scope(
        &mut self,
        scope: &'a Scope,
        definitions: &mut Definitions<'a>,
        context: &mut Context,
        rules: &mut Vec<Rule>,
    ) {
        let condition = definitions.condition(self, &scope.condition);
        let mut inner = Context {
            mode: scope.prefix.map_or(context.mode, |(mode, _)| mode),
            broken: context.broken || condition.is_none(),
            ..context.clone()
        };
        inner.scopes.extend(condition);
        let mut holds_rules = false;
        for statement in &scope.body {
            match statement {
                Statement::Rule(_) | Statement::Scope(_) => {
                    holds_rules = true;
                    self.statement(statement, definitions, &mut inner, rules);
                }
                Statement::Definition(_)
                | Statement::Mode { .. }
                | Statement::Language { .. }
                | Statement::Test(_) => self.misplaced(statement),
            }
        }
        context.number = inner.number;
        if !holds_rules {
            self.report(
                Diagnostic::new(Code::EmptyScope, scope.span, "the scope holds no rules")
                    .help("remove it, or write rules in it"),
            );
        }
    }

    fn misplaced(&mut self, statement: &Statement) {
        let span = statement.span();
        let word = self.slice(span).split_whitespace().next().unwrap_or("");
        self.report(
            Diagnostic::new(
                Code::Misplaced,
                span,
                format!("`{}` stands inside a scope", show(word)),
            )
            .help("a scope holds rules, defaults and scopes; move it out"),
        );
    }
}
