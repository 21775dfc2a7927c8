//! Which boxes can have a point: found by one value that they demand.
//!
//! Each box is entered under the keys of the axis on which the fewest others
//! stand: a range as the aligned blocks that it is made of, a pattern as the
//! text before its first wildcard. A box that demands no value stands apart.

use super::meet::{Point, Value};
use super::region::{Plane, Region};
use super::sets::{Set, SetId, Sets, Texts};
use super::{Literal, Term};
use crate::terms::Axis;
use crate::types::pattern::{Pattern, Piece};
use crate::words::shape::{SHAPES, Shape};
use std::collections::{BTreeSet, HashMap};

/// A box and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner {
    /// The position of the rule.
    pub(crate) rule: usize,
    pub(crate) shape: Shape,
    /// The position among the boxes of the shape.
    pub(crate) term: usize,
}

/// What a box is entered under: an axis, a kind, a size and a value, as one
/// number. Two that have the same number by chance are told apart later, when
/// the point is held against the box.
type Key = u64;

/// A key but for its axis, and its kind and size.
type Part = (Key, (u8, usize));

/// The sizes of blocks and beginnings that keys of an axis have.
type Sizes = BTreeSet<(u8, usize)>;

/// Keys of a set; more of them than this, and a set is not worth entering.
const KEYS: usize = 64;

/// Boxes by what they demand.
#[derive(Debug, Default)]
pub(crate) struct Index {
    boxes: HashMap<Key, Vec<Owner>>,
    sizes: HashMap<Axis, Sizes>,
    /// All boxes that are entered under an axis.
    axes: HashMap<Axis, Vec<Owner>>,
    apart: Vec<Owner>,
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
        let mut keys: HashMap<SetId, Vec<Part>> = HashMap::new();
        let mut counts: HashMap<Key, usize> = HashMap::new();
        for (_, term) in &entries {
            for literal in term.literals().iter().filter(|one| !one.negated) {
                let keys = keys
                    .entry(literal.set)
                    .or_insert_with(|| sets.get(literal.set).map_or_else(Vec::new, keys_of));
                for (key, _) in keys {
                    *counts.entry(on(literal.axis, *key)).or_default() += 1;
                }
            }
        }
        for (owner, term) in entries {
            let weight = |literal: &Literal| -> Option<usize> {
                let keys = keys.get(&literal.set).filter(|keys| !keys.is_empty())?;
                let counts = keys
                    .iter()
                    .map(|(key, _)| counts.get(&on(literal.axis, *key)));
                Some(counts.flatten().sum())
            };
            let literals = term.literals().iter().filter(|one| !one.negated);
            let best = literals
                .filter_map(|one| Some((weight(one)?, one)))
                .min_by_key(|(weight, _)| *weight);
            let Some((_, literal)) = best else {
                index.apart.push(owner);
                continue;
            };
            index.axes.entry(literal.axis).or_default().push(owner);
            let sizes = index.sizes.entry(literal.axis).or_default();
            for (key, size) in keys.get(&literal.set).into_iter().flatten() {
                sizes.insert(*size);
                let boxes = index.boxes.entry(on(literal.axis, *key)).or_default();
                boxes.push(owner);
            }
        }
        index
    }

    /// Boxes that can have a point, one perhaps twice.
    pub(crate) fn candidates(&self, point: &Point) -> impl Iterator<Item = Owner> {
        let keyed = point.0.iter().flat_map(|(axis, values)| {
            let sizes = self.sizes.get(axis).into_iter().flatten();
            let keys = sizes.flat_map(|size| values.iter().map(|value| key_at(value, *size)));
            let boxes = keys.filter_map(|key| self.boxes.get(&on(*axis, key?)));
            boxes.flatten()
        });
        self.apart.iter().chain(keyed).copied()
    }

    /// Boxes that can have something in common with a box.
    pub(crate) fn near(&self, sets: &Sets, term: &Term) -> impl Iterator<Item = Owner> {
        let keyed = self.axes.iter().flat_map(move |(axis, all)| {
            let mut positive = term.literals().iter().filter(|one| !one.negated);
            let literal = positive.find(|one| one.axis == *axis);
            let values = literal.and_then(|one| values_of(sets.get(one.set)?));
            let Some(values) = values else {
                return all.clone();
            };
            let point = Point(vec![(*axis, values)]);
            let apart = self.apart.len();
            self.candidates(&point).skip(apart).collect()
        });
        self.apart.iter().copied().chain(keyed)
    }
}

/// The values of a set that has few.
fn values_of(set: &Set) -> Option<Vec<Value>> {
    let few = |texts: &Texts| texts.globs.is_empty() && texts.literals.len() <= KEYS;
    match set {
        Set::Texts(texts) if few(texts) => {
            Some(texts.literals.iter().cloned().map(Value::Text).collect())
        }
        Set::Unix {
            paths,
            names,
            unnamed,
        } if few(paths) && few(names) => {
            let paths = paths.literals.iter().cloned().map(Value::Path);
            let names = names.literals.iter().cloned().map(Value::Name);
            let unnamed = unnamed.then_some(Value::Unnamed);
            Some(paths.chain(names).chain(unnamed).collect())
        }
        Set::Numbers(ranges) if ranges.iter().all(|(a, z)| a == z) && ranges.len() <= KEYS => {
            Some(ranges.iter().map(|(a, _)| Value::Number(*a)).collect())
        }
        Set::Words(bits) => {
            let words = (0..64_u8).filter(|word| bits >> word & 1 == 1);
            Some(words.map(Value::Word).collect())
        }
        Set::Texts(_) | Set::Unix { .. } | Set::Numbers(_) | Set::Addresses { .. } => None,
    }
}

