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

/// Builds, and returns the executables of the targets called `names`, in their
/// order.
///
/// `arguments` begin with cargo's subcommand. Cargo's messages go to standard
/// error.
///
/// # Errors
/// When the build fails, or makes no such executable.
pub(crate) fn build_executables<S: AsRef<OsStr>, const N: usize>(
    arguments: &[S],
    names: [&str; N],
) -> Result<[PathBuf; N]> {
    let output = cargo()
        .args(arguments)
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::from(io::stderr()))
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("building `{}` failed", names.join("`, `"));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let messages: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let mut executables = [const { PathBuf::new() }; N];
    for (executable, name) in executables.iter_mut().zip(names) {
        *executable = executable_of(&messages, name)
            .with_context(|| format!("cargo built no executable `{name}`"))?;
    }
    Ok(executables)
}

fn executable_of(messages: &[Value], name: &str) -> Option<PathBuf> {
    messages
        .iter()
        .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some(name))
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
}
