//! Rules that never matter: duplicates, and rules in the shadow of another one
//! or of several together.
//!
//! **What is decided.** A rule never matters if, without it, for every operation
//! the same step decides with the same errno and the same texts, by the rules in
//! `mode enforce` and by all rules. That is so where other rules match all that
//! it matches and each of them decides before it, or says the same in its place:
//!
//! - rules of an earlier step, or of the same step with a smaller id;
//! - rules of the same step with a larger id, errno and texts being equal and no
//!   rule that says something else coming between.
//!
//! A rule in audit mode takes nothing from an enforced one. What a rule does to
//! an object that could not be read counts too. A `record` rule is useless only
//! beside one that records the same with the same texts.
//!
//! One covering rule is looked for first, and decided exactly but for patterns;
//! then several together, which is another pass. Both have a bound of work.

use super::context::{Context, Each, covered};
use super::contradiction::never;
use super::covers::{Undecided, pair, several};
use crate::ast::Effect;
use crate::boxes::{Answer, Index, Meet, Owner, Part, Plane, Point, holds, sample};
use crate::checked::Rule;
use crate::diag::Diagnostic;

/// Steps that looking for one covering rule may take in all, and for one rule.
const PAIRS: u64 = 3_000_000;
const PAIRS_PER_RULE: u64 = 1_000_000;
/// The same for several together.
const UNION: u64 = 4_000_000;
const UNION_PER_RULE: u64 = 500_000;

/// Rules that one other rule makes useless.
pub(super) fn pairs(context: &mut Context<'_>, found: &mut Vec<Diagnostic>) {
    let index = context.index_of_all();
    let mut undecided = Undecided::default();
    let mut left = PAIRS;
    // The last of several that are equal is the one too many.
    for rule in (0..context.rules().len()).rev() {
        let allowed = left.min(PAIRS_PER_RULE);
        context.effort.refill(allowed);
        match by_one(context, &index, rule) {
            Cover::By(cover) => {
                context.order.set_useless(rule);
                found.extend(pair(context, rule, cover));
            }
            Cover::Unknown => {
                context.order.set_undecided(rule);
                undecided.add(rule);
            }
            Cover::None => {}
        }
        left = left.saturating_sub(allowed.saturating_sub(context.effort.left()));
    }
    found.extend(undecided.finding(context, "another rule makes this one useless"));
}

/// Rules that several others together make useless.
pub(super) fn union(context: &mut Context<'_>, found: &mut Vec<Diagnostic>) {
    let index = context.index_of_all();
    let mut undecided = Undecided::default();
    let mut left = UNION;
    for rule in (0..context.rules().len()).rev() {
        if context.order.is_useless(rule) || context.order.is_undecided(rule) {
            continue;
        }
        let allowed = left.min(UNION_PER_RULE);
        context.effort.refill(allowed);
        match by_several(context, &index, rule) {
            Together::By(covers) => {
                context.order.set_useless(rule);
                found.extend(several(context, rule, &covers));
            }
            Together::Unknown => undecided.add(rule),
            Together::None => {}
        }
        left = left.saturating_sub(allowed.saturating_sub(context.effort.left()));
    }
    found.extend(undecided.finding(context, "others together make this rule useless"));
}

/// What one rule does to another.
enum Cover {
    By(usize),
    None,
    Unknown,
}

/// What several do.
enum Together {
    By(Vec<usize>),
    None,
    Unknown,
}

/// A point of a rule, and the part in which it lies; `Err(true)` if it could
/// not be told whether there is one.
fn point(context: &mut Context<'_>, rule: usize) -> Result<(Part, Point), bool> {
    let mut unknown = false;
    let Some(region) = context.regions.get(rule) else {
        return Err(false);
    };
    for part in region.parts() {
        for term in region.terms(part.shape, Plane::Readable) {
            let connect = part.connect();
            match sample(&context.space.sets, &mut context.effort, term, connect) {
                Ok(point) => return Ok((*part, point)),
                Err(none) => unknown |= none == Meet::Unknown,
            }
        }
    }
    Err(unknown)
}

fn by_one(context: &mut Context<'_>, index: &Index, rule: usize) -> Cover {
    // A rule that matches nothing is told about as that.
    let (part, point) = match point(context, rule) {
        Ok(found) => found,
        Err(unknown) => return if unknown { Cover::Unknown } else { Cover::None },
    };
    let mut answer = Cover::None;
    let mut last = None;
    for owner in index.candidates(&point) {
        if !context.effort.spend(1) {
            return Cover::Unknown;
        }
        let again = last == Some(owner.rule) || owner.shape != part.shape;
        if again || !context.order.can_cover(owner.rule, rule) || !has(context, owner, &point) {
            continue;
        }
        last = Some(owner.rule);
        match context.covers(owner.rule, rule) {
            Answer::Yes if takes_its_place(context, owner.rule, rule) => {
                return Cover::By(owner.rule);
            }
            Answer::Yes | Answer::No => {}
            Answer::Unknown => answer = Cover::Unknown,
        }
    }
    answer
}

