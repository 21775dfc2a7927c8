//! Running other programs, and saying on standard error what is being done.
//!
//! Standard output belongs to the command that runs in the guest and to the
//! tests.

use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

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

/// Runs a command to its end and returns what it wrote to standard output,
/// which is shown on this program's as it comes.
///
/// # Errors
/// When it cannot be started or read; a failure of its own is no error here.
pub(crate) fn run_shown(command: &mut Command) -> Result<(ExitStatus, Vec<u8>)> {
    let name = shown(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{name}`"))?;
    let mut stdout = child.stdout.take().context("no standard output")?;
    let mut output = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stdout.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        output.extend_from_slice(bytes);
        // Shown to whoever still reads.
        io::stdout().write_all(bytes).ok();
    }
    Ok((child.wait()?, output))
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

/// Like [`output`], of a command that reads `input`.
pub(crate) fn filter(command: &mut Command, input: Vec<u8>) -> Result<Vec<u8>> {
    let name = shown(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{name}`"))?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    // From another thread, since neither pipe holds all of it.
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{name}` failed: {}\n{}", output.status, said.trim_end());
    }
    let Ok(Ok(())) = writer.join() else {
        bail!("`{name}` did not read all of its input")
    };
    Ok(output.stdout)
}

/// Like [`output`], as text; bytes that are not UTF-8 are replaced.
pub(crate) fn output_text(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&output(command)?).into_owned())
}

/// The command as a user would type it, cut to a line's length.
fn shown(command: &Command) -> String {
    const MAX_CHARS: usize = 120;
    let program = Path::new(command.get_program());
    let words: Vec<_> = std::iter::once(program.file_name().unwrap_or(program.as_os_str()))
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{} ...", line.get(..end).unwrap_or(&line)),
        None => line,
    }
}
