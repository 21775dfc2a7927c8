//! The decision procedure, over a table image.
//!
//! One class for each dimension that the pair asks for, one row for each class,
//! AND, first set bit. No loop depends on the number of rules: a lookup takes a
//! fixed number of steps, an automaton one for each byte of a text. Pairs whose
//! terms are more than the bits of a word are decided in [`crate::wide`].
//!
//! `eval` in the language crate is the definition; a property test compares the
//! two. This code shares nothing with it.

use crate::ask::{Asker, List, Member, has};
use crate::facts::{
    Facts, OBJECT_ABSTRACT, OBJECT_IPV4, OBJECT_IPV6, OBJECT_OPTION, OBJECT_PATH, OBJECT_UNNAMED,
    OBJECT_UNREADABLE, SUBJECT_EXE,
};
use crate::family::pair;
use crate::fields::{Dimension, Lookup};
use crate::image::{
    AUTOMATON_DIR, BODY, CLASS_LONG, CLASS_MISSING, CLASS_OTHER, CLASS_UNNAMED, CLASS_UNREADABLE,
    DESC_ASKS, DESC_ENFORCED, DESC_RECORD, DESC_TERMS, DESC_VERDICT, DOMAIN_COMM, DOMAIN_NAMES,
    Effect, FAR_STEPS, PAIR_DIR, STARTS, STATE_DEAD, STATE_LONG, STATE_SETTLED, STATE_SINGLE,
    SUMMARY_WORDS, TOGETHER,
};
use crate::lookup::{class_of_number, class_of_pair, class_of_wide, directory};
use crate::wide::{self, Form};

/// Where the words of an image come from, and what is looked up in them. `None`
/// is a damaged image.
///
/// The lookups are methods, so that the kernel side can make each a function
/// that its verifier follows once.
pub trait Tables {
    /// The word at `index`, which is near; `None` outside the image.
    fn word(&self, index: u32) -> Option<u64>;

    /// The word at `index`, near or far.
    fn far(&self, index: u32) -> Option<u64> {
        self.word(index)
    }

    /// The class of a two-word key.
    fn pair_class(&self, lookup: u32, key: [u64; 2]) -> Option<u32> {
        class_of_pair(self, directory(self, lookup)?, key)
    }

    /// The class of a 32-bit number.
    fn number_class(&self, lookup: u32, value: u32) -> Option<u32> {
        class_of_number(self, directory(self, lookup)?, value, FAR_STEPS)
    }

    /// The class of a 128-bit number, most significant half first.
    fn wide_class(&self, lookup: u32, value: [u64; 2]) -> Option<u32> {
        class_of_wide(self, directory(self, lookup)?, value, FAR_STEPS)
    }

    /// The class of a text that the decision is about, by its key and its domain.
    fn text_class(&self, lookup: Lookup, key: [u64; 2], domain: u64) -> Option<u32> {
        class_of_text(self, lookup, key, domain)
    }

    /// A part of a wide row, as [`wide::part`] reads it.
    fn part(&self, form: Form, row: u32, at: u32) -> Option<u64> {
        wide::part(self, form, row, at)
    }

    /// The words at `row` that may be a summary; the row is a wide one's. The kernel side
    /// reads them at once, so that a row that begins between two [`TOGETHER`] is damage.
    fn summary(&self, row: u32) -> Option<[u64; SUMMARY_WORDS as usize]> {
        if !row.is_multiple_of(TOGETHER) {
            return None;
        }
        Some([
            self.far(row)?,
            self.far(row.wrapping_add(1))?,
            self.far(row.wrapping_add(2))?,
        ])
    }

    /// All terms, in a form that the kernel side's verifier does not know to be so:
    /// it would follow what comes after once for each dimension that was passed over.
    fn all(&self) -> u64 {
        self.unknown(u64::MAX)
    }

    /// A value of which the kernel side's verifier knows nothing: what is kept from one
    /// turn of a loop to the next is followed for each value that it knows.
    fn unknown(&self, value: u64) -> u64 {
        value
    }

    /// A value of which the optimiser knows nothing, and the verifier all.
    fn hidden(&self, value: u64) -> u64 {
        value
    }

    /// The state that the automaton of a dimension comes to when it begins at
    /// `start` and reads the text that the decision is about;
    /// [`STATE_LONG`] when there is no such text.
    fn read(&self, dimension: Dimension, start: u32) -> Option<u32>;
}

impl Tables for [u64] {
    fn word(&self, index: u32) -> Option<u64> {
        self.get(index as usize).copied()
    }

