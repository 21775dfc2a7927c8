//! What a decision costs on this machine's own processor, in nanoseconds, under
//! policies of 10 and 10,000 rules.
//!
//! The engine's own functions, judging by the engine's own maps, which its own
//! compiler filled; a raw tracepoint's program calls them in a loop, run by
//! `BPF_PROG_TEST_RUN`. What a hook does besides (its trampoline, reading the
//! socket) is not in it. `cargo xtask bench core` builds the object and runs this,
//! as root; `docs/performance.md` has figures.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "figures for people"
)]

#[path = "../../policy-lang/tests/generate/mod.rs"]
mod generate;
#[path = "events/program.rs"]
mod program;

use aya::programs::{RawTracePoint, RawTracePointRunOptions, TestRun as _};
use interdict::kernel::load::Settings;
use interdict::kernel::{Kernel, Loadable, OnError};
use policy_lang::compile::{AnyHost, Enforcement, compile};
use policy_lang::source::Sources;
use policy_lang::{Lints, load_with};
use program::{OBJECT, Outcome, on_cpu, program};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const RULES: [usize; 2] = [10, 10_000];
/// Policies: what a site with services has, which asks for units, and one that asks
/// for addresses, ports and users alone.
const POLICIES: [(&str, Written); 2] = [("units", generate::policy), ("users", users)];
/// Writes a policy of so many rules.
type Written = fn(usize) -> Sources;
/// Rounds of what is timed, and connects of a round.
const ROUNDS: usize = 31;
const TURNS: u64 = 20_000;
/// Where it runs.
const CPU: usize = 1;

/// How connects follow each other: name, addresses, shift of the random numbers, and
/// bits of the answers that the next waits for.
const WAYS: [(&str, u64, u64, u64); 4] = [
    ("256 addresses in turn", 256, 0, 0),
    ("256 in turn, each after the answer", 256, 0, 0xff),
    ("65,536 at random", 65_536, 33, 0),
    ("65,536 at random, each after the answer", 65_536, 33, 0xff),
];
/// The same four again and again: what a process does that was allowed before.
const KNOWN: (&str, u64, u64, u64) = ("4 that were allowed before", 4, 0, 0xff);

fn main() -> Outcome<()> {
    let path = std::env::var_os(OBJECT).ok_or("INTERDICT_BENCH_OBJECT names no object")?;
    on_cpu(CPU)?;
    for (policy, rules) in POLICIES
        .into_iter()
        .flat_map(|policy| RULES.map(|rules| (policy, rules)))
    {
        let (asks, written) = policy;
        let began = Instant::now();
        let mut kernel = Kernel::of_object(
            &std::fs::read(&path)?,
            &Settings {
                hash_key: [0; 2],
                trust_all: false,
            },
        )?;
        let loaded = began.elapsed();
        publish(&mut kernel, &written(rules))?;
        println!("{rules} rules that ask for {asks}");
        program(&mut kernel, "bench_known")?.test_run(RawTracePointRunOptions::new())?;
        let asked = program(&mut kernel, "bench_asked")?;
        let began = Instant::now();
        let judged = program(&mut kernel, "bench_judged")?;
        println!(
            "  object loaded in {} ms, the program that judges verified in {} ms, {} instructions",
            loaded.as_millis(),
            began.elapsed().as_millis(),
            judged.info()?.verified_instruction_count().unwrap_or(0)
        );
        let known = program(&mut kernel, "bench_known_ones")?;
        for way in WAYS {
            line("judged", &asked, &judged, way)?;
        }
        line("known", &asked, &known, KNOWN)?;
    }
    Ok(())
}

/// Rules by address, port and user, each of its own: as many terms of one pair.
fn users(rules: usize) -> Sources {
    let mut text = String::new();
    for rule in 0..rules {
        let (high, low) = (16 + rule / 250, rule % 250);
        let (port, uid) = (1_024 + rule, 20_000 + rule);
        writeln!(
            text,
            "deny tcp connect to 10.{high}.{low}.0/24 port {{ 443, {port} }} if uid = {uid} id r{rule}"
        )
        .ok();
    }
    Sources::single("users.policy", text)
}

/// Puts a policy into the maps.
fn publish(kernel: &mut Kernel, sources: &Sources) -> Outcome<()> {
    let (policy, report) = load_with(sources, Lints::None, None);
    let policy = policy.ok_or_else(|| format!("{} findings", report.diagnostics().len()))?;
    let image = compile(&policy, &AnyHost::default(), 1, Enforcement::AsWritten);
    let image = image.map_err(|found| format!("{} findings", found.len()))?;
    let loadable = Loadable {
        words: &image.words,
        rules: image.rules.len(),
        generation: 1,
        hooks: &[],
        on_error: &OnError::default(),
    };
    kernel.fill(&loadable)?;
    kernel.switch(&loadable)?;
    Ok(())
}

/// Prints one row: with the connects, and without what asks for them.
fn line(
    what: &str,
    asked: &RawTracePoint,
    judged: &RawTracePoint,
    way: (&str, u64, u64, u64),
) -> Outcome<()> {
    let mut times = Vec::with_capacity(ROUNDS);
    let mut bare = Vec::with_capacity(ROUNDS);
    for _ in 0..=ROUNDS {
        bare.push(timed(asked, way)?);
        times.push(timed(judged, way)?);
    }
    // The first warms up.
    times.remove(0);
    bare.remove(0);
    times.sort_unstable();
    bare.sort_unstable();
    let nanos = |times: &[Duration], place: usize| {
        let time = times.get(place).copied().unwrap_or_default();
        time.as_nanos() as f64 / TURNS as f64
    };
    let middle = ROUNDS / 2;
    println!(
        "  {what}, {:<40} least {:>7.1} ns, median {:>7.1}, upper quartile {:>7.1}; {:>5.1} without the decision",
        way.0,
        nanos(&times, 0),
        nanos(&times, middle),
        nanos(&times, ROUNDS * 3 / 4),
        nanos(&bare, middle)
    );
    Ok(())
}

/// The time of a run. That each connect was allowed is checked.
fn timed(program: &RawTracePoint, way: (&str, u64, u64, u64)) -> Outcome<Duration> {
    let (_, addresses, random, chained) = way;
    let mut options = RawTracePointRunOptions::new();
    for (argument, value) in options
        .args
        .iter_mut()
        .zip([TURNS, addresses, random, chained])
    {
        *argument = value;
    }
    let began = Instant::now();
    let answer = program.test_run(options)?.return_value;
    let time = began.elapsed();
    if answer != 0 {
        return Err(format!("a connect was refused: {answer}").into());
    }
    Ok(time)
}
