//! Asking cargo to build, and learning from it where the result lies.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::paths;

/// Cargo, in the workspace, without what the environment of this very run of
/// cargo would tell it.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::workspace()).stdin(Stdio::null());
    command
}

/// Builds, and returns the executable of the target called `name`.
///
/// `arguments` begin with cargo's subcommand. Cargo's messages go to standard
/// error.
///
/// # Errors
/// When the build fails, or makes no such executable.
pub(crate) fn build_executable<S: AsRef<OsStr>>(arguments: &[S], name: &str) -> Result<PathBuf> {
    let output = cargo()
        .args(arguments)
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::from(io::stderr()))
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("building `{name}` failed");
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some(name))
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .with_context(|| format!("cargo built no executable `{name}`"))
}