    fn read(&self, _: Dimension, _: u32) -> Option<u32> {
        Some(STATE_LONG)
    }
}

/// No rule: the verdict came from nothing but the absence of one.
pub const NO_RULE: u32 = u32::MAX;

/// What one set of rules says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Outcome {
    /// The determining rule's index in the policy, or [`NO_RULE`].
    pub rule: u32,
    /// Its effect as a number of [`Effect`], or 0.
    pub effect: u32,
    /// Its errno, positive; 0 unless it denies.
    pub errno: u32,
}

impl Outcome {
    /// Nothing decided: allowed.
    pub const NONE: Self = Self {
        rule: NO_RULE,
        effect: 0,
        errno: 0,
    };

    /// Whether the operation is refused.
    #[inline(always)]
    #[must_use]
    pub const fn denies(&self) -> bool {
        matches!(
            Effect::from_raw(self.effect),
            Some(Effect::Kill | Effect::Deny | Effect::DefaultDeny)
        )
    }
}

/// What the tables say of one operation.
///
/// Its layout has no padding: in the kernel a verdict is handed from one
/// function to another, and each byte of it must have been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Verdict {
    /// By the enforced rules: what happens.
    pub actual: Outcome,
    /// By all rules: what would happen.
    pub hypothetical: Outcome,
    /// Bits of the pair's record terms that match.
    pub recorded: u64,
    /// Base of the pair's terms, to turn bits of `recorded` into rules.
    pub terms: u32,
    /// Reserved, zero.
    pub reserved: u32,
}

const _: () = assert!(
    size_of::<Verdict>() == 2 * size_of::<Outcome>() + 16,
    "a verdict has no padding"
);

impl Verdict {
    /// Allowed, and nothing to say.
    pub const ALLOW: Self = Self {
        actual: Outcome::NONE,
        hypothetical: Outcome::NONE,
        recorded: 0,
        terms: 0,
        reserved: 0,
    };
}

/// Judges one operation. `None` when the image is damaged (an offset outside
/// it, an unknown effect): the caller decides what that means.
pub fn decide<T: Tables + ?Sized>(
    tables: &T,
    facts: &Facts,
    rest: &impl Member,
) -> Option<Verdict> {
    decide_all(tables, facts, rest, &mut |_, _| {})
}

/// [`decide`], with all record terms that match: `recorded` is called with the
/// base of the terms and the bits of each word of them.
pub fn decide_all<T: Tables + ?Sized>(
    tables: &T,
    facts: &Facts,
    rest: &impl Member,
    recorded: &mut impl FnMut(u32, u64),
) -> Option<Verdict> {
    let mut verdict = Verdict::ALLOW;
    let form = form(tables, facts)?;
    if form.is_wide() {
        let has = has(tables, rest)?;
        wide::decide(tables, facts, form, (rest, &has), &mut verdict, recorded)?;
        return Some(verdict);
    }
    decide_into(tables, facts, rest, &mut verdict)?;
    if verdict.recorded != 0 {
        recorded(verdict.terms, verdict.recorded);
    }
    Some(verdict)
}

/// [`decide`] for pairs whose rows are one word, and for the kernel side, whose
/// stack has room for one verdict: changes the one that allows.
#[inline(always)]
pub fn decide_into<T: Tables + ?Sized>(
    tables: &T,
    facts: &Facts,
    rest: &impl Asker<T>,
    verdict: &mut Verdict,
) -> Option<()> {
    let desc = form(tables, facts)?.desc();
    if desc < BODY {
        return Some(());
    }
    let object = |dimension| move |t: &T| class_of_object(t, facts, dimension);
    let mut bits = subject(tables, facts, desc)?;
    bits &= row(tables, desc, Dimension::Addr, object(Dimension::Addr))?;
    bits &= row(tables, desc, Dimension::Port, object(Dimension::Port))?;
    bits &= row(tables, desc, Dimension::Unix, object(Dimension::Unix))?;
    let list = List(tables.word(desc.wrapping_add(DESC_ASKS))?);
    if list.count() != 0 {
        bits &= rest.ask(tables, list)?;
    }
    set_verdict(tables, desc, bits, verdict)
}

