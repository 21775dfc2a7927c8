//! Decisions of pairs whose terms are more than the bits of a word.
//!
//! A row is a summary and the words that it says are not zero. First the
//! summaries of all rows are joined by AND; then, lowest first, the words that are
//! left, until one has a deciding term whose rule is enforced; then those of record
//! terms. Both sides take the same steps, one a [`Walk::turn`]: the kernel side in
//! one loop, since its verifier follows loops within loops again and again.

use crate::ask::{Has, List, Subject, class};
use crate::decide::{Tables, Verdict, class_of_object, low, set_outcome, subject_class};
use crate::facts::Facts;
use crate::fields::Dimension;
use crate::image::{
    ASK_WORDS, ASKS_PER_PAIR, BLOCK_WORDS, DESC_ASKS, DESC_ENFORCED, DESC_TERMS, DESC_VERDICT,
    ROW_WORDS, SUMMARY_WORDS, TERMS_PER_WORD, TOGETHER,
};

/// An image's word about a pair: where its descriptor stands, and, of a wide
/// pair, how many words its rows and their headers have, 16 bits each. 0 when no rule
/// names the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Form(pub u64);

impl Form {
    /// A pair with its descriptor at `desc`; `words` is 0 unless it is wide.
    #[must_use]
    pub const fn new(desc: u32, words: u32) -> Self {
        let header = if words == 0 { 0 } else { header_words(words) };
        Self(desc as u64 | (words as u64 & 0xffff) << 32 | (header as u64) << 48)
    }

    /// Where its descriptor stands.
    #[inline(always)]
    #[must_use]
    pub const fn desc(self) -> u32 {
        low(self.0)
    }

    /// Whether its rows are more than one word.
    #[inline(always)]
    #[must_use]
    pub const fn is_wide(self) -> bool {
        self.0 >> 32 != 0
    }

    /// Words of a row, at most [`ROW_WORDS`].
    #[inline(always)]
    #[must_use]
    pub const fn words(self) -> u32 {
        low(self.0 >> 32) & 0xffff
    }

    /// Words of a row's summary.
    #[inline(always)]
    #[must_use]
    pub const fn summary_words(self) -> u32 {
        summary_words(self.words())
    }

    /// Words of a row's header: its summary, and half a word for each block, made up
    /// to a multiple of [`TOGETHER`].
    #[inline(always)]
    #[must_use]
    pub const fn header_words(self) -> u32 {
        low(self.0 >> 48)
    }
}

/// Words of the summary of a row of so many.
#[inline(always)]
const fn summary_words(words: u32) -> u32 {
    words.wrapping_add(u64::BITS - 1) / u64::BITS
}

/// Words of the header of a row of so many.
const fn header_words(words: u32) -> u32 {
    (summary_words(words) + words.div_ceil(2 * BLOCK_WORDS)).next_multiple_of(TOGETHER)
}

const _: () = assert!(
    ROW_WORDS <= 0xffff && header_words(ROW_WORDS) <= 0xffff,
    "a form has room for the widest rows"
);

/// Rows that a decision has at hand: of the subject's executable, name, user and
/// group, and of the object's address or name, and port.
pub const ROWS: usize = 6;

/// Where the rows of the common dimensions stand, 0 for one that no term asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Rows(pub [u32; ROWS]);

impl Rows {
    /// Finds the rows of a subject and an object.
    #[inline(always)]
    pub fn find<T: Tables + ?Sized>(
        &mut self,
        tables: &T,
        facts: &Facts,
        form: Form,
    ) -> Option<()> {
        // A pair's objects have an address or a name, never both.
        let object = match row(tables, facts, form, Dimension::Unix)? {
            0 => row(tables, facts, form, Dimension::Addr)?,
            unix => unix,
        };
        let [exe, comm, uid, gid, of_object, port] = &mut self.0;
        *of_object = object;
        *exe = row(tables, facts, form, Dimension::Exe)?;
        *comm = row(tables, facts, form, Dimension::Comm)?;
        *uid = row(tables, facts, form, Dimension::Uid)?;
        *gid = row(tables, facts, form, Dimension::Gid)?;
        *port = row(tables, facts, form, Dimension::Port)?;
        Some(())
    }

    /// Whether their summaries have nothing in common, so that no term matches,
    /// whatever the rare dimensions say.
    #[inline(always)]
    pub fn are_apart<T: Tables + ?Sized>(&self, tables: &T, form: Form) -> Option<bool> {
        let mut left = [tables.all(); SUMMARY_WORDS as usize];
        for row in &self.0 {
            if *row != 0 {
                let summary = tables.summary(*row)?;
                for (left, word) in left.iter_mut().zip(summary) {
                    *left &= word;
                }
            }
        }
        let words = form.summary_words();
        let mut any = 0;
        for (index, left) in (0..).zip(left) {
            // Behind a summary that is shorter stand the places of blocks.
            if index < words {
                any |= left;
            }
        }
        Some(any == 0)
    }

