//! The project's own commands: `cargo xtask --help`.
//!
//! This file only dispatches. Every command calls for the part of the set-up
//! that it needs, so none has to be run before another.

mod bench;
mod cargo;
mod demo;
mod fuzz;
mod kernels;
mod paths;
mod process;
mod setup;
mod test;
mod tidy;
#[path = "../../engine/build/toolchain.rs"]
mod toolchain;
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
    Bench(bench::BenchArgs),
    Demo(demo::DemoArgs),
    #[command(hide = true)]
    DemoActor(demo::ActorArgs),
    #[command(hide = true)]
    DemoPlay(demo::PlayArgs),
    Fuzz(fuzz::FuzzArgs),
    /// Install what is missing: packages, the BPF toolchain, the kernels
    #[command(long_about = SETUP_HELP)]
    Setup,
    Test(test::TestArgs),
    /// Check the house's rules that no lint sees
    Tidy,
    Vm(vm::VmArgs),
}

const SETUP_HELP: &str = "\
Install what is missing: packages, the BPF toolchain, the kernels.

Every other command does so for the part it needs; nothing has to be set up
by hand. What is there already, from wherever it came, is left alone.

As root on Debian 12 or later, apt-get installs QEMU, busybox and the compiler
of the BPF programs; `cargo install` builds their linker. Elsewhere, or as
another user, this says what to install. The kernels are Debian packages,
fetched and checked by apt into $XDG_CACHE_HOME/interdict (or
~/.cache/interdict), unpacked there and never installed: about 300 MB to fetch,
300 MB to keep.";

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Bench(args) => exit_code("bench", bench::main(&args)),
        Command::Demo(args) => demo::main(&args),
        Command::DemoActor(args) => demo::actor(&args),
        Command::DemoPlay(args) => demo::play(&args),
        Command::Fuzz(args) => exit_code("fuzz", fuzz::main(&args)),
        Command::Setup => exit_code("setup", setup::everything()),
        Command::Test(args) => test::main(&args),
        Command::Tidy => exit_code("tidy", tidy::main()),
        Command::Vm(args) => vm::main(&args),
    }
}

fn exit_code(command: &str, result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            process::say(&format!("{command}: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
