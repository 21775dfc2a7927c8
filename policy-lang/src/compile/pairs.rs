//! Terms by (family, operation), in the order in which they decide.

use super::select::{self, Selected};
use super::support::{dimension, trait_field};
use super::{Account, Host, PlaceUse};
use crate::ast::Effect;
use crate::checked::{CheckedPolicy, Rule, RuleIndex};
use crate::limits;
use crate::maps::HashMap;
use crate::selection::Selection;
use crate::terms::{Axis, Literal, normal_form};
use crate::types::Values;
use crate::types::number::NumberSet;
use crate::words::attribute::Attribute;
use crate::words::family::Family;
use crate::words::operation::Operation;
use crate::words::shape::Shape;
use policy_abi::fields::Dimension;
use policy_abi::image::{MAX_RULES, TERMS_PER_PAIR};
use std::collections::BTreeMap;
use std::sync::Arc;

// What is valid has its terms and rules in the tables.
const _: () = assert!(limits::TERMS_PER_PAIR <= TERMS_PER_PAIR as usize);
const _: () = assert!(limits::RULES <= MAX_RULES as usize);

/// A set's number within its dimension's sets.
pub(super) type SetId = usize;

/// A test, its set interned.
#[derive(Clone, Debug)]
pub(super) struct Interned {
    pub(super) dimension: Dimension,
    pub(super) set: SetId,
    pub(super) negated: bool,
}

/// A term of a rule.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) rule: RuleIndex,
    pub(super) effect: Effect,
    pub(super) literals: Vec<Interned>,
}

/// The sets of each dimension, each once.
#[derive(Debug, Default)]
pub(super) struct Sets {
    all: BTreeMap<Dimension, Vec<(Arc<Values>, PlaceUse)>>,
    by_content: HashMap<(u32, PlaceUse, Arc<Values>), SetId>,
    /// One set used by many rules is looked at once.
    by_address: HashMap<(Axis, PlaceUse, *const Values), (Dimension, SetId)>,
}

impl Sets {
    fn intern(
        &mut self,
        axis: Axis,
        values: &Arc<Values>,
        place_use: PlaceUse,
        host: &dyn Host,
    ) -> (Dimension, SetId) {
        let address = (axis, place_use, Arc::as_ptr(values));
        if let Some(known) = self.by_address.get(&address) {
            return *known;
        }
        let (dimension, lowered) = lowered(axis, values, host);
        let all = self.all.entry(dimension).or_default();
        let content = (dimension as u32, place_use, lowered);
        let id = *self
            .by_content
            .entry(content)
            .or_insert_with_key(|content| {
                all.push((content.2.clone(), place_use));
                all.len() - 1
            });
        self.by_address.insert(address, (dimension, id));
        (dimension, id)
    }

    /// The sets of a dimension, by id.
    pub(super) fn of(&self, dimension: Dimension) -> &[(Arc<Values>, PlaceUse)] {
        self.all.get(&dimension).map_or(&[], Vec::as_slice)
    }
}

/// A family and an operation.
pub(super) type Pair = (Family, Operation);

/// Pairs that have the same terms.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) pairs: Vec<(Family, Operation)>,
    pub(super) terms: Vec<Placed>,
}

impl Group {
    /// The pairs, for people.
    pub(super) fn names(&self) -> String {
        names(&self.pairs)
    }
}

/// Pairs, for people.
fn names(pairs: &[Pair]) -> String {
    let names: Vec<String> = pairs
        .iter()
        .map(|(family, operation)| format!("`{family} {operation}`"))
        .collect();
    names.join(" and ")
}

/// All terms of a policy.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pub(super) groups: Vec<Group>,
    pub(super) sets: Sets,
    /// Which events are made.
    pub(super) selected: Selected,
}

impl Pairs {
    /// The pairs that have terms, in order.
    pub(super) fn covered(&self) -> Vec<(Family, Operation)> {
        let pairs = self
            .groups
            .iter()
            .filter(|group| !group.terms.is_empty())
            .flat_map(|group| group.pairs.iter().copied());
        let mut all: Vec<_> = pairs.collect();
        all.sort_unstable();
        all
    }
}

/// The order of effects in a row of bits.
const fn step(effect: Effect) -> u8 {
    match effect {
        Effect::Kill => 0,
        Effect::Deny => 1,
        Effect::Allow => 2,
        Effect::DefaultDeny => 3,
        Effect::Record => 4,
    }
}

