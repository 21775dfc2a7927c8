//! The command line: one file a command.
//!
//! A command is given what it needs and answers with an [`Exit`], or with an
//! [`ExpectedError`](crate::error::ExpectedError) that knows its own. To add one:
//! a file here with its `Args` and `run`, a variant of [`Command`] and its arm.

mod batch;
mod check;
mod code;
#[cfg(feature = "daemon")]
mod doctor;
mod explain;
mod fmt;
mod github;
mod junit;
mod line_diff;
mod output;
#[cfg(feature = "daemon")]
mod run;
mod sarif;
mod test;

use crate::error::{Exit, ExpectedError};
use clap::{Parser, Subcommand};

/// Socket policy for a Linux host, written as sentences, decided in the kernel.
#[derive(Debug, Parser)]
#[command(
    name = "interdict",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 yes or done, 1 the answer is no (findings, differences), 2 usage,\n\
                  3 an input cannot be read, 4 this host cannot enforce, 5 no daemon, 6 internal error."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Parse, resolve and type-check policies, and say what is wrong with them
    Check(check::Args),
    /// Say what a policy decides and why, or what a diagnostic means
    Explain(explain::Args),
    /// Put policies into canonical form, in place
    Fmt(fmt::Args),
    /// Run the tests that policies hold, without a kernel
    Test(test::Args),
    /// Load, attach, enforce, hot-reload and emit, in the foreground
    #[cfg(feature = "daemon")]
    Run(run::Args),
    /// Say whether this host can enforce, and what it lacks
    #[cfg(feature = "daemon")]
    Doctor(doctor::Args),
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// When the command cannot give its answer; the error knows the exit code.
    pub fn run(self) -> Result<Exit, ExpectedError> {
        match self.command {
            Command::Check(args) => check::run(&args),
            Command::Explain(args) => explain::run(&args),
            Command::Fmt(args) => fmt::run(&args),
            Command::Test(args) => test::run(&args),
            #[cfg(feature = "daemon")]
            Command::Run(args) => run::run(&args),
            #[cfg(feature = "daemon")]
            Command::Doctor(args) => doctor::run(&args),
        }
    }
}