const V4: u8 = 0;
const V6: u8 = 1;
const NUMBER: u8 = 2;
const WORD: u8 = 3;
const UNNAMED: u8 = 4;
const WHOLE: u8 = 5;
const BEGIN: u8 = 8;
/// Kinds of texts.
const TEXT: u8 = 0;
const PATH: u8 = 1;
const NAME: u8 = 2;

/// The key of an axis.
fn on(axis: Axis, key: Key) -> Key {
    let axis = match axis {
        Axis::Attribute(attribute) => attribute as u8,
        Axis::Unix => u8::MAX,
        Axis::Option => u8::MAX - 1,
    };
    mixed(key, axis.into())
}

fn mixed(key: Key, more: u64) -> Key {
    (key.rotate_left(5) ^ more).wrapping_mul(0x517c_c1b7_2722_0a95)
}

fn number_key(kind: u8, bits: u32, number: u128) -> Part {
    let high = number.checked_shr(bits).unwrap_or(0);
    let size = (kind, bits as usize);
    let key = mixed(mixed(kind.into(), bits.into()), low(high));
    (mixed(key, low(high >> 64)), size)
}

fn low(number: u128) -> u64 {
    u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0)
}

fn text_key(kind: u8, size: usize, bytes: &[u8]) -> Part {
    let start = mixed(mixed(kind.into(), size as u64), bytes.len() as u64);
    let key = bytes.chunks(8).fold(start, |key, chunk| {
        let word = chunk
            .iter()
            .fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        mixed(key, word)
    });
    (key, (kind, size))
}

/// The key of a kind and size that a value has.
fn key_at(value: &Value, (kind, size): (u8, usize)) -> Option<Key> {
    let bits = u32::try_from(size).unwrap_or(u32::MAX);
    let number = |of: u8, number: u128| (kind == of).then(|| number_key(kind, bits, number).0);
    let text = |of: u8, bytes: &[u8]| {
        if kind == WHOLE + of {
            return Some(text_key(kind, 0, bytes).0);
        }
        let begin = bytes.get(..size).filter(|_| kind == BEGIN + of)?;
        Some(text_key(kind, size, begin).0)
    };
    match value {
        Value::V4(one) => number(V4, (*one).into()),
        Value::V6(one) => number(V6, *one),
        Value::Number(one) => number(NUMBER, (*one).into()),
        Value::Word(one) => number(WORD, (*one).into()),
        Value::Unnamed => number(UNNAMED, 0),
        Value::Text(bytes) => text(TEXT, bytes),
        Value::Path(bytes) => text(PATH, bytes),
        Value::Name(bytes) => text(NAME, bytes),
    }
}

/// All keys of a set; none if it has too many, or a value that has none.
fn keys_of(set: &Set) -> Vec<Part> {
    let mut keys = Vec::new();
    let entered = match set {
        Set::Numbers(ranges) => blocks(wide(ranges), 32, NUMBER, &mut keys),
        Set::Addresses { v4, v6 } => {
            blocks(wide(v4), 32, V4, &mut keys) && blocks(v6.iter().copied(), 128, V6, &mut keys)
        }
        Set::Words(bits) => {
            let words = (0..64_u8).filter(|word| bits >> word & 1 == 1);
            keys.extend(words.map(|word| number_key(WORD, 0, word.into())));
            true
        }
        Set::Texts(texts) => text_keys(texts, TEXT, &mut keys),
        Set::Unix {
            paths,
            names,
            unnamed,
        } => {
            keys.extend(unnamed.then(|| number_key(UNNAMED, 0, 0)));
            text_keys(paths, PATH, &mut keys) && text_keys(names, NAME, &mut keys)
        }
    };
    if !entered || keys.len() > KEYS {
        keys.clear();
    }
    keys
}

fn text_keys(texts: &Texts, kind: u8, keys: &mut Vec<Part>) -> bool {
    if texts.literals.len() + texts.globs.len() > KEYS {
        return false;
    }
    let literals = texts.literals.iter();
    keys.extend(literals.map(|one| text_key(WHOLE + kind, 0, one)));
    for glob in &texts.globs {
        let Pattern::Glob(_, pieces) = glob else {
            continue;
        };
        let mut begin = Vec::new();
        for piece in pieces {
            let Piece::Byte(byte) = piece else {
                break;
            };
            begin.push(*byte);
        }
        if begin.is_empty() {
            return false;
        }
        keys.push(text_key(BEGIN + kind, begin.len(), &begin));
    }
    true
}

fn wide(ranges: &[(u32, u32)]) -> impl Iterator<Item = (u128, u128)> {
    let wide = |(first, last): &(u32, u32)| (u128::from(*first), u128::from(*last));
    ranges.iter().map(wide)
}

/// Ranges as aligned blocks whose length is a power of two; false if they are too many.
fn blocks(
    ranges: impl Iterator<Item = (u128, u128)>,
    width: u32,
    kind: u8,
    keys: &mut Vec<Part>,
) -> bool {
    for (first, last) in ranges {
        let mut at = first;
        loop {
            if keys.len() > KEYS {
                return false;
            }
            let aligned = at.trailing_zeros().min(width);
            // The largest block that starts here and ends in the range.
            let fits = |bits: &u32| end(at, *bits) <= last;
            let bits = (0..=aligned).rev().find(fits).unwrap_or(0);
            keys.push(number_key(kind, bits, at));
            match end(at, bits).checked_add(1) {
                Some(next) if next <= last => at = next,
                _ => break,
            }
        }
    }
    true
}

/// The last number of a block.
fn end(at: u128, bits: u32) -> u128 {
    at | 1_u128.checked_shl(bits).map_or(u128::MAX, |size| size - 1)
}
