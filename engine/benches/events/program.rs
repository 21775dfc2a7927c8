//! Programs of the object that is built for benchmarks.

use aya::programs::RawTracePoint;
use interdict::kernel::Kernel;
use rustix::thread::{CpuSet, sched_setaffinity};
use std::error::Error;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// The variable that says where the object is, as built with its feature `bench`.
pub(crate) const OBJECT: &str = "INTERDICT_BENCH_OBJECT";

/// The running thread on one processor.
pub(crate) fn on_cpu(cpu: usize) -> Outcome<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(sched_setaffinity(None, &set)?)
}

/// A program of the object, loaded.
pub(crate) fn program(kernel: &mut Kernel, name: &'static str) -> Outcome<RawTracePoint> {
    let program = kernel.object().program_mut(name);
    let program: &mut RawTracePoint = program.ok_or(name)?.try_into()?;
    if program.fd().is_err() {
        program.load()?;
    }
    // One of its own, for another thread.
    Ok(RawTracePoint::from_program_info(
        program.info()?,
        name.into(),
    )?)
}
