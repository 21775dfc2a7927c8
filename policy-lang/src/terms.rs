//! Rules in normal form: a rule is a union of **terms**, each a conjunction of
//! tests, one or several an axis: a box.
//!
//! The tables are made of terms, and lints and `diff` work on them. A test that
//! an object's shape cannot have is a constant here, so a rule has its terms
//! once for each [`Shape`].

use crate::checked::{Condition, Rule, Target, Test};
use crate::diag::{Code, Diagnostic};
use crate::limits;
use crate::types::Values;
use crate::words::attribute::Attribute;
use crate::words::family::Family;
use crate::words::shape::Shape;
use std::sync::Arc;

/// What tests of one kind are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Axis {
    /// An attribute.
    Attribute(Attribute),
    /// The unix object: `path`, `name` and unix targets.
    Unix,
    /// The socket option.
    Option,
}

/// Membership in a set, or its exact complement; a missing value is in no set.
#[derive(Clone, Debug)]
pub struct Literal {
    /// What is asked.
    pub axis: Axis,
    /// Whether it is the complement.
    pub negated: bool,
    /// The set.
    pub values: Arc<Values>,
}

impl Literal {
    fn new(axis: Axis, negated: bool, values: &Arc<Values>) -> Self {
        Self {
            axis,
            negated,
            values: values.clone(),
        }
    }
}

/// All of these hold.
#[derive(Clone, Debug, Default)]
pub struct Term {
    /// The tests; none is "always".
    pub literals: Vec<Literal>,
}

/// A rule's terms for objects of a shape; none when it can never match one.
///
/// The caller has counted them: their number grows with the product of the
/// alternatives that are joined by `and`.
#[must_use]
pub fn normal_form(rule: &Rule, shape: Shape) -> Vec<Term> {
    let all = normal_form_of(rule, shape, &mut Literal::new);
    all.into_iter().map(|literals| Term { literals }).collect()
}

/// What becomes of a literal in a term: its axis, whether it is the complement, its set.
pub(crate) type Make<'m, L> = dyn FnMut(Axis, bool, &Arc<Values>) -> L + 'm;

/// As [`normal_form`], of literals as `make` makes them.
pub(crate) fn normal_form_of<L: Clone>(
    rule: &Rule,
    shape: Shape,
    make: &mut Make<'_, L>,
) -> Vec<Vec<L>> {
    let Some(target) = target_literals(rule, shape) else {
        return Vec::new();
    };
    if count(rule, shape) == 0 {
        return Vec::new();
    }
    let target = target.into_iter().flatten();
    let target = target.map(|(axis, values)| make(axis, false, values));
    let mut all = vec![target.collect()];
    for condition in &rule.when {
        conjoin(&mut all, condition, Sign::Plain, shape, make);
    }
    if let Some(condition) = &rule.unless {
        conjoin(&mut all, condition, Sign::Denied, shape, make);
    }
    all
}

/// How many terms [`normal_form`] gives.
#[must_use]
pub fn count(rule: &Rule, shape: Shape) -> usize {
    if target_literals(rule, shape).is_none() {
        return 0;
    }
    let when = rule
        .when
        .iter()
        .map(|one| count_of(one, Sign::Plain, shape));
    let unless = rule
        .unless
        .iter()
        .map(|one| count_of(one, Sign::Denied, shape));
    when.chain(unless).fold(1, usize::saturating_mul)
}

/// The terms of a condition, or of its complement, for objects of a shape; the
/// caller has counted them.
pub(crate) fn of_condition<L: Clone>(
    condition: &Condition,
    sign: Sign,
    shape: Shape,
    make: &mut Make<'_, L>,
) -> Vec<Vec<L>> {
    let mut all = vec![Vec::new()];
    conjoin(&mut all, condition, sign, shape, make);
    all
}

/// Whether a condition is taken as it is or complemented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Plain,
    Denied,
}

impl Sign {
    pub(crate) const fn flip(self) -> Self {
        match self {
            Self::Plain => Self::Denied,
            Self::Denied => Self::Plain,
        }
    }
}

/// Up to two demands of a target.
type Demands<'r> = [Option<(Axis, &'r Arc<Values>)>; 2];

/// What the target demands; `None` when objects of the shape cannot have it.
fn target_literals(rule: &Rule, shape: Shape) -> Option<Demands<'_>> {
    match &rule.target {
        None => Some([None, None]),
        Some(Target::Unix(values)) => {
            (shape == Shape::Unix).then_some([Some((Axis::Unix, values)), None])
        }
        Some(Target::Option(values)) => {
            (shape == Shape::Option).then_some([Some((Axis::Option, values)), None])
        }
        Some(Target::Address { addresses, ports }) => {
            let possible = match shape {
                Shape::AddressPort => true,
                Shape::Address => ports.is_none(),
                Shape::Nothing | Shape::Unix | Shape::Option => false,
            };
            let on = |attribute| move |values| (Axis::Attribute(attribute), values);
            let address = addresses.as_ref().map(on(Attribute::Addr));
            let port = ports.as_ref().map(on(Attribute::Port));
            possible.then_some([address, port])
        }
    }
}

/// What a test comes to for a shape that cannot have its attribute.
fn constant(test: &Test, sign: Sign, shape: Shape) -> Option<bool> {
    (!shape.can_have(test.attribute)).then_some(test.negated == (sign == Sign::Plain))
}

