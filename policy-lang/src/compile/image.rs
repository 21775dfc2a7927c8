//! Puts an image together: lookups, rows, terms, descriptors, directories.

use super::Enforcement;
use super::asks;
use super::automaton::{Automaton, Way};
use super::classes::{Classes, Dimensioned};
use super::groups::Groups;
use super::lookup::{self, Built};
use super::pairs::{Group, Interned, Pairs, Placed};
use crate::ast::Effect;
use crate::checked::CheckedPolicy;
use crate::diag::{Code, Diagnostic};
use crate::maps::HashMap;
use crate::source::Span;
use policy_abi::ask::MAKES_EVENTS;
use policy_abi::family::pair;
use policy_abi::fields::{DIMENSIONS, Dimension, LOOKUPS, Lookup, Shape};
use policy_abi::image::{
    AUTOMATON_DIR, BODY, CLASS_LONG, CLASS_UNREADABLE, DESC_ASKS, DESC_ENFORCED, DESC_RECORD,
    DESC_TERMS, DESC_VERDICT, DESC_WORDS, GROUPS, IMAGE_WORDS, LOOKUP_DIR, MAGIC, PAIR_DIR,
    SELECTION, STARTS_DIR, STATE_FIRST, STATE_SETTLED, STATE_SINGLE, term,
};
use std::collections::BTreeMap;

/// The words so far.
pub(super) struct Writer {
    words: Vec<u64>,
    /// Rows that are there already, by content.
    rows: HashMap<Vec<u64>, u32>,
}

/// The image does not fit; nothing is said yet of what to do about it.
pub(super) struct Full;

impl Writer {
    /// Appends words and says where.
    pub(super) fn append(&mut self, words: &[u64]) -> Result<u32, Full> {
        let base = self.words.len();
        if base + words.len() > IMAGE_WORDS as usize {
            return Err(Full);
        }
        self.words.extend_from_slice(words);
        u32::try_from(base).ok().ok_or(Full)
    }

    fn set(&mut self, at: u32, word: u64) -> Result<(), Full> {
        let place = self.words.get_mut(at as usize).ok_or(Full)?;
        *place = word;
        Ok(())
    }

    pub(super) fn append_rows(&mut self, rows: Vec<u64>) -> Result<u32, Full> {
        if let Some(base) = self.rows.get(&rows) {
            return Ok(*base);
        }
        let base = self.append(&rows)?;
        self.rows.insert(rows, base);
        Ok(base)
    }
}

/// The words of a policy.
pub(super) fn assemble(
    policy: &CheckedPolicy,
    pairs: &Pairs,
    classes: &Classes,
    groups: &Groups,
    generation: u64,
    enforcement: Enforcement,
) -> Result<Vec<u64>, Vec<Diagnostic>> {
    let mut writer = Writer {
        words: vec![0; BODY as usize],
        rows: HashMap::default(),
    };
    let crowded: Vec<Diagnostic> = pairs
        .groups
        .iter()
        .filter_map(|group| asks::crowded(policy, group))
        .collect();
    if !crowded.is_empty() {
        return Err(crowded);
    }
    let done = fill(&mut writer, policy, pairs, (classes, groups), enforcement);
    let used = writer.words.len() as u64;
    let headed = done.and_then(|()| {
        writer.set(0, MAGIC)?;
        writer.set(1, generation)?;
        writer.set(2, used)
    });
    headed
        .map(|()| writer.words)
        .map_err(|Full| vec![too_large(policy)])
}

fn too_large(policy: &CheckedPolicy) -> Diagnostic {
    let span = policy
        .rules()
        .first()
        .map_or_else(Span::default, |rule| rule.span);
    let message = format!("the policy does not fit into the {IMAGE_WORDS} words of a table image");
    Diagnostic::new(Code::ImageTooLarge, span, message)
        .help("use networks and ranges instead of single addresses, and fewer paths")
}

