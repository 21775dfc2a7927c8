//! `cargo xtask fuzz`: libFuzzer over the properties of `fuzz/`, on the compiler
//! that everything else is built with.
//!
//! What cargo-fuzz asks a nightly compiler for are the address sanitiser, which
//! has nothing to find in crates that forbid `unsafe`, and counters of what ran,
//! which LLVM's own pass adds on any compiler. So nothing has to be installed.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::process::{run, say};
use crate::{cargo, paths, setup};

/// Feed the parser and the checker what they do not expect
#[derive(Args)]
#[command(long_about = LONG_ABOUT)]
pub(crate) struct FuzzArgs {
    /// Only these targets; all if none is named
    targets: Vec<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    time: u32,
    /// What the fuzzer's choices begin with; 0 is drawn anew
    #[arg(long, default_value_t = 0)]
    seed: u32,
}

const LONG_ABOUT: &str = "\
Feed the parser and the checker what they do not expect.

Builds the targets of `fuzz/` with counters of what ran, and runs each for the
time given, from `fuzz/corpus`, the golden policies and what former runs found
(kept in the target directory). An input that breaks a property, that takes a
processor longer than two seconds, or more than 2 GiB, ends the run and is kept;
put it into `fuzz/corpus`, where the tests replay it.";

/// The targets: one file each in `fuzz/fuzz_targets`.
const TARGETS: [&str; 2] = ["parse", "generated"];

/// Seconds for each target in `cargo xtask test --full`.
const FULL_SECONDS: u32 = 120;

/// LLVM's counters: which edges ran, and what was compared with what.
const COUNTED: [&str; 8] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Cdebug-assertions=on",
];

/// The targets are built for this machine by name: then cargo builds macros and
/// build scripts without the counters.
const MACHINE: &str = "x86_64-unknown-linux-gnu";

/// Builds the targets and runs those that are asked for.
///
/// # Errors
/// When a target does not build, is unknown, or finds something.
pub(crate) fn main(args: &FuzzArgs) -> Result<()> {
    for target in &args.targets {
        let known = TARGETS.contains(&target.as_str());
        ensure!(known, "`{target}` is none of {}", TARGETS.join(", "));
    }
    setup::for_tests()?;
    let folder = build()?;
    let asked = |target: &str| args.targets.is_empty() || args.targets.iter().any(|t| t == target);
    for target in TARGETS.into_iter().filter(|target| asked(target)) {
        fuzz(&folder.join(target), target, args)?;
    }
    Ok(())
}

/// Every target for a while, as a part of the long suite.
pub(crate) fn for_suite() -> Result<()> {
    main(&FuzzArgs {
        targets: Vec::new(),
        time: FULL_SECONDS,
        seed: 0,
    })
}

/// Where the built targets lie.
fn build() -> Result<PathBuf> {
    let target = paths::target()?.join("fuzz-counted");
    let mut command = cargo::cargo();
    command
        .args(["build", "--quiet", "--release", "--bins"])
        .args(["--manifest-path=fuzz/Cargo.toml", "--target", MACHINE])
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_ENCODED_RUSTFLAGS", COUNTED.join("\u{1f}"));
    say("building the fuzz targets");
    run(&mut command)?;
    Ok(target.join(MACHINE).join("release"))
}

fn fuzz(program: &PathBuf, target: &str, args: &FuzzArgs) -> Result<()> {
    let root = paths::workspace();
    let kept = paths::target()?.join("fuzz-corpus").join(target);
    let found = paths::target()?.join("fuzz-found").join(target);
    for folder in [&kept, &found] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    say(&format!("fuzzing `{target}` for {} s", args.time));
    let mut command = Command::new(program);
    command
        .arg(&kept)
        .arg(root.join("fuzz/corpus").join(target))
        .args([root.join("tests/lang"), root.join("policies")])
        .arg(format!("-max_total_time={}", args.time))
        .arg(format!("-seed={}", args.seed))
        .arg(format!("-dict={}", root.join("fuzz/words.dict").display()))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .args(["-timeout=120", "-rss_limit_mb=2048", "-max_len=16384"])
        .args(["-print_final_stats=1", "-verbosity=1"])
        .current_dir(&root)
        .stdin(Stdio::null());
    run(&mut command).with_context(|| format!("what it found lies in {}", found.display()))
}
