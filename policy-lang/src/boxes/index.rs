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

/// What a box is entered under.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    /// The number above so many low bits.
    V4(u8, u32),
    V6(u8, u128),
    Number(u8, u32),
    Word(u8),
    /// The kind of text, and all of it.
    Whole(u8, Box<[u8]>),
    /// The kind of text, and how it begins.
    Begin(u8, Box<[u8]>),
    Unnamed,
}

/// The sizes of blocks and beginnings that keys of an axis have.
type Sizes = BTreeSet<(u8, usize)>;

/// Keys of a set; more of them than this, and a set is not worth entering.
const KEYS: usize = 64;

/// Boxes by what they demand.
#[derive(Debug, Default)]
pub(crate) struct Index {
    boxes: HashMap<(Axis, Key), Vec<Owner>>,
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
        let mut keys: HashMap<SetId, Vec<Key>> = HashMap::new();
        let mut counts: HashMap<(Axis, Key), usize> = HashMap::new();
        for (_, term) in &entries {
            for literal in term.literals().iter().filter(|one| !one.negated) {
                let keys = keys
                    .entry(literal.set)
                    .or_insert_with(|| sets.get(literal.set).map_or_else(Vec::new, keys_of));
                for key in keys {
                    *counts.entry((literal.axis, key.clone())).or_default() += 1;
                }
            }
        }
        for (owner, term) in entries {
            let weight = |literal: &Literal| -> Option<usize> {
                let keys = keys.get(&literal.set).filter(|keys| !keys.is_empty())?;
                let count = |key: &Key| counts.get(&(literal.axis, key.clone())).copied();
                Some(keys.iter().filter_map(count).sum())
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
            for key in keys.get(&literal.set).into_iter().flatten() {
                index
                    .sizes
                    .entry(literal.axis)
                    .or_default()
                    .insert(size_of(key));
                let boxes = index.boxes.entry((literal.axis, key.clone())).or_default();
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
            let boxes = keys.filter_map(|key| self.boxes.get(&(*axis, key?)));
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

/// The kind of a key, and its size.
fn size_of(key: &Key) -> (u8, usize) {
    match key {
        Key::V4(bits, _) => (V4, usize::from(*bits)),
        Key::V6(bits, _) => (V6, usize::from(*bits)),
        Key::Number(bits, _) => (NUMBER, usize::from(*bits)),
        Key::Word(_) => (WORD, 0),
        Key::Unnamed => (UNNAMED, 0),
        Key::Whole(kind, _) => (WHOLE + kind, 0),
        Key::Begin(kind, bytes) => (BEGIN + kind, bytes.len()),
    }
}

/// The key of a kind and size that a value has.
fn key_at(value: &Value, (kind, size): (u8, usize)) -> Option<Key> {
    let bits = u8::try_from(size).unwrap_or(u8::MAX);
    let texts = |which: u8, bytes: &[u8]| {
        if kind == WHOLE + which {
            return Some(Key::Whole(which, bytes.into()));
        }
        let begin = bytes.get(..size).filter(|_| kind == BEGIN + which)?;
        Some(Key::Begin(which, begin.into()))
    };
    match value {
        Value::V4(number) => (kind == V4).then(|| Key::V4(bits, high(*number, bits))),
        Value::V6(number) => {
            let high = number.checked_shr(bits.into()).unwrap_or(0);
            (kind == V6).then_some(Key::V6(bits, high))
        }
        Value::Number(number) => (kind == NUMBER).then(|| Key::Number(bits, high(*number, bits))),
        Value::Word(word) => (kind == WORD).then_some(Key::Word(*word)),
        Value::Unnamed => (kind == UNNAMED).then_some(Key::Unnamed),
        Value::Text(bytes) => texts(TEXT, bytes),
        Value::Path(bytes) => texts(PATH, bytes),
        Value::Name(bytes) => texts(NAME, bytes),
    }
}

fn high(number: u32, bits: u8) -> u32 {
    number.checked_shr(bits.into()).unwrap_or(0)
}

/// All keys of a set; none if it has too many, or a value that has none.
fn keys_of(set: &Set) -> Vec<Key> {
    let mut keys = Vec::new();
    let entered = match set {
        Set::Numbers(ranges) => blocks32(ranges, Key::Number, &mut keys),
        Set::Addresses { v4, v6 } => blocks32(v4, Key::V4, &mut keys) && blocks128(v6, &mut keys),
        Set::Words(bits) => {
            let words = (0..64_u8).filter(|word| bits >> word & 1 == 1);
            keys.extend(words.map(Key::Word));
            true
        }
        Set::Texts(texts) => text_keys(texts, TEXT, &mut keys),
        Set::Unix {
            paths,
            names,
            unnamed,
        } => {
            keys.extend(unnamed.then_some(Key::Unnamed));
            text_keys(paths, PATH, &mut keys) && text_keys(names, NAME, &mut keys)
        }
    };
    if !entered || keys.len() > KEYS {
        keys.clear();
    }
    keys
}

fn text_keys(texts: &Texts, kind: u8, keys: &mut Vec<Key>) -> bool {
    if texts.literals.len() + texts.globs.len() > KEYS {
        return false;
    }
    keys.extend(
        texts
            .literals
            .iter()
            .map(|one| Key::Whole(kind, one.clone())),
    );
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
        keys.push(Key::Begin(kind, begin.into()));
    }
    true
}

/// Ranges as aligned blocks whose length is a power of two.
fn blocks32(ranges: &[(u32, u32)], key: fn(u8, u32) -> Key, keys: &mut Vec<Key>) -> bool {
    blocks(
        ranges.iter().map(|(a, z)| (u128::from(*a), u128::from(*z))),
        32,
        keys,
        |bits, at| key(bits, u32::try_from(at).unwrap_or(0)),
    )
}

fn blocks128(ranges: &[(u128, u128)], keys: &mut Vec<Key>) -> bool {
    blocks(ranges.iter().copied(), 128, keys, Key::V6)
}

fn blocks(
    ranges: impl Iterator<Item = (u128, u128)>,
    width: u32,
    keys: &mut Vec<Key>,
    key: impl Fn(u8, u128) -> Key,
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
            let high = at.checked_shr(bits).unwrap_or(0);
            keys.push(key(u8::try_from(bits).unwrap_or(0), high));
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
