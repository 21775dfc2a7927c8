//! [`CheckedPolicy`]: the proof that a policy is valid. Only [`crate::check`] makes one.

use crate::ast::Effect;
use crate::source::{SourceId, Span};
use crate::testing::Block;
use crate::types::Values;
use crate::words::attribute::Attribute;
use crate::words::errno::Errno;
use crate::words::family::{Family, FamilySet};
use crate::words::operation::{Operation, OperationSet};
use std::sync::Arc;

/// A rule's number in its policy, dense from 0: what the tables and events carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleIndex(pub u32);

/// How much a rule matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `critical`
    Critical,
}

/// Words of [`Importance`], in order.
pub const IMPORTANCE_WORDS: &[(&str, Importance)] = &[
    ("low", Importance::Low),
    ("medium", Importance::Medium),
    ("high", Importance::High),
    ("critical", Importance::Critical),
];

impl Importance {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = IMPORTANCE_WORDS.iter().find(|(_, one)| *one == self);
        found.map_or("", |(word, _)| word)
    }
}

/// An attribute held against a set.
#[derive(Clone, Debug)]
pub struct Test {
    /// What is asked.
    pub attribute: Attribute,
    /// `!=`, `not in`: the exact complement.
    pub negated: bool,
    /// What it is held against.
    pub values: Arc<Values>,
    /// Where it is written.
    pub span: Span,
}

/// A condition, names written out.
#[derive(Clone, Debug)]
pub enum Condition {
    /// All of these hold.
    All(Vec<Arc<Condition>>),
    /// One of these holds.
    Any(Vec<Arc<Condition>>),
    /// This does not hold.
    Not(Arc<Condition>),
    /// A comparison.
    Test(Test),
}

/// What a rule's target demands.
#[derive(Clone, Debug)]
pub enum Target {
    /// A unix object in the set.
    Unix(Arc<Values>),
    /// An address, a port, or both.
    Address {
        /// The address is in this set.
        addresses: Option<Arc<Values>>,
        /// The port is in this set.
        ports: Option<Arc<Values>>,
    },
    /// A socket option in the set.
    Option(Arc<Values>),
}

/// A rule or a default.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its id, given or implicit.
    pub id: Arc<str>,
    /// Whether the id was given.
    pub named: bool,
    /// The file that has it.
    pub source: SourceId,
    /// The line on which it starts, from 1.
    pub line: u32,
    /// Its place.
    pub span: Span,
    /// What it does.
    pub effect: Effect,
    /// Whether it is `mode enforce`.
    pub enforced: bool,
    /// What a denied caller gets.
    pub errno: Errno,
    /// Why it is there.
    pub because: Option<String>,
    /// How much it matters.
    pub severity: Option<Importance>,
    /// Its tags, in order.
    pub tags: Vec<String>,
    /// Families it covers.
    pub families: FamilySet,
    /// Operations it covers.
    pub operations: OperationSet,
    /// What its target demands; `None` when it has none, or `any`.
    pub target: Option<Target>,
    /// Conditions that must all hold: those of its scopes, outermost first, and its `if`.
    pub when: Vec<Arc<Condition>>,
    /// How many of them are those of its scopes.
    pub scopes: usize,
    /// A condition that must not hold.
    pub unless: Option<Arc<Condition>>,
}

impl Rule {
    /// Whether it is about a family and an operation.
    #[must_use]
    pub fn covers(&self, family: Family, operation: Operation) -> bool {
        self.families.contains(family) && self.operations.contains(operation)
    }
}

/// A valid policy.
#[derive(Clone, Debug)]
pub struct CheckedPolicy {
    rules: Vec<Rule>,
    tests: Vec<Block>,
    files: Vec<(String, String)>,
    by_id: Vec<RuleIndex>,
}

impl CheckedPolicy {
    /// INVARIANT: `check` calls this, after it has found no error.
    pub(crate) fn new(rules: Vec<Rule>, tests: Vec<Block>, files: Vec<(String, String)>) -> Self {
        let count = u32::try_from(rules.len()).unwrap_or(u32::MAX);
        let mut by_id: Vec<RuleIndex> = (0..count).map(RuleIndex).collect();
        let id = |index: &RuleIndex| rules.get(index.0 as usize).map(|rule| rule.id.clone());
        by_id.sort_by_key(id);
        Self {
            rules,
            tests,
            files,
            by_id,
        }
    }

    /// Rules and defaults, in order of file and place; the position is the [`RuleIndex`].
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Its test blocks, in order of file and place.
    #[must_use]
    pub fn tests(&self) -> &[Block] {
        &self.tests
    }

    /// One rule.
    #[must_use]
    pub fn rule(&self, index: RuleIndex) -> Option<&Rule> {
        self.rules.get(index.0 as usize)
    }

    /// Rules by id, in byte order.
    #[must_use]
    pub fn by_id(&self) -> &[RuleIndex] {
        &self.by_id
    }

    /// The rule of an id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<RuleIndex> {
        let key = |index: &RuleIndex| self.rule(*index).map_or("", |rule| &rule.id);
        let at = self.by_id.binary_search_by_key(&id, key).ok()?;
        self.by_id.get(at).copied()
    }

    /// The name of a file, as it was given.
    #[must_use]
    pub fn file_name(&self, source: SourceId) -> &str {
        self.files.get(source.index()).map_or("", |(name, _)| name)
    }

    /// A file's stem: what events call its policy.
    #[must_use]
    pub fn file_stem(&self, source: SourceId) -> &str {
        self.files.get(source.index()).map_or("", |(_, stem)| stem)
    }
}
