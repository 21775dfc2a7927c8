//! Statements to a document. Words come from the tokens, one after the other; the
//! tree says which belong together.

use super::cursor::{Between, Layout};
use super::doc::Op;
use crate::ast::{
    Body, Clause, ClauseKind, Condition, Definition, Effect, Expectation, Fact, File, Question,
    Rule, Scope, Statement, Test,
};
use crate::parse::Lexed;
use crate::source::SourceFile;

/// The document of a file that has no errors of syntax.
pub(super) fn file<'t>(file: &'t SourceFile, tree: &File, lexed: &'t Lexed) -> Vec<Op<'t>> {
    let mut layout = Layout::new(file, lexed);
    layout.statements(&tree.statements);
    layout.finish(tree.statements.is_empty())
}

impl Layout<'_> {
    fn statements(&mut self, all: &[Statement]) {
        for (index, one) in all.iter().enumerate() {
            self.before_item(Between::Statements, index == 0);
            self.statement(one);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Rule(rule) => self.rule(rule),
            Statement::Scope(scope) => self.scope(scope),
            Statement::Definition(definition) => self.definition(definition),
            Statement::Test(test) => self.test(test),
            Statement::Mode { .. } | Statement::Language { .. } => {
                self.token();
                self.push(Op::Indent);
                self.space();
                self.token();
                self.push(Op::End);
            }
        }
    }

    fn rule(&mut self, rule: &Rule) {
        self.push(Op::Open);
        self.token();
        self.push(Op::Indent);
        let more =
            usize::from(rule.prefix.is_some()) + usize::from(rule.effect.0 == Effect::DefaultDeny);
        for _ in 0..more {
            self.space();
            self.token();
        }
        self.space();
        self.words(&rule.families);
        self.space();
        let connects = self.words(&rule.operations);
        if let Some(target) = &rule.target {
            self.target(target, connects);
        }
        for clause in &rule.clauses {
            self.line();
            self.clause(clause);
        }
        self.push(Op::End);
        self.push(Op::Close);
    }

    fn clause(&mut self, clause: &Clause) {
        self.token();
        self.space();
        match &clause.kind {
            ClauseKind::If(condition) | ClauseKind::Unless(condition) => {
                self.condition(condition, true);
            }
            ClauseKind::With(_)
            | ClauseKind::Id(_)
            | ClauseKind::Because(_)
            | ClauseKind::Severity(_)
            | ClauseKind::Tag(_) => self.token(),
        }
    }

    fn scope(&mut self, scope: &Scope) {
        self.push(Op::Open);
        self.token();
        self.push(Op::Indent);
        if scope.prefix.is_some() {
            self.space();
            self.token();
        }
        self.space();
        self.condition(&scope.condition, false);
        self.push(Op::End);
        // After a set that breaks by itself, the brace can stay on its line.
        let joined = matches!(scope.condition, Condition::Or(_) | Condition::And(_));
        if joined {
            self.line();
        } else {
            self.space();
        }
        self.token();
        self.push(Op::Close);
        self.block(scope.body.is_empty(), |me| me.statements(&scope.body));
    }

    fn definition(&mut self, definition: &Definition) {
        self.token();
        self.push(Op::Indent);
        for _ in 0..2 {
            self.space();
            self.token();
        }
        self.space();
        match &definition.body {
            Body::Operand(operand) => self.operand(operand),
            Body::Condition(condition) => self.condition(condition, false),
        }
        self.push(Op::End);
    }

    fn test(&mut self, test: &Test) {
        self.token();
        self.push(Op::Indent);
        self.space();
        self.token();
        self.push(Op::End);
        self.space();
        self.token();
        self.block(test.expectations.is_empty(), |me| {
            for (index, one) in test.expectations.iter().enumerate() {
                me.before_item(Between::Statements, index == 0);
                me.expectation(one);
            }
        });
    }

    fn expectation(&mut self, one: &Expectation) {
        self.push(Op::Open);
        self.token();
        self.push(Op::Indent);
        self.space();
        self.token();
        let by = if one.by.is_some() { 2 } else { 0 };
        let recorded = if one.recorded.is_some() { 3 } else { 0 };
        for _ in 0..by + recorded {
            self.space();
            self.token();
        }
        self.question(&one.question);
        self.push(Op::End);
        self.push(Op::Close);
    }

    fn question(&mut self, question: &Question) {
        self.space();
        self.token();
        self.space();
        let connects = self.next_is("connect");
        self.token();
        if let Some(target) = &question.target {
            self.target(target, connects);
        }
        if question.facts.is_empty() {
            return;
        }
        self.line();
        self.push(Op::Open);
        self.token();
        self.space();
        self.push(Op::Indent);
        for (index, fact) in question.facts.iter().enumerate() {
            if index > 0 {
                self.line();
            }
            self.fact(fact);
            let last = index + 1 == question.facts.len();
            self.comma(!last);
        }
        self.push(Op::End);
        self.push(Op::Close);
    }

    fn fact(&mut self, fact: &Fact) {
        self.token();
        self.space();
        self.token();
        self.space();
        self.operand(&fact.value);
    }
}