fn fill(
    writer: &mut Writer,
    policy: &CheckedPolicy,
    pairs: &Pairs,
    (classes, groups): (&Classes, &Groups),
    enforcement: Enforcement,
) -> Result<(), Full> {
    let named = groups.write(writer)?;
    writer.set(GROUPS, named.0)?;
    for found in LOOKUPS {
        if let Some(of) = classes.of(found.dimension()) {
            let built = lookup_words(*found, of)?;
            let base = writer.append(&built.words)?;
            let at = LOOKUP_DIR + 2 * *found as u32;
            writer.set(at, u64::from(base) | u64::from(built.bits) << 32)?;
            writer.set(at + 1, built.seed)?;
        }
    }
    for dimension in DIMENSIONS {
        if let Some((automaton, found)) =
            classes.of(*dimension).and_then(|of| of.automaton.as_ref())
        {
            write_automaton(writer, *dimension, automaton, found)?;
        }
    }
    for group in &pairs.groups {
        let desc = descriptor(
            writer,
            policy,
            (pairs, group),
            (classes, groups),
            enforcement,
        )?;
        for (family, operation) in &group.pairs {
            let index = pair(family.number(), operation.number()).ok_or(Full)?;
            writer.set(PAIR_DIR + index, u64::from(desc))?;
        }
    }
    let selected = &pairs.selected;
    let descriptors = selected.groups.iter().map(|group| {
        let of = (pairs, group);
        descriptor(writer, policy, of, (classes, groups), enforcement)
    });
    let descriptors: Vec<u32> = descriptors.collect::<Result<_, Full>>()?;
    let directory = selected.write(writer, &descriptors)?;
    writer.set(SELECTION, u64::from(directory))
}

/// Writes the automaton of a dimension; `classes` are those of its states.
fn write_automaton(
    writer: &mut Writer,
    dimension: Dimension,
    automaton: &Automaton,
    classes: &[u32],
) -> Result<(), Full> {
    let starts: BTreeMap<[u64; 2], u32> = automaton
        .starts
        .iter()
        .map(|(domain, state)| ([*domain, 0], *state))
        .collect();
    let built = lookup::pairs(&starts, IMAGE_WORDS as usize).ok_or(Full)?;
    let base = writer.append(&built.words)?;
    let at = STARTS_DIR + 2 * dimension as u32;
    writer.set(at, u64::from(base) | u64::from(built.bits) << 32)?;
    writer.set(at + 1, built.seed)?;
    let groups: Vec<u64> = automaton
        .groups
        .chunks(8)
        .map(|eight| packed(eight.iter().map(|group| u64::from(*group)), 8))
        .collect();
    let groups = writer.append(&groups)?;
    // The numbers of the first states are nobody's: their words are not read.
    let mut words = vec![0_u64; STATE_FIRST as usize];
    for (state, class) in automaton.states.iter().zip(classes) {
        let class = u64::from(u16::try_from(*class).ok().ok_or(Full)?);
        let class = if state.settled {
            class | STATE_SETTLED
        } else {
            class
        };
        words.push(match &state.way {
            Way::Single(byte, next) => {
                class | u64::from(*byte) << 16 | STATE_SINGLE | u64::from(*next) << 32
            }
            Way::Row(row) => {
                let fours = row.chunks(4);
                let row: Vec<u64> = fours
                    .map(|four| packed(four.iter().map(|next| u64::from(*next)), 16))
                    .collect();
                class | u64::from(writer.append_rows(row)?) << 32
            }
        });
    }
    let states = writer.append(&words)?;
    let at = AUTOMATON_DIR + 2 * dimension as u32;
    writer.set(at, u64::from(groups))?;
    writer.set(at + 1, u64::from(states))
}

/// Small numbers in one word, the first lowest.
fn packed(numbers: impl DoubleEndedIterator<Item = u64>, bits: u32) -> u64 {
    numbers.rev().fold(0, |word, number| word << bits | number)
}

fn lookup_words(found: Lookup, of: &Dimensioned) -> Result<Built, Full> {
    match found.shape() {
        Shape::Pairs => lookup::pairs(&of.keys, IMAGE_WORDS as usize),
        Shape::Narrow => lookup::narrow(&of.narrow),
        Shape::Wide => lookup::wide(&of.wide),
    }
    .ok_or(Full)
}