/// Whether a box has a point of an object that can be read.
fn has(context: &Context<'_>, owner: Owner, point: &Point) -> bool {
    let region = context.regions.get(owner.rule);
    let term = region.and_then(|one| one.terms(owner.shape, Plane::Readable).get(owner.term));
    term.is_some_and(|term| holds(&context.space.sets, term, point))
}

/// Whether what decides in a rule's place says the same. That is in doubt only
/// if the cover's id is larger: then another one can come between.
fn takes_its_place(context: &mut Context<'_>, cover: usize, rule: usize) -> bool {
    let effect = |at: usize| context.rules().get(at).map(|one| one.effect);
    if effect(rule) == Some(Effect::Record) {
        // Each record is one more, unless both record the same.
        return context.covers(rule, cover) == Answer::Yes;
    }
    let (from, to) = (context.order.rank(rule), context.order.rank(cover));
    context.order.is_before(cover, rule) || !says_otherwise(context, rule, from, to)
}

/// Whether a rule of the same step, its id between two others, says something
/// else about something that a rule matches.
fn says_otherwise(context: &mut Context<'_>, rule: usize, from: usize, to: usize) -> bool {
    let Some(effect) = context.rules().get(rule).map(|one| one.effect) else {
        return false;
    };
    if !context.order.differ(effect) {
        return false;
    }
    let ids = context.policy.by_id();
    let between = ids.get(from.saturating_add(1)..to).unwrap_or(&[]);
    for index in between {
        let other = index.0 as usize;
        let same_effect = context
            .rules()
            .get(other)
            .is_some_and(|one| one.effect == effect);
        // One that matches nothing which can be read may still match the rest.
        let rival = same_effect
            && !context.order.same_saying(other, rule)
            && (!context.order.is_useless(other) || never(context, other));
        if !context.effort.spend(1) {
            return true;
        }
        if rival && context.meet(rule, other) != Answer::No {
            return true;
        }
    }
    false
}

fn by_several(context: &mut Context<'_>, index: &Index, rule: usize) -> Together {
    let record = |one: &Rule| one.effect == Effect::Record;
    if context.rules().get(rule).is_none_or(record) {
        return Together::None;
    }
    match point(context, rule) {
        Ok(_) => {}
        Err(true) => return Together::Unknown,
        Err(false) => return Together::None,
    }
    // First those that decide before it; then also those that say the same after it.
    let mut unknown = false;
    for after in [false, true] {
        let (answer, used) = together(context, index, rule, after);
        let (from, to) = (context.order.rank(rule), context.rules().len());
        match answer {
            Answer::Yes if !after || !says_otherwise(context, rule, from, to) => {
                return Together::By(used);
            }
            Answer::Yes | Answer::No => {}
            Answer::Unknown => unknown = true,
        }
    }
    if unknown {
        Together::Unknown
    } else {
        Together::None
    }
}

fn together(
    context: &mut Context<'_>,
    index: &Index,
    rule: usize,
    after: bool,
) -> (Answer, Vec<usize>) {
    let Context {
        space,
        regions,
        effort,
        order,
        ..
    } = context;
    let Some(region) = regions.get(rule) else {
        return (Answer::No, Vec::new());
    };
    let suits = |owner: &Owner| {
        order.can_cover(owner.rule, rule) && (after || order.is_before(owner.rule, rule))
    };
    let mut used = Vec::new();
    let owners = |plane, shape, point: &Point, each: &mut Each<'_>| {
        if plane == Plane::Readable {
            index
                .candidates(point)
                .any(|owner| suits(&owner) && each(owner));
            return;
        }
        // There is nothing to find a box by when the object could not be read.
        let all = regions.iter().enumerate().flat_map(|(rule, region)| {
            let terms = 0..region.terms(shape, Plane::Unreadable).len();
            terms.map(move |term| Owner { rule, shape, term })
        });
        for owner in all {
            if suits(&owner) && each(owner) {
                return;
            }
        }
    };
    let answer = covered(space, regions, effort, region, owners, |one| {
        if !used.contains(&one) {
            used.push(one);
        }
    });
    (answer, used)
}
