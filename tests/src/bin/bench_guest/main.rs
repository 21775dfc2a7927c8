//! The half of `cargo xtask bench` that runs in a guest: operations in loops, with
//! one thing after another attached.
//!
//! Where QEMU counts instructions (`-icount shift=0`), a nanosecond of the
//! guest's clock is one instruction. Two tables make it up: what is attached
//! ([`setup::Setup`]) and what is done ([`work::WORKLOADS`]). Each cell of them is
//! measured by a process of its own, with one thread, so that nothing of
//! another cell is left in it.
//!
//! On standard output, tabs between: `round SETUP OPERATION NANOSECONDS COUNT` for
//! each round, or `none SETUP OPERATION REASON` where there is nothing to measure.

mod apparmor;
mod conductor;
mod landlock;
mod linear;
mod policy;
mod programs;
mod setup;
mod work;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: bench_guest FOLDER ROUNDS OPERATION,... SETUP...";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let outcome = match texts(&arguments).as_deref() {
        Some([work, rest @ ..]) if *work == work::COMMAND => work::main(rest),
        Some([folder, rounds, operations, setups @ ..]) => {
            conductor::main(folder, rounds, operations, setups)
        }
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "bench_guest: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn texts(arguments: &[OsString]) -> Option<Vec<&str>> {
    arguments.iter().map(|word| word.to_str()).collect()
}
