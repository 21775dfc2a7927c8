//! The table image: one array of 64-bit words that holds a whole policy.
//!
//! The kernel keeps it as the value of a one-element array map, so that a
//! policy is published by one write. All numbers are little endian, all offsets
//! count words from the start of the image.
//!
//! ```text
//! word 0              MAGIC
//! word 1              generation
//! word 2              words in use
//! word GROUPS         group ids that the policy names: base | number << 32
//! word SLOT           the slot that the image was loaded into, written by the loader
//! LOOKUP_DIR + 2*l    lookup l: base | log2(length) << 32, rounded up with an index; then a seed or an index
//! STARTS_DIR + 2*d    where automaton d begins, a lookup as well
//! AUTOMATON_DIR + 2*d automaton d: base of its byte groups, 0 without; base of its states
//! PAIR_DIR + p        pair p: a [`crate::wide::Form`], 0 when no rule names the pair
//! word SELECTION      which events are made ([`crate::select`]), 0 for those by default
//! …                   lookups, descriptors, rows, terms
//! ```
//!
//! The first [`NEAR_WORDS`] are *near*: one value, which a program reads without a
//! call. What finds no room there is *far*, in pages of [`PAGE_WORDS`] that a policy
//! has as many of as it needs: large lookups, and all that belongs to wide pairs.
//! Descriptors, lists, automata, and the rows and terms of pairs of one word are always near.
//!
//! A **lookup** of shape `Pairs` is an open-addressing table of `1 << log2`
//! entries of three words: key, key, class. An entry whose class is 0 is empty;
//! a key stands at most [`PROBES`] entries after the one it hashes to. A lookup
//! of shape `Narrow` is `1 << log2` sorted words `start << 32 | class`, the first
//! with start 0, padded by repeating the last one. A large one is not padded, and has an
//! [`Index`](crate::lookup::Index), whose words stand before it: by that a number is searched in few entries. `Wide` has entries of three
//! words, start (two, most significant first) and class, and no index.
//!
//! An **automaton** reads the texts of a dimension for which rules have patterns
//! with wildcards; a text that a lookup knows whole is not read. Where it begins
//! depends on the text's *domain*: the device of a path, [`DOMAIN_NAMES`],
//! [`DOMAIN_COMM`] or [`DOMAIN_CGROUP`]. 32 words say for each byte, eight a word, which group it is in.
//! A state is one word: the class of the texts that end there in bits 0 to 15,
//! then a way on. With bit 24 set, one byte, in bits 16 to 23, leads to the state in
//! bits 32 to 63; without, those bits hold the base of a row of states, 16 bits
//! for each group, four a word. What leads nowhere leads to [`STATE_DEAD`]. Bit 25
//! says that every text that gets there has that class, whatever comes after: so a
//! text of which only the beginning is kept can be known all the same.
//!
//! A **descriptor** is [`DESC_WORDS`] words: for each common dimension the base of
//! its rows, 0 when no term of the pair asks for it; then masks, the base of the
//! pair's terms, and the list of what it asks of rare dimensions
//! ([`crate::ask::List`]): entries of [`ASK_WORDS`] words. The **row** of class `c` is the word at
//! `base + c`: bit `t` says that term `t` takes the class. The bits
//! stand in the order kill, deny, allow, default deny, and in each by rule id,
//! so the first set bit of the AND is the determining rule; record terms follow.
//!
//! A pair of more than [`TERMS_PER_WORD`] terms is **wide**: its rows have as many
//! words as its terms need, and record terms begin with a word of their own. The
//! row of class `c` is a header at `base + c * ` [`crate::wide::Form::header_words`]:
//! first the *summary*, a bit for each word that is not zero, then for each
//! [`BLOCK_WORDS`] words of the row where they stand, two bases a word; its length is
//! made up to a multiple of [`TOGETHER`], and so is `base`. Equal blocks
//! stand once, so a row that differs from another in one bit costs a header and a block. A wide
//! descriptor has, in the places of the masks, the number of words of deciding terms
//! and the base of the words that say which terms are enforced.
//!
//! An **entry** of such a list is `dimension | lookup << 32`, a mask, and the base
//! of its rows. Where the dimension's values have classes, the mask means
//! nothing and the rows are as above. A dimension of *bits*, of which a subject
//! has any number, has an entry for each set that terms name: the set is the
//! mask, and its rows are two, the first for a subject that has none of the
//! set's bits and the second for one that has some. So "some value is in the
//! set" and its complement are exact, whatever sets a policy names together.

