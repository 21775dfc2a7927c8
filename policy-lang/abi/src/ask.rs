//! What few policies ask of a subject: the list of a pair, and what answers it.
//!
//! A pair whose terms name no rare dimension has an empty list, and the
//! decision passes over all of this for the price of one word. Facts that a list
//! asks for are read when it does, by a [`Subject`].

use crate::decide::{Tables, automaton, class_of_text, low};
use crate::fields::{Dimension, Lookup};
use crate::image::{
    ASK_WORDS, ASKS_PER_PAIR, CLASS_MISSING, DOMAIN_CGROUP, DOMAIN_COMM, GROUPS, MAX_GROUPS,
};

/// A number that a subject does not have, or that could not be read.
pub const NO_NUMBER: u32 = u32::MAX;

/// A descriptor's word about its list: base, number of entries, and which facts
/// they need that are made for the whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List(pub u64);

/// Some entry asks for [`Dimension::Traits`].
pub const NEEDS_TRAITS: u64 = 1 << 63;

/// Some entry asks for [`Dimension::Groups`].
pub const NEEDS_GROUPS: u64 = 1 << 62;

/// Some entry asks for [`Dimension::Unit`] or [`Dimension::Cgroup`].
pub const NEEDS_CGROUP: u64 = 1 << 61;

/// Some entry asks for a text that the image's patterns with wildcards are held against.
pub const NEEDS_TEXTS: u64 = 1 << 60;

/// The selection of events asks for some of what the pair allows: it is judged each
/// time anew.
pub const MAKES_EVENTS: u64 = 1 << 59;

/// The lookups of texts that lists ask for, in the order of [`Has::texts`].
pub const TEXTS: [Lookup; 4] = [
    Lookup::ParentComm,
    Lookup::ParentExe,
    Lookup::Unit,
    Lookup::Cgroup,
];

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const _: () = {
    let mut place = 0;
    while place < TEXTS.len() {
        let dimension = TEXTS[place].dimension() as usize;
        assert!(
            dimension == Dimension::ParentComm as usize + place,
            "`row` finds a text's place by its dimension"
        );
        place += 1;
    }
};

/// The image's word about the groups that its policy names: where their ids
/// stand, one a word in rising order, and how many there are. The group of the
/// n-th is bit n of [`Has::groups`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups(pub u64);

impl Groups {
    /// So many group ids at `base`.
    #[must_use]
    pub const fn new(base: u32, count: u32) -> Self {
        Self(base as u64 | (count as u64) << 32)
    }

    /// Where they begin.
    #[inline(always)]
    #[must_use]
    pub const fn base(self) -> u32 {
        low(self.0)
    }

    /// How many there are.
    #[inline(always)]
    #[must_use]
    pub const fn count(self) -> u32 {
        low(self.0 >> 32)
    }
}

impl List {
    /// The list of `count` entries at `base`, which need some of the `NEEDS_` bits.
    #[must_use]
    pub const fn new(base: u32, count: u32, needs: u64) -> Self {
        Self(base as u64 | (count as u64 & 0xffff) << 32 | needs)
    }

    /// Where its entries begin.
    #[inline(always)]
    #[must_use]
    pub const fn base(self) -> u32 {
        low(self.0)
    }

    /// How many there are.
    #[inline(always)]
    #[must_use]
    pub const fn count(self) -> u32 {
        low(self.0 >> 32) & 0xffff
    }

    /// Whether its entries need a fact.
    #[inline(always)]
    #[must_use]
    pub const fn needs(self, fact: u64) -> bool {
        self.0 & fact != 0
    }
}

/// Where the values of rare dimensions come from.
pub trait Subject {
    /// A number, [`NO_NUMBER`] when it is missing.
    fn number(&self, dimension: Dimension) -> u32;

    /// A key of two words, `None` when it is missing.
    fn key(&self, dimension: Dimension) -> Option<[u64; 2]>;
}

/// A subject whose bits are asked by [`Asker::ask`] itself. The kernel side reads
/// them before.
pub trait Member: Subject {
    /// The word of traits ([`crate::traits`]).
    fn traits(&self) -> u64;

    /// Whether a group is its effective or a supplementary one.
    fn in_group(&self, group: u32) -> bool;
}

/// Bits that a subject has, read once for a whole list.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Has {
    /// Of [`Dimension::Traits`].
    pub traits: u64,
    /// Of [`Dimension::Groups`].
    pub groups: u64,
    /// The classes of [`TEXTS`], 16 bits each, the first lowest; 0 where no pattern asks.
    pub texts: u64,
}

