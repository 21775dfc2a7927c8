//! `cargo xtask bench start|reload|events|core`: what interdict costs in time, memory and
//! events a second.
//!
//! The halves that run on this machine are benchmarks of the engine's package; this
//! builds what they need and starts them. Times are this machine's, and a busy one
//! makes them larger.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Subcommand;

use crate::kernels::Kernel;
use crate::process::{run, say};
use crate::vm::{self, Add, Request};
use crate::{cargo, paths, setup, toolchain};

/// What else can be measured than instructions.
#[derive(Subcommand)]
pub(crate) enum Part {
    /// Count what each phase of a start takes to the first denial, in a guest; time it in another
    Start {
        /// The kernel to start on
        #[arg(long, value_enum, default_value = "6.12")]
        kernel: Kernel,
    },
    /// Time a reload's steps on this machine; its last step and memory in a guest
    Reload,
    /// Time events on this machine's processor, and how many a second none of which is lost
    Events,
    /// Time decisions on this machine's processor
    Core,
}

/// By which a benchmark is told where the object is.
const OBJECT: &str = "INTERDICT_BENCH_OBJECT";
/// Places in the guest.
const GUEST_PROGRAM: &str = "/usr/lib/interdict-bench/bench_daemon";
const GUEST_POLICIES: &str = "/usr/lib/interdict-bench/policies";
/// Emulated processors are slow.
const TIMEOUT: Duration = Duration::from_mins(20);

/// Builds what a part needs, and measures.
///
/// # Errors
/// When something cannot be built or run.
pub(crate) fn main(part: &Part) -> Result<()> {
    match part {
        Part::Start { kernel } => start(*kernel),
        Part::Reload => reload(),
        Part::Events => on_processor("events"),
        Part::Core => on_processor("core"),
    }
}

/// A benchmark that runs programs of the object on this machine.
fn on_processor(name: &str) -> Result<()> {
    let bench = bench(name)?;
    let object = object()?;
    figures(as_first_process(&bench).env(OBJECT, object))
}

/// One guest counts instructions for time, on one processor; in the other it is as it
/// is in every guest.
fn start(kernel: Kernel) -> Result<()> {
    setup::for_guests(&[kernel])?;
    say("instructions by phase, in millions");
    in_guest(kernel, "phases", None, true)?;
    say("the same by the clock, on two emulated processors");
    in_guest(kernel, "start", None, false)
}

fn reload() -> Result<()> {
    setup::for_guests(&[Kernel::V6_12])?;
    let bench = bench("reload")?;
    figures(as_first_process(&bench).env(OBJECT, object()?))?;
    let policies = paths::target()?.join("bench-policies");
    if policies.exists() {
        fs::remove_dir_all(&policies)?;
    }
    run(Command::new(&bench).arg(&policies))?;
    say("the rest in a guest, on an emulated processor");
    in_guest(Kernel::V6_12, "reload", Some(&policies), false)
}

/// The half that runs in a guest.
fn guest_program() -> Result<PathBuf> {
    let arguments = [
        "build",
        "--quiet",
        "--release",
        "--package",
        "interdict-tests",
        "--bin",
        "bench_daemon",
    ];
    cargo::build_executables(&arguments, ["bench_daemon"]).map(|[program]| program)
}

/// Runs a part of the guest's half, with a folder of policies if it needs one; `icount`
/// has it count instructions for time.
fn in_guest(kernel: Kernel, part: &str, policies: Option<&Path>, icount: bool) -> Result<()> {
    let mut command = vec![GUEST_PROGRAM, part, "/usr/bin/interdict"];
    let mut adds = vec![
        vm::interdict("release", false)?,
        add(&guest_program()?, GUEST_PROGRAM)?,
    ];
    if let Some(policies) = policies {
        command.push(GUEST_POLICIES);
        adds.push(add(policies, GUEST_POLICIES)?);
    }
    let request = Request {
        adds,
        timeout: TIMEOUT,
        icount,
        ..Request::new(kernel, command.into_iter().map(Into::into).collect())
    };
    let finished = vm::run(&request, Box::new(io::stdout()), Box::new(io::stderr()))?;
    if let Some(message) = finished.message() {
        say(&format!("bench: {message}"));
    }
    let code = finished.outcome.code();
    ensure!(code == 0, "the guest ended with {code}");
    Ok(())
}

/// Runs what prints figures.
fn figures(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status()?;
    ensure!(status.success(), "the benchmark ended with {status}");
    Ok(())
}

fn add(host: &Path, guest: &str) -> Result<Add> {
    Ok(Add {
        host: host.canonicalize()?,
        guest: PathBuf::from(guest),
    })
}

/// Builds a benchmark of the engine's package.
fn bench(name: &str) -> Result<PathBuf> {
    let arguments = [
        "bench",
        "--quiet",
        "--no-run",
        "--package",
        "interdict",
        "--bench",
        name,
    ];
    cargo::build_executables(&arguments, [name]).map(|[program]| program)
}

/// The object with the programs that are there for measurements alone.
fn object() -> Result<PathBuf> {
    let tools = toolchain::find().map_err(anyhow::Error::msg)?;
    let target = paths::target()?.join("bench-ebpf");
    let mut command = tools.cargo_command(&paths::workspace().join("engine-ebpf"), &target);
    run(command.args(["--quiet", "--features", "bench", "--bin", "interdict-ebpf"]))?;
    let object = target.join("bpfel-unknown-none/release/interdict-ebpf");
    if !object.is_file() {
        bail!("the build left no `{}`", object.display());
    }
    Ok(object)
}

/// Runs a program as it is, or, where this machine's first process does not show
/// what paths are resolved by, as the first process of a namespace of its own.
fn as_first_process(program: impl AsRef<OsStr>) -> Command {
    if fs::read_link("/proc/1/root").is_ok() {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command
        .args(["--pid", "--fork", "--mount-proc"])
        .arg(program);
    command
}
