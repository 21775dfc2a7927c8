//! A selection of events against its definition: an event is wanted when some
//! wish is about it, and verdicts are as without one.

use super::{TestHost, asked, by_tables, checked, policies};
use policy_abi::select::{EVENTS, Event, selects};
use policy_lang::compile::{Enforcement, compile_with};
use policy_lang::request::Request;
use policy_lang::selection::{Selection, Wish, filter};
use policy_lang::words::family::{FamilySet, Named, named};
use policy_lang::{compile, eval};
use proptest::prelude::*;

/// Tests of every kind of dimension, over values that requests have.
const TESTS: &[&str] = &[
    "exe = /usr/bin/a",
    "exe = /usr/bin/*",
    "comm != sh",
    "comm = n*",
    "uid = 0-999",
    "gid in { 0, 1000 }",
    "ruid != 0",
    "loginuid = 1000",
    "user = alice",
    "group = docker",
    "group not in { root, wheel }",
    "unit = *.service",
    "cgroup = /system.slice/**",
    "cap = net_raw",
    "netns = host",
    "parent.comm = sh",
    "parent.exe = /usr/bin/*",
    "parent.uid = 0",
];

/// A filter, as it is written.
fn condition() -> impl Strategy<Value = String> {
    let test = prop::sample::select(TESTS).prop_map(str::to_owned);
    test.prop_recursive(3, 8, 2, |inner| {
        (inner.clone(), inner, 0..3_u8).prop_map(|(one, other, join)| match join {
            0 => format!("({one} and {other})"),
            1 => format!("({one} or {other})"),
            _ => format!("not ({one} or {other})"),
        })
    })
}

/// A wish, as it is written: whether plain events too, of which families, by whom.
type Written = (bool, &'static str, Option<String>);

fn wish() -> impl Strategy<Value = Written> {
    let families = prop::sample::select(&["any", "any", "unix", "ip", "tcp"][..]);
    (any::<bool>(), families, prop::option::of(condition()))
}

/// Events with what is wished of each.
fn selection() -> impl Strategy<Value = Vec<(&'static Event, Vec<Written>)>> {
    let choice = prop::option::of(prop::collection::vec(wish(), 0..3));
    prop::collection::vec(choice, EVENTS.len()).prop_map(|all| {
        let all = EVENTS.iter().zip(all);
        all.filter_map(|(event, wishes)| Some((event, wishes?)))
            .collect()
    })
}

fn families(word: &str) -> FamilySet {
    let Named::Families(set) = named(word) else {
        panic!("{word} is no family");
    };
    set
}

fn compiled(written: &[(&'static Event, Vec<Written>)]) -> Selection {
    let mut selection = Selection::default();
    for (event, wishes) in written {
        let wishes = wishes.iter().map(|(plain, word, subject)| Wish {
            plain: *plain,
            families: families(word),
            subject: subject
                .as_deref()
                .map(|text| filter(text, 0..text.len()).unwrap()),
        });
        selection.choose(event, wishes.collect()).unwrap();
    }
    selection
}

/// What the definition says of an event.
fn wanted(
    written: &[(&'static Event, Vec<Written>)],
    event: &Event,
    request: &Request,
    matched: bool,
) -> bool {
    let Some((_, wishes)) = written.iter().find(|(one, _)| *one == event) else {
        return matched;
    };
    wishes.iter().any(|(plain, word, subject)| {
        let holds = |text: &str| {
            let policy = checked(&format!("record any any if {text}"));
            !eval(&policy, request).recorded.is_empty()
        };
        (matched || *plain)
            && families(word).contains(request.family)
            && subject.as_deref().is_none_or(holds)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_wanted_is_what_is_wished(
        text in policies::text(),
        written in selection(),
        all in policies::requests(6),
    ) {
        let (policy, host) = (checked(&text), TestHost { aliased: false });
        let without = compile(&policy, &host, 7, Enforcement::AsWritten);
        let selection = compiled(&written);
        let image = compile_with(&policy, &selection, &host, 7, Enforcement::AsWritten);
        let (Ok(without), Ok(image)) = (without, image) else {
            return Err(TestCaseError::reject("too many terms"));
        };
        for request in &all {
            prop_assert_eq!(
                by_tables(&image, &host, request),
                by_tables(&without, &host, request),
            );
            for event in EVENTS {
                for matched in [false, true] {
                    let wanted = wanted(&written, event, request, matched);
                    for seat in event.seats {
                        let found = asked(&image, &host, request, |world, facts, known| {
                            selects(world, facts, known, *seat, matched)
                        });
                        prop_assert_eq!(
                            found,
                            Some(wanted),
                            "{} {} {:?}\n{:?}",
                            event.name, matched, request, written
                        );
                    }
                }
            }
        }
    }
}
