//! `completions` and `man`: what shells and `man` read, made of the command line itself.

use super::{Cli, output};
use crate::error::{Exit, ExpectedError};
use clap::CommandFactory as _;
use clap_complete::{Generator as _, Shell};
use clap_mangen::Man;
use policy_lang::diag::show;
use policy_lang::diag::suggest::did_you_mean;
use std::io;

/// Which shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  interdict completions bash > /usr/share/bash-completion/completions/interdict
  interdict completions zsh > /usr/local/share/zsh/site-functions/_interdict
  interdict completions fish > /usr/share/fish/vendor_completions.d/interdict.fish")]
pub(super) struct Completions {
    /// Which shell reads it
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Which page.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  interdict man | man -l -
  interdict man check > /usr/local/share/man/man1/interdict-check.1")]
pub(super) struct Page {
    /// The command that the page is about, without one the program
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// The command line, with the full names of its commands.
fn built() -> clap::Command {
    let mut command = Cli::command().bin_name(env!("CARGO_PKG_NAME"));
    command.build();
    command
}

/// Writes what completes the words of a command line.
pub(super) fn completions(args: &Completions) -> Result<Exit, ExpectedError> {
    let command = built();
    written(|out| args.shell.try_generate(&command, out))
}

/// Writes a page of the manual.
pub(super) fn page(args: &Page) -> Result<Exit, ExpectedError> {
    let mut command = built();
    if let Some(name) = &args.command {
        let found = command.find_subcommand(name).cloned();
        command = found.ok_or_else(|| unknown(&command, name))?;
    }
    let program = format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let page = Man::new(command).source(program).manual("interdict");
    written(|out| page.render(out))
}

fn unknown(command: &clap::Command, name: &str) -> ExpectedError {
    let names: Vec<&str> = command
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    let hint = did_you_mean(name, names.iter().copied());
    ExpectedError::Usage {
        message: format!("`{}` is no command", show(name)),
        hint: hint.unwrap_or_else(|| format!("there are {}", names.join(", "))),
    }
}

/// All of a text that is made piece by piece, or none of it.
fn written(make: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<Exit, ExpectedError> {
    let mut text = Vec::new();
    make(&mut text)?;
    output::answer(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Yes)
}
