//! The same of policies with more terms than a word has bits: among the rules that
//! are asked about stand others, of which some match nothing.

use super::{compare, policies};
use policy_abi::image::TERMS_PER_PAIR;
use policy_lang::compile::Enforcement;
use proptest::prelude::*;
use std::fmt::Write as _;

/// What padding does, and where it stands among the rules of its effect.
const PADS: [(&str, &str); 8] = [
    ("kill", "Ak"),
    ("deny", "Ad"),
    ("deny", "zd"),
    ("allow", "Aa"),
    ("allow", "za"),
    ("default deny", "Az"),
    ("record", "Ar"),
    ("record", "zr"),
];

/// Terms of one record rule among the padding.
const RECORDED: usize = 40;

/// A policy among rules of so many terms, which match nothing but for every third record rule.
fn padded(text: &str, terms: [usize; 8]) -> String {
    let mut all = text.to_owned();
    for ((effect, id), terms) in PADS.iter().zip(terms) {
        if terms == 0 {
            continue;
        }
        // Families and operations that the policies speak of.
        let pairs = "{ unix, tcp, udp, smc } { connect, listen, create, setsockopt }";
        let tests: Vec<String> = (0..terms).map(test).collect();
        let some = if *effect == "record" { RECORDED } else { terms };
        for (at, tests) in tests.chunks(some).enumerate() {
            let also = if *effect == "record" && at % 3 == 1 {
                " or uid >= 0"
            } else {
                ""
            };
            let tests = tests.join(" or ");
            writeln!(all, "\n{effect} {pairs} if {tests}{also} id {id}{at}").unwrap();
        }
    }
    all
}

/// What is so of nobody who is asked about.
fn test(at: usize) -> String {
    match at % 3 {
        0 => format!("comm = pad{at}"),
        1 => format!("uid = {}", 70_000 + at),
        _ => format!("gid = {} and exe = /pad/{at}", 70_000 + at),
    }
}

/// A number of terms for each of [`PADS`], `most` together at most.
fn pads(most: usize) -> impl Strategy<Value = [usize; 8]> {
    let one = prop_oneof![2 => Just(0), 1 => 1_usize..8, 3 => 0..most / 8];
    prop::array::uniform8(one)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn of_eight_words(
        text in policies::text(),
        all in policies::requests(24),
        pads in pads(700),
        audit in any::<bool>(),
    ) {
        let enforcement = if audit { Enforcement::AuditAll } else { Enforcement::AsWritten };
        compare(&padded(&text, pads), &all, false, enforcement)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn of_all_words(
        text in policies::text(),
        all in policies::requests(24),
        pads in pads(TERMS_PER_PAIR as usize - 400),
    ) {
        compare(&padded(&text, pads), &all, false, Enforcement::AsWritten)?;
    }
}
