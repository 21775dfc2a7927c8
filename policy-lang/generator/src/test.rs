//! `test` blocks. What they expect seldom holds: they are there to be read.

use crate::World;
use crate::model::Test;
use crate::policy::Maker;
use crate::pools;
use crate::world::concrete;
use policy_lang::words::attribute::{ATTRIBUTES, Attribute, Owner};
use policy_lang::words::family::Family;
use policy_lang::words::shape::Shape;
use policy_lang::words::{family, operation::Operation};

/// A block.
pub(crate) fn block(maker: &mut Maker<'_, '_>) -> Test {
    let name = maker
        .choices
        .pick(&["\"what holds\"", "\"a \\\"b\\\" { }\"", "\"\""]);
    let expectations = (0..maker.choices.below(4))
        .map(|_| expectation(maker))
        .collect();
    Test { name, expectations }
}

fn expectation(maker: &mut Maker<'_, '_>) -> Vec<String> {
    let mut words = vec!["expect".to_owned()];
    let verdict = maker
        .choices
        .pick(&["allow", "deny", "kill", "default-deny"]);
    words.push(verdict.to_owned());
    for (records, keywords) in [(false, &["by"][..]), (true, &["recorded", "by"])] {
        let fits = maker
            .ids
            .iter()
            .filter(|(id, one)| !id.is_empty() && *one == records);
        let fits: Vec<&str> = fits.map(|(id, _)| id.as_str()).collect();
        if !fits.is_empty() && maker.choices.one_in(3) {
            words.extend(keywords.iter().map(|word| (*word).to_owned()));
            words.push(maker.choices.pick(&fits).to_owned());
        }
    }
    let (family, operation) = concrete(maker.choices);
    words.extend([family.to_owned(), operation.word().to_owned()]);
    words.extend(object(maker, family, operation));
    words.extend(facts(maker));
    words
}

fn object(maker: &mut Maker<'_, '_>, family: &str, operation: Operation) -> Vec<String> {
    let shape = family_of(family).map(|family| Shape::of(family, operation));
    let preposition = maker.choices.pick(&["to", "on"]);
    let address = maker.choices.pick(&["10.0.0.1", "::1", "::ffff:10.0.0.1"]);
    let port = maker.choices.pick(&["80", "443"]);
    let option = maker.choices.pick(&["SOL_SOCKET/SO_MARK", "6/31"]);
    let unix = maker
        .choices
        .pick(&["/run/a", "@x", "\"@odd name\"", "@\"odd name\"", "unnamed"]);
    let words: &[&str] = match shape {
        Some(Shape::Unix) => &[preposition, unix],
        Some(Shape::Address) => &[preposition, address],
        Some(Shape::AddressPort) => &[preposition, address, "port", port],
        Some(Shape::Option) => &[preposition, "option", option],
        Some(Shape::Nothing) | None => &[],
    };
    if maker.choices.one_in(4) {
        return Vec::new();
    }
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn family_of(word: &str) -> Option<Family> {
    if word == "ip" {
        return Some(Family::IP_OTHER);
    }
    let found = family::WORDS.iter().find(|(known, _)| *known == word);
    found.and_then(|(_, number)| Family::from_number(*number))
}

fn facts(maker: &mut Maker<'_, '_>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for attribute in ATTRIBUTES {
        let of_subject = attribute.owner() == Owner::Subject;
        if !of_subject || !maker.choices.one_in(8) {
            continue;
        }
        let literal = |value: &&&str| !value.contains(['*', '?', '[', '-', '\\']);
        let values: Vec<&str> = pools::values(*attribute, World::Whole)
            .iter()
            .filter(literal)
            .copied()
            .collect();
        words.push(if words.is_empty() { "as" } else { "," }.to_owned());
        words.push(attribute.word().to_owned());
        words.push("=".to_owned());
        words.push(maker.choices.pick(&values).to_owned());
        if attribute.many() && maker.choices.one_in(3) {
            words.extend([",", attribute.word(), "="].map(str::to_owned));
            words.push(maker.choices.pick(&values).to_owned());
        }
        debug_assert_ne!(*attribute, Attribute::Addr);
    }
    words
}
