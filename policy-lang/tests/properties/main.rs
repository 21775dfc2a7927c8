//! What holds for every policy: random ones of the whole language, each held
//! against other texts of itself.
//!
//! Every policy goes through parse, check, fmt and eval; one in sixteen is written in
//! five other ways too and asked the same. `INTERDICT_SEED` begins elsewhere; a
//! failure names its seed, and `INTERDICT_SEED=that INTERDICT_POLICIES=1` has it
//! alone.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use policy_generator::model::Policy;
use policy_generator::{
    Choices, Style, World, files, meaning, policy, random_bytes, request, sources,
};
use policy_lang::compile::{AnyHost, Enforcement};
use policy_lang::diag::{Code, Severity, Style as Shown, render_all};
use policy_lang::fmt::format;
use policy_lang::request::Request;
use policy_lang::source::Sources;
use policy_lang::{CheckedPolicy, compile, eval, explain, load};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Policies that are tried.
const POLICIES: u64 = 100_000;
/// Of so many, one is written in other ways too.
const OTHERWISE: u64 = 16;

fn number(variable: &str, default: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(default, |text| text.parse().unwrap())
}

/// What a seed makes: bytes for a policy, for its noise, its order, its requests.
fn bytes(seed: u64, of: u64, count: usize) -> Vec<u8> {
    random_bytes(seed.wrapping_mul(16).wrapping_add(of), count)
}

/// A policy.
pub(crate) fn generated(seed: u64) -> Policy {
    policy(&mut Choices::new(&bytes(seed, 0, 1_200)), World::Whole)
}

fn asked(seed: u64, count: usize) -> Vec<Request> {
    let bytes = bytes(seed, 3, 64 * count);
    let mut choices = Choices::new(&bytes);
    (0..count)
        .map(|_| request(&mut choices, World::Whole))
        .collect()
}

/// The policy of sources that must have no errors but that it is too large, which
/// a random one seldom is: each `or` under `unless` multiplies.
#[track_caller]
fn small(sources: &Sources) -> Option<CheckedPolicy> {
    let (policy, report) = load(sources);
    let errors = report.diagnostics().iter();
    let mut errors = errors.filter(|one| one.severity == Severity::Error);
    if policy.is_none() && errors.all(|one| one.code == Code::TooManyTerms) {
        return None;
    }
    Some(policy.unwrap_or_else(|| checked(sources)))
}

/// The policy of sources that must have no errors.
#[track_caller]
fn checked(sources: &Sources) -> CheckedPolicy {
    let (policy, report) = load(sources);
    policy.unwrap_or_else(|| {
        let said = render_all(&report, sources, Shown::Plain);
        let texts = sources.files().iter().map(|file| file.text().to_string());
        panic!(
            "refused:\n{said}\n{}",
            texts.collect::<Vec<_>>().join("\n==")
        )
    })
}

/// Runs a property for many seeds on all processors; gives up at the first that fails.
fn for_seeds(count: u64, property: impl Fn(u64) + Sync) {
    let first = number("INTERDICT_SEED", 0);
    let count = number("INTERDICT_POLICIES", count);
    let next = AtomicU64::new(first);
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first.saturating_add(count) {
                        return;
                    }
                    let run = catch_unwind(AssertUnwindSafe(|| property(seed)));
                    if run.is_err() {
                        // What is wrong has been said where it was found.
                        next.store(u64::MAX / 2, Ordering::Relaxed);
                        panic!("INTERDICT_SEED={seed} INTERDICT_POLICIES=1 has it alone");
                    }
                }
            });
        }
    });
}

