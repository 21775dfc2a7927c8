//! Whether demands on one axis leave a value, and one that they leave.

use super::automaton;
use super::sets::{Number, Set, Sets, Texts};
use super::{Effort, Literal, Term};
use crate::terms::Axis;

/// A value of an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Number(u32),
    V4(u32),
    V6(u128),
    Word(u8),
    Text(Box<[u8]>),
    Path(Box<[u8]>),
    Name(Box<[u8]>),
    Unnamed,
}

/// What demands on one axis leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meet {
    /// Nothing.
    Empty,
    /// At least the missing value.
    Missing,
    /// At least this; several where the axis has many at once.
    Values(Vec<Value>),
    /// The work that was allowed did not suffice.
    Unknown,
}

/// One operation: a value for each axis that has one, in order of axis. An axis
/// that is not there is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Point(pub(crate) Vec<(Axis, Vec<Value>)>);

impl Point {
    /// The values on an axis; none when it is missing.
    pub(crate) fn on(&self, axis: Axis) -> &[Value] {
        let found = self.0.iter().find(|(one, _)| *one == axis);
        found.map_or(&[], |(_, values)| values)
    }
}

/// Whether an axis can have several values at once.
fn many(axis: Axis) -> bool {
    matches!(axis, Axis::Attribute(attribute) if attribute.many())
}

impl Set {
    /// Whether a value is in the set.
    pub(crate) fn has(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Numbers(ranges), Value::Number(number)) => in_ranges(ranges, *number),
            (Self::Addresses { v4, .. }, Value::V4(number)) => in_ranges(v4, *number),
            (Self::Addresses { v6, .. }, Value::V6(number)) => in_ranges(v6, *number),
            (Self::Words(bits), Value::Word(index)) => bits >> (index & 63) & 1 == 1,
            (Self::Texts(texts), Value::Text(bytes)) => texts.hold(bytes),
            (Self::Unix { paths, .. }, Value::Path(bytes)) => paths.hold(bytes),
            (Self::Unix { names, .. }, Value::Name(bytes)) => names.hold(bytes),
            (Self::Unix { unnamed, .. }, Value::Unnamed) => *unnamed,
            _ => false,
        }
    }
}

fn in_ranges<T: Number>(ranges: &[(T, T)], number: T) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= number);
    let range = after.checked_sub(1).and_then(|at| ranges.get(at));
    range.is_some_and(|(_, last)| number <= *last)
}

/// Whether a point lies in a box.
pub(crate) fn holds(sets: &Sets, term: &Term, point: &Point) -> bool {
    term.literals().iter().all(|literal| {
        let values = point.on(literal.axis);
        let set = sets.get(literal.set);
        let within = set.is_some_and(|set| values.iter().any(|value| set.has(value)));
        within != literal.negated
    })
}

/// A point of a box; the axes that the box leaves open are missing.
pub(crate) fn sample(
    sets: &Sets,
    effort: &mut Effort,
    term: &Term,
    connect: bool,
) -> Result<Point, Meet> {
    let mut point = Point::default();
    for literals in term.axes() {
        match on_axis(sets, effort, literals, connect) {
            Meet::Values(values) => {
                if let Some(literal) = literals.first() {
                    point.0.push((literal.axis, values));
                }
            }
            Meet::Missing => {}
            none @ (Meet::Empty | Meet::Unknown) => return Err(none),
        }
    }
    Ok(point)
}

/// What demands on one axis leave. `connect` says that an unspecified address
/// is none that an object can have (notes 111).
pub(crate) fn on_axis(
    sets: &Sets,
    effort: &mut Effort,
    literals: &[Literal],
    connect: bool,
) -> Meet {
    // In order, complements stand behind.
    let split = literals.partition_point(|one| !one.negated);
    let (positive, negative) = literals.split_at_checked(split).unwrap_or((literals, &[]));
    let Some(first) = positive.first() else {
        return Meet::Missing;
    };
    let contrary = |one: &Literal| negative.iter().any(|other| other.set == one.set);
    if positive.iter().any(contrary) {
        return Meet::Empty;
    }
    if !effort.spend(literals.len()) {
        return Meet::Unknown;
    }
    if many(first.axis) {
        return each(sets, effort, positive, negative, connect);
    }
    let positive = Sides::of(sets, positive);
    let negative = Sides::of(sets, negative);
    positive.less(&negative, effort, literals, connect)
}

/// An axis with many values at once: a positive demand asks for one of them,
/// whatever the others are; a complement excludes each.
fn each(
    sets: &Sets,
    effort: &mut Effort,
    positive: &[Literal],
    negative: &[Literal],
    connect: bool,
) -> Meet {
    let mut values = Vec::with_capacity(positive.len());
    for one in positive {
        let literals: Vec<Literal> = std::iter::once(one).chain(negative).copied().collect();
        let own = Sides::of(sets, std::slice::from_ref(one));
        match own.less(&Sides::of(sets, negative), effort, &literals, connect) {
            Meet::Values(more) => values.extend(more),
            Meet::Missing => {}
            none @ (Meet::Empty | Meet::Unknown) => return none,
        }
    }
    Meet::Values(values)
}