/// Writes what a group's pairs share, and says where its descriptor is.
fn descriptor(
    writer: &mut Writer,
    policy: &CheckedPolicy,
    (pairs, group): (&Pairs, &Group),
    (classes, groups): (&Classes, &Groups),
    enforcement: Enforcement,
) -> Result<u32, Full> {
    let list = asks::list(writer, &pairs.sets, group, classes, groups)?;
    let mut desc = vec![0_u64; DESC_WORDS as usize];
    let mut set = |at: u32, word: u64| desc.get_mut(at as usize).map(|place| *place = word);
    for dimension in DIMENSIONS.iter().filter(|one| !one.is_rare()) {
        let asked = |one: &Interned| one.dimension == *dimension;
        let used = group
            .terms
            .iter()
            .any(|term| term.literals.iter().any(asked));
        if let Some(of) = classes.of(*dimension).filter(|_| used) {
            let base = writer.append_rows(rows(&group.terms, *dimension, of))?;
            set(*dimension as u32, u64::from(base)).ok_or(Full)?;
        }
    }
    let enforced = |placed: &Placed| {
        let rule = policy.rule(placed.rule);
        enforcement == Enforcement::AsWritten && rule.is_some_and(|rule| rule.enforced)
    };
    let records = |placed: &Placed| placed.effect == Effect::Record;
    let decides = |placed: &Placed| !records(placed);
    let in_force = |placed: &Placed| decides(placed) && enforced(placed);
    set(DESC_VERDICT, mask(&group.terms, decides)).ok_or(Full)?;
    set(DESC_ENFORCED, mask(&group.terms, in_force)).ok_or(Full)?;
    set(DESC_RECORD, mask(&group.terms, records)).ok_or(Full)?;
    let words: Vec<u64> = group
        .terms
        .iter()
        .map(|placed| term_word(policy, placed))
        .collect();
    let terms = writer.append(&words)?;
    set(DESC_TERMS, u64::from(terms)).ok_or(Full)?;
    let selected = |pair| pairs.selected.pairs.contains(pair);
    let events = u64::from(group.pairs.iter().any(selected)) * MAKES_EVENTS;
    set(DESC_ASKS, list.0 | events).ok_or(Full)?;
    writer.append(&desc)
}

/// Bits of the terms that are so.
pub(super) fn mask(terms: &[Placed], so: impl Fn(&Placed) -> bool) -> u64 {
    let bits = terms.iter().enumerate().filter(|(_, placed)| so(placed));
    bits.fold(0, |mask, (bit, _)| mask | 1 << bit)
}

/// For each class of a dimension, the terms that take it.
pub(super) fn rows(terms: &[Placed], dimension: Dimension, of: &Dimensioned) -> Vec<u64> {
    (0..of.end())
        .map(|class| {
            mask(terms, |placed| {
                let mut asked = placed
                    .literals
                    .iter()
                    .filter(|one| one.dimension == dimension);
                // An object that could not be read: whatever makes a deny match
                // and an allow not (notes 118). Subjects never have this class.
                if class == CLASS_UNREADABLE {
                    return placed.effect != Effect::Allow || asked.next().is_none();
                }
                // One too long to be read is none of those known whole; of patterns
                // it cannot be said.
                if class == CLASS_LONG && dimension == Dimension::Unix {
                    return asked.all(|one| {
                        if of.globbed.contains(&one.set) {
                            placed.effect != Effect::Allow
                        } else {
                            one.negated
                        }
                    });
                }
                asked.all(|one| of.contains(class, one.set) != one.negated)
            })
        })
        .collect()
}

fn term_word(policy: &CheckedPolicy, placed: &Placed) -> u64 {
    let effect = match placed.effect {
        Effect::Kill => policy_abi::image::Effect::Kill,
        Effect::Deny => policy_abi::image::Effect::Deny,
        Effect::Allow => policy_abi::image::Effect::Allow,
        Effect::DefaultDeny => policy_abi::image::Effect::DefaultDeny,
        Effect::Record => policy_abi::image::Effect::Record,
    };
    let errno = match placed.effect {
        Effect::Allow | Effect::Record => 0,
        Effect::Kill | Effect::Deny | Effect::DefaultDeny => {
            policy.rule(placed.rule).map_or(1, |rule| rule.errno.number)
        }
    };
    term(placed.rule.0, effect, errno)
}
