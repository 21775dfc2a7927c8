//! The program: parse the command line, run the command, print the error, end
//! with its code.

use clap::Parser as _;
use interdict::cli::Cli;
use interdict::error::{Exit, ExpectedError, with_causes};
use std::io::{self, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return told(&error),
    };
    match cli.run() {
        Ok(exit) => exit.into(),
        // The reader has what it wanted.
        Err(error) if error.is_closed_pipe() => Exit::Yes.into(),
        Err(error) => {
            print(&error);
            error.exit().into()
        }
    }
}

/// Help and the version go out as clap writes them; all else is a wrong command line.
fn told(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Yes
    };
    match error.print() {
        Ok(()) => exit.into(),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit.into(),
        Err(error) => {
            let error = ExpectedError::Output(error);
            print(&error);
            error.exit().into()
        }
    }
}

/// One line for the error with all its causes, one for what to do about it.
fn print(error: &ExpectedError) {
    let line = format!("error: {}", with_causes(error));
    let hint = error.hint().map(|hint| format!("help: {hint}\n"));
    // There is nowhere to say that standard error is gone; the exit code still says it.
    write!(io::stderr(), "{line}\n{}", hint.unwrap_or_default()).ok();
}
