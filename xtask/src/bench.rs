//! `cargo xtask bench`: what interdict costs, in instructions.
//!
//! QEMU counts instructions for time, one a nanosecond, so the numbers repeat
//! from run to run and from machine to machine, where times do not. They
//! compare one commit with another; they say nothing of caches and are no
//! nanoseconds.

mod real;
mod table;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::kernels::Kernel;
use crate::process::{run, say};
use crate::vm::{self, Add, Request};
use crate::{cargo, paths, setup, toolchain};

/// Count the instructions of connects with nothing, an empty program and interdict attached
#[derive(Args)]
#[command(long_about = LONG_ABOUT, args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArgs {
    /// Without one, instructions are counted
    #[command(subcommand)]
    part: Option<real::Part>,
    /// A kernel to count on; may be repeated
    #[arg(long = "kernel", value_enum, default_values = ["6.1", "6.12"])]
    kernels: Vec<Kernel>,
    /// Rounds of each operation, after one that warms up
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
}

const LONG_ABOUT: &str = "\
Count the instructions of connects with nothing, an empty program and interdict attached.

Boots each kernel on one emulated CPU that counts instructions for time, and
connects over loopback: udp, tcp and unix stream, with nothing on the LSM hooks,
with a program that does nothing on each deciding hook, and under `interdict
run` with a small policy that denies none of it. Prints, for each, the minimum of the
rounds, their median and the distance of their quartiles, and what is more than
with the empty program. Compare a commit with the one before it; instructions
are not nanoseconds.";

/// What is attached, as the guest calls it, in the order of the table.
const ROWS: [&str; 3] = ["nothing", "empty", "interdict"];

/// Counting is slow.
const TIMEOUT: Duration = Duration::from_mins(15);

/// Places in the guest.
const GUEST_PROGRAM: &str = "/usr/lib/interdict-bench/bench_guest";
const GUEST_OBJECT: &str = "/usr/lib/interdict-bench/empty.o";
const GUEST_POLICY: &str = "/etc/interdict/policies/small.policy";

/// Builds, boots, counts and prints.
///
/// # Errors
/// When something cannot be built or a guest fails; there is no table then.
pub(crate) fn main(args: &BenchArgs) -> Result<()> {
    if let Some(part) = &args.part {
        return real::main(part);
    }
    setup::for_guests(&args.kernels)?;
    let interdict = vm::interdict("release", false)?;
    let adds = vec![
        interdict,
        add(&guest_program()?, GUEST_PROGRAM)?,
        add(&empty_object()?, GUEST_OBJECT)?,
        add(
            &paths::workspace().join("xtask/src/bench/small.policy"),
            GUEST_POLICY,
        )?,
    ];
    for kernel in &args.kernels {
        say(&format!("counting on Linux {kernel}"));
        let lines = count(*kernel, args.rounds, adds.clone())?;
        let table = table::render(&lines, &ROWS, args.rounds)?;
        writeln!(
            io::stdout(),
            "Linux {kernel}, instructions an operation\n{table}"
        )?;
    }
    Ok(())
}

/// One guest's lines.
fn count(kernel: Kernel, rounds: u32, adds: Vec<Add>) -> Result<String> {
    let rounds = rounds.to_string();
    let command = [
        GUEST_PROGRAM,
        &rounds,
        GUEST_OBJECT,
        "/usr/bin/interdict",
        GUEST_POLICY,
    ];
    let request = Request {
        adds,
        icount: true,
        cpus: 1,
        timeout: TIMEOUT,
        ..Request::new(kernel, command.map(Into::into).to_vec())
    };
    let captured = Captured::default();
    let finished = vm::run(&request, Box::new(captured.clone()), Box::new(io::stderr()))?;
    if let Some(message) = finished.message() {
        say(&format!("bench: {message}"));
    }
    ensure!(
        finished.outcome.code() == 0,
        "the guest ended with {}",
        finished.outcome.code()
    );
    String::from_utf8(captured.bytes()).context("the guest's lines are not UTF-8")
}

/// The half that runs in the guest.
fn guest_program() -> Result<PathBuf> {
    let arguments = [
        "build",
        "--quiet",
        "--release",
        "--package",
        "interdict-tests",
        "--bin",
        "bench_guest",
    ];
    cargo::build_executables(&arguments, ["bench_guest"]).map(|[program]| program)
}

/// The object whose programs do nothing.
fn empty_object() -> Result<PathBuf> {
    let tools = toolchain::find().map_err(anyhow::Error::msg)?;
    let target = paths::target()?.join("bench-ebpf");
    let mut command = tools.cargo_command(&paths::workspace().join("engine-ebpf"), &target);
    run(command.args(["--quiet", "--features", "bench", "--bin", "bench-empty"]))?;
    let object = target.join("bpfel-unknown-none/release/bench-empty");
    if !object.is_file() {
        bail!("the build left no `{}`", object.display());
    }
    Ok(object)
}

fn add(host: &Path, guest: &str) -> Result<Add> {
    Ok(Add {
        host: host.canonicalize()?,
        guest: PathBuf::from(guest),
    })
}

/// Keeps what it is given.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().map(|bytes| bytes.clone()).unwrap_or_default()
    }
}

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Ok(mut kept) = self.0.lock() {
            kept.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
