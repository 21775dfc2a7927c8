//! The list of what a pair asks of rare dimensions, see [`policy_abi::ask`].

use super::classes::Classes;
use super::groups::Groups;
use super::pairs::{Group, SetId, Sets};
use super::rows::{self, Layout};
use super::writer::{Full, Writer};
use crate::checked::CheckedPolicy;
use crate::diag::{Code, Diagnostic};
use crate::types::Values;
use policy_abi::ask::{List, NEEDS_CGROUP, NEEDS_GROUPS, NEEDS_TEXTS, NEEDS_TRAITS};
use policy_abi::fields::{Dimension, LOOKUPS};
use policy_abi::image::ASKS_PER_PAIR;
use std::collections::BTreeSet;

/// What is asked of a rare dimension: where classes are, once; where bits are, a set.
type Ask = (Dimension, Option<SetId>);

/// What the terms of a group ask, each once.
fn asked(group: &Group) -> BTreeSet<Ask> {
    let literals = group.terms.iter().flat_map(|term| &term.literals);
    let rare = literals.filter(|one| one.dimension.is_rare());
    rare.map(|one| (one.dimension, one.dimension.is_bits().then_some(one.set)))
        .collect()
}

/// Entries of a group's list.
pub(super) fn count(group: &Group) -> u32 {
    u32::try_from(asked(group).len()).unwrap_or(u32::MAX)
}

/// What is said of a group whose list would be too long.
pub(super) fn crowded(policy: &CheckedPolicy, group: &Group) -> Option<Diagnostic> {
    let count = asked(group).len();
    if count <= ASKS_PER_PAIR as usize {
        return None;
    }
    let span = group
        .terms
        .iter()
        .rev()
        .find_map(|term| policy.rule(term.rule))
        .map_or_else(Default::default, |rule| rule.span);
    let message = format!(
        "the rules of {} compare {count} different sets of groups, capabilities and the like; the \
         kernel compares {ASKS_PER_PAIR}",
        group.names()
    );
    Some(
        Diagnostic::new(Code::ImageTooLarge, span, message)
            .help("name equal sets by one `let`, and join rules that differ in such a set alone"),
    )
}

/// Writes a group's list, and says where it is. Nothing is asked: the empty list.
pub(super) fn list(
    writer: &mut Writer,
    sets: &Sets,
    (group, layout): (&Group, Layout),
    classes: &Classes,
    groups: &Groups,
) -> Result<List, Full> {
    let mut words = Vec::new();
    let mut needs = 0;
    let all = asked(group);
    for (dimension, set) in &all {
        needs |= need(*dimension);
        let lookup = LOOKUPS.iter().find(|one| one.dimension() == *dimension);
        let lookup = lookup.map_or(0, |one| *one as u32);
        let (bits, base) = if let Some(set) = set {
            let two = two(group, layout, *dimension, *set);
            let bits = bits(sets, groups, *dimension, *set);
            (bits, rows::write_all(writer, layout, &two)?)
        } else {
            let of = classes.of(*dimension).ok_or(Full)?;
            if of.automaton.is_some() {
                needs |= NEEDS_TEXTS;
            }
            (
                0,
                rows::write(writer, &group.terms, layout, *dimension, of)?,
            )
        };
        let head = u64::from(*dimension as u32) | u64::from(lookup) << 32;
        words.extend([head, bits, u64::from(base)]);
    }
    if words.is_empty() {
        return Ok(List::new(0, 0, 0));
    }
    let base = writer.append_near(&words)?;
    let count = u32::try_from(all.len()).ok().ok_or(Full)?;
    Ok(List::new(base, count, needs))
}

/// What must be read for a dimension once for the whole list.
const fn need(dimension: Dimension) -> u64 {
    if matches!(dimension, Dimension::Traits) {
        NEEDS_TRAITS
    } else if matches!(dimension, Dimension::Groups) {
        NEEDS_GROUPS
    } else if matches!(dimension, Dimension::Unit | Dimension::Cgroup) {
        NEEDS_CGROUP
    } else {
        0
    }
}

/// A set of a dimension of bits, as a mask.
fn bits(sets: &Sets, groups: &Groups, dimension: Dimension, set: SetId) -> u64 {
    match sets.of(dimension).get(set).map(|(values, _)| &**values) {
        Some(Values::Words(bits)) => *bits,
        Some(Values::Numbers(named)) => groups.mask(named),
        Some(_) | None => 0,
    }
}

/// The terms that take a subject with none of a set's bits, and those that take
/// one with some.
fn two(group: &Group, layout: Layout, dimension: Dimension, set: SetId) -> [Vec<u64>; 2] {
    [false, true].map(|some| {
        layout.row(&group.terms, |placed| {
            let mut of = placed.literals.iter();
            of.all(|one| (one.dimension, one.set) != (dimension, set) || some != one.negated)
        })
    })
}
