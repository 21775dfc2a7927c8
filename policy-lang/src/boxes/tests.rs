//! The boxes by hand: what random policies seldom come to.

use super::automaton::{Found, meet};
use super::sets::{Set, Sets};
use super::{Effort, Literal, Meet};
use crate::terms::Axis;
use crate::types::Values;
use crate::types::pattern::{Pattern, Syntax, parse};
use crate::words::attribute::Attribute;
use proptest::prelude::*;
use std::sync::Arc;

fn patterns(all: &[&str], syntax: Syntax) -> Values {
    let parsed = all.iter().map(|one| parse(one, syntax).unwrap());
    Values::Patterns(parsed.collect())
}

/// A text that all of some sets of patterns hold and none of others.
fn found(held: &[&[&str]], others: &[&[&str]], syntax: Syntax) -> Option<String> {
    let mut sets = Sets::default();
    let ids: Vec<_> = held
        .iter()
        .chain(others)
        .map(|one| sets.enter(&Arc::new(patterns(one, syntax))))
        .collect();
    let texts: Vec<_> = ids
        .iter()
        .map(|id| match sets.get(*id) {
            Some(Set::Texts(texts)) => texts,
            other => panic!("{other:?}"),
        })
        .collect();
    let (held, others) = texts.split_at(held.len());
    match meet(held, others, &mut Effort::new(1_000_000)) {
        Found::Text(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Found::Nothing => None,
        Found::Unknown => panic!("not decided"),
    }
}

#[test]
fn patterns_within_patterns() {
    let within = |one: &[&str], other: &[&str]| found(&[one], &[other], Syntax::Path).is_none();
    assert!(within(&["/a/*"], &["/a/**"]));
    assert!(!within(&["/a/**"], &["/a/*"]));
    assert!(within(&["/a/**/b"], &["/a/**"]));
    assert!(within(&["/a/b"], &["/a/**/b"]));
    assert!(within(&["/a/[a-c]"], &["/a/[ab]", "/a/c"]));
    assert!(!within(&["/a/[a-c]"], &["/a/[ab]", "/a/d"]));
    assert!(within(&["/a/?", "/a/??"], &["/a/*"]));
    assert!(within(&["/*/**"], &["/**"]));
    assert!(within(&["/a*"], &["/a", "/a?*"]));
    // A class never has a slash, and one of slashes has nothing.
    assert!(within(&["/a[/]"], &["/b"]));
    assert!(within(&["/a/[!b]"], &["/a/*"]));
    // Places of one set do not stand for another's.
    assert_eq!(
        found(&[&["/a*"], &["/*b"]], &[&["/ab"]], Syntax::Path)
            .unwrap()
            .len(),
        4
    );
    assert!(found(&[&["a*"], &["*b"]], &[&["a*b"]], Syntax::Text).is_none());
}

#[test]
fn several_values_at_once_are_no_contradiction() {
    let mut sets = Sets::default();
    let names = |all: &[&str]| {
        let names = all.iter().map(|one| one.as_bytes().into());
        Arc::new(Values::Names(names.collect()))
    };
    let mut literal = |all: &[&str], negated| Literal {
        axis: Axis::Attribute(Attribute::Group),
        negated,
        set: sets.enter(&names(all)),
    };
    let (x, y) = (literal(&["x"], false), literal(&["y"], false));
    let (no_x, no_xy) = (literal(&["x"], true), literal(&["x", "y"], true));
    let mut effort = Effort::new(1_000);
    let mut empty =
        |all: &[Literal]| super::meet::on_axis(&sets, &mut effort, all, false) == Meet::Empty;
    assert!(!empty(&[x, y]));
    assert!(empty(&[x, no_x]));
    assert!(!empty(&[y, no_x]));
    assert!(empty(&[y, no_xy]));
    assert!(!empty(&[no_xy]));
}

fn pattern() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(
        &[
            "/", "/", "a", "b", "*", "?", "**", "[ab]", "[!a]", "[b-c]", "/**/",
        ][..],
    );
    prop::collection::vec(piece, 0..6).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    /// Against the definition of patterns, text by text.
    #[test]
    fn what_is_found_is_held_and_what_is_not_does_not_exist(
        held in prop::collection::vec(pattern(), 1..3),
        others in prop::collection::vec(pattern(), 0..3),
        path in any::<bool>(),
    ) {
        let syntax = if path { Syntax::Path } else { Syntax::Text };
        let of = |texts: &[String]| -> Vec<Pattern> {
            texts.iter().map(|one| parse(one, syntax).unwrap()).collect()
        };
        let (all, none) = (of(&held), of(&others));
        let suits = |text: &[u8]| {
            all.iter().all(|one| one.holds(text)) && !none.iter().any(|one| one.holds(text))
        };
        let sets: Vec<[&str; 1]> = held.iter().map(|one| [one.as_str()]).collect();
        let sets: Vec<&[&str]> = sets.iter().map(|one| &one[..]).collect();
        let other: Vec<&str> = others.iter().map(String::as_str).collect();
        match found(&sets, &[&other], syntax) {
            Some(text) => prop_assert!(suits(text.as_bytes()), "{text}"),
            None => {
                for text in texts(6) {
                    prop_assert!(!suits(&text), "{}", String::from_utf8_lossy(&text));
                }
            }
        }
    }
}

/// All texts of some bytes up to a length, a slash first.
fn texts(length: usize) -> Vec<Vec<u8>> {
    let mut all = vec![b"/".to_vec()];
    let mut from = 0;
    for _ in 1..length {
        let until = all.len();
        for at in from..until {
            for byte in b"/abcd" {
                let mut longer = all[at].clone();
                longer.push(*byte);
                all.push(longer);
            }
        }
        from = until;
    }
    all
}
