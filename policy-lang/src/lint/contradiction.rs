//! Conditions that can never hold, and rules that can never match.
//!
//! A condition is looked at from the inside out, so that of `a and (b and c)`
//! the smallest part that contradicts itself is shown. It has to hold for no
//! kind of object that the rule is about.

use super::context::Context;
use super::moot;
use crate::boxes::{Plane, meet};
use crate::checked::{Condition, Rule, Test};
use crate::diag::{Code, Diagnostic};
use crate::limits;
use crate::terms::{Sign, axis, count_of, each_test};
use crate::types::Values;
use crate::words::attribute::Owner;
use crate::words::shape::Shape;
use std::sync::Arc;

/// Steps that one rule may take.
const STEPS: u64 = 500_000;

pub(super) fn lint(context: &mut Context<'_>, found: &mut Vec<Diagnostic>) {
    for (at, rule) in context.rules().iter().enumerate() {
        context.effort.refill(STEPS);
        let before = found.len();
        conditions(context, at, rule, found);
        let told = found.len() > before;
        if !never(context, at) {
            continue;
        }
        context.order.set_useless(at);
        if !told && moot::unspecified(rule).is_none() {
            found.push(never_matches(context, at, rule));
        }
    }
}

/// Whether a rule matches no operation whose object can be read.
pub(super) fn never(context: &mut Context<'_>, rule: usize) -> bool {
    let Some(region) = context.regions.get(rule) else {
        return false;
    };
    let (sets, effort) = (&context.space.sets, &mut context.effort);
    region.parts().iter().all(|part| {
        let mut terms = region.terms(part.shape, Plane::Readable).iter();
        terms.all(|term| {
            let mut axes = term.axes();
            axes.any(|one| meet::is_empty(sets, effort, one, part.connect()))
        })
    })
}

/// The shapes that a rule is about.
fn shapes(context: &Context<'_>, rule: usize) -> Vec<Shape> {
    let parts = context.regions.get(rule).map_or(&[][..], |one| one.parts());
    let mut shapes: Vec<Shape> = parts.iter().map(|part| part.shape).collect();
    shapes.sort_unstable();
    shapes.dedup();
    shapes
}

/// What contradicts itself in the conditions of a rule, each alone.
fn conditions(context: &mut Context<'_>, at: usize, rule: &Rule, found: &mut Vec<Diagnostic>) {
    let all = || rule.when.iter().chain(&rule.unless);
    let mut doubtful = all().filter(|one| !cannot_contradict(one)).peekable();
    if doubtful.peek().is_none() {
        return;
    }
    let shapes = shapes(context, at);
    for condition in doubtful {
        let mut tests = Vec::new();
        if impossible(context, condition, Sign::Plain, &shapes, &mut tests) {
            tests.extend(conflict(context, condition, Sign::Plain, &shapes));
        }
        found.extend(tests.iter().map(|tests| contradiction(rule, tests)));
    }
}

/// Whether it is plain that a condition contradicts itself nowhere, as nearly
/// all are: one test that holds for something, or several about the process of
/// which no two are about the same.
fn cannot_contradict(condition: &Arc<Condition>) -> bool {
    if let Condition::Test(test) = &**condition {
        return test.negated || !is_empty(test);
    }
    let (mut seen, mut plain) = (0_u64, true);
    each_test(condition, &mut |test| {
        let bit = 1 << (test.attribute as u8 & 63);
        let of_subject = test.attribute.owner() == Owner::Subject;
        plain = plain && of_subject && has_values(test) && seen & bit == 0;
        seen |= bit;
    });
    plain
}

/// Whether it is plain that a set has a value.
fn has_values(test: &Test) -> bool {
    match &*test.values {
        Values::Numbers(_) => !is_empty(test),
        Values::Patterns(all) => all.iter().any(|pattern| pattern.literal().is_some()),
        Values::Names(names) => !names.is_empty(),
        Values::Words(bits) => *bits != 0,
        Values::Addresses(_) | Values::Unix(_) | Values::Options(_) => false,
    }
}

/// Whether a set has no values: `port > 65535`.
fn is_empty(test: &Test) -> bool {
    matches!(&*test.values, Values::Numbers(set)
        if set.ranges.iter().all(|(first, last)| first > last))
}