/// The AND of the rows of the subject's common dimensions.
#[inline(always)]
pub(crate) fn subject<T: Tables + ?Sized>(tables: &T, facts: &Facts, desc: u32) -> Option<u64> {
    let class = |dimension| move |t: &T| subject_class(t, facts, dimension);
    let mut bits = tables.all();
    bits &= row(tables, desc, Dimension::Exe, class(Dimension::Exe))?;
    bits &= row(tables, desc, Dimension::Comm, class(Dimension::Comm))?;
    bits &= row(tables, desc, Dimension::Uid, class(Dimension::Uid))?;
    bits &= row(tables, desc, Dimension::Gid, class(Dimension::Gid))?;
    Some(bits)
}

/// The subject's class in one of its common dimensions.
#[inline(always)]
pub(crate) fn subject_class<T: Tables + ?Sized>(
    tables: &T,
    facts: &Facts,
    dimension: Dimension,
) -> Option<u32> {
    if dimension == Dimension::Exe {
        if facts.subject & SUBJECT_EXE == 0 {
            return Some(CLASS_MISSING);
        }
        tables.text_class(Lookup::Exe, facts.exe, facts.exe[1])
    } else if dimension == Dimension::Comm {
        tables.text_class(Lookup::Comm, facts.comm, DOMAIN_COMM)
    } else if dimension == Dimension::Uid {
        tables.number_class(Lookup::Uid as u32, facts.uid)
    } else {
        tables.number_class(Lookup::Gid as u32, facts.gid)
    }
}

/// The object's class.
#[inline(always)]
pub(crate) fn class_of_object<T: Tables + ?Sized>(
    tables: &T,
    facts: &Facts,
    dimension: Dimension,
) -> Option<u32> {
    match (dimension, facts.object_kind) {
        (Dimension::Addr, OBJECT_IPV4) => {
            tables.number_class(Lookup::Addr4 as u32, low(facts.object[0]))
        }
        (Dimension::Addr, OBJECT_IPV6) => tables.wide_class(Lookup::Addr6 as u32, facts.object),
        (Dimension::Port, OBJECT_IPV4 | OBJECT_IPV6) => {
            tables.number_class(Lookup::Port as u32, facts.port)
        }
        (Dimension::Unix, OBJECT_PATH) => {
            tables.text_class(Lookup::Unix, facts.object, facts.object[1])
        }
        (Dimension::Unix, OBJECT_ABSTRACT) => {
            tables.text_class(Lookup::Unix, facts.object, DOMAIN_NAMES)
        }
        (Dimension::Unix, OBJECT_OPTION) => tables.pair_class(Lookup::Unix as u32, facts.object),
        (Dimension::Unix, OBJECT_UNNAMED) => Some(CLASS_UNNAMED),
        (_, OBJECT_UNREADABLE) => Some(CLASS_UNREADABLE),
        _ => Some(CLASS_MISSING),
    }
}

/// What the pair asks of rare dimensions, `None` when the image is damaged.
#[inline(always)]
pub fn list<T: Tables + ?Sized>(tables: &T, form: Form) -> Option<List> {
    if form.desc() < BODY {
        return Some(List::new(0, 0, 0));
    }
    tables.word(form.desc().wrapping_add(DESC_ASKS)).map(List)
}

/// What the image has of the pair; its descriptor is below [`BODY`] when no rule names it.
#[inline(always)]
pub fn form<T: Tables + ?Sized>(tables: &T, facts: &Facts) -> Option<Form> {
    let pair = pair(facts.family, facts.operation)?;
    tables.word(PAIR_DIR + pair).map(Form)
}

/// From the bits of the matching terms to what they mean.
#[inline(always)]
fn set_verdict<T: Tables + ?Sized>(
    tables: &T,
    desc: u32,
    bits: u64,
    verdict: &mut Verdict,
) -> Option<()> {
    let deciding = bits & tables.word(desc.wrapping_add(DESC_VERDICT))?;
    let enforced = deciding & tables.word(desc.wrapping_add(DESC_ENFORCED))?;
    let terms = low(tables.word(desc.wrapping_add(DESC_TERMS))?);
    verdict.recorded = bits & tables.word(desc.wrapping_add(DESC_RECORD))?;
    verdict.terms = terms;
    set_first(tables, terms, enforced, &mut verdict.actual)?;
    set_first(tables, terms, deciding, &mut verdict.hypothetical)
}

/// The first set bit's term, nothing without one.
#[inline(always)]
fn set_first<T: Tables + ?Sized>(
    tables: &T,
    terms: u32,
    bits: u64,
    outcome: &mut Outcome,
) -> Option<()> {
    if bits == 0 {
        return Some(());
    }
    set_outcome(
        tables.word(terms.wrapping_add(bits.trailing_zeros()))?,
        outcome,
    )
}

