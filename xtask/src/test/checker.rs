//! The checker alone: `interdict` without the daemon, for machines that only
//! check policies.
//!
//! What it is made of is looked at in every run, since cargo tells that without
//! a build; how large and how quick it is, in the long one, since that takes a
//! release build.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{build_executables, cargo};
use crate::process::{output_text, say};

/// What the checker must not need: the BPF loader, the runtime of the daemon,
/// and what watches files.
const NEVER: [&str; 4] = ["aya", "aya-obj", "tokio", "notify"];
/// Bytes that its program may have.
const MOST_BYTES: u64 = 10_000_000;
/// How long it may take to start, look at an example and end.
const MOST_TIME: Duration = Duration::from_millis(20);
/// Starts that are timed; the quickest counts, since this machine may be busy.
const STARTS: u32 = 40;

/// How cargo is told to leave the daemon out.
const ALONE: [&str; 3] = ["--package", "interdict", "--no-default-features"];

/// Builds it as users do, and measures it.
pub(super) fn release() -> Result<()> {
    let arguments = [&["build", "--release", "--quiet"][..], &ALONE].concat();
    let [interdict] = build_executables(&arguments, ["interdict"])?;
    size(&interdict)?;
    speed(&interdict)
}

/// It is made of what it needs and nothing else.
pub(super) fn dependencies() -> Result<()> {
    let mut tree = cargo();
    tree.arg("tree").args(ALONE);
    tree.args(["--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    without_daemon(&output_text(&mut tree)?)
}

/// Fails if a list of packages, one a line, has one that the checker must not need.
fn without_daemon(listed: &str) -> Result<()> {
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    ensure!(
        names.contains(&"policy-lang"),
        "cargo tree does not list what it should: {listed}"
    );
    let found: Vec<&str> = NEVER
        .into_iter()
        .filter(|never| names.contains(never))
        .collect();
    if !found.is_empty() {
        bail!("the checker alone needs {}", found.join(", "));
    }
    Ok(())
}

fn size(interdict: &Path) -> Result<()> {
    let bytes = fs::metadata(interdict)
        .with_context(|| format!("cannot look at {}", interdict.display()))?
        .len();
    say(&format!("it has {bytes} bytes"));
    ensure!(
        bytes <= MOST_BYTES,
        "the checker alone has {bytes} bytes, more than {MOST_BYTES}"
    );
    Ok(())
}

fn speed(interdict: &Path) -> Result<()> {
    let mut quickest = Duration::MAX;
    for _ in 0..STARTS {
        let start = Instant::now();
        let status = Command::new(interdict)
            .args(["check", "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .context("cannot start the checker")?;
        ensure!(status.success(), "an empty policy is refused: {status}");
        quickest = quickest.min(start.elapsed());
    }
    say(&format!("it starts, checks and ends in {quickest:?}"));
    ensure!(
        quickest <= MOST_TIME,
        "the checker alone takes {quickest:?}, more than {MOST_TIME:?}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{NEVER, without_daemon};

    #[test]
    fn what_the_daemon_needs_is_found() {
        let alone = "interdict v0.1.0 (/somewhere)\npolicy-lang v0.1.0 (*)\ntokio-like v1.0.0\n";
        assert!(without_daemon(alone).is_ok());
        for never in NEVER {
            let error = without_daemon(&format!("{alone}{never} v1.0.0\n")).unwrap_err();
            assert!(error.to_string().contains(never));
        }
        // A list of nothing proves nothing.
        assert!(without_daemon("").is_err());
    }
}