#[test]
fn every_policy_is_formatted_evaluated_and_lowered() {
    let left_out = AtomicU64::new(0);
    for_seeds(POLICIES, |seed| {
        let made = generated(seed);
        let noise = bytes(seed, 1, 1_200);
        let style = Style {
            noise: Some(&noise),
            ..Style::default()
        };
        let odd = sources(&made, &style);
        let Some(policy) = small(&odd) else {
            left_out.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let neat = formatted(&odd);
        assert_eq!(meaning(&checked(&neat)), meaning(&policy));
        let requests = asked(seed, 3);
        for request in &requests {
            std::hint::black_box(eval(&policy, request));
        }
        if seed.is_multiple_of(OTHERWISE) {
            lowered(&policy);
            for request in &requests {
                let decision = eval(&policy, request);
                assert_eq!(explain(&policy, &odd, request).decision, decision);
            }
            otherwise(seed, &made);
        }
    });
    let left_out = left_out.into_inner();
    assert!(left_out <= POLICIES / 1_000, "{left_out} are too large");
}

/// The files in canonical form: found once, with every comment, and found again.
fn formatted(odd: &Sources) -> Sources {
    let mut neat = Sources::new();
    for file in odd.files() {
        let text = format(file).unwrap();
        let comments = |text: &str| -> Vec<String> {
            let sources = Sources::single("c.policy", text);
            let file = &sources.files()[0];
            let (tree, _) = policy_lang::parse(file);
            let texts = tree.comments.iter().map(|span| file.slice(*span));
            texts.map(|text| text.trim_end().to_owned()).collect()
        };
        assert_eq!(comments(&text), comments(file.text()), "{text}");
        for line in text.lines() {
            assert_eq!(line.trim_end(), line, "white space at a line's end");
        }
        assert!(!text.contains("\n\n\n"), "{text}");
        neat.add(file.name(), text);
    }
    for file in neat.files() {
        assert_eq!(format(file).unwrap(), **file.text(), "formatted twice");
    }
    neat
}

/// Lowering takes a policy, or says what this build cannot decide.
fn lowered(policy: &CheckedPolicy) {
    if let Err(found) = compile(policy, &AnyHost::default(), 1, Enforcement::AsWritten) {
        assert!(!found.is_empty());
        for one in found {
            assert!(one.code.id().starts_with("P06"), "{one:?}");
        }
    }
}

/// Answers as they are told, rules by id.
fn answers(policy: &CheckedPolicy, requests: &[Request]) -> Vec<String> {
    let answer = |request| eval(policy, request).to_json(policy);
    requests.iter().map(answer).collect()
}

/// The same policy, written in other ways, gives the same answers.
fn otherwise(seed: u64, made: &Policy) {
    let requests = asked(seed, 10);
    let base = Style {
        ids: true,
        ..Style::default()
    };
    let plain = sources(made, &base);
    let wanted = answers(&checked(&plain), &requests);
    let order = bytes(seed, 2, 200);
    let ways = [
        (
            "order",
            Style {
                order: Some(&order),
                ..base
            },
        ),
        (
            "renamed",
            Style {
                renamed: true,
                ..base
            },
        ),
        (
            "inlined",
            Style {
                inlined: true,
                ..base
            },
        ),
        (
            "expanded",
            Style {
                expanded: true,
                ..base
            },
        ),
    ];
    for (way, style) in ways {
        let other = sources(made, &style);
        let got = answers(&checked(&other), &requests);
        let texts = || (files(made, &base), files(made, &style));
        assert_eq!(got, wanted, "{way}: {:#?}", texts());
    }
    // Without ids of their own, the verdict alone stays; a default is named by its place.
    let unnamed = sources(made, &Style::default());
    let shuffled = sources(
        made,
        &Style {
            order: Some(&order),
            ..Style::default()
        },
    );
    let (one, other) = (checked(&unnamed), checked(&shuffled));
    for request in &requests {
        let (one, other) = (eval(&one, request), eval(&other, request));
        assert_eq!(one.actual.verdict, other.actual.verdict);
        assert_eq!(one.hypothetical.verdict, other.hypothetical.verdict);
    }
}

/// That the generator reaches what it is meant to reach.
#[test]
fn generated_policies_hold_the_whole_language() {
    let mut letters = BTreeSet::new();
    let mut decided = BTreeSet::new();
    let mut clean = 0;
    for seed in 0..3_000 {
        let made = generated(seed);
        let all = sources(&made, &Style::default());
        for file in all.files() {
            letters.extend(file.text().split_whitespace().map(str::to_owned));
        }
        let (policy, report) = load(&all);
        clean += usize::from(report.diagnostics().is_empty());
        let policy = policy.unwrap();
        for request in asked(seed, 4) {
            let decision = eval(&policy, &request);
            decided.insert(format!("{:?}", decision.actual.effect));
            if !decision.recorded.is_empty() {
                decided.insert("recorded".to_owned());
            }
        }
    }
    let words = policy_lang::words::reserved::STATEMENTS
        .iter()
        .chain(policy_lang::words::reserved::CLAUSES)
        .chain(policy_lang::words::reserved::BUILT_IN)
        .copied()
        .chain(policy_lang::words::family::words())
        .chain(
            policy_lang::words::operation::OPERATIONS
                .iter()
                .map(|one| one.word()),
        )
        .chain(
            policy_lang::words::attribute::ATTRIBUTES
                .iter()
                .map(|one| one.word()),
        )
        .chain([
            "to", "on", "port", "as", "expect", "by", "recorded", "not", "and", "or", "in",
        ])
        .chain(["unnamed", "any", "=", "!=", "<", "<=", ">", ">=", "("]);
    let missing: Vec<&str> = words.filter(|word| !letters.contains(*word)).collect();
    assert!(missing.is_empty(), "no policy has {missing:?}");
    assert_eq!(decided.len(), 6, "{decided:?}");
    assert!(clean > 30, "{clean} policies have no warning either");
}
