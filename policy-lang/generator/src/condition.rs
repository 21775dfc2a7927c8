//! Conditions: every attribute with every operator that it takes.

use crate::model::{Condition, Element, Objects, Operand, Sort};
use crate::policy::Maker;
use crate::pools;
use policy_lang::words::attribute::{ATTRIBUTES, Attribute, Kind, Owner};

/// What rules of the kernel's world may ask of a process.
const KERNEL: &[Attribute] = &[
    Attribute::Exe,
    Attribute::Comm,
    Attribute::Uid,
    Attribute::Gid,
];

/// What they may ask of it and its socket besides.
const RARE: &[Attribute] = &[
    Attribute::Ruid,
    Attribute::Rgid,
    Attribute::Loginuid,
    Attribute::User,
    Attribute::Group,
    Attribute::Unit,
    Attribute::Cgroup,
    Attribute::Cap,
    Attribute::Userns,
    Attribute::Netns,
    Attribute::Pidns,
    Attribute::Mntns,
    Attribute::Cgroupns,
    Attribute::ParentComm,
    Attribute::ParentExe,
    Attribute::ParentUid,
    Attribute::Type,
    Attribute::Protocol,
];

/// A condition about processes and about objects that have these attributes.
pub(crate) fn condition(maker: &mut Maker<'_, '_>, objects: Objects, depth: usize) -> Condition {
    let mut all = vec![conjunct(maker, objects, depth)];
    while all.len() < 3 && maker.choices.one_in(4) {
        all.push(conjunct(maker, objects, depth));
    }
    joined(all, Condition::Or)
}

fn conjunct(maker: &mut Maker<'_, '_>, objects: Objects, depth: usize) -> Condition {
    let mut all = vec![negation(maker, objects, depth)];
    while all.len() < 3 && maker.choices.one_in(4) {
        all.push(negation(maker, objects, depth));
    }
    joined(all, Condition::And)
}

fn joined(mut all: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    if all.len() == 1
        && let Some(one) = all.pop()
    {
        return one;
    }
    join(all)
}

fn negation(maker: &mut Maker<'_, '_>, objects: Objects, depth: usize) -> Condition {
    if depth > 0 && maker.choices.one_in(8) {
        return Condition::Not(Box::new(negation(maker, objects, depth - 1)));
    }
    if depth > 0 && maker.choices.one_in(6) {
        return Condition::Group(Box::new(condition(maker, objects, depth - 1)));
    }
    if maker.choices.one_in(6)
        && let Some(name) = named(maker, objects)
    {
        return Condition::Name(name);
    }
    test(maker, objects)
}

/// A defined condition that asks for no more than these objects have.
fn named(maker: &mut Maker<'_, '_>, objects: Objects) -> Option<usize> {
    let lets = maker.lets.iter().enumerate();
    let fits =
        lets.filter(|(_, one)| matches!(one.sort, Sort::Condition(asked) if objects.have(asked)));
    let fits: Vec<usize> = fits.map(|(index, _)| index).collect();
    (!fits.is_empty()).then(|| maker.choices.pick(&fits))
}

/// What an attribute asks of the object; `None` if it is none of an object's.
fn asked(attribute: Attribute) -> Option<Objects> {
    let all = [
        (Attribute::Addr, Objects::ADDRESS),
        (Attribute::Port, Objects::PORT),
        (Attribute::Path, Objects::UNIX),
        (Attribute::Name, Objects::UNIX),
    ];
    let found = all.iter().find(|(one, _)| *one == attribute);
    found.map(|(_, objects)| *objects)
}

fn attribute(maker: &mut Maker<'_, '_>, objects: Objects) -> Attribute {
    let about_objects: Vec<Attribute> = ATTRIBUTES
        .iter()
        .copied()
        .filter(|one| asked(*one).is_some_and(|asked| objects.have(asked)))
        .collect();
    if !about_objects.is_empty() && maker.choices.one_in(3) {
        return maker.choices.pick(&about_objects);
    }
    if maker.kernel() {
        let all = maker.choices.pick(&[KERNEL, KERNEL, RARE]);
        return maker.choices.pick(all);
    }
    let one = maker.choices.pick(ATTRIBUTES);
    if one.owner() == Owner::Object {
        Attribute::Exe
    } else {
        one
    }
}

fn test(maker: &mut Maker<'_, '_>, objects: Objects) -> Condition {
    let attribute = attribute(maker, objects);
    let values = pools::values(attribute, maker.world);
    let number = matches!(attribute.kind(), Kind::Number(_));
    let (operator, operand) = match maker.choices.below(if number { 4 } else { 3 }) {
        0 => {
            let value = Element::Value(maker.choices.pick(values));
            (maker.choices.pick(&["=", "!="]), Operand::One(value))
        }
        1 => (
            maker.choices.pick(&["in", "not in"]),
            set(maker, attribute, values),
        ),
        2 => (
            maker.choices.pick(&["in", "not in"]),
            name_or_range(maker, attribute, values),
        ),
        _ => {
            let value = maker.choices.pick(&["0", "1", "80", "1000", "65534"]);
            (
                maker.choices.pick(&["<", "<=", ">", ">="]),
                Operand::One(Element::Value(value)),
            )
        }
    };
    Condition::Test {
        attribute,
        operator,
        operand,
    }
}

fn set(maker: &mut Maker<'_, '_>, attribute: Attribute, values: &[&'static str]) -> Operand {
    let mut all: Vec<Element> = (0..=maker.choices.below(3))
        .map(|_| Element::Value(maker.choices.pick(values)))
        .collect();
    let lets = maker.lets.len();
    let words = attribute.kind().takes_words();
    if let Some(sort) = pools::sort(attribute, maker.world)
        && !words
        && maker.choices.one_in(5)
        && let Some(name) = maker.named(sort, lets)
    {
        all.push(Element::Name(name));
    }
    if attribute == Attribute::Addr && maker.choices.one_in(4) {
        all.push(Element::Value(maker.choices.pick(pools::BUILT_IN)));
    }
    Operand::Set(all)
}

/// What can stand after `in` without braces; else a set of one.
fn name_or_range(
    maker: &mut Maker<'_, '_>,
    attribute: Attribute,
    values: &[&'static str],
) -> Operand {
    let lets = maker.lets.len();
    if let Some(sort) = pools::sort(attribute, maker.world)
        && let Some(name) = maker.named(sort, lets)
    {
        return Operand::One(Element::Name(name));
    }
    if attribute == Attribute::Addr {
        return Operand::One(Element::Value(maker.choices.pick(pools::BUILT_IN)));
    }
    let ranges: Vec<&'static str> = values
        .iter()
        .copied()
        .filter(|value| value.contains('-') && matches!(attribute.kind(), Kind::Number(_)))
        .collect();
    let value = maker.choices.pick(values);
    if ranges.is_empty() {
        return Operand::Set(vec![Element::Value(value)]);
    }
    Operand::One(Element::Value(maker.choices.pick(&ranges)))
}
