//! Places in patterns: what an automaton's states are sets of.
//!
//! A text is read a byte at a time; each byte leads from some places in the
//! patterns to others. Bytes that no pattern tells apart are one *group*.

use super::pairs::SetId;
use crate::types::pattern::{Piece, Syntax};
use crate::unit;
use std::collections::{BTreeSet, HashMap};

/// What texts must be besides for any pattern to match them.
pub(super) struct Within {
    /// The bytes that they are made of.
    alphabet: fn(u8) -> bool,
    /// Patterns of which they match one.
    patterns: Vec<Vec<Piece>>,
}

impl Within {
    /// Names of units: what is none is no unit, whatever a pattern says of it.
    pub(super) fn units() -> Self {
        let (alphabet, patterns) = unit::language();
        Self {
            alphabet,
            patterns: patterns.collect(),
        }
    }
}

/// The places of a pattern at which bytes can have led from its start.
pub(super) fn past<'b>(
    pieces: &[Piece],
    syntax: Syntax,
    bytes: impl Iterator<Item = &'b u8>,
) -> BTreeSet<usize> {
    let mut net = Net::default();
    let mut places = BTreeSet::new();
    let begin = net.add(pieces, syntax, 0);
    net.enter(&mut places, begin);
    for byte in bytes {
        places = net.after(&places, *byte);
    }
    places
}

/// Fragments, one after the other: a place is an index into their pieces.
#[derive(Default)]
pub(super) struct Net {
    /// The piece at a place; at a fragment's end, its set.
    pub(super) places: Vec<Result<(Piece, Syntax), SetId>>,
    /// The places up to here are those of patterns that every text must match one of.
    required: usize,
    /// The bytes of all texts; others lead nowhere.
    alphabet: Option<fn(u8) -> bool>,
}

/// Stands for the set of a required pattern.
const REQUIRED: SetId = SetId::MAX;

impl Net {
    /// Adds what all texts must be, before any pattern, and says where it begins.
    pub(super) fn require(&mut self, within: &Within) -> BTreeSet<usize> {
        let mut begin = BTreeSet::new();
        for pieces in &within.patterns {
            let place = self.add(pieces, Syntax::Text, REQUIRED);
            self.enter(&mut begin, place);
        }
        self.required = self.places.len();
        self.alphabet = Some(within.alphabet);
        begin
    }

    /// Adds a pattern of a set and says where it begins.
    pub(super) fn add(&mut self, pieces: &[Piece], syntax: Syntax, set: SetId) -> usize {
        let begin = self.places.len();
        let pieces = pieces.iter().cloned();
        self.places.extend(pieces.map(|piece| Ok((piece, syntax))));
        self.places.push(Err(set));
        begin
    }

    /// Goes to a place, and on past what can match nothing.
    pub(super) fn enter(&self, places: &mut BTreeSet<usize>, mut place: usize) {
        loop {
            places.insert(place);
            match self.places.get(place) {
                Some(Ok((Piece::Run | Piece::Deep | Piece::Directories, _))) => place += 1,
                _ => return,
            }
        }
    }

    pub(super) fn accepts(&self, places: &BTreeSet<usize>) -> BTreeSet<SetId> {
        let ends = places.iter().filter_map(|place| self.places.get(*place));
        let mut sets: BTreeSet<SetId> =
            ends.filter_map(|one| one.as_ref().err().copied()).collect();
        if self.required != 0 && !sets.remove(&REQUIRED) {
            sets.clear();
        }
        sets
    }

    /// The places that one byte leads to.
    pub(super) fn after(&self, places: &BTreeSet<usize>, byte: u8) -> BTreeSet<usize> {
        let mut next = BTreeSet::new();
        if self.alphabet.is_some_and(|within| !within(byte)) {
            return next;
        }
        for place in places {
            let Some(Ok((piece, syntax))) = self.places.get(*place) else {
                continue;
            };
            if !takes(piece, *syntax, byte) {
                continue;
            }
            match piece {
                Piece::Byte(_) | Piece::One | Piece::Class { .. } => {
                    self.enter(&mut next, place + 1);
                }
                Piece::Run | Piece::Deep => self.enter(&mut next, *place),
                Piece::Directories => {
                    next.insert(*place);
                    if byte == b'/' {
                        self.enter(&mut next, place + 1);
                    }
                }
            }
        }
        // Both a pattern and what is required must still be able to match.
        let patterns = next.last().is_some_and(|place| *place >= self.required);
        let required = next.first().is_some_and(|place| *place < self.required);
        if patterns && (required || self.required == 0) {
            next
        } else {
            BTreeSet::new()
        }
    }

    /// The group of each byte, and a byte of each group.
    pub(super) fn groups(&self) -> ([u8; 256], Vec<u8>) {
        let mut groups = [0_u8; 256];
        let mut samples = vec![0_u8];
        if let Some(within) = self.alphabet {
            split(&mut groups, &mut samples, within);
        }
        let mut seen: Vec<&(Piece, Syntax)> = Vec::new();
        for one in self.places.iter().flatten() {
            if seen.contains(&one) {
                continue;
            }
            seen.push(one);
            let (piece, syntax) = one;
            let slash = *piece == Piece::Directories;
            split(&mut groups, &mut samples, |byte| {
                takes(piece, *syntax, byte) && (!slash || byte == b'/')
            });
        }
        (groups, samples)
    }
}

/// Whether a piece goes with a byte.
fn takes(piece: &Piece, syntax: Syntax, byte: u8) -> bool {
    let component = syntax == Syntax::Text || byte != b'/';
    match piece {
        Piece::Byte(wanted) => *wanted == byte,
        Piece::One | Piece::Run => component,
        Piece::Class { negated, ranges } => {
            let within = ranges.iter().any(|(a, z)| *a <= byte && byte <= *z);
            component && within != *negated
        }
        Piece::Deep | Piece::Directories => true,
    }
}

/// Parts each group into those bytes for which something is so, and the others.
fn split(groups: &mut [u8; 256], samples: &mut Vec<u8>, so: impl Fn(u8) -> bool) {
    let mut parted: HashMap<(u8, bool), u8> = HashMap::new();
    for (group, sample) in (0_u8..).zip(samples.iter()) {
        parted.insert((group, so(*sample)), group);
    }
    for (byte, group) in (0_u8..=255).zip(groups.iter_mut()) {
        let key = (*group, so(byte));
        // INVARIANT: 256 bytes make 256 groups at most.
        let fresh = u8::try_from(samples.len()).unwrap_or(u8::MAX);
        *group = *parted.entry(key).or_insert_with(|| {
            samples.push(byte);
            fresh
        });
    }
}
