//! The programs that write events, and how they are run.

use super::ROUNDS;
use crate::program::{Outcome, on_cpu, program};
use aya::programs::{RawTracePoint, RawTracePointRunOptions, TestRun as _};
use interdict::kernel::Kernel;
use std::time::{Duration, Instant};

/// Where the producer runs, and where the reader does.
pub(crate) const PRODUCER_CPU: usize = 1;
pub(crate) const READER_CPU: usize = 0;
/// Records of a timed run: fewer than the ring holds.
const RUN: u64 = 8_000;
/// Between two bursts of a producer that keeps to a rate.
const BURST: Duration = Duration::from_micros(BURST_MICROS);
const BURST_MICROS: u64 = 100;

/// Runs a program with `turns` as its argument; gives the time.
fn timed(program: &RawTracePoint, turns: u64) -> Outcome<Duration> {
    let mut options = RawTracePointRunOptions::new();
    options.args[0] = turns;
    let began = Instant::now();
    program.test_run(options)?;
    Ok(began.elapsed())
}

/// What one program costs a turn.
pub(crate) struct Cost {
    name: &'static str,
    program: RawTracePoint,
    rounds: Vec<Duration>,
}

impl Cost {
    /// Of all programs, each with those before it in what it does.
    pub(crate) fn all(kernel: &mut Kernel) -> Outcome<Vec<Self>> {
        ["bench_turns", "bench_facts", "bench_ring", "bench_events"]
            .into_iter()
            .map(|name| {
                Ok(Self {
                    name,
                    program: program(kernel, name)?,
                    rounds: Vec::with_capacity(ROUNDS),
                })
            })
            .collect()
    }

    /// One round on the producer's processor.
    pub(crate) fn round(&mut self) -> Outcome<()> {
        on_cpu(PRODUCER_CPU)?;
        self.rounds.push(timed(&self.program, RUN)?);
        Ok(())
    }

    /// Nanoseconds a turn: median, least, and where a quarter of the rounds is above.
    pub(crate) fn line(&self) -> String {
        let mut rounds = self.rounds.clone();
        rounds.sort_unstable();
        let at = |place: usize| {
            let round = rounds.get(place).copied().unwrap_or_default();
            round.as_nanos() as f64 / RUN as f64
        };
        let last = rounds.len().saturating_sub(1);
        format!(
            "{:>12}: least {:>7.1} ns a turn, median {:>7.1}, upper quartile {:>7.1}",
            self.name,
            at(0),
            at(last / 2),
            at(last * 3 / 4)
        )
    }
}

/// How events are written while somebody reads.
#[derive(Clone, Copy)]
pub(crate) struct Producer {
    burst: u64,
    every: Duration,
    time: Duration,
}

impl Producer {
    /// One after the other.
    pub(crate) const fn flat_out(time: Duration) -> Self {
        Self {
            burst: RUN,
            every: Duration::ZERO,
            time,
        }
    }

    /// So many a second, in small bursts.
    pub(crate) const fn at_rate(rate: u64, time: Duration) -> Self {
        let bursts = 1_000_000 / BURST_MICROS;
        Self {
            burst: rate / bursts,
            every: BURST,
            time,
        }
    }

    /// Writes; gives how many, and the time that the writing itself took.
    pub(crate) fn run(self, program: &RawTracePoint) -> Outcome<(u64, Duration)> {
        on_cpu(PRODUCER_CPU)?;
        let (mut written, mut spent) = (0, Duration::ZERO);
        let began = Instant::now();
        let mut next = Duration::ZERO;
        while began.elapsed() < self.time {
            // A burst that came late is followed by those that were missed.
            while began.elapsed() < next {
                std::hint::spin_loop();
            }
            next += self.every;
            spent += timed(program, self.burst)?;
            written += self.burst;
        }
        Ok((written, spent))
    }
}
