//! One who connects: a process that does one connect(2) and says how it went.
//!
//! It runs under whatever name it was started by, which is what rules on
//! `comm` see.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

/// What the listener at the other end says to everyone.
pub(super) const GREETING: &str = "hello from behind the socket";

/// What the actor says before the listener's greeting.
const CONNECTED: &str = "connected: ";

/// What the actor says when it was refused with EPERM.
const REFUSED: &str = "connect: Operation not permitted (os error 1)";

/// Connect once (part of `demo`)
#[derive(Args)]
pub(crate) struct ActorArgs {
    path: PathBuf,
}

/// Connects, and says how it went in one line.
pub(crate) fn main(args: &ActorArgs) -> ExitCode {
    let line = match UnixStream::connect(&args.path) {
        Ok(mut stream) => {
            let mut greeting = String::new();
            match stream.read_to_string(&mut greeting) {
                Ok(_) => format!("{CONNECTED}{greeting}"),
                Err(error) => format!("read: {error}"),
            }
        }
        Err(error) => format!("connect: {error}"),
    };
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// How an actor fared.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fared {
    /// It connected and heard the greeting.
    Connected,
    /// connect(2) gave EPERM.
    Refused,
    /// Neither.
    Otherwise,
}

/// Starts an actor by the path `program`, a name for this very executable;
/// gives what it said.
///
/// # Errors
/// When it cannot be started or fails.
pub(super) fn send(program: &Path, to: &Path) -> Result<String> {
    let output = Command::new(program)
        .arg("demo-actor")
        .arg(to)
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    anyhow::ensure!(
        output.status.success(),
        "{} failed: {}: {}",
        program.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}

/// What an actor's words mean.
pub(super) fn fared(said: &str) -> Fared {
    if said.strip_prefix(CONNECTED) == Some(GREETING) {
        Fared::Connected
    } else if said == REFUSED {
        Fared::Refused
    } else {
        Fared::Otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::{Fared, REFUSED, fared};

    #[test]
    fn a_refusal_is_known_by_its_errno() {
        let error = std::io::Error::from_raw_os_error(1);
        assert_eq!(format!("connect: {error}"), REFUSED);
        assert_eq!(fared(REFUSED), Fared::Refused);
    }

    #[test]
    fn a_connection_without_the_greeting_is_none() {
        assert_eq!(
            fared("connected: hello from behind the socket"),
            Fared::Connected
        );
        assert_eq!(fared("connected: "), Fared::Otherwise);
        assert_eq!(
            fared("connect: Connection refused (os error 111)"),
            Fared::Otherwise
        );
    }
}