    /// A part of all these rows, joined by AND.
    #[inline(always)]
    fn joined<T: Tables + ?Sized>(&self, tables: &T, form: Form, at: u32) -> Option<u64> {
        let mut bits = tables.all();
        for row in &self.0 {
            if *row != 0 {
                bits &= tables.part(form, *row, at)?;
            }
        }
        Some(bits)
    }
}

/// Where the row of a subject or an object stands, 0 when no term asks for the dimension.
#[inline(always)]
fn row<T: Tables + ?Sized>(
    tables: &T,
    facts: &Facts,
    form: Form,
    dimension: Dimension,
) -> Option<u32> {
    let base = low(tables.word(form.desc().wrapping_add(dimension as u32))?);
    if base == 0 {
        return Some(0);
    }
    let class = if matches!(
        dimension,
        Dimension::Addr | Dimension::Port | Dimension::Unix
    ) {
        class_of_object(tables, facts, dimension)?
    } else {
        subject_class(tables, facts, dimension)?
    };
    Some(base.wrapping_add(class.wrapping_mul(form.header_words())))
}

/// A part of a row: of its summary below [`SUMMARY_WORDS`], then its words.
#[inline(always)]
pub fn part<T: Tables + ?Sized>(tables: &T, form: Form, row: u32, at: u32) -> Option<u64> {
    if at < SUMMARY_WORDS {
        return tables.far(row.wrapping_add(at));
    }
    let word = at.wrapping_sub(SUMMARY_WORDS);
    let block = word / BLOCK_WORDS;
    let blocks = row.wrapping_add(form.summary_words());
    let two = tables.far(blocks.wrapping_add(block / 2))?;
    let base = low(two >> (32 * (block % 2)));
    tables.far(base.wrapping_add(word % BLOCK_WORDS))
}

/// Where a walk through the words of a pair's rows is.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Walk {
    /// Words that are still to be looked at, a bit each.
    pub left: [u64; SUMMARY_WORDS as usize],
    /// The terms of the part at hand that are left.
    pub bits: u64,
    /// The first word that is wanted.
    from: u32,
    /// The part at hand.
    at: u32,
    /// Entries of the list that have been asked for this part, and one; 0 before it is begun.
    asked: u32,
    /// For whoever walks: the base of terms, say. 0 at first.
    pub note: u32,
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// There is more to do.
    On,
    /// The terms of this word in [`Walk::bits`] match.
    Word(u32),
    /// There is no further word.
    End,
}

impl Walk {
    /// Turns that any walk ends within.
    pub const TURNS: u32 = (SUMMARY_WORDS + ROW_WORDS + 1) * (ASKS_PER_PAIR + 2);

    /// A walk through the words from `from` on.
    #[inline(always)]
    #[must_use]
    pub const fn new(from: u32) -> Self {
        Self {
            left: [0; SUMMARY_WORDS as usize],
            bits: 0,
            from,
            at: 0,
            asked: 0,
            note: 0,
        }
    }

    /// Begins again, with the words from `from` on.
    #[inline(always)]
    pub fn restart<T: Tables + ?Sized>(&mut self, tables: &T, from: u32) {
        self.from = from;
        self.at = unknown(tables, 0);
        self.asked = unknown(tables, 0);
    }

    /// Takes a step.
    #[inline(always)]
    pub fn turn<T: Tables + ?Sized>(
        &mut self,
        tables: &T,
        (form, rows): (Form, &Rows),
        subject: &impl Subject,
        has: &Has,
    ) -> Option<Turn> {
        let list = List(tables.word(form.desc().wrapping_add(DESC_ASKS))?);
        let mut at = self.at;
        let asked = self.asked;
        let bits = if asked == 0 {
            if at >= SUMMARY_WORDS {
                let Some(word) = self.lowest(tables) else {
                    return Some(Turn::End);
                };
                at = SUMMARY_WORDS.wrapping_add(word);
            }
            rows.joined(tables, form, at)?
        } else {
            let entry = (asked - 1).wrapping_mul(ASK_WORDS);
            let (base, class) = class(tables, subject, has, list.base().wrapping_add(entry))?;
            let row = base.wrapping_add(class.wrapping_mul(form.header_words()));
            self.bits & tables.part(form, row, at)?
        };
        self.bits = tables.unknown(bits);
        let more = bits != 0 && asked < list.count();
        let mut turn = Turn::On;
        if more {
            self.asked = unknown(tables, asked + 1);
        } else {
            self.asked = unknown(tables, 0);
            if at < SUMMARY_WORDS {
                at = self.end_summary(tables, form, at, bits);
            } else if bits != 0 {
                turn = Turn::Word(at - SUMMARY_WORDS);
            }
        }
        self.at = unknown(tables, at);
        Some(turn)
    }