/// What a term's word means, `None` when it is none.
#[inline(always)]
pub(crate) fn set_outcome(word: u64, outcome: &mut Outcome) -> Option<()> {
    let effect = low(word >> 32) & 0xffff;
    Effect::from_raw(effect)?;
    outcome.rule = low(word);
    outcome.effect = effect;
    outcome.errno = low(word >> 48);
    Some(())
}

/// The row of the subject's or object's class in one dimension; all ones when
/// no term of the pair asks for the dimension.
#[inline(always)]
fn row<T: Tables + ?Sized>(
    tables: &T,
    desc: u32,
    dimension: Dimension,
    class: impl Fn(&T) -> Option<u32>,
) -> Option<u64> {
    let base = low(tables.word(desc.wrapping_add(dimension as u32))?);
    if base == 0 {
        return Some(tables.all());
    }
    let class = class(tables)?;
    tables.word(base.wrapping_add(class))
}

/// The class of a text: its key's, or else that of the patterns that match it.
#[inline(always)]
pub fn class_of_text<T: Tables + ?Sized>(
    tables: &T,
    lookup: Lookup,
    key: [u64; 2],
    domain: u64,
) -> Option<u32> {
    let class = tables.pair_class(lookup as u32, key)?;
    let dimension = lookup.dimension();
    if class != CLASS_OTHER || automaton(tables, dimension as u32)?.0 == 0 {
        return Some(class);
    }
    let start = tables.pair_class(STARTS + dimension as u32, [domain, 0])?;
    if start == STATE_DEAD {
        return Some(CLASS_OTHER);
    }
    match tables.read(dimension, start)? {
        STATE_LONG => Some(CLASS_LONG),
        state => class_of_state(tables, dimension as u32, state),
    }
}

/// An automaton's byte groups, 0 when there is none, and its states.
#[inline(always)]
pub fn automaton<T: Tables + ?Sized>(tables: &T, dimension: u32) -> Option<(u32, u32)> {
    let at = AUTOMATON_DIR.wrapping_add(dimension.wrapping_mul(2));
    Some((low(tables.word(at)?), low(tables.word(at.wrapping_add(1))?)))
}

/// The class of the texts that end in a state.
#[inline(always)]
fn class_of_state<T: Tables + ?Sized>(tables: &T, dimension: u32, state: u32) -> Option<u32> {
    if state == STATE_DEAD {
        return Some(CLASS_OTHER);
    }
    let (_, states) = automaton(tables, dimension)?;
    Some(low(tables.word(states.wrapping_add(state))?) & 0xffff)
}

/// Where an automaton goes from `state` by one byte.
#[inline(always)]
pub fn step<T: Tables + ?Sized>(
    tables: &T,
    (groups, states): (u32, u32),
    state: u32,
    byte: u8,
) -> Option<u32> {
    let word = tables.word(states.wrapping_add(state))?;
    let on = low(word >> 32);
    if word & STATE_SINGLE != 0 {
        let leads = (word >> 16 & 0xff) == u64::from(byte);
        return Some(if leads { on } else { STATE_DEAD });
    }
    let byte = u32::from(byte);
    let group = tables.word(groups.wrapping_add(byte / 8))? >> (8 * (byte % 8)) & 0xff;
    let group = low(group);
    let four = tables.word(on.wrapping_add(group / 4))?;
    Some(low(four >> (16 * (group % 4))) & 0xffff)
}

/// The state that a text comes to of which reading has seen the beginning alone:
/// [`STATE_LONG`] when what comes after would matter.
#[inline(always)]
pub fn cut<T: Tables + ?Sized>(tables: &T, (_, states): (u32, u32), state: u32) -> Option<u32> {
    if state == STATE_DEAD {
        return Some(state);
    }
    let word = tables.word(states.wrapping_add(state))?;
    Some(if word & STATE_SETTLED == 0 {
        STATE_LONG
    } else {
        state
    })
}

/// Reads bytes, for the sides of this code that have them as a slice.
#[must_use]
pub fn read_bytes<T: Tables + ?Sized>(
    tables: &T,
    dimension: Dimension,
    start: u32,
    bytes: &[u8],
) -> Option<u32> {
    let automaton = automaton(tables, dimension as u32)?;
    let mut state = start;
    for byte in bytes {
        if state == STATE_DEAD {
            break;
        }
        state = step(tables, automaton, state, *byte)?;
    }
    Some(state)
}

/// The low half of a word.
#[inline(always)]
pub(crate) const fn low(word: u64) -> u32 {
    (word & 0xffff_ffff) as u32
}
