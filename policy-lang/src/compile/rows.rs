//! Rows: for each class of a dimension, the terms of a group that take it, as
//! one word or as the summary and blocks of a wide row ([`policy_abi::image`]).

use super::classes::Dimensioned;
use super::pairs::{Placed, SetId};
use super::writer::{Full, Writer};
use crate::ast::Effect;
use crate::maps::HashMap;
use policy_abi::fields::Dimension;
use policy_abi::image::{
    BLOCK_WORDS, CLASS_LONG, CLASS_UNNAMED, CLASS_UNREADABLE, TERMS_PER_WORD, TOGETHER,
};
use policy_abi::wide::Form;

/// Bits of a word.
const BITS: usize = TERMS_PER_WORD as usize;
/// Words of a block.
const BLOCK: usize = BLOCK_WORDS as usize;

/// Which bit of a row is which term's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Terms that decide; record terms follow.
    deciding: usize,
    /// Words of a row.
    words: usize,
    wide: bool,
}

impl Layout {
    /// The layout of a group's terms: one word if they have room in it, unless
    /// wide rows are asked for. No term needs no more than the word.
    pub(super) fn of(terms: &[Placed], wide: bool) -> Self {
        let deciding = terms.iter().filter(|one| one.effect != Effect::Record);
        let deciding = deciding.count();
        if terms.is_empty() || terms.len() <= BITS && !wide {
            return Self {
                deciding,
                words: 1,
                wide: false,
            };
        }
        let recorded = terms.len() - deciding;
        Self {
            deciding,
            words: deciding.div_ceil(BITS) + recorded.div_ceil(BITS),
            wide: true,
        }
    }

    pub(super) const fn is_wide(self) -> bool {
        self.wide
    }

    /// Words that the deciding terms have, of a wide row.
    pub(super) const fn deciding_words(self) -> usize {
        self.deciding.div_ceil(BITS)
    }

    /// The image's word about pairs with a descriptor at `desc`.
    pub(super) fn form(self, desc: u32) -> Form {
        let words = if self.wide { self.words } else { 0 };
        Form::new(desc, u32::try_from(words).unwrap_or(u32::MAX))
    }

    /// The bit of a term.
    const fn bit(self, term: usize) -> usize {
        match term.checked_sub(self.deciding) {
            Some(recorded) if self.wide => self.deciding_words() * BITS + recorded,
            _ => term,
        }
    }

    /// The terms that are so, as a row.
    pub(super) fn row(self, terms: &[Placed], so: impl Fn(&Placed) -> bool) -> Vec<u64> {
        let mut row = vec![0_u64; self.words];
        for (at, placed) in terms.iter().enumerate() {
            set(&mut row, self.bit(at), so(placed));
        }
        row
    }

    /// A word for each bit of a row, 0 for a bit that is no term's.
    pub(super) fn by_bit(self, terms: &[Placed], word: impl Fn(&Placed) -> u64) -> Vec<u64> {
        let length = if self.wide {
            self.words * BITS
        } else {
            terms.len()
        };
        let mut all = vec![0_u64; length];
        for (at, placed) in terms.iter().enumerate() {
            if let Some(place) = all.get_mut(self.bit(at)) {
                *place = word(placed);
            }
        }
        all
    }
}

/// Sets or clears a bit.
fn set(row: &mut [u64], bit: usize, value: bool) {
    if let Some(word) = row.get_mut(bit / BITS) {
        let mask = 1_u64 << (bit % BITS);
        *word = if value { *word | mask } else { *word & !mask };
    }
}

/// The rows of a group's terms in a dimension of classes.
struct Rows<'t> {
    terms: &'t [Placed],
    layout: Layout,
    dimension: Dimension,
    of: &'t Dimensioned,
    /// The row of what is in no set.
    other: Vec<u64>,
    /// The terms that compare each set. With a term that compares no other set of
    /// this dimension, whether it takes what is in the set.
    users: HashMap<SetId, Vec<(usize, Option<bool>)>>,
}

impl<'t> Rows<'t> {
    fn new(terms: &'t [Placed], layout: Layout, dimension: Dimension, of: &'t Dimensioned) -> Self {
        let mut users: HashMap<SetId, Vec<(usize, Option<bool>)>> = HashMap::default();
        for (at, placed) in terms.iter().enumerate() {
            let asked = || {
                let literals = placed.literals.iter();
                literals.filter(|one| one.dimension == dimension)
            };
            let is_alone = asked().nth(1).is_none();
            for one in asked() {
                let takes = is_alone.then_some(!one.negated);
                users.entry(one.set).or_default().push((at, takes));
            }
        }
        let other = layout.row(terms, |placed| {
            let mut of = placed.literals.iter();
            of.all(|one| one.dimension != dimension || one.negated)
        });
        Self {
            terms,
            layout,
            dimension,
            of,
            other,
            users,
        }
    }

