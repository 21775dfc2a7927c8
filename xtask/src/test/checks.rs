//! The stages that run on this machine: format, lints, and all tests that
//! need no kernel of their own.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::TestArgs;
use super::counts::Counts;
use crate::cargo::cargo;
use crate::paths;
use crate::process::{output, run, run_shown};

/// Packages outside the workspace, each a workspace of its own.
const OUTSIDE: [&str; 2] = ["engine-ebpf/Cargo.toml", "fuzz/Cargo.toml"];

/// All code is formatted.
pub(super) fn format() -> Result<()> {
    let all = [None].into_iter().chain(OUTSIDE.map(Some));
    every(all.map(|manifest| {
        let mut command = cargo();
        command
            .arg("fmt")
            .args(manifest.map(|path| format!("--manifest-path={path}")));
        command.args(["--all", "--check"]);
        command
    }))
}

/// No lint speaks. The guest's tests are a target that `--all-targets` does
/// not take in, since `cargo test` must not run them here.
pub(super) fn lints() -> Result<()> {
    let stub = stub_object()?;
    let targets: [(&[&str], &[&str]); 3] = [
        (&["--workspace", "--all-targets"], stub),
        (
            &["--package=interdict", "--all-targets"],
            &["--no-default-features"],
        ),
        // Of the workspace, so that nothing is looked at again with other features.
        (&["--workspace", "--test", "kernel"], stub),
    ];
    every(targets.map(|(targets, features)| {
        let mut command = cargo();
        command
            .args(["clippy", "--quiet"])
            .args(targets)
            .args(features);
        command.args(["--", "-D", "warnings"]);
        command
    }))
}

/// No lint speaks in the BPF programs. They are read as if for this machine:
/// clippy has no `core` for their own target.
pub(super) fn lints_of_bpf() -> Result<()> {
    let mut command = outside("engine-ebpf", &["clippy", "--quiet", "--all-features"])?;
    // As the toolchain that builds them has it.
    command.env("RUSTC_BOOTSTRAP", "1");
    command.env(
        "CARGO_ENCODED_RUSTFLAGS",
        "--cfg=bpf_target_arch=\"x86_64\"",
    );
    run(command.args(["--", "-D", "warnings"]))
}

/// No lint speaks in the fuzz targets.
pub(super) fn lints_of_fuzz() -> Result<()> {
    let mut command = outside("fuzz", &["clippy", "--quiet", "--all-targets"])?;
    // Nothing is linked here, so libFuzzer itself, half a minute of C++, need not be
    // compiled: what is named in its place is never opened.
    command.env(
        "CUSTOM_LIBFUZZER_PATH",
        paths::workspace().join("fuzz/Cargo.toml"),
    );
    run(command.args(["--", "-D", "warnings"]))
}

/// A command of cargo's on a package outside the workspace, with a target
/// directory beside the workspace's, whose build it would throw away.
fn outside(package: &str, arguments: &[&str]) -> Result<Command> {
    let mut command = cargo();
    command.args(arguments);
    command.arg(format!("--manifest-path={package}/Cargo.toml"));
    command
        .arg("--target-dir")
        .arg(paths::target()?.join(package));
    Ok(command)
}

/// Text that is meant to do harm is answered in two seconds by what users run; the
/// suite's own build is slower, and held to twice that.
pub(super) fn hostile_text() -> Result<()> {
    let mut command = cargo();
    run(command.args([
        "test",
        "--release",
        "--package=policy-lang",
        "--test=hostile",
    ]))
}

/// Every test of the workspace but the guest's.
pub(super) fn tests(args: &TestArgs) -> Result<Counts> {
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(stub_object()?);
    if args.full {
        command.env("INTERDICT_TEST", "full");
    }
    command.arg("--").args(&args.filters);
    let (status, output) = run_shown(&mut command)?;
    let counts = Counts::read(&output)?;
    if !status.success() && counts.failed == 0 {
        bail!("cargo test failed, though no test did ({counts}): {status}");
    }
    Ok(counts)
}

/// Runs all commands, then fails if one did.
fn every(commands: impl IntoIterator<Item = Command>) -> Result<()> {
    let failures: Vec<String> = commands
        .into_iter()
        .filter_map(|mut command| run(&mut command).err())
        .map(|error| format!("{error:#}"))
        .collect();
    if failures.is_empty() {
        Ok(())
    } else {
        bail!("{}", failures.join("; "))
    }
}

/// What lets the engine build without the BPF object, if it knows how to:
/// tests on this machine need none.
fn stub_object() -> Result<&'static [&'static str]> {
    let metadata = output(cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Value =
        serde_json::from_slice(&metadata).context("cannot read cargo's metadata")?;
    let packages = metadata.pointer("/packages").and_then(Value::as_array);
    let knows = packages.into_iter().flatten().any(|package| {
        package.pointer("/name").and_then(Value::as_str) == Some("interdict")
            && package.pointer("/features/stub-object").is_some()
    });
    Ok(if knows {
        &["--features", "interdict/stub-object"]
    } else {
        &[]
    })
}
