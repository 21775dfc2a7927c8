//! Which boxes can have a point: found by one value that they demand.
//!
//! Each box is entered under the keys of the axis on which the fewest others
//! stand: a range as the aligned blocks that it is made of, a pattern as the
//! text before its first wildcard. A box that demands no value stands apart.

use super::keys::{Key, key_at, number, on, values_of};
use super::meet::{Point, Value};
use super::region::{Plane, Region};
use super::sets::{SetId, Sets};
use super::{Literal, Term};
use crate::maps::HashMap;
use crate::terms::Axis;
use crate::words::shape::{SHAPES, Shape};
use std::collections::{BTreeMap, BTreeSet};

/// A box and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner {
    /// The position of the rule.
    pub(crate) rule: usize,
    pub(crate) shape: Shape,
    /// The position among the boxes of the shape.
    pub(crate) term: usize,
}

/// Boxes by what they demand.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// The first and the last of the boxes of a key.
    chains: HashMap<Key, (u32, u32)>,
    /// Boxes, each with the next one of its key.
    links: Vec<(Owner, u32)>,
    axes: BTreeMap<Axis, Entered>,
    /// Boxes that demand no value.
    apart: Vec<Owner>,
}

/// All boxes that are entered under an axis, and sizes that their keys have.
#[derive(Debug, Default)]
struct Entered {
    boxes: Vec<Owner>,
    sizes: BTreeSet<(u8, usize)>,
}

/// How often a set is demanded on an axis.
struct Use {
    axis: Axis,
    set: SetId,
    count: usize,
    /// How many boxes stand under its keys, those of others included.
    weight: usize,
    entered: bool,
}

impl Use {
    const fn of(literal: Literal) -> Self {
        Self {
            axis: literal.axis,
            set: literal.set,
            count: 0,
            weight: 0,
            entered: false,
        }
    }
}

/// The uses of sets on axes, by [`place`].
type Uses = HashMap<u64, Use>;

fn place(literal: Literal) -> u64 {
    u64::from(number(literal.axis)) << 32 | u64::from(literal.set.0)
}

impl Index {
    /// The boxes of some regions for objects that can be read.
    pub(crate) fn new<'r>(sets: &Sets, regions: impl Iterator<Item = (usize, &'r Region)>) -> Self {
        let mut index = Self::default();
        let mut entries: Vec<(Owner, &Term)> = Vec::new();
        for (rule, region) in regions {
            for shape in SHAPES {
                let terms = region.terms(shape, Plane::Readable);
                let owners = (0..terms.len()).map(|term| Owner { rule, shape, term });
                entries.extend(owners.zip(terms));
            }
        }
        let mut uses = weighed(sets, &entries);
        index.chains.reserve(entries.len());
        index.links.reserve(entries.len());
        for (owner, term) in entries {
            let weight = |literal: &Literal| Some(uses.get(&place(*literal))?.weight);
            let best = demanded(sets, term)
                .filter_map(|one| Some((weight(one)?, one)))
                .min_by_key(|(weight, _)| *weight);
            match best {
                Some((_, literal)) => index.enter(sets, &mut uses, owner, *literal),
                None => index.apart.push(owner),
            }
        }
        index
    }

    /// Enters a box under the keys of one of its demands.
    fn enter(&mut self, sets: &Sets, uses: &mut Uses, owner: Owner, literal: Literal) {
        let axis = literal.axis;
        let keys = sets.keys(literal.set);
        let entered = self.axes.entry(axis).or_default();
        entered.boxes.push(owner);
        if let Some(one) = uses.get_mut(&place(literal)).filter(|one| !one.entered) {
            one.entered = true;
            entered.sizes.extend(keys.iter().map(|(_, size)| *size));
        }
        for (key, _) in keys {
            let at = u32::try_from(self.links.len()).unwrap_or(END);
            self.links.push((owner, END));
            let (_, last) = self
                .chains
                .entry(on(axis, *key))
                .and_modify(|(_, last)| {
                    if let Some((_, next)) = self.links.get_mut(*last as usize) {
                        *next = at;
                    }
                })
                .or_insert((at, at));
            *last = at;
        }
    }

    /// The boxes of a key, in the order in which they were entered.
    fn boxes(&self, key: Key) -> impl Iterator<Item = Owner> {
        let mut next = self.chains.get(&key).map_or(END, |(first, _)| *first);
        std::iter::from_fn(move || {
            let (owner, after) = *self.links.get(next as usize)?;
            next = after;
            Some(owner)
        })
    }

    /// Boxes that can have a point, one perhaps twice.
    pub(crate) fn candidates(&self, point: &Point) -> impl Iterator<Item = Owner> {
        let keyed = point.axes().flat_map(|values| self.with(values));
        self.apart.iter().copied().chain(keyed)
    }

    /// Boxes that are entered under one of some values of an axis.
    fn with(&self, values: &[(Axis, Value)]) -> impl Iterator<Item = Owner> {
        let axis = values.first().and_then(|(axis, _)| self.axes.get(axis));
        let sizes = axis.into_iter().flat_map(|entered| &entered.sizes);
        let keyed = |(axis, value): &(Axis, Value), size| Some(on(*axis, key_at(value, size)?));
        let keys = sizes.flat_map(move |size| values.iter().map(move |one| keyed(one, *size)));
        keys.flatten().flat_map(|key| self.boxes(key))
    }

    /// Boxes that can have something in common with a box, until `each` says
    /// that it has enough.
    pub(crate) fn near(&self, sets: &Sets, term: &Term, mut each: impl FnMut(Owner) -> bool) {
        if self.apart.iter().any(|owner| each(*owner)) {
            return;
        }
        for (axis, entered) in &self.axes {
            let mut positive = term.literals().iter().filter(|one| !one.negated);
            let literal = positive.find(|one| one.axis == *axis);
            let values = literal.and_then(|one| values_of(sets.get(one.set)?));
            let mut under = |key: Key| self.boxes(on(*axis, key)).any(&mut each);
            let enough = match values {
                Some(values) => entered.sizes.iter().any(|size| {
                    let mut keys = values.iter().filter_map(|value| key_at(value, *size));
                    keys.any(&mut under)
                }),
                None => entered.boxes.iter().any(|owner| each(*owner)),
            };
            if enough {
                return;
            }
        }
    }
}

/// No box.
const END: u32 = u32::MAX;

/// The demands of a box that it can be entered under.
fn demanded<'a>(sets: &'a Sets, term: &'a Term) -> impl Iterator<Item = &'a Literal> {
    let positive = term.literals().iter().filter(|one| !one.negated);
    positive.filter(|one| !sets.keys(one.set).is_empty())
}

/// How often each set is demanded, and how many boxes its keys have in all.
fn weighed(sets: &Sets, entries: &[(Owner, &Term)]) -> Uses {
    let mut uses = Uses::default();
    uses.reserve(entries.len());
    for (_, term) in entries {
        for literal in demanded(sets, term) {
            let one = uses
                .entry(place(*literal))
                .or_insert_with(|| Use::of(*literal));
            one.count += 1;
        }
    }
    let mut counts: HashMap<Key, usize> = HashMap::default();
    counts.reserve(uses.len());
    for one in uses.values() {
        for (key, _) in sets.keys(one.set) {
            *counts.entry(on(one.axis, *key)).or_default() += one.count;
        }
    }
    for one in uses.values_mut() {
        let keys = sets.keys(one.set).iter();
        let counts = keys.map(|(key, _)| counts.get(&on(one.axis, *key)));
        one.weight = counts.flatten().sum();
    }
    uses
}
