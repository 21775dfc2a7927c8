//! Nodes of the grammar to the syntax tree. `Pair` and `Rule` go no further than here.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each place of the grammar takes a few of its many rules"
)]

use super::lex::{Lexed, Token, too_deep};
use super::nodes::{Nodes, Pair, Pairs};
use super::{Rule, advice, recover};
use crate::ast::{
    Body, Clause, ClauseKind, Condition, Definition, Effect, Expectation, Fact, Form, Mode, Object,
    Operand, Operator, Prefix, Question, Scope, Set, Statement, Target, Test, Word, Words,
};
use crate::diag::{Code, Diagnostic, KEPT, show};
use crate::limits;
use crate::source::{SourceFile, Span};

type P<'n> = Pair<'n>;

/// Makes the tree, and collects what was wrong.
pub(super) struct Builder<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) letters: &'a str,
    pub(super) tokens: &'a [Token],
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Bracket errors are reported: what follows from them is not.
    broken_brackets: bool,
    depth: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(file: &'a SourceFile, lexed: &'a Lexed, broken_brackets: bool) -> Self {
        Self {
            file,
            letters: &lexed.letters,
            tokens: &lexed.tokens,
            diagnostics: Vec::new(),
            broken_brackets,
            depth: 0,
        }
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The place of the tokens from `first` up to `end`; past the last token, its end.
    pub(super) fn tokens_span(&self, first: usize, end: usize) -> Span {
        let past = self.tokens.last().map_or(0, |token| token.end);
        let start = self.tokens.get(first).map_or(past, |token| token.start);
        let last = end.max(first + 1) - 1;
        let end = self.tokens.get(last).map_or(past, |token| token.end);
        Span {
            source: self.file.id(),
            start,
            end: end.max(start),
        }
    }

    fn span(&self, pair: &P<'_>) -> Span {
        self.tokens_span(pair.start(), pair.end())
    }

    fn text(&self, word: Word) -> &'a str {
        self.file.slice(word.span)
    }

    pub(super) fn file(&mut self, nodes: &Nodes<'_>) -> Vec<Statement> {
        let Some(file) = nodes.pairs().next() else {
            return Vec::new();
        };
        self.statements(file.into_inner())
    }

    pub(super) fn request(&mut self, nodes: &Nodes<'_>) -> Option<Question> {
        let request = nodes.pairs().next()?;
        let question = request.into_inner().next()?;
        Some(self.question(question))
    }

    fn statements(&mut self, pairs: Pairs<'_>) -> Vec<Statement> {
        let mut statements = Vec::with_capacity(pairs.clone().count());
        for pair in pairs {
            match pair.as_rule() {
                Rule::stray => self.stray(&pair, Rule::one),
                // The lexer has reported a brace that closes nothing.
                Rule::stray_brace | Rule::EOI | Rule::prefix | Rule::condition | Rule::open => {}
                _ => {
                    if let Some(statement) = self.statement(pair) {
                        statements.push(statement);
                    }
                }
            }
        }
        statements
    }

    fn stray(&mut self, pair: &P<'_>, rule: Rule) {
        let mut first = pair.start();
        // Sentences that start with no word of ours run into one.
        let more: Vec<usize> = (first + 1..pair.end())
            .filter(|at| rule == Rule::one && advice::starts_statement(self, *at))
            .take(KEPT)
            .collect();
        for end in more.into_iter().chain([pair.end()]) {
            // Past what is shown, a second look at each is for nobody.
            let found = if self.diagnostics.len() < KEPT {
                recover::stray(self, first, end, rule)
            } else {
                let place = self.tokens_span(first, first + 1);
                Diagnostic::new(Code::Syntax, place, "no sentence")
            };
            // One forgotten bracket makes the rest of its statement stray.
            if !self.broken_brackets || found.code != Code::Syntax {
                self.report(found);
            }
            first = end;
        }
    }

    fn statement(&mut self, pair: P<'_>) -> Option<Statement> {
        Some(match pair.as_rule() {
            Rule::rule_statement => Statement::Rule(Box::new(self.rule(pair)?)),
            Rule::scope => Statement::Scope(self.scope(pair)?),
            Rule::definition => Statement::Definition(Box::new(self.definition(pair)?)),
            Rule::test => Statement::Test(self.test(pair)?),
            Rule::mode => Statement::Mode {
                span: self.span(&pair),
                mode: self.first_word(pair)?,
            },
            Rule::language => Statement::Language {
                span: self.span(&pair),
                version: self.first_word(pair)?,
            },
            _ => return None,
        })
    }

    fn first_word(&mut self, pair: P<'_>) -> Option<Word> {
        pair.into_inner().next().map(|inner| self.word(&inner))
    }

    fn word(&self, pair: &P<'_>) -> Word {
        let form = match pair.as_str() {
            "\"" => Form::Quoted,
            "@" => Form::AtQuoted,
            _ => Form::Bare,
        };
        Word {
            span: self.span(pair),
            form,
        }
    }

    fn prefix(&self, pair: &P<'_>) -> Prefix {
        let mode = if pair.as_str() == "L" {
            Mode::Audit
        } else {
            Mode::Enforce
        };
        (mode, self.span(pair))
    }

    fn rule(&mut self, pair: P<'_>) -> Option<crate::ast::Rule> {
        let span = self.span(&pair);
        let (mut prefix, mut effect, mut target) = (None, None, None);
        let (mut families, mut operations) = (None, None);
        let mut clauses = Vec::new();
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::prefix => prefix = Some(self.prefix(&inner)),
                Rule::effect => effect = Some((effect_of(inner.as_str()), self.span(&inner))),
                Rule::default_effect => effect = Some(self.default_effect(inner)),
                Rule::words if families.is_none() => families = Some(self.words(inner)),
                Rule::words => operations = Some(self.words(inner)),
                Rule::target => target = Some(self.target(inner)),
                _ => clauses.extend(self.clause(inner)),
            }
        }
        Some(crate::ast::Rule {
            span,
            prefix,
            effect: effect?,
            families: families?,
            operations: operations?,
            target,
            clauses,
        })
    }

    /// `default` and a word that must be `deny` (notes 71).
    fn default_effect(&mut self, pair: P<'_>) -> (Effect, Span) {
        let span = self.span(&pair);
        let word = pair.into_inner().next().map(|inner| self.word(&inner));
        if let Some(word) = word.filter(|word| self.text(*word) != "deny") {
            let found = show(self.text(word));
            self.report(
                Diagnostic::new(
                    Code::DefaultEffect,
                    word.span,
                    format!("`default {found}` is not a statement"),
                )
                .help("the only default is `default deny`"),
            );
        }
        (Effect::DefaultDeny, span)
    }

    fn words(&mut self, pair: P<'_>) -> Words {
        let span = self.span(&pair);
        let braced = pair.as_str().starts_with('{');
        let mut words = listed(pair).map(|inner| self.word(&inner));
        let words = match words.next() {
            // As nearly all are: room for one is all that it takes.
            Some(alone) if !braced => vec![alone],
            first => first.into_iter().chain(words).collect(),
        };
        Words {
            span,
            words,
            braced,
        }
    }

    fn target(&mut self, pair: P<'_>) -> Target {
        let (span, start) = (self.span(&pair), pair.start());
        let (mut place, mut ports, mut option) = (None, None, None);
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::options => option = inner.into_inner().next().map(|one| self.operand(one)),
                Rule::ports => ports = inner.into_inner().next().map(|one| self.operand(one)),
                Rule::object => place = inner.into_inner().next().map(|one| self.operand(one)),
                _ => {}
            }
        }
        Target {
            span,
            preposition: self.tokens_span(start, start + 1),
            object: match option {
                Some(option) => Object::Option(option),
                None => Object::Place { place, ports },
            },
        }
    }

    fn operand(&mut self, pair: P<'_>) -> Operand {
        match pair.as_rule() {
            Rule::set => Operand::Set(self.set(pair)),
            Rule::operand => match pair.into_inner().next() {
                Some(inner) => self.operand(inner),
                None => Operand::Word(self.word(&pair)),
            },
            _ => Operand::Word(self.word(&pair)),
        }
    }

    fn set(&mut self, pair: P<'_>) -> Set {
        Set {
            span: self.span(&pair),
            elements: listed(pair).map(|inner| self.operand(inner)).collect(),
        }
    }

    fn clause(&mut self, pair: P<'_>) -> Option<Clause> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let inner = pair.into_inner().next()?;
        let kind = match rule {
            Rule::when => ClauseKind::If(self.condition(inner)?),
            Rule::unless => ClauseKind::Unless(self.condition(inner)?),
            Rule::with => ClauseKind::With(self.word(&inner)),
            Rule::id => ClauseKind::Id(self.word(&inner)),
            Rule::because => ClauseKind::Because(self.word(&inner)),
            Rule::severity => ClauseKind::Severity(self.word(&inner)),
            Rule::tag => ClauseKind::Tag(self.word(&inner)),
            _ => return None,
        };
        Some(Clause { span, kind })
    }

    /// Goes one level deeper for `inside`; past the bound, reports and goes on.
    fn nested<T>(&mut self, span: Span, levels: usize, inside: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.depth;
        self.depth += levels;
        if before <= limits::NESTING && self.depth > limits::NESTING {
            self.report(too_deep(span));
        }
        let value = inside(self);
        self.depth = before;
        value
    }

    /// A condition or a conjunct: one part, or several that are joined.
    fn condition(&mut self, pair: P<'_>) -> Option<Condition> {
        let or = pair.as_rule() == Rule::condition;
        let mut parts = pair.into_inner();
        let first = parts.next()?;
        let first = self.part(first, or)?;
        if parts.is_empty() {
            return Some(first);
        }
        let mut all = vec![first];
        for part in parts.filter(|part| !matches!(part.as_rule(), Rule::kw_and | Rule::kw_or)) {
            all.push(self.part(part, or)?);
        }
        Some(if or {
            Condition::Or(all)
        } else {
            Condition::And(all)
        })
    }

    fn part(&mut self, pair: P<'_>, of_or: bool) -> Option<Condition> {
        if of_or {
            self.condition(pair)
        } else {
            self.negation(pair)
        }
    }

    fn negation(&mut self, pair: P<'_>) -> Option<Condition> {
        let span = self.span(&pair);
        let mut nots = Vec::new();
        let mut inner = pair.into_inner();
        let primary = loop {
            let next = inner.next()?;
            if next.as_rule() != Rule::kw_not {
                break next;
            }
            nots.push(self.span(&next));
        };
        let count = nots.len();
        let mut condition = self.nested(span, count, |me| me.primary(primary))?;
        for not in nots.into_iter().rev() {
            let span = not.to(condition.span());
            condition = Condition::Not(Box::new(condition), span);
        }
        Some(condition)
    }

    fn primary(&mut self, pair: P<'_>) -> Option<Condition> {
        if pair.as_rule() == Rule::group {
            let span = self.span(&pair);
            let inner = pair.into_inner().next()?;
            let condition = self.nested(span, 1, |me| me.condition(inner))?;
            return Some(Condition::Group(Box::new(condition), span));
        }
        let attribute = Word {
            span: self.tokens_span(pair.start(), pair.start() + 1),
            form: Form::Bare,
        };
        let mut inner = pair.into_inner();
        let Some(operator) = inner.next() else {
            return Some(Condition::Name(attribute));
        };
        Some(Condition::Test {
            attribute,
            operator: operator_of(operator.as_str()),
            operator_span: self.span(&operator),
            operand: inner.next().map(|operand| self.operand(operand))?,
        })
    }

    fn scope(&mut self, pair: P<'_>) -> Option<Scope> {
        let span = self.span(&pair);
        let (mut prefix, mut condition) = (None, None);
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::prefix => prefix = Some(self.prefix(&inner)),
                Rule::condition => {
                    condition = self.condition(inner);
                    break;
                }
                _ => {}
            }
        }
        let body = self.nested(span, 1, |me| me.statements(pair.into_inner()));
        Some(Scope {
            span,
            prefix,
            condition: condition?,
            body,
        })
    }

    fn definition(&mut self, pair: P<'_>) -> Option<Definition> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let extends = inner.next()?.as_rule() == Rule::kw_extend;
        let name = inner.next().map(|name| self.word(&name))?;
        let value = inner.find(|one| one.as_rule() != Rule::equals)?;
        let body = match value.as_rule() {
            Rule::condition => Body::Condition(self.condition(value)?),
            _ => Body::Operand(self.operand(value)),
        };
        Some(Definition {
            span,
            extends,
            name,
            body,
        })
    }

    fn test(&mut self, pair: P<'_>) -> Option<Test> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let name = inner.next().map(|name| self.word(&name))?;
        let mut expectations = Vec::new();
        for one in inner {
            match one.as_rule() {
                Rule::expectation => expectations.extend(self.expectation(one)),
                Rule::stray_expectation => self.stray(&one, Rule::one_expectation),
                _ => {}
            }
        }
        Some(Test {
            span,
            name,
            expectations,
        })
    }

    fn expectation(&mut self, pair: P<'_>) -> Option<Expectation> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let verdict = inner.next().map(|word| self.word(&word))?;
        let (mut by, mut recorded, mut question) = (None, None, None);
        for one in inner {
            match one.as_rule() {
                Rule::by => by = self.first_word(one),
                Rule::recorded => recorded = self.first_word(one),
                Rule::question => question = Some(self.question(one)),
                _ => {}
            }
        }
        Some(Expectation {
            span,
            verdict,
            by,
            recorded,
            question: question?,
        })
    }

    fn question(&mut self, pair: P<'_>) -> Question {
        let span = self.span(&pair);
        let mut names = Vec::with_capacity(2);
        let mut target = None;
        let mut facts = Vec::new();
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::list_name => names.push(self.word(&inner)),
                Rule::target => target = Some(self.target(inner)),
                Rule::given => {
                    facts = inner
                        .into_inner()
                        .filter_map(|one| self.fact(one))
                        .collect();
                }
                _ => {}
            }
        }
        let nowhere = Word {
            span,
            form: Form::Bare,
        };
        let mut names = names.into_iter();
        Question {
            span,
            family: names.next().unwrap_or(nowhere),
            operation: names.next().unwrap_or(nowhere),
            target,
            facts,
        }
    }

    fn fact(&mut self, pair: P<'_>) -> Option<Fact> {
        let mut inner = pair.into_inner();
        Some(Fact {
            attribute: inner.next().map(|word| self.word(&word))?,
            value: inner
                .find(|one| one.as_rule() != Rule::equals)
                .map(|value| self.operand(value))?,
        })
    }
}

/// What a list holds, punctuation left out.
fn listed(pair: P<'_>) -> impl Iterator<Item = P<'_>> {
    pair.into_inner()
        .filter(|inner| !matches!(inner.as_rule(), Rule::comma | Rule::end))
}

fn effect_of(letter: &str) -> Effect {
    match letter {
        "B" => Effect::Kill,
        "C" => Effect::Allow,
        "D" => Effect::Record,
        _ => Effect::Deny,
    }
}

fn operator_of(letters: &str) -> Operator {
    match letters {
        "!" => Operator::NotEqual,
        "<" => Operator::Less,
        "1" => Operator::LessEqual,
        ">" => Operator::Greater,
        "2" => Operator::GreaterEqual,
        "f" => Operator::In,
        "cf" => Operator::NotIn,
        _ => Operator::Equal,
    }
}
