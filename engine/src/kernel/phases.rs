//! What a start takes, phase by phase: the daemon says it itself, since nobody
//! can see it from outside.

use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::Serialize;

/// What something took, in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Took {
    /// By the clock: waiting is in it.
    pub clock: u64,
    /// Of processors, all threads together: what others do is not in it.
    pub processor: u64,
}

/// The phases of a start.
#[derive(Clone, Debug)]
pub struct Phases {
    clock: u64,
    processor: u64,
    ended: Vec<(&'static str, Took)>,
    programs: Vec<(&'static str, u64)>,
    /// The start is over.
    over: bool,
}

impl Default for Phases {
    /// Begins the first phase.
    fn default() -> Self {
        Self {
            clock: micros(ClockId::Monotonic),
            processor: micros(ClockId::ProcessCPUTime),
            ended: Vec::new(),
            programs: Vec::new(),
            over: false,
        }
    }
}

impl Phases {
    /// Ends a phase, by its name, and begins the next, unless the start is over.
    pub fn end(&mut self, name: &'static str) {
        if self.over {
            return;
        }
        let (clock, processor) = (micros(ClockId::Monotonic), micros(ClockId::ProcessCPUTime));
        let took = Took {
            clock: clock.saturating_sub(self.clock),
            processor: processor.saturating_sub(self.processor),
        };
        self.ended.push((name, took));
        (self.clock, self.processor) = (clock, processor);
    }

    /// Ends the last phase.
    pub fn finish(&mut self, name: &'static str) {
        self.end(name);
        self.over = true;
    }

    /// Takes down what a program took to be loaded, in microseconds of a processor, unless
    /// the start is over.
    pub fn program(&mut self, name: &'static str, took: u64) {
        if self.over {
            return;
        }
        self.programs.push((name, took));
    }

    /// The phases that have ended, in their order.
    #[must_use]
    pub fn ended(&self) -> &[(&'static str, Took)] {
        &self.ended
    }

    /// What each program took.
    #[must_use]
    pub fn programs(&self) -> &[(&'static str, u64)] {
        &self.programs
    }
}

/// Microseconds of a processor that this thread has had.
pub(super) fn of_thread() -> u64 {
    micros(ClockId::ThreadCPUTime)
}

fn micros(clock: ClockId) -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    let seconds = u64::try_from(tv_sec).unwrap_or(0);
    let nanos = u64::try_from(tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000) + nanos / 1000
}
