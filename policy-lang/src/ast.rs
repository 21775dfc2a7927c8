//! The syntax tree. Every node has its place; words are places in the text.

use crate::source::{SourceId, Span};
use std::sync::Arc;

/// One file.
#[derive(Clone, Debug)]
pub struct File {
    /// Which file.
    pub source: SourceId,
    /// Its text: words are looked up here.
    pub text: Arc<str>,
    /// Its statements, in order. Broken ones are left out.
    pub statements: Vec<Statement>,
    /// Its comments, in order, without the line's end.
    pub comments: Vec<Span>,
}

impl File {
    /// The text of a place in this file.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }
}

/// How a word was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Bare,
    /// In quotes; the place includes them.
    Quoted,
    /// `@` and quotes.
    AtQuoted,
}

/// A word or a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its place, quotes included.
    pub span: Span,
    /// How it was written.
    pub form: Form,
}

/// A word, or braces around several.
#[derive(Clone, Debug)]
pub struct Words {
    /// Its place, braces included.
    pub span: Span,
    /// The words.
    pub words: Vec<Word>,
    /// Whether there are braces.
    pub braced: bool,
}

/// `{ … }`.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its place, braces included.
    pub span: Span,
    /// Its elements; a set among them is an error found later.
    pub elements: Vec<Operand>,
}

/// What stands where a value can.
#[derive(Clone, Debug)]
pub enum Operand {
    /// One word or string.
    Word(Word),
    /// Braces.
    Set(Set),
}

impl Operand {
    /// Its place.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Self::Word(word) => word.span,
            Self::Set(set) => set.span,
        }
    }
}

/// How a test compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `in`
    In,
    /// `not in`
    NotIn,
}

impl Operator {
    /// As written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }
}

/// A condition.
#[derive(Clone, Debug)]
pub enum Condition {
    /// At least two, joined by `or`.
    Or(Vec<Condition>),
    /// At least two, joined by `and`.
    And(Vec<Condition>),
    /// `not` and what it denies.
    Not(Box<Condition>, Span),
    /// Parentheses, and their place.
    Group(Box<Condition>, Span),
    /// An attribute, an operator and what it is held against.
    Test {
        /// The attribute.
        attribute: Word,
        /// The operator.
        operator: Operator,
        /// Where the operator stands.
        operator_span: Span,
        /// What it is held against.
        operand: Operand,
    },
    /// The name of a defined condition.
    Name(Word),
}

impl Condition {
    /// Its place.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Or(all) | Self::And(all) => {
                let first = all.first().map(Self::span).unwrap_or_default();
                all.last().map_or(first, |last| first.to(last.span()))
            }
            Self::Not(_, span) | Self::Group(_, span) => *span,
            Self::Test {
                attribute, operand, ..
            } => attribute.span.to(operand.span()),
            Self::Name(word) => word.span,
        }
    }
}

/// `audit` or `enforce`, as a prefix or after `mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Decides only hypothetically.
    Audit,
    /// Decides.
    Enforce,
}

impl Mode {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Enforce => "enforce",
        }
    }
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// `kill`
    Kill,
    /// `deny`
    Deny,
    /// `allow`
    Allow,
    /// `default deny`
    DefaultDeny,
    /// `record`
    Record,
}

impl Effect {
    /// As written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Deny => "deny",
            Self::Allow => "allow",
            Self::DefaultDeny => "default deny",
            Self::Record => "record",
        }
    }
}

/// `to …` or `on …`.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its place, the preposition included.
    pub span: Span,
    /// `to` or `on`.
    pub preposition: Span,
    /// What it names.
    pub object: Object,
}

/// What a target names.
#[derive(Clone, Debug)]
pub enum Object {
    /// `option X`.
    Option(Operand),
    /// Addresses or unix names, ports, or both.
    Place {
        /// Before `port`.
        place: Option<Operand>,
        /// After `port`.
        ports: Option<Operand>,
    },
}