/// Collects the terms of a policy. Every pair of every rule is decided by this build.
pub(super) fn collect(policy: &CheckedPolicy, selection: &Selection, host: &dyn Host) -> Pairs {
    // Rules in the order in which they decide: by step, then by id.
    let mut order: Vec<(RuleIndex, &Rule)> = policy
        .by_id()
        .iter()
        .filter_map(|index| Some((*index, policy.rule(*index)?)))
        .collect();
    order.sort_by_key(|(_, rule)| step(rule.effect));
    let mut by_pair: BTreeMap<Pair, Vec<usize>> = BTreeMap::new();
    for (place, (_, rule)) in order.iter().enumerate() {
        for family in rule.families.iter() {
            for operation in rule.operations.iter() {
                by_pair.entry((family, operation)).or_default().push(place);
            }
        }
    }
    let mut grouped: BTreeMap<(Shape, Vec<usize>), Vec<Pair>> = BTreeMap::new();
    for (pair, places) in by_pair {
        let key = (Shape::of(pair.0, pair.1), places);
        grouped.entry(key).or_default().push(pair);
    }
    let mut all = Pairs::default();
    for ((shape, places), pairs) in grouped {
        let rules = places.iter().filter_map(|place| order.get(*place).copied());
        let terms = group(rules, shape, &mut all.sets, host);
        if !terms.is_empty() {
            all.groups.push(Group { pairs, terms });
        }
    }
    all.selected = select::collect(selection, &mut all.sets, host);
    select::add_pairs(&mut all);
    all
}

/// The terms of rules for a shape.
fn group<'p>(
    rules: impl Iterator<Item = (RuleIndex, &'p Rule)>,
    shape: Shape,
    sets: &mut Sets,
    host: &dyn Host,
) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::new();
    for (index, rule) in rules {
        for term in normal_form(rule, shape) {
            let literals = term
                .literals
                .iter()
                .map(|one| intern(one, rule.effect, sets, host));
            placed.push(Placed {
                rule: index,
                effect: rule.effect,
                literals: literals.collect(),
            });
        }
    }
    placed
}

pub(super) fn intern(
    literal: &Literal,
    effect: Effect,
    sets: &mut Sets,
    host: &dyn Host,
) -> Interned {
    let place_use = place_use(literal, effect);
    let (dimension, set) = sets.intern(literal.axis, &literal.values, place_use, host);
    Interned {
        dimension,
        set,
        negated: literal.negated,
    }
}

/// Whether a match of the literal keeps an operation from being denied.
fn place_use(literal: &Literal, effect: Effect) -> PlaceUse {
    let places = matches!(&*literal.values, Values::Patterns(_) | Values::Unix(_));
    let exempts = match effect {
        Effect::Allow => !literal.negated,
        Effect::Kill | Effect::Deny | Effect::DefaultDeny => literal.negated,
        Effect::Record => false,
    };
    if places && exempts {
        PlaceUse::Ground
    } else {
        PlaceUse::Named
    }
}

/// A set as its dimension has it: words become traits, and names numbers.
fn lowered(axis: Axis, values: &Arc<Values>, host: &dyn Host) -> (Dimension, Arc<Values>) {
    let attribute = match axis {
        // A pair's object is a unix socket's or an option, never both.
        Axis::Unix | Axis::Option => return (Dimension::Unix, values.clone()),
        Axis::Attribute(attribute) => attribute,
    };
    let dimension = dimension(attribute);
    let lowered = match (&**values, trait_field(attribute)) {
        (Values::Words(words), Some(field)) => Arc::new(Values::Words(field.set(*words))),
        (Values::Names(names), _) => Arc::new(numbers(attribute, names, host)),
        _ => values.clone(),
    };
    (dimension, lowered)
}

/// The users or groups of some names; whoever has no number is nobody.
fn numbers(attribute: Attribute, names: &[Box<[u8]>], host: &dyn Host) -> Values {
    let account = if attribute == Attribute::User {
        Account::User
    } else {
        Account::Group
    };
    let known = names.iter().filter_map(|name| host.account(account, name));
    let mut ranges: Vec<(u32, u32)> = known.map(|number| (number, number)).collect();
    ranges.sort_unstable();
    ranges.dedup();
    Values::Numbers(NumberSet { ranges })
}