use crate::family::PAIRS;
use crate::fields::{COMMON_COUNT, DIMENSION_COUNT, LOOKUP_COUNT};

/// First word of an image; changes with the layout.
pub const MAGIC: u64 = 0x0005_7464_7265_746e;
/// Words that are near.
pub const NEAR_WORDS: u32 = 1 << 16;
/// Words in a page of what is far.
pub const PAGE_WORDS: u32 = 1 << 13;
/// Pages that a policy can have.
pub const PAGES: u32 = 1 << 10;
/// Words that an image can have.
pub const IMAGE_WORDS: u32 = NEAR_WORDS + PAGES * PAGE_WORDS;
/// Terms of a pair whose rows are one word.
pub const TERMS_PER_WORD: u32 = 64;
/// Terms that one (family, operation) pair can have.
pub const TERMS_PER_PAIR: u32 = 10_240;
/// Words that a wide row can have: record terms begin with a word of their own.
pub const ROW_WORDS: u32 = TERMS_PER_PAIR / TERMS_PER_WORD + 1;
/// Words in a summary of the widest row.
pub const SUMMARY_WORDS: u32 = ROW_WORDS.div_ceil(u64::BITS);
/// Words that are read at once: the header of a wide row begins at a multiple of as many,
/// and its summary has no more.
pub const TOGETHER: u32 = 4;
/// Words of a row that stand together.
pub const BLOCK_WORDS: u32 = 8;
const _: () = assert!(
    SUMMARY_WORDS <= TOGETHER && NEAR_WORDS.is_multiple_of(PAGE_WORDS),
    "a summary is all near or all in one page"
);
/// Rules and defaults that can be counted, in one policy.
pub const MAX_RULES: u32 = 16_384;

/// Where the groups that the policy names are described, an [`crate::ask::Groups`].
pub const GROUPS: u32 = 3;
/// Groups that a policy can name: a bit each of a word.
pub const MAX_GROUPS: u32 = 64;

/// Where the generation stands.
pub const GENERATION: u32 = 1;
/// Where the slot stands that the image was loaded into.
pub const SLOT: u32 = 4;

/// Where the lookups are described.
pub const LOOKUP_DIR: u32 = 5;
/// Number of the lookup that says where the automaton of dimension 0 begins.
pub const STARTS: u32 = LOOKUP_COUNT;
/// Where the beginnings of automata are described.
pub const STARTS_DIR: u32 = LOOKUP_DIR + 2 * STARTS;
/// Where the automata are described.
pub const AUTOMATON_DIR: u32 = STARTS_DIR + 2 * DIMENSION_COUNT;
/// Where the pairs are described.
pub const PAIR_DIR: u32 = AUTOMATON_DIR + 2 * DIMENSION_COUNT;
/// Where the selection of events is described, 0 without one.
pub const SELECTION: u32 = PAIR_DIR + PAIRS;
/// First word that the compiler may use.
pub const BODY: u32 = SELECTION + 1;

/// Longest run of entries that a key is looked for in.
pub const PROBES: u32 = 8;
/// Halving steps of an interval search that is near: lengths up to `1 << STEPS`.
pub const STEPS: u32 = 16;
/// Halving steps of one that is far.
pub const FAR_STEPS: u32 = 18;

