//! How fast policies are read: the grammar alone, with the tree, checked, with the
//! warnings but those about several rules together, and with all of them; and how
//! fast a checked one is compiled, for policies of 10 to 10,000 rules.
//!
//! `cargo bench -p policy-lang`; `docs/performance.md` has figures. The table is
//! by the clock, and worth something on a machine that does nothing else; the
//! lines after it are by the processor's time, and hold on a busy one too.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "figures for people"
)]

#[path = "../tests/generate/mod.rs"]
mod generate;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use policy_lang::compile::{AnyHost, Enforcement, compile};
use policy_lang::source::Sources;
use policy_lang::{CheckedPolicy, Lints, check, load, load_with, parse, recognise};

const RULES: [usize; 4] = [10, 100, 1_000, 10_000];
/// Rules that are read by each step for the lines by the processor's time.
const READ: usize = 400_000;

/// Reads a policy as far as one step.
type Step = fn(&Sources);

/// The steps, each with those before it.
const STEPS: [(&str, Step); 5] = [
    ("grammar", grammar),
    ("tree", tree),
    ("checked", checked),
    ("pairs of rules", pairs),
    ("with warnings", with_warnings),
];

fn main() {
    divan::main();
    for (name, step) in STEPS {
        for rules in RULES {
            let sources = generate::policy(rules);
            by_processor(name, rules, || step(black_box(&sources)));
        }
    }
    for rules in RULES {
        let policy = valid(rules);
        by_processor("compiled", rules, || compiled(black_box(policy.as_ref())));
    }
}

/// A checked policy, to be compiled.
fn valid(rules: usize) -> Option<CheckedPolicy> {
    let sources = generate::policy(rules);
    let trees: Vec<_> = sources.files().iter().map(|file| parse(file).0).collect();
    check(&sources, &trees).0
}

/// Compiles alone.
fn compiled(policy: Option<&CheckedPolicy>) {
    let host = AnyHost::default();
    let made = policy.map(|policy| compile(policy, &host, 1, Enforcement::AsWritten));
    black_box(made.is_some_and(|made| made.is_ok()));
}

fn grammar(sources: &Sources) {
    black_box(sources.files().iter().map(recognise).sum::<usize>());
}

fn tree(sources: &Sources) {
    black_box(sources.files().iter().map(parse).collect::<Vec<_>>());
}

fn checked(sources: &Sources) {
    let trees: Vec<_> = sources.files().iter().map(|file| parse(file).0).collect();
    black_box(check(sources, &trees));
}

fn pairs(sources: &Sources) {
    black_box(load_with(sources, Lints::Pairs, None));
}

fn with_warnings(sources: &Sources) {
    black_box(load(sources));
}

#[divan::bench(args = RULES, name = "1 grammar")]
fn clock_grammar(bencher: Bencher<'_, '_>, rules: usize) {
    by_clock(bencher, rules, grammar);
}

#[divan::bench(args = RULES, name = "2 tree")]
fn clock_tree(bencher: Bencher<'_, '_>, rules: usize) {
    by_clock(bencher, rules, tree);
}

#[divan::bench(args = RULES, name = "3 checked")]
fn clock_checked(bencher: Bencher<'_, '_>, rules: usize) {
    by_clock(bencher, rules, checked);
}

#[divan::bench(args = RULES, name = "4 pairs of rules")]
fn clock_pairs(bencher: Bencher<'_, '_>, rules: usize) {
    by_clock(bencher, rules, pairs);
}

#[divan::bench(args = RULES, name = "5 with warnings")]
fn clock_with_warnings(bencher: Bencher<'_, '_>, rules: usize) {
    by_clock(bencher, rules, with_warnings);
}

#[divan::bench(args = RULES, name = "6 compiled")]
fn clock_compiled(bencher: Bencher<'_, '_>, rules: usize) {
    let policy = valid(rules);
    bencher
        .counter(ItemsCount::new(rules))
        .bench(|| compiled(black_box(policy.as_ref())));
}

fn by_clock(bencher: Bencher<'_, '_>, rules: usize, step: Step) {
    let sources = generate::policy(rules);
    bencher
        .counter(ItemsCount::new(rules))
        .bench(|| step(black_box(&sources)));
}

/// Prints what a step takes of the processor's time.
fn by_processor(name: &str, rules: usize, step: impl Fn()) {
    step();
    let repeats = READ / rules;
    let Some(before) = processor() else {
        println!("{name}: no time of the processor to be had");
        return;
    };
    for _ in 0..repeats {
        step();
    }
    let Some(after) = processor() else {
        return;
    };
    let seconds = (after - before) as f64 / 1e9;
    println!(
        "{name:>14}  {rules:>6} rules  {:>9.3} ms  {:>9.0} rules/s",
        seconds * 1e3 / repeats as f64,
        (rules * repeats) as f64 / seconds
    );
}

/// Nanoseconds that this thread has had a processor.
fn processor() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