/// A clause of a rule.
#[derive(Clone, Debug)]
pub struct Clause {
    /// Its place, the keyword included.
    pub span: Span,
    /// What it says.
    pub kind: ClauseKind,
}

/// What a clause says.
#[derive(Clone, Debug)]
pub enum ClauseKind {
    /// `if`
    If(Condition),
    /// `unless`
    Unless(Condition),
    /// `with`
    With(Word),
    /// `id`
    Id(Word),
    /// `because`
    Because(Word),
    /// `severity`
    Severity(Word),
    /// `tag`
    Tag(Word),
}

impl ClauseKind {
    /// Its keyword.
    #[must_use]
    pub const fn keyword(&self) -> &'static str {
        match self {
            Self::If(_) => "if",
            Self::Unless(_) => "unless",
            Self::With(_) => "with",
            Self::Id(_) => "id",
            Self::Because(_) => "because",
            Self::Severity(_) => "severity",
            Self::Tag(_) => "tag",
        }
    }
}

/// A prefix and its place.
pub type Prefix = (Mode, Span);

/// A rule or a default.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its place, the prefix included.
    pub span: Span,
    /// `audit` or `enforce` before it.
    pub prefix: Option<Prefix>,
    /// What it does, and where that is said.
    pub effect: (Effect, Span),
    /// The families.
    pub families: Words,
    /// The operations.
    pub operations: Words,
    /// The target.
    pub target: Option<Target>,
    /// The clauses, in order.
    pub clauses: Vec<Clause>,
}

/// `for C { … }`.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Its place, the prefix and the closing brace included.
    pub span: Span,
    /// `audit` or `enforce` before it.
    pub prefix: Option<Prefix>,
    /// What it adds to its rules.
    pub condition: Condition,
    /// What it holds; statements other than rules, defaults and scopes are errors found later.
    pub body: Vec<Statement>,
}

/// What a definition says.
#[derive(Clone, Debug)]
pub enum Body {
    /// A set or a value that can only be one.
    Operand(Operand),
    /// A condition; a lone word is a name.
    Condition(Condition),
}

/// `let NAME = …` or `extend NAME = …`.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its place.
    pub span: Span,
    /// Whether it is an `extend`.
    pub extends: bool,
    /// What is defined.
    pub name: Word,
    /// What it is.
    pub body: Body,
}

/// An attribute and its value, in `as`.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The attribute.
    pub attribute: Word,
    /// Its value; a set is an error found later.
    pub value: Operand,
}

/// A family, an operation, an object and a subject.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its place.
    pub span: Span,
    /// The family.
    pub family: Word,
    /// The operation.
    pub operation: Word,
    /// The object.
    pub target: Option<Target>,
    /// The subject.
    pub facts: Vec<Fact>,
}

/// `expect …`.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Its place.
    pub span: Span,
    /// `deny`, `kill`, `allow` or `default-deny`.
    pub verdict: Word,
    /// The determining rule.
    pub by: Option<Word>,
    /// A rule that records it.
    pub recorded: Option<Word>,
    /// What is asked.
    pub question: Question,
}

/// `test "name" { … }`.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its place.
    pub span: Span,
    /// Its name.
    pub name: Word,
    /// Its expectations.
    pub expectations: Vec<Expectation>,
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Statement {
    /// A rule or a default.
    Rule(Box<Rule>),
    /// A scope.
    Scope(Scope),
    /// `let` or `extend`.
    Definition(Box<Definition>),
    /// `mode`
    Mode {
        /// Its place.
        span: Span,
        /// The word after it.
        mode: Word,
    },
    /// `language`
    Language {
        /// Its place.
        span: Span,
        /// What follows it.
        version: Word,
    },
    /// `test`
    Test(Test),
}

impl Statement {
    /// Its place.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Self::Rule(rule) => rule.span,
            Self::Scope(scope) => scope.span,
            Self::Definition(definition) => definition.span,
            Self::Mode { span, .. } | Self::Language { span, .. } => *span,
            Self::Test(test) => test.span,
        }
    }
}