/// Class of a value that no rule names, in `Pairs` lookups.
pub const CLASS_OTHER: u32 = 1;
/// Class of an attribute that the subject or object does not have.
pub const CLASS_MISSING: u32 = 2;
/// Class of an object that could not be read.
pub const CLASS_UNREADABLE: u32 = 3;
/// Class of a unix socket without a name; in other dimensions not used.
pub const CLASS_UNNAMED: u32 = 4;
/// Class of a text that is too long to be known, where patterns ask for it.
pub const CLASS_LONG: u32 = 5;
/// First class for the values that rules name. Class 0 is never given.
pub const CLASS_FIRST: u32 = 6;

/// Stands for the state that reading came to when the text was too long for it to be known.
pub const STATE_LONG: u32 = 0;
/// The state from which no pattern can match any more. Its number is that of
/// [`CLASS_OTHER`], which a lookup gives for a domain without patterns.
pub const STATE_DEAD: u32 = CLASS_OTHER;
/// First state that is an automaton's own.
pub const STATE_FIRST: u32 = 2;
/// States that one automaton can have.
pub const STATES: u32 = 1 << 14;
/// Words that say which group a byte is in.
pub const GROUP_WORDS: u32 = 32;
/// Marks a state from which one byte alone leads on.
pub const STATE_SINGLE: u64 = 1 << 24;
/// Marks a state from which only states of the same class can be reached.
pub const STATE_SETTLED: u64 = 1 << 25;

/// The domain of abstract names, a number that no device has.
pub const DOMAIN_NAMES: u64 = crate::facts::ABSTRACT_TAG;
/// The domain of the names of processes.
pub const DOMAIN_COMM: u64 = 0;
/// The domain of cgroups, and of units.
pub const DOMAIN_CGROUP: u64 = 0;

/// Offset of the mask of terms that take part in the verdict; of a wide pair, how many words they have.
pub const DESC_VERDICT: u32 = COMMON_COUNT;
/// Offset of the mask of terms whose rule is enforced; of a wide pair, where those words begin.
pub const DESC_ENFORCED: u32 = DESC_VERDICT + 1;
/// Offset of the mask of record terms; of a wide pair, 0.
pub const DESC_RECORD: u32 = DESC_ENFORCED + 1;
/// Offset of the word that holds the base of the terms.
pub const DESC_TERMS: u32 = DESC_RECORD + 1;
/// Offset of the word that holds the pair's list, a [`crate::ask::List`].
pub const DESC_ASKS: u32 = DESC_TERMS + 1;
/// Words in a descriptor.
pub const DESC_WORDS: u32 = DESC_ASKS + 1;
/// Words in an entry of a list.
pub const ASK_WORDS: u32 = 3;
/// Entries that a list can have.
pub const ASKS_PER_PAIR: u32 = 256;

/// What a term does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Effect {
    /// Deny, and kill the process.
    Kill = 1,
    /// Deny.
    Deny = 2,
    /// Allow.
    Allow = 3,
    /// Deny unless something allowed.
    DefaultDeny = 4,
    /// Write an event.
    Record = 5,
}

impl Effect {
    /// The effect of a number, `None` for one that this version does not know.
    #[inline(always)]
    #[must_use]
    pub const fn from_raw(raw: u32) -> Option<Self> {
        match raw {
            1 => Some(Self::Kill),
            2 => Some(Self::Deny),
            3 => Some(Self::Allow),
            4 => Some(Self::DefaultDeny),
            5 => Some(Self::Record),
            _ => None,
        }
    }
}

/// A term's word: its rule, its effect, and the (positive) errno of a denial.
#[must_use]
pub const fn term(rule: u32, effect: Effect, errno: u16) -> u64 {
    rule as u64 | (effect as u64) << 32 | (errno as u64) << 48
}

/// The slot of a `Pairs` key, before it is masked to the table's length.
#[inline(always)]
#[must_use]
pub const fn slot(key: [u64; 2], seed: u64) -> u64 {
    let [a, b] = key;
    let mut mixed = (a ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b;
    mixed ^= mixed >> 32;
    mixed = mixed.wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ mixed >> 32
}