/// Whether a condition never holds, for a reason that was not found within it;
/// reasons within it are added to `tests`.
fn impossible<'c>(
    context: &mut Context<'_>,
    condition: &'c Condition,
    sign: Sign,
    shapes: &[Shape],
    tests: &mut Vec<Vec<&'c Test>>,
) -> bool {
    match condition {
        Condition::Not(inner) => {
            if !impossible(context, inner, sign.flip(), shapes, tests) {
                return false;
            }
        }
        Condition::All(all) | Condition::Any(all) => {
            let before = tests.len();
            for one in all {
                if impossible(context, one, sign, shapes, tests) {
                    tests.extend(conflict(context, one, sign, shapes));
                }
            }
            let joined = matches!(condition, Condition::All(_)) == (sign == Sign::Plain);
            if tests.len() > before || !joined {
                return false;
            }
        }
        Condition::Test(test) => {
            let asked = test.negated == (sign == Sign::Denied);
            if !(asked && is_empty(test)) {
                return false;
            }
        }
    }
    never_holds(context, condition, sign, shapes)
}

/// Whether a condition holds for no object of some shapes.
fn never_holds(
    context: &mut Context<'_>,
    condition: &Condition,
    sign: Sign,
    shapes: &[Shape],
) -> bool {
    shapes.iter().all(|shape| {
        // A part of a condition can have more alternatives than the whole.
        if count_of(condition, sign, *shape) > limits::TERMS_PER_PAIR {
            return false;
        }
        let terms = context.space.boxes(condition, sign, *shape);
        let (sets, effort) = (&context.space.sets, &mut context.effort);
        terms.iter().all(|term| {
            let mut axes = term.axes();
            axes.any(|one| meet::is_empty(sets, effort, one, false))
        })
    })
}

/// The tests that contradict each other: those of the axis on which the first
/// alternative has no value, else all.
fn conflict<'c>(
    context: &mut Context<'_>,
    condition: &'c Condition,
    sign: Sign,
    shapes: &[Shape],
) -> Option<Vec<&'c Test>> {
    let first = shapes.iter().find_map(|shape| {
        let boxes = context.space.boxes(condition, sign, *shape);
        boxes.into_iter().next()
    });
    let empty = first.and_then(|term| {
        let (sets, effort) = (&context.space.sets, &mut context.effort);
        let on = term
            .axes()
            .find(|one| meet::is_empty(sets, effort, one, false))?;
        on.first().map(|literal| literal.axis)
    });
    let mut tests = Vec::new();
    each_test(condition, &mut |test| {
        if empty.is_none_or(|empty| axis(test.attribute) == empty) {
            tests.push(test);
        }
    });
    (!tests.is_empty()).then_some(tests)
}

fn contradiction(rule: &Rule, tests: &[&Test]) -> Diagnostic {
    let message = match tests {
        [one] => format!(
            "no `{}` is in an empty range: the condition never holds",
            one.attribute.word()
        ),
        _ => "the condition can never hold".to_owned(),
    };
    let mut found = Diagnostic::new(Code::Contradiction, rule.span, message);
    let mut rest = tests.iter();
    let inside = tests
        .first()
        .is_some_and(|one| super::within(one.span, rule));
    if inside && let Some(first) = rest.next() {
        found = Diagnostic::new(Code::Contradiction, first.span, found.message).label("this");
    }
    for (count, test) in rest.take(SHOWN).enumerate() {
        let text = if inside || count > 0 {
            "and this exclude each other"
        } else {
            "here"
        };
        found = found.also(test.span, text);
    }
    found.help(
        "a process or an object has one value of each: join values with `or`, or in a set `{ … }`",
    )
}

/// Tests of one contradiction that are shown beside the first.
const SHOWN: usize = 3;

fn never_matches(context: &mut Context<'_>, at: usize, rule: &Rule) -> Diagnostic {
    let shapes = shapes(context, at);
    let always = rule
        .unless
        .as_ref()
        .filter(|one| never_holds(context, one, Sign::Denied, &shapes));
    let unread = context.regions.get(at).is_some_and(|region| {
        let parts = region.parts().iter().filter(|part| part.has_objects());
        let mut shapes = parts.map(|part| part.shape);
        shapes.any(|shape| !region.terms(shape, Plane::Unreadable).is_empty())
    });
    let message = if unread {
        "the rule matches nothing, but perhaps an object that cannot be read"
    } else {
        "the rule never matches"
    };
    let found = Diagnostic::new(Code::NeverMatches, rule.span, message);
    if let Some(condition) = always {
        let found = found.label("its `unless` holds for everything");
        return first_test(condition, found).help("remove the rule, or narrow the exemption");
    }
    let mut found =
        found.label("its target, its conditions and those of its scopes exclude each other");
    for condition in rule.when.iter().chain(&rule.unless) {
        found = first_test(condition, found);
    }
    found.help("remove the rule, or move it out of the scope")
}

fn first_test(condition: &Condition, found: Diagnostic) -> Diagnostic {
    let mut first = None;
    each_test(condition, &mut |test| {
        first.get_or_insert(test.span);
    });
    match first {
        Some(span) => found.also(span, ""),
        None => found,
    }
}