    /// Takes in a word of the summary, and says which part is next.
    #[inline(always)]
    fn end_summary<T: Tables + ?Sized>(
        &mut self,
        tables: &T,
        form: Form,
        at: u32,
        bits: u64,
    ) -> u32 {
        for (index, left) in (0..).zip(&mut self.left) {
            if index == at {
                *left = tables.unknown(bits);
            }
        }
        if at + 1 < form.summary_words() {
            return at + 1;
        }
        self.skip(tables, self.from);
        SUMMARY_WORDS
    }

    /// Passes over the words below `from`.
    #[inline(always)]
    pub fn skip<T: Tables + ?Sized>(&mut self, tables: &T, from: u32) {
        let mut start = 0;
        for left in &mut self.left {
            let wanted = match from.checked_sub(start) {
                None => u64::MAX,
                Some(below) if below < u64::BITS => u64::MAX << below,
                Some(_) => 0,
            };
            *left = tables.unknown(*left & wanted);
            start += u64::BITS;
        }
    }

    /// Takes the lowest word that is left.
    #[inline(always)]
    fn lowest<T: Tables + ?Sized>(&mut self, tables: &T) -> Option<u32> {
        let mut start = 0;
        for left in &mut self.left {
            let found = *left;
            if found != 0 {
                *left = tables.unknown(found & (found - 1));
                return Some(start + found.trailing_zeros());
            }
            start += u64::BITS;
        }
        None
    }
}

/// A number of which the kernel side's verifier knows nothing.
#[inline(always)]
fn unknown<T: Tables + ?Sized>(tables: &T, number: u32) -> u32 {
    low(tables.unknown(number.into()))
}

/// How many words the deciding terms of a pair have; record terms follow.
#[inline(always)]
pub fn deciding<T: Tables + ?Sized>(tables: &T, form: Form) -> Option<u32> {
    tables.word(form.desc().wrapping_add(DESC_VERDICT)).map(low)
}

/// Where the terms of a word stand.
#[inline(always)]
pub fn terms<T: Tables + ?Sized>(tables: &T, form: Form, word: u32) -> Option<u32> {
    let base = low(tables.word(form.desc().wrapping_add(DESC_TERMS))?);
    Some(base.wrapping_add(word.wrapping_mul(TERMS_PER_WORD)))
}

/// Takes in the bits of a word of deciding terms. True once an enforced rule has decided.
#[inline(always)]
pub fn decide_word<T: Tables + ?Sized>(
    tables: &T,
    form: Form,
    word: u32,
    bits: u64,
    verdict: &mut Verdict,
) -> Option<bool> {
    let terms = terms(tables, form, word)?;
    let enforced = low(tables.word(form.desc().wrapping_add(DESC_ENFORCED))?);
    let enforced = bits & tables.far(enforced.wrapping_add(word))?;
    let first = |bits: u64| tables.far(terms.wrapping_add(bits.trailing_zeros()));
    if verdict.hypothetical.effect == 0 {
        set_outcome(first(bits)?, &mut verdict.hypothetical)?;
        verdict.hypothetical.effect = unknown(tables, verdict.hypothetical.effect);
    }
    if enforced != 0 {
        set_outcome(first(enforced)?, &mut verdict.actual)?;
        verdict.actual.effect = unknown(tables, verdict.actual.effect);
    }
    Some(enforced != 0)
}

/// Judges an operation of a wide pair. `recorded` is called with the base of the
/// terms and the bits of each word of record terms that match; the verdict has the first.
pub fn decide<T: Tables + ?Sized>(
    tables: &T,
    facts: &Facts,
    form: Form,
    (subject, has): (&impl Subject, &Has),
    verdict: &mut Verdict,
    recorded: &mut impl FnMut(u32, u64),
) -> Option<()> {
    let mut rows = Rows::default();
    rows.find(tables, facts, form)?;
    if rows.are_apart(tables, form)? {
        return Some(());
    }
    let deciding = deciding(tables, form)?;
    let mut walk = Walk::new(0);
    for _ in 0..Walk::TURNS {
        match walk.turn(tables, (form, &rows), subject, has)? {
            Turn::On => {}
            Turn::End => break,
            Turn::Word(word) if word < deciding => {
                if decide_word(tables, form, word, walk.bits, verdict)? {
                    walk.skip(tables, deciding);
                }
            }
            Turn::Word(word) => {
                let terms = terms(tables, form, word)?;
                if verdict.recorded == 0 {
                    verdict.recorded = walk.bits;
                    verdict.terms = terms;
                }
                recorded(terms, walk.bits);
            }
        }
    }
    Some(())
}
