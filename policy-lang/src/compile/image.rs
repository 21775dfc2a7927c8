//! Puts an image together: descriptors, lookups, automata, directories.

use super::Enforcement;
use super::asks;
use super::automaton::{Automaton, Way};
use super::classes::{Classes, Dimensioned};
use super::groups::Groups;
use super::lookup::{self, Built};
use super::pairs::{Group, Interned, Pairs, Placed};
use super::rows::{self, Layout};
use super::writer::{Full, Writer};
use crate::ast::Effect;
use crate::checked::CheckedPolicy;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use policy_abi::ask::MAKES_EVENTS;
use policy_abi::family::pair;
use policy_abi::fields::{DIMENSIONS, Dimension, LOOKUPS, Lookup, Shape};
use policy_abi::image::{
    ASK_WORDS, AUTOMATON_DIR, DESC_ASKS, DESC_ENFORCED, DESC_RECORD, DESC_TERMS, DESC_VERDICT,
    DESC_WORDS, GROUPS, IMAGE_WORDS, LOOKUP_DIR, MAGIC, PAIR_DIR, SELECTION, STARTS_DIR,
    STATE_FIRST, STATE_SETTLED, STATE_SINGLE, term,
};
use std::collections::BTreeMap;

/// The words of a policy.
pub(super) fn assemble(
    policy: &CheckedPolicy,
    pairs: &Pairs,
    classes: &Classes,
    groups: &Groups,
    generation: u64,
    enforcement: Enforcement,
) -> Result<Vec<u64>, Vec<Diagnostic>> {
    let crowded: Vec<Diagnostic> = pairs
        .groups
        .iter()
        .filter_map(|group| asks::crowded(policy, group))
        .collect();
    if !crowded.is_empty() {
        return Err(crowded);
    }
    let maker = Maker {
        policy,
        pairs,
        classes,
        groups,
        enforcement,
    };
    // Rows of one word must be near. Where there is no room for them, all rows are wide.
    let made = [false, true].into_iter().find_map(|wide| {
        let mut writer = Writer::new(maker.near());
        maker.fill(&mut writer, wide).ok()?;
        let used = writer.length() as u64;
        writer.set(0, MAGIC).ok()?;
        writer.set(1, generation).ok()?;
        writer.set(2, used).ok()?;
        Some(writer.finish())
    });
    made.ok_or_else(|| vec![too_large(policy)])
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

/// What an image is made of.
struct Maker<'p> {
    policy: &'p CheckedPolicy,
    pairs: &'p Pairs,
    classes: &'p Classes,
    groups: &'p Groups,
    enforcement: Enforcement,
}

