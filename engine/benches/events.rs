//! What an event costs: the producer's part in nanoseconds, and how many a second
//! reach a sink without loss.
//!
//! The producer is a raw tracepoint's program, run on this machine's own processor
//! by `BPF_PROG_TEST_RUN`; it calls the function by which the LSM programs write
//! events, into the same ring. The reader is the daemon's own.
//! `cargo xtask bench events` builds the object and runs this, as root;
//! `docs/performance.md` has figures.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "figures for people"
)]

#[path = "events/lines.rs"]
mod lines;
#[path = "events/producer.rs"]
mod producer;
#[path = "events/program.rs"]
mod program;
#[path = "events/reader.rs"]
mod reader;

use interdict::kernel::Kernel;
use interdict::kernel::load::Settings;
use producer::{Cost, Producer};
use program::{OBJECT, Outcome, on_cpu};
use reader::Reader;
use std::time::Duration;

/// Rounds of what is timed.
const ROUNDS: usize = 101;
/// Events a second that are tried.
const RATES: [u64; 6] = [100_000, 250_000, 300_000, 500_000, 1_000_000, 2_000_000];
/// Tries of each, and how long one is.
const TRIES: usize = 3;
const TRY: Duration = Duration::from_secs(2);
/// What is written where no time of it is to be the disk's.
const NOWHERE: &str = "/dev/null";

fn main() -> Outcome<()> {
    let path = std::env::var_os(OBJECT).ok_or("INTERDICT_BENCH_OBJECT names no object")?;
    let mut kernel = Kernel::of_object(
        &std::fs::read(path)?,
        &Settings {
            hash_key: [1, 2],
            trust_all: false,
        },
    )?;
    // Names of parts; all without any.
    let parts: Vec<String> = std::env::args()
        .skip(1)
        .filter(|part| !part.starts_with('-'))
        .collect();
    let asked = |name: &str| parts.is_empty() || parts.iter().any(|part| part == name);
    println!("records of {} bytes", reader::record_bytes());
    if asked("costs") {
        costs(&mut kernel)?;
    }
    let sinks = [("none", None), ("json", Some(NOWHERE))];
    for (name, sink) in sinks.into_iter().filter(|(name, _)| asked(name)) {
        lines::measure(&mut kernel, name, sink)?;
        flood(&mut kernel, name, sink)?;
        rates(&mut kernel, name, sink)?;
    }
    Ok(())
}

/// What a record costs its producer while nobody is woken and nobody reads.
fn costs(kernel: &mut Kernel) -> Outcome<()> {
    kernel.wake(false);
    let mut costs = Cost::all(kernel)?;
    for _ in 0..ROUNDS {
        for cost in &mut costs {
            cost.round()?;
            on_cpu(producer::READER_CPU)?;
            while !kernel.drain(usize::MAX, |_| {})?.emptied {}
        }
    }
    for cost in &costs {
        println!("{}", cost.line());
    }
    Ok(())
}

/// All that can be written and read at a time, by who is woken.
fn flood(kernel: &mut Kernel, name: &str, sink: Option<&str>) -> Outcome<()> {
    for (policy, paced) in [("woken by each look", false), ("by the clock", true)] {
        let mut reader = Reader::new(kernel, sink, paced)?;
        let flood = reader.during(Producer::flat_out(TRY))?;
        println!("{name:>4}, flat out, reader {policy}: {flood}");
    }
    Ok(())
}

/// Whether events are lost, rate by rate.
fn rates(kernel: &mut Kernel, name: &str, sink: Option<&str>) -> Outcome<()> {
    for rate in RATES {
        for _ in 0..TRIES {
            let mut reader = Reader::new(kernel, sink, true)?;
            let flood = reader.during(Producer::at_rate(rate, TRY))?;
            println!("{name:>4}, {rate:>7} a second: {flood}");
        }
    }
    Ok(())
}
