//! Lookups: the class of a key or a number, in a fixed number of steps.

use crate::decide::{Tables, low};
use crate::image::{CLASS_OTHER, LOOKUP_DIR, PROBES, slot};

/// Where a lookup stands.
#[derive(Clone, Copy, Debug)]
pub struct Stands {
    /// Its first entry; an index stands before it.
    pub base: u32,
    /// Log2 of its length, rounded up where there is an index.
    bits: u32,
    /// Its seed, or its index.
    seed: u64,
}

impl Stands {
    /// A lookup with its first entry at `base` and `1 << bits` entries; with an index, at most
    /// as many.
    #[inline(always)]
    #[must_use]
    pub const fn new(base: u32, bits: u32, seed: u64) -> Self {
        Self { base, bits, seed }
    }
}

/// Where a lookup stands.
#[inline(always)]
pub fn directory<T: Tables + ?Sized>(tables: &T, lookup: u32) -> Option<Stands> {
    let at = lookup.wrapping_mul(2).wrapping_add(LOOKUP_DIR);
    let word = tables.word(at)?;
    let seed = tables.word(at.wrapping_add(1))?;
    Some(Stands {
        base: low(word),
        bits: low(word >> 32) & 31,
        seed,
    })
}

/// The class of a two-word key.
#[inline(always)]
pub fn class_of_pair<T: Tables + ?Sized>(
    tables: &T,
    Stands { base, bits, seed }: Stands,
    key: [u64; 2],
) -> Option<u32> {
    let mask = (1_u32 << bits) - 1;
    let home = low(slot(key, seed));
    let mut found = 0;
    for step in 0..PROBES {
        let at = base.wrapping_add((home.wrapping_add(step) & mask).wrapping_mul(3));
        let class = low(tables.far(at.wrapping_add(2))?);
        if class == 0 {
            break;
        }
        if tables.far(at)? == key[0] && tables.far(at.wrapping_add(1))? == key[1] {
            found = class;
            break;
        }
    }
    Some(if found == 0 { CLASS_OTHER } else { found })
}

/// The class of a 32-bit number: that of the last interval that starts at or below
/// it, found in as many halvings as there are in its part of the index, or altogether
/// without one; `steps` at most.
#[inline(always)]
pub fn class_of_number<T: Tables + ?Sized>(
    tables: &T,
    Stands { base, bits, seed }: Stands,
    value: u32,
    steps: u32,
) -> Option<u32> {
    let (mut at, mut bits) = (base, bits);
    if seed != 0 {
        let index = Index(seed);
        let part = index.part(value);
        let two = tables.far(base.wrapping_sub(index.words()).wrapping_add(part / 2))?;
        let (from, of) = parted(low(two >> (32 * (part % 2))));
        at = base.wrapping_add(from);
        bits = of;
    }
    let mut half = (1_u32 << bits) >> 1;
    for _ in 0..steps {
        if half == 0 {
            break;
        }
        let start = tables.far(at.wrapping_add(half))? >> 32;
        let below = borrow(tables, u64::from(value).wrapping_sub(start));
        at = at.wrapping_add(half.wrapping_mul(below ^ 1));
        half >>= 1;
    }
    Some(low(tables.far(at)?))
}

/// The class of a 128-bit number, most significant half first.
#[inline(always)]
pub fn class_of_wide<T: Tables + ?Sized>(
    tables: &T,
    Stands { base, bits, .. }: Stands,
    value: [u64; 2],
    steps: u32,
) -> Option<u32> {
    let mut half = (1_u32 << bits) >> 1;
    let mut index = 0_u32;
    for _ in 0..steps {
        if half == 0 {
            break;
        }
        let at = base.wrapping_add(index.wrapping_add(half).wrapping_mul(3));
        let high = tables.far(at)?;
        let less = tables.far(at.wrapping_add(1))?;
        let below = below(value[0], high) | !below(high, value[0]) & below(value[1], less);
        index = index.wrapping_add(half.wrapping_mul(borrow(tables, below) ^ 1));
        half >>= 1;
    }
    Some(low(tables.far(
        base.wrapping_add(index.wrapping_mul(3)).wrapping_add(2),
    )?))
}

/// Has its highest bit set when `a < b`: the borrow of `a - b`.
#[inline(always)]
const fn below(a: u64, b: u64) -> u64 {
    !a & b | (!a | b) & a.wrapping_sub(b)
}

/// The highest bit of a difference.
///
/// VERIFIER: a branch would be 2^16 paths. The optimiser makes none of a value
/// that it knows nothing of. As a mask, 0 or all ones, the bit would be followed as
/// two values by itself.
#[inline(always)]
fn borrow<T: Tables + ?Sized>(tables: &T, difference: u64) -> u32 {
    low(tables.hidden(tables.hidden(difference) >> 63))
}

/// The index of a `Narrow` lookup: which of its intervals come into question for a
/// number, by how far that is above the first number that it knows.
///
/// Part 0 is what is below, each other part the next `1 << shift` numbers, and the last
/// one all the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Index(pub u64);

impl Index {
    /// An index whose parts begin at `first`, with one numbered `last` at their end; both
    /// `shift` and `last` have few bits, 5 and 27.
    #[must_use]
    pub const fn new(first: u32, shift: u32, last: u32) -> Self {
        Self(first as u64 | (shift as u64) << 32 | (last as u64) << 37)
    }

    /// The part of a number.
    #[inline(always)]
    #[must_use]
    pub const fn part(self, value: u32) -> u32 {
        let Some(above) = value.checked_sub(low(self.0)) else {
            return 0;
        };
        let part = (above >> (self.0 >> 32 & 31)).saturating_add(1);
        let last = self.last();
        if part < last { part } else { last }
    }

    /// The number of its last part.
    #[inline(always)]
    #[must_use]
    pub const fn last(self) -> u32 {
        low(self.0 >> 37)
    }

    /// Its words, of two parts each. They stand before the intervals.
    #[inline(always)]
    #[must_use]
    pub const fn words(self) -> u32 {
        self.last() / 2 + 1
    }
}

/// Bits of a part that say where its first interval is.
const PART_BITS: u32 = 24;

/// A part of an index: its first interval, and log2 of how many are searched.
#[must_use]
pub const fn part(from: u32, bits: u32) -> u32 {
    from | bits << PART_BITS
}

/// What [`part`] was made of.
#[inline(always)]
#[must_use]
pub const fn parted(part: u32) -> (u32, u32) {
    (part & ((1 << PART_BITS) - 1), part >> PART_BITS & 31)
}