impl Maker<'_> {
    /// Words that must be near, whatever the width of rows.
    fn near(&self) -> usize {
        let of_group = |group: &Group| (DESC_WORDS + ASK_WORDS * asks::count(group)) as usize;
        self.pairs.groups.iter().map(of_group).sum()
    }

    /// Writes all but the head: first what must be near, which are the pairs whose
    /// rows are one word and the automata, and wide pairs last.
    fn fill(&self, writer: &mut Writer, wide: bool) -> Result<(), Full> {
        let named = self.groups.write(writer)?;
        writer.set(GROUPS, named.0)?;
        let groups = self.pairs.groups.iter();
        let (wide, narrow): (Vec<_>, Vec<_>) = groups
            .map(|group| (group, Layout::of(&group.terms, wide)))
            .partition(|(_, layout)| layout.is_wide());
        self.selection(writer)?;
        for (group, layout) in narrow {
            self.group(writer, group, layout)?;
        }
        for dimension in DIMENSIONS {
            let of = self.classes.of(*dimension);
            if let Some((automaton, found)) = of.and_then(|of| of.automaton.as_ref()) {
                write_automaton(writer, *dimension, automaton, found)?;
            }
        }
        self.lookups(writer)?;
        for (group, layout) in wide {
            self.group(writer, group, layout)?;
        }
        Ok(())
    }

    /// Writes the selection of events. The terms of its filters have room in a word.
    fn selection(&self, writer: &mut Writer) -> Result<(), Full> {
        let selected = &self.pairs.selected;
        let descriptors = selected.groups.iter().map(|group| {
            let layout = Layout::of(&group.terms, false);
            if layout.is_wide() {
                return Err(Full);
            }
            self.descriptor(writer, group, layout)
        });
        let descriptors: Vec<u32> = descriptors.collect::<Result<_, Full>>()?;
        let directory = selected.write(writer, &descriptors)?;
        writer.set(SELECTION, u64::from(directory))
    }

    /// Writes the lookups, small ones first: those are near.
    fn lookups(&self, writer: &mut Writer) -> Result<(), Full> {
        let mut all = Vec::new();
        for found in LOOKUPS {
            if let Some(of) = self.classes.of(found.dimension()) {
                all.push((*found, lookup_words(*found, of)?));
            }
        }
        all.sort_by_key(|(_, built)| built.words.len());
        for (found, built) in all {
            let base = writer.append(&built.words)? + built.before;
            let at = LOOKUP_DIR + 2 * found as u32;
            writer.set(at, u64::from(base) | u64::from(built.bits) << 32)?;
            writer.set(at + 1, built.seed)?;
        }
        Ok(())
    }

    /// Writes what a group's pairs share, and where it is.
    fn group(&self, writer: &mut Writer, group: &Group, layout: Layout) -> Result<(), Full> {
        let desc = self.descriptor(writer, group, layout)?;
        for (family, operation) in &group.pairs {
            let index = pair(family.number(), operation.number()).ok_or(Full)?;
            writer.set(PAIR_DIR + index, layout.form(desc).0)?;
        }
        Ok(())
    }

    /// Writes what a group's pairs share, and says where its descriptor is.
    fn descriptor(&self, writer: &mut Writer, group: &Group, layout: Layout) -> Result<u32, Full> {
        let (classes, groups) = (self.classes, self.groups);
        let list = asks::list(writer, &self.pairs.sets, (group, layout), classes, groups)?;
        let mut desc = vec![0_u64; DESC_WORDS as usize];
        let mut set = |at: u32, word: u64| desc.get_mut(at as usize).map(|place| *place = word);
        for dimension in DIMENSIONS.iter().filter(|one| !one.is_rare()) {
            let asked = |one: &Interned| one.dimension == *dimension;
            let mut terms = group.terms.iter();
            let used = terms.any(|term| term.literals.iter().any(asked));
            if let Some(of) = classes.of(*dimension).filter(|_| used) {
                let base = rows::write(writer, &group.terms, layout, *dimension, of)?;
                set(*dimension as u32, u64::from(base)).ok_or(Full)?;
            }
        }
        let [verdict, enforced, records] = self.masks(writer, group, layout)?;
        set(DESC_VERDICT, verdict).ok_or(Full)?;
        set(DESC_ENFORCED, enforced).ok_or(Full)?;
        set(DESC_RECORD, records).ok_or(Full)?;
        let terms = layout.by_bit(&group.terms, |placed| term_word(self.policy, placed));
        let terms = if layout.is_wide() {
            writer.append(&terms)?
        } else {
            writer.append_near(&terms)?
        };
        set(DESC_TERMS, u64::from(terms)).ok_or(Full)?;
        let selected = |pair| self.pairs.selected.pairs.contains(pair);
        let events = u64::from(group.pairs.iter().any(selected)) * MAKES_EVENTS;
        set(DESC_ASKS, list.0 | events).ok_or(Full)?;
        writer.append_near(&desc)
    }

    /// A descriptor's words about which terms decide, are enforced, and record.
    fn masks(&self, writer: &mut Writer, group: &Group, layout: Layout) -> Result<[u64; 3], Full> {
        let records = |placed: &Placed| placed.effect == Effect::Record;
        let decides = |placed: &Placed| !records(placed);
        let in_force = |placed: &Placed| {
            let rule = self.policy.rule(placed.rule);
            let enforced = rule.is_some_and(|rule| rule.enforced);
            decides(placed) && self.enforcement == Enforcement::AsWritten && enforced
        };
        let enforced = layout.row(&group.terms, in_force);
        if layout.is_wide() {
            let enforced = writer.append(&enforced)?;
            return Ok([layout.deciding_words() as u64, u64::from(enforced), 0]);
        }
        let one = |row: Vec<u64>| row.first().copied().unwrap_or(0);
        Ok([
            one(layout.row(&group.terms, decides)),
            one(enforced),
            one(layout.row(&group.terms, records)),
        ])
    }
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
    let groups = writer.append_near(&groups)?;
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
    let states = writer.append_near(&words)?;
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
