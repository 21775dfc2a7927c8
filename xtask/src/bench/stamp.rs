//! When, where and at which commit something was measured.

use std::fs;
use std::process::Command;
use std::thread;

use anyhow::Result;

use crate::paths;
use crate::process::output_text;

/// What stands beside every figure.
#[derive(Clone, Debug)]
pub(super) struct Stamp(String);

impl Stamp {
    /// Of this moment.
    ///
    /// # Errors
    /// When `date` or `git` cannot say.
    pub(super) fn now() -> Result<Self> {
        let date = output_text(Command::new("date").arg("+%F"))?;
        let mut git = Command::new("git");
        git.current_dir(paths::workspace());
        let commit = output_text(git.args(["rev-parse", "--short", "HEAD"]))?;
        let mut git = Command::new("git");
        git.current_dir(paths::workspace());
        // What the command itself writes is no change of what it measures.
        let dirty = output_text(git.args(["status", "--porcelain", "--", ".", ":!docs"]))?;
        let beside = if dirty.trim().is_empty() {
            ""
        } else {
            ", with changes that were not committed"
        };
        let cpus = thread::available_parallelism()?;
        Ok(Self(format!(
            "{}, at {}{beside}; {cpus} cores of {}, QEMU's emulation with one",
            date.trim(),
            commit.trim(),
            processor()
        )))
    }

    /// One that was kept.
    pub(super) fn kept(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The processor's name, as the kernel has it.
fn processor() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = cpuinfo
        .lines()
        .filter_map(|line| line.strip_prefix("model name"))
        .find_map(|rest| rest.split_once(':'));
    named.map_or_else(
        || "a processor without a name".to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}
