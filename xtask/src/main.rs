//! The project's own commands: `cargo xtask --help`.
//!
//! This file only dispatches. Every command calls for the part of the set-up
//! that it needs, so none has to be run before another.

mod cargo;
mod kernels;
mod paths;
mod process;
mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Set up, boot and test interdict.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Vm(vm::VmArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Vm(args) => vm::main(&args),
    }
}
