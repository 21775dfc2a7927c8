//! A policy as its author thinks of it: what [`crate::write`] makes text of, in
//! more than one way.

use policy_lang::words::attribute::Attribute;

/// A policy.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Its files: `a.policy`, `b.policy` and so on.
    pub files: Vec<File>,
    /// What is defined, each by an [`Item::Let`] somewhere.
    pub lets: Vec<Let>,
    /// What is added to sets, each by an [`Item::Extend`] somewhere: the set's
    /// place among `lets`, and the addition.
    pub extensions: Vec<(usize, Body)>,
}

/// A file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Whether it begins with `language 1`.
    pub language: bool,
    /// `audit` or `enforce` after `mode`.
    pub mode: Option<&'static str>,
    /// Its other statements.
    pub items: Vec<Item>,
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Item {
    /// A definition, by its place.
    Let(usize),
    /// An addition, by its place.
    Extend(usize),
    /// A rule or a default.
    Rule(Rule),
    /// A scope.
    Scope(Scope),
    /// A test block.
    Test(Test),
}

/// `let`.
#[derive(Clone, Debug)]
pub struct Let {
    /// What it can stand for.
    pub sort: Sort,
    /// What it is.
    pub body: Body,
}

/// What a definition can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Addresses.
    Addresses,
    /// Numbers that are ports and ids.
    Numbers,
    /// Paths of files.
    Files,
    /// Unix objects.
    Unix,
    /// Words and patterns.
    Texts,
    /// A condition that asks for these attributes of objects.
    Condition(Objects),
}

/// What a definition or an addition says.
#[derive(Clone, Debug)]
pub enum Body {
    /// `{ … }`.
    Set(Vec<Element>),
    /// A value that can only be one, or another name.
    One(Element),
    /// A condition.
    Condition(Condition),
}

/// An element of a set.
#[derive(Clone, Debug)]
pub enum Element {
    /// As written.
    Value(&'static str),
    /// A definition, by its place.
    Name(usize),
}

/// What a test is held against, or a target names.
#[derive(Clone, Debug)]
pub enum Operand {
    /// One value, built-in set, `any` or definition.
    One(Element),
    /// `{ … }`.
    Set(Vec<Element>),
}

/// A condition.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Joined by `or`; none of them is an `Or`.
    Or(Vec<Condition>),
    /// Joined by `and`; none of them is an `Or` or `And`.
    And(Vec<Condition>),
    /// `not` before a test, a name, parentheses or another.
    Not(Box<Condition>),
    /// In parentheses.
    Group(Box<Condition>),
    /// A comparison.
    Test {
        /// The attribute.
        attribute: Attribute,
        /// The operator, as written.
        operator: &'static str,
        /// What it is held against.
        operand: Operand,
    },
    /// A definition, by its place.
    Name(usize),
}

/// A rule or a default.
#[derive(Clone, Debug)]
pub struct Rule {
    /// `audit` or `enforce`.
    pub prefix: Option<&'static str>,
    /// The effect's words.
    pub effect: &'static [&'static str],
    /// The families.
    pub families: Words,
    /// The operations.
    pub operations: Words,
    /// The target.
    pub target: Option<Target>,
    /// The clauses but `id`.
    pub clauses: Vec<Clause>,
    /// Its id, and whether it is written.
    pub id: (String, bool),
}

/// Words of a list.
#[derive(Clone, Debug)]
pub struct Words {
    /// The words.
    pub words: Vec<&'static str>,
    /// Whether they stand in braces.
    pub braced: bool,
}

/// A target.
#[derive(Clone, Debug)]
pub struct Target {
    /// `to` or `on`.
    pub preposition: &'static str,
    /// Before `port`.
    pub place: Option<Operand>,
    /// After `port`.
    pub ports: Option<Operand>,
}

/// A clause.
#[derive(Clone, Debug)]
pub enum Clause {
    /// `if`.
    If(Condition),
    /// `unless`.
    Unless(Condition),
    /// A keyword and its word.
    Word(&'static str, &'static str),
}

/// `for`.
#[derive(Clone, Debug)]
pub struct Scope {
    /// `audit` or `enforce`.
    pub prefix: Option<&'static str>,
    /// What it adds.
    pub condition: Condition,
    /// Rules and scopes.
    pub items: Vec<Item>,
}

/// `test`.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its name, as written.
    pub name: &'static str,
    /// Words of each expectation.
    pub expectations: Vec<Vec<String>>,
}

/// Which attributes objects have, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Objects(u8);

impl Objects {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// `addr`.
    pub const ADDRESS: Self = Self(1);
    /// `port`.
    pub const PORT: Self = Self(2);
    /// `path` and `name`.
    pub const UNIX: Self = Self(4);
    /// The option of `setsockopt`, which only targets name.
    pub const OPTION: Self = Self(8);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are among these.
    #[must_use]
    pub const fn have(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
