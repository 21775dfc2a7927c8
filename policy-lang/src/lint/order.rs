//! Which rules decide before which, and what they say when they do.

use crate::ast::Effect;
use crate::checked::{CheckedPolicy, Importance, Rule};
use crate::maps::{HashMap, HashSet};
use crate::words::errno::Errno;

/// Which rules decide before which, and what they say.
pub(super) struct Order {
    standings: Vec<Standing>,
    /// Rules that a lint has called useless: no others are called so for them.
    useless: Vec<bool>,
    /// Rules of which that could not be told.
    undecided: Vec<bool>,
    /// Effects whose rules do not all say the same.
    differing: HashSet<Effect>,
}

/// What a rule is held against others by: every rule is, many times.
#[derive(Clone, Copy)]
struct Standing {
    effect: Effect,
    enforced: bool,
    /// The place among all ids in byte order.
    rank: usize,
    /// Rules that say the same when they decide have the same number.
    saying: usize,
}

/// What the caller and the event get from a rule that decides, but for its name.
type Saying<'p> = (Errno, Option<&'p str>, Option<&'static str>, &'p [String]);

impl Order {
    pub(super) fn new<'p>(policy: &'p CheckedPolicy) -> Self {
        let rules = policy.rules();
        let mut known: HashMap<Saying<'_>, usize> = HashMap::default();
        let standing = |rule: &'p Rule| {
            let next = known.len();
            Standing {
                effect: rule.effect,
                enforced: rule.enforced,
                rank: 0,
                saying: *known.entry(saying(rule)).or_insert(next),
            }
        };
        let mut standings: Vec<Standing> = rules.iter().map(standing).collect();
        for (rank, index) in policy.by_id().iter().enumerate() {
            if let Some(standing) = standings.get_mut(index.0 as usize) {
                standing.rank = rank;
            }
        }
        let mut first: HashMap<Effect, usize> = HashMap::default();
        let mut differing = HashSet::default();
        for one in &standings {
            if *first.entry(one.effect).or_insert(one.saying) != one.saying {
                differing.insert(one.effect);
            }
        }
        Self {
            standings,
            differing,
            useless: vec![false; rules.len()],
            undecided: vec![false; rules.len()],
        }
    }

    pub(super) fn rank(&self, rule: usize) -> usize {
        self.standings.get(rule).map_or(0, |one| one.rank)
    }

    /// Whether two rules say the same when they decide.
    pub(super) fn same_saying(&self, one: usize, other: usize) -> bool {
        let saying = |rule| self.standings.get(rule).map(|one: &Standing| one.saying);
        saying(one) == saying(other)
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
        let (Some(one), Some(other)) = (self.standings.get(cover), self.standings.get(rule)) else {
            return false;
        };
        let steps = (step(one.effect), step(other.effect));
        let (Some(first), Some(second)) = steps else {
            return false;
        };
        first < second || (first == second && one.rank < other.rank)
    }

    /// Whether one rule can make another useless, if it matches all that this
    /// does: it counts whenever the other does, and decides before it or says
    /// the same in its place.
    pub(super) fn can_cover(&self, cover: usize, rule: usize) -> bool {
        let (Some(one), Some(other)) = (self.standings.get(cover), self.standings.get(rule)) else {
            return false;
        };
        if cover == rule || self.is_useless(cover) {
            return false;
        }
        let instead = one.effect == other.effect && one.saying == other.saying;
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