pub(crate) fn count_of(condition: &Condition, sign: Sign, shape: Shape) -> usize {
    match (condition, sign) {
        (Condition::Not(inner), _) => count_of(inner, sign.flip(), shape),
        (Condition::All(all), Sign::Plain) | (Condition::Any(all), Sign::Denied) => all
            .iter()
            .map(|one| count_of(one, sign, shape))
            .fold(1, usize::saturating_mul),
        (Condition::Any(all), Sign::Plain) | (Condition::All(all), Sign::Denied) => all
            .iter()
            .map(|one| count_of(one, sign, shape))
            .fold(0, usize::saturating_add),
        (Condition::Test(test), _) => match constant(test, sign, shape) {
            Some(holds) => usize::from(holds),
            None => 1,
        },
    }
}

/// Every one of some terms with every term of a condition, or of its complement.
fn conjoin<L: Clone>(
    all: &mut Vec<Vec<L>>,
    condition: &Condition,
    sign: Sign,
    shape: Shape,
    make: &mut Make<'_, L>,
) {
    match (condition, sign) {
        (Condition::Not(inner), _) => conjoin(all, inner, sign.flip(), shape, make),
        (Condition::All(parts), Sign::Plain) | (Condition::Any(parts), Sign::Denied) => {
            // One that never holds makes none of the whole, whatever the others come to.
            if parts.iter().any(|one| count_of(one, sign, shape) == 0) {
                all.clear();
                return;
            }
            for one in parts {
                conjoin(all, one, sign, shape, make);
            }
        }
        (Condition::Any(parts), Sign::Plain) | (Condition::All(parts), Sign::Denied) => {
            let mut either = Vec::with_capacity(parts.len());
            for one in parts {
                alternatives(&mut either, one, sign, shape, make);
            }
            *all = match &**all {
                [always] if always.is_empty() => either,
                _ => product(all, &either),
            };
        }
        (Condition::Test(test), _) => match constant(test, sign, shape) {
            Some(true) => {}
            Some(false) => all.clear(),
            None => {
                let literal = literal(test, sign, make);
                for term in all {
                    term.push(literal.clone());
                }
            }
        },
    }
}

/// Adds the terms of a condition, or of its complement, to others.
fn alternatives<L: Clone>(
    into: &mut Vec<Vec<L>>,
    condition: &Condition,
    sign: Sign,
    shape: Shape,
    make: &mut Make<'_, L>,
) {
    // One test is no product, and most of what there is.
    if let Condition::Test(test) = condition
        && constant(test, sign, shape).is_none()
    {
        into.push(vec![literal(test, sign, make)]);
        return;
    }
    into.extend(of_condition(condition, sign, shape, make));
}

/// What a test, or its complement, makes of a term.
fn literal<L>(test: &Test, sign: Sign, make: &mut Make<'_, L>) -> L {
    let negated = test.negated == (sign == Sign::Plain);
    make(axis(test.attribute), negated, &test.values)
}

pub(crate) const fn axis(attribute: Attribute) -> Axis {
    if matches!(attribute, Attribute::Path | Attribute::Name) {
        Axis::Unix
    } else {
        Axis::Attribute(attribute)
    }
}

/// Every term of one with every term of the other.
fn product<L: Clone>(left: &[Vec<L>], right: &[Vec<L>]) -> Vec<Vec<L>> {
    let mut all = Vec::with_capacity(left.len().saturating_mul(right.len()));
    for one in left {
        for other in right {
            all.push([&one[..], other].concat());
        }
    }
    all
}

/// Calls `seen` with every test of a condition.
pub fn each_test<'c>(condition: &'c Condition, seen: &mut impl FnMut(&'c Test)) {
    match condition {
        Condition::All(all) | Condition::Any(all) => {
            for one in all {
                each_test(one, seen);
            }
        }
        Condition::Not(inner) => each_test(inner, seen),
        Condition::Test(test) => seen(test),
    }
}

/// Terms of a policy against their bounds (notes 119).
pub(crate) fn check_counts(rules: &[Rule]) -> Vec<Diagnostic> {
    let mut pairs = vec![0_usize; policy_abi::family::PAIRS as usize];
    let mut total = 0_usize;
    let mut found = Vec::new();
    for rule in rules {
        let mut shapes: [Option<usize>; 5] = [None; 5];
        for operation in rule.operations.iter() {
            for family in rule.families.iter() {
                let shape = Shape::of(family, operation);
                let Some(known) = shapes.get_mut(shape as usize) else {
                    continue;
                };
                let terms = *known.get_or_insert_with(|| count(rule, shape));
                let index = policy_abi::family::pair(family.number(), operation.number());
                let Some(sum) = index.and_then(|index| pairs.get_mut(index as usize)) else {
                    continue;
                };
                let before = *sum;
                *sum = before.saturating_add(terms);
                if before <= limits::TERMS_PER_PAIR && *sum > limits::TERMS_PER_PAIR {
                    let what = format!("`{} {}`", family_name(family), operation.word());
                    found.push(too_many(rule, limits::TERMS_PER_PAIR, &what));
                }
            }
        }
        let before = total;
        total = total.saturating_add(shapes.iter().flatten().copied().max().unwrap_or(0));
        if before <= limits::TERMS && total > limits::TERMS {
            found.push(too_many(rule, limits::TERMS, "the policy"));
        }
    }
    // One rule past the bound is past it in many pairs: one finding says it.
    found.dedup_by_key(|one| one.span());
    found
}

fn family_name(family: Family) -> String {
    family.to_string()
}

fn too_many(rule: &Rule, limit: usize, what: &str) -> Diagnostic {
    Diagnostic::new(
        Code::TooManyTerms,
        rule.span,
        format!("with this rule {what} has more than {limit} alternatives"),
    )
    .help("each `or`, and each `and` under `unless`, multiplies alternatives; use sets instead")
}