    /// Whether a term takes a class.
    fn takes(&self, placed: &Placed, class: u32) -> bool {
        let mut asked = placed
            .literals
            .iter()
            .filter(|one| one.dimension == self.dimension);
        // An object that could not be read: whatever makes a deny match
        // and an allow not (notes 118). Subjects never have this class.
        if class == CLASS_UNREADABLE {
            return placed.effect != Effect::Allow || asked.next().is_none();
        }
        // One too long to be read is none of those known whole; of patterns
        // it cannot be said.
        if class == CLASS_LONG && self.dimension == Dimension::Unix {
            return asked.all(|one| {
                if self.of.globbed.contains(&one.set) {
                    placed.effect != Effect::Allow
                } else {
                    one.negated
                }
            });
        }
        asked.all(|one| self.of.contains(class, one.set) != one.negated)
    }

    /// The row of a class, which differs from the former content of `row`, that of
    /// what is in no set, in the bits that `touched` is called with.
    fn fill(&self, class: u32, row: &mut [u64], mut touched: impl FnMut(usize)) {
        let mut take = |row: &mut [u64], term: usize, takes: Option<bool>| {
            if let Some(placed) = self.terms.get(term) {
                let bit = self.layout.bit(term);
                set(row, bit, takes.unwrap_or_else(|| self.takes(placed, class)));
                touched(bit);
            }
        };
        if matches!(class, CLASS_UNREADABLE | CLASS_LONG) {
            for term in 0..self.terms.len() {
                take(row, term, None);
            }
            return;
        }
        for set in self.of.sets(class) {
            for (term, takes) in self.users.get(set).into_iter().flatten() {
                take(row, *term, *takes);
            }
        }
    }
}

impl Dimensioned {
    /// The sets that values of a class are in.
    fn sets(&self, class: u32) -> impl Iterator<Item = &SetId> {
        let sets = if class == CLASS_UNNAMED {
            Some(&self.unnamed)
        } else {
            self.signature(class)
        };
        sets.into_iter().flatten()
    }
}

/// Writes the rows of a dimension of classes, and says where they begin.
pub(super) fn write(
    writer: &mut Writer,
    terms: &[Placed],
    layout: Layout,
    dimension: Dimension,
    of: &Dimensioned,
) -> Result<u32, Full> {
    let rows = Rows::new(terms, layout, dimension, of);
    if !layout.is_wide() {
        let mut words = Vec::with_capacity(of.end() as usize);
        for class in 0..of.end() {
            let mut row = rows.other.clone();
            rows.fill(class, &mut row, |_| {});
            words.extend(row);
        }
        return writer.append_rows(words);
    }
    let mut headers = Vec::new();
    let other = Header::of(writer, &rows.other)?;
    let mut row = rows.other.clone();
    let mut changed = Vec::new();
    for class in 0..of.end() {
        changed.clear();
        rows.fill(class, &mut row, |bit| changed.push(bit / BITS / BLOCK));
        changed.sort_unstable();
        changed.dedup();
        let mut header = other.clone();
        for block in &changed {
            header.take(writer, &row, *block)?;
        }
        header.append_to(&mut headers);
        for block in &changed {
            let words = block * BLOCK..((block + 1) * BLOCK).min(row.len());
            if let (Some(to), Some(from)) = (row.get_mut(words.clone()), rows.other.get(words)) {
                to.copy_from_slice(from);
            }
        }
    }
    writer.append_together(&headers)
}

/// Writes some rows, one after the other, and says where they begin.
pub(super) fn write_all(
    writer: &mut Writer,
    layout: Layout,
    rows: &[Vec<u64>],
) -> Result<u32, Full> {
    if !layout.is_wide() {
        return writer.append_rows(rows.concat());
    }
    let mut headers = Vec::new();
    for row in rows {
        Header::of(writer, row)?.append_to(&mut headers);
    }
    writer.append_together(&headers)
}

/// The header of a wide row.
#[derive(Clone)]
struct Header {
    summary: Vec<u64>,
    blocks: Vec<u32>,
}

impl Header {
    fn of(writer: &mut Writer, row: &[u64]) -> Result<Self, Full> {
        let mut header = Self {
            summary: vec![0; row.len().div_ceil(BITS)],
            blocks: vec![0; row.len().div_ceil(BLOCK)],
        };
        for block in 0..header.blocks.len() {
            header.take(writer, row, block)?;
        }
        Ok(header)
    }

    /// Takes in a block of a row.
    fn take(&mut self, writer: &mut Writer, row: &[u64], block: usize) -> Result<(), Full> {
        let first = block * BLOCK;
        let mut words = [0_u64; BLOCK];
        for ((at, to), from) in (first..).zip(&mut words).zip(row.iter().skip(first)) {
            *to = *from;
            set(&mut self.summary, at, *from != 0);
        }
        if let Some(base) = self.blocks.get_mut(block) {
            *base = if words == [0; BLOCK] {
                0
            } else {
                writer.append_block(words)?
            };
        }
        Ok(())
    }

    fn append_to(&self, headers: &mut Vec<u64>) {
        headers.extend_from_slice(&self.summary);
        headers.extend(self.blocks.chunks(2).map(|two| {
            let bases = two.iter().rev().map(|base| u64::from(*base));
            bases.fold(0, |word, base| word << 32 | base)
        }));
        headers.resize(headers.len().next_multiple_of(TOGETHER as usize), 0);
    }
}