/// The sets of some demands, by kind.
#[derive(Default)]
struct Sides<'s> {
    numbers: Vec<&'s [(u32, u32)]>,
    v4: Vec<&'s [(u32, u32)]>,
    v6: Vec<&'s [(u128, u128)]>,
    texts: Vec<&'s Texts>,
    words: Vec<u64>,
    paths: Vec<&'s Texts>,
    names: Vec<&'s Texts>,
    unnamed: Vec<bool>,
}

impl<'s> Sides<'s> {
    fn of(sets: &'s Sets, literals: &[Literal]) -> Self {
        let mut sides = Self::default();
        for set in literals.iter().filter_map(|one| sets.get(one.set)) {
            match set {
                Set::Numbers(ranges) => sides.numbers.push(ranges),
                Set::Addresses { v4, v6 } => {
                    sides.v4.push(v4);
                    sides.v6.push(v6);
                }
                Set::Texts(texts) => sides.texts.push(texts),
                Set::Words(bits) => sides.words.push(*bits),
                Set::Unix {
                    paths,
                    names,
                    unnamed,
                } => {
                    sides.paths.push(paths);
                    sides.names.push(names);
                    sides.unnamed.push(*unnamed);
                }
            }
        }
        sides
    }

    /// What is in all of these and in none of those.
    fn less(
        &self,
        negative: &Self,
        effort: &mut Effort,
        literals: &[Literal],
        connect: bool,
    ) -> Meet {
        if !self.numbers.is_empty() {
            return match ranges(&self.numbers, &negative.numbers, effort) {
                Some(number) => one(Value::Number(number)),
                None if effort.is_spent() => Meet::Unknown,
                None => Meet::Empty,
            };
        }
        if let Some((first, rest)) = self.words.split_first() {
            let bits = rest.iter().fold(*first, |all, one| all & one);
            let bits = negative.words.iter().fold(bits, |all, one| all & !one);
            let word = u8::try_from(bits.trailing_zeros()).unwrap_or(0);
            return if bits == 0 {
                Meet::Empty
            } else {
                one(Value::Word(word))
            };
        }
        if !self.v4.is_empty() {
            return self.addresses(negative, effort, connect);
        }
        let patterns = |sides: &Self| {
            let mut all = sides.texts.iter().chain(&sides.paths).chain(&sides.names);
            all.any(|texts| !texts.globs.is_empty())
        };
        if !patterns(self) {
            return self.strings(negative, effort);
        }
        if let Some(known) = effort.known.get(literals) {
            return known.clone();
        }
        let meet = self.strings(negative, effort);
        effort.known.insert(literals.to_vec(), meet.clone());
        meet
    }

    fn addresses(&self, negative: &Self, effort: &mut Effort, connect: bool) -> Meet {
        let (mut less_v4, mut less_v6) = (negative.v4.clone(), negative.v6.clone());
        if connect {
            less_v4.push(&[(0, 0)]);
            less_v6.push(&[(0, 0)]);
        }
        if let Some(number) = ranges(&self.v4, &less_v4, effort) {
            return one(Value::V4(number));
        }
        match ranges(&self.v6, &less_v6, effort) {
            Some(number) => one(Value::V6(number)),
            None if effort.is_spent() => Meet::Unknown,
            None => Meet::Empty,
        }
    }

    fn strings(&self, negative: &Self, effort: &mut Effort) -> Meet {
        let mut unknown = false;
        let kinds = [
            (
                &self.texts,
                &negative.texts,
                Value::Text as fn(Box<[u8]>) -> Value,
            ),
            (&self.paths, &negative.paths, Value::Path),
            (&self.names, &negative.names, Value::Name),
        ];
        for (held, others, value) in kinds {
            if held.is_empty() {
                continue;
            }
            match automaton::meet(held, others, effort) {
                automaton::Found::Text(bytes) => return one(value(bytes)),
                automaton::Found::Nothing => {}
                automaton::Found::Unknown => unknown = true,
            }
        }
        let unnamed = !self.unnamed.is_empty() && self.unnamed.iter().all(|one| *one);
        if unnamed && !negative.unnamed.iter().any(|one| *one) {
            return one(Value::Unnamed);
        }
        if unknown { Meet::Unknown } else { Meet::Empty }
    }
}

fn one(value: Value) -> Meet {
    Meet::Values(vec![value])
}

/// The smallest number that is in all of some sets, at least one, and in none of
/// others. `None` also where the work that was allowed did not suffice.
fn ranges<T: Number>(
    within: &[&[(T, T)]],
    without: &[&[(T, T)]],
    effort: &mut Effort,
) -> Option<T> {
    let smallest = within.iter().min_by_key(|ranges| ranges.len())?;
    let range_at = |ranges: &[(T, T)], number: T| {
        let at = ranges.partition_point(|(_, last)| *last < number);
        ranges.get(at).copied()
    };
    for (first, last) in *smallest {
        let mut number = *first;
        // Moves on until no set objects; each move passes an end of a range.
        'next: while number <= *last {
            if !effort.spend(1) {
                return None;
            }
            for ranges in within {
                let (first, _) = range_at(ranges, number)?;
                if first > number {
                    number = first;
                    continue 'next;
                }
            }
            for ranges in without {
                if let Some((first, end)) = range_at(ranges, number)
                    && first <= number
                {
                    number = end.next()?;
                    continue 'next;
                }
            }
            return Some(number);
        }
    }
    None
}
