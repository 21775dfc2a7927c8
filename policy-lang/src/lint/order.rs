//! Which rules decide before which, and what they say when they do.

use crate::ast::Effect;
use crate::checked::{CheckedPolicy, Importance, Rule};
use crate::words::errno::Errno;
use std::collections::{HashMap, HashSet};

/// Which rules decide before which, and what they say.
pub(super) struct Order<'p> {
    rules: &'p [Rule],
    /// The place of each rule among all ids in byte order.
    ranks: Vec<usize>,
    /// Rules that say the same when they decide have the same number.
    sayings: Vec<usize>,
    /// Rules that a lint has called useless: no others are called so for them.
    useless: Vec<bool>,
    /// Rules of which that could not be told.
    undecided: Vec<bool>,
    /// Effects whose rules do not all say the same.
    differing: HashSet<Effect>,
}

/// What the caller and the event get from a rule that decides, but for its name.
type Saying<'p> = (Errno, Option<&'p str>, Option<&'static str>, &'p [String]);

impl<'p> Order<'p> {
    pub(super) fn new(policy: &'p CheckedPolicy) -> Self {
        let rules = policy.rules();
        let mut ranks = vec![0; rules.len()];
        for (rank, index) in policy.by_id().iter().enumerate() {
            if let Some(place) = ranks.get_mut(index.0 as usize) {
                *place = rank;
            }
        }
        let mut known: HashMap<Saying<'_>, usize> = HashMap::new();
        let sayings = rules.iter().map(|rule| {
            let next = known.len();
            *known.entry(saying(rule)).or_insert(next)
        });
        let sayings: Vec<usize> = sayings.collect();
        let mut first: HashMap<Effect, usize> = HashMap::new();
        let mut differing = HashSet::new();
        for (rule, saying) in rules.iter().zip(&sayings) {
            if first.entry(rule.effect).or_insert(*saying) != saying {
                differing.insert(rule.effect);
            }
        }
        Self {
            rules,
            ranks,
            sayings,
            differing,
            useless: vec![false; rules.len()],
            undecided: vec![false; rules.len()],
        }
    }

    pub(super) fn rank(&self, rule: usize) -> usize {
        self.ranks.get(rule).copied().unwrap_or(0)
    }

    /// Whether two rules say the same when they decide.
    pub(super) fn same_saying(&self, one: usize, other: usize) -> bool {
        self.sayings.get(one) == self.sayings.get(other)
    }

    /// Whether rules of an effect can say something else than another of them.
    pub(super) fn differ(&self, effect: Effect) -> bool {
        self.differing.contains(&effect)
    }

    pub(super) fn is_useless(&self, rule: usize) -> bool {
        self.useless.get(rule).copied().unwrap_or(false)
    }

    pub(super) fn set_useless(&mut self, rule: usize) {
        if let Some(place) = self.useless.get_mut(rule) {
            *place = true;
        }
    }

    pub(super) fn is_undecided(&self, rule: usize) -> bool {
        self.undecided.get(rule).copied().unwrap_or(false)
    }

    pub(super) fn set_undecided(&mut self, rule: usize) {
        if let Some(place) = self.undecided.get_mut(rule) {
            *place = true;
        }
    }

    /// Whether one rule decides before another, wherever both match.
    pub(super) fn is_before(&self, cover: usize, rule: usize) -> bool {
        let (Some(one), Some(other)) = (self.rules.get(cover), self.rules.get(rule)) else {
            return false;
        };
        let steps = (step(one.effect), step(other.effect));
        let (Some(first), Some(second)) = steps else {
            return false;
        };
        first < second || (first == second && self.rank(cover) < self.rank(rule))
    }

    /// Whether one rule can make another useless, if it matches all that this
    /// does: it counts whenever the other does, and decides before it or says
    /// the same in its place.
    pub(super) fn can_cover(&self, cover: usize, rule: usize) -> bool {
        let (Some(one), Some(other)) = (self.rules.get(cover), self.rules.get(rule)) else {
            return false;
        };
        if cover == rule || self.is_useless(cover) {
            return false;
        }
        let instead = one.effect == other.effect && self.same_saying(cover, rule);
        let counts = one.enforced || !other.enforced || one.effect == Effect::Record;
        counts && (instead || self.is_before(cover, rule))
    }
}

fn saying(rule: &Rule) -> Saying<'_> {
    (
        rule.errno,
        rule.because.as_deref(),
        rule.severity.map(Importance::word),
        &rule.tags,
    )
}

/// The step of a decision in which an effect decides; `None` for `record`.
pub(super) const fn step(effect: Effect) -> Option<u8> {
    match effect {
        Effect::Kill => Some(0),
        Effect::Deny => Some(1),
        Effect::Allow => Some(2),
        Effect::DefaultDeny => Some(3),
        Effect::Record => None,
    }
}