/// The class of a subject's text, by its key or by the patterns that match it;
/// 0 when no pattern asks. `None` when the image is damaged.
#[inline(always)]
pub fn class_of_rare<T: Tables + ?Sized>(
    tables: &T,
    subject: &impl Subject,
    lookup: Lookup,
) -> Option<u32> {
    let dimension = lookup.dimension();
    if automaton(tables, dimension as u32)?.0 == 0 {
        return Some(0);
    }
    let Some(key) = subject.key(dimension) else {
        return Some(CLASS_MISSING);
    };
    let domain = if dimension == Dimension::ParentExe {
        key[1]
    } else if dimension == Dimension::ParentComm {
        DOMAIN_COMM
    } else {
        DOMAIN_CGROUP
    };
    class_of_text(tables, lookup, key, domain)
}

/// What a member has of what lists ask in bits, `None` when the image is damaged.
pub fn has<T: Tables + ?Sized>(tables: &T, member: &impl Member) -> Option<Has> {
    let named = Groups(tables.word(GROUPS)?);
    let mut groups = 0;
    for index in 0..named.count().min(MAX_GROUPS) {
        let group = low(tables.word(named.base().wrapping_add(index))?);
        groups |= u64::from(member.in_group(group)) << index;
    }
    let mut has = Has {
        traits: member.traits(),
        groups,
        texts: 0,
    };
    for (place, lookup) in TEXTS.iter().enumerate() {
        has.texts |= u64::from(class_of_rare(tables, member, *lookup)?) << (16 * place);
    }
    Some(has)
}

/// What answers a list: the AND of the rows of its entries, `None` when the
/// image is damaged.
///
/// Every [`Member`] does so by a loop. The kernel side has a loop of its own,
/// which its verifier follows once, over the same [`row`].
pub trait Asker<T: Tables + ?Sized> {
    /// Answers a list that is not empty.
    fn ask(&self, tables: &T, list: List) -> Option<u64>;
}

impl<T: Tables + ?Sized, S: Member> Asker<T> for S {
    fn ask(&self, tables: &T, list: List) -> Option<u64> {
        let has = has(tables, self)?;
        let mut bits = u64::MAX;
        let mut at = list.base();
        for _ in 0..list.count().min(ASKS_PER_PAIR) {
            bits &= row(tables, self, &has, at)?;
            at = at.wrapping_add(ASK_WORDS);
        }
        Some(bits)
    }
}

/// The row of the entry at `at`, of a pair whose rows are one word.
#[inline(always)]
pub fn row<T: Tables + ?Sized>(
    tables: &T,
    subject: &impl Subject,
    has: &Has,
    at: u32,
) -> Option<u64> {
    let (rows, class) = class(tables, subject, has, at)?;
    tables.word(rows.wrapping_add(class))
}

/// Where the rows of the entry at `at` begin, and the subject's class.
#[inline(always)]
pub fn class<T: Tables + ?Sized>(
    tables: &T,
    subject: &impl Subject,
    has: &Has,
    at: u32,
) -> Option<(u32, u32)> {
    let word = tables.word(at)?;
    let mask = tables.word(at.wrapping_add(1))?;
    let rows = low(tables.word(at.wrapping_add(2))?);
    let lookup = low(word >> 32);
    let dimension = Dimension::from_raw(low(word))?;
    let class = match dimension {
        Dimension::Traits => some_of(has.traits, mask),
        Dimension::Groups => some_of(has.groups, mask),
        Dimension::Ruid
        | Dimension::Rgid
        | Dimension::Loginuid
        | Dimension::Protocol
        | Dimension::ParentUid => tables.number_class(lookup, subject.number(dimension))?,
        Dimension::ParentComm | Dimension::ParentExe | Dimension::Unit | Dimension::Cgroup => {
            let place = (dimension as u32).wrapping_sub(Dimension::ParentComm as u32);
            match low(has.texts >> (16 * (place & 3))) & 0xffff {
                0 => match subject.key(dimension) {
                    Some(key) => tables.pair_class(lookup, key)?,
                    None => CLASS_MISSING,
                },
                known => known,
            }
        }
        Dimension::Exe
        | Dimension::Comm
        | Dimension::Uid
        | Dimension::Gid
        | Dimension::Addr
        | Dimension::Port
        | Dimension::Unix => return None,
    };
    Some((rows, class))
}

/// 1 when some bit is in the mask, else 0.
#[inline(always)]
fn some_of(bits: u64, mask: u64) -> u32 {
    u32::from(bits & mask != 0)
}

/// A subject of which nothing but [`crate::facts::Facts`] is known.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Subject for Nobody {
    fn number(&self, _: Dimension) -> u32 {
        NO_NUMBER
    }

    fn key(&self, _: Dimension) -> Option<[u64; 2]> {
        None
    }
}

impl Member for Nobody {
    fn traits(&self) -> u64 {
        0
    }

    fn in_group(&self, _: u32) -> bool {
        false
    }
}
