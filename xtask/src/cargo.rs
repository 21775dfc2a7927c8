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

/// Executables of the build that the suite's tests make, or have made: the test
/// `kernel` among them or not.
///
/// # Errors
/// When the build fails, or makes no such executable.
pub(crate) fn build_for_guests<const N: usize>(names: [&str; N]) -> Result<[PathBuf; N]> {
    let mut arguments = with_the_features_of_tests("kernel");
    for name in names.into_iter().filter(|name| *name != "kernel") {
        arguments.extend(["--bin", name]);
    }
    build_executables(&arguments, names)
}

/// `interdict` as the tests of this machine have it: it needs no BPF tool-chain and
/// cannot enforce.
///
/// # Errors
/// When the build fails.
pub(crate) fn build_for_checks() -> Result<PathBuf> {
    let mut arguments = with_the_features_of_tests("coverage");
    arguments.extend(["--bin", "interdict", "--features", "interdict/stub-object"]);
    build_executables(&arguments, ["interdict"]).map(|[interdict]| interdict)
}

/// A build of the workspace. Of one package alone, cargo would build a good part of its
/// dependencies once more, with fewer features; and so it would unless some test
/// is asked for as well.
fn with_the_features_of_tests(test: &str) -> Vec<&str> {
    vec!["build", "--quiet", "--workspace", "--test", test]
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
