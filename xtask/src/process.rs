//! Running other programs, and saying on standard error what is being done.
//!
//! Standard output belongs to the command that runs in the guest; nothing
//! here writes to it.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Tells the user something on standard error. A closed standard error is no
/// reason to stop.
pub(crate) fn say(message: &str) {
    writeln!(io::stderr(), "xtask: {message}").ok();
}

/// Runs a command to its end, its output going to standard error.
///
/// # Errors
/// When it cannot be started or does not succeed; the message names it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = shown(command);
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(io::stderr()))
        .status()
        .with_context(|| format!("cannot start `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed: {status}");
    }
    Ok(())
}

/// Runs a command and returns what it wrote to standard output.
///
/// # Errors
/// When it cannot be started or does not succeed; the message ends with what
/// it wrote to standard error.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let name = shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{name}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{name}` failed: {}\n{}", output.status, said.trim_end());
    }
    Ok(output.stdout)
}

/// Like [`output`], as text; bytes that are not UTF-8 are replaced.
pub(crate) fn output_text(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&output(command)?).into_owned())
}

/// The command as a user would type it, cut to a line's length.
fn shown(command: &Command) -> String {
    const MAX_CHARS: usize = 120;
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{} ...", line.get(..end).unwrap_or(&line)),
        None => line,
    }
}
