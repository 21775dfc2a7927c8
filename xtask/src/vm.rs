//! `cargo xtask vm`: a command on a real kernel.

mod args;
mod channel;
mod cpio;
mod initramfs;
mod qemu;
mod run;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};

pub(crate) use args::VmArgs;
pub(crate) use run::{Add, Outcome, Request, run};

use crate::process::say;
use crate::{cargo, paths};

/// The guest did not end by itself in time.
const TIMED_OUT: u8 = 124;
/// The guest could not be set up.
const NOT_STARTED: u8 = 125;
/// The guest ended before the command.
const DIED: u8 = 123;

/// Runs the command and gives its exit code.
pub(crate) fn main(args: &VmArgs) -> ExitCode {
    match attempt(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("vm: {error:#}"));
            ExitCode::from(NOT_STARTED)
        }
    }
}

fn attempt(args: &VmArgs) -> Result<u8> {
    let mut adds = vec![interdict(&args.profile, args.no_build)?];
    adds.extend_from_slice(&args.adds);
    let request = Request {
        kernel: args.kernel,
        cpus: args.cpus,
        memory_mib: args.memory,
        append: args.append.clone(),
        adds,
        visible: vec![paths::workspace()],
        timeout: Duration::from_secs(args.timeout),
        icount: args.icount,
        directory: std::env::current_dir()?,
        command: args.command.clone(),
    };
    let finished = run(&request, Box::new(io::stdout()), Box::new(io::stderr()))?;
    match finished.outcome {
        Outcome::Exited(code) => Ok(code),
        Outcome::TimedOut => Ok(TIMED_OUT),
        Outcome::NotStarted(why) => {
            say(&format!(
                "vm: {why}\n{}\n{}",
                finished.kernel_log, finished.qemu_log
            ));
            Ok(NOT_STARTED)
        }
        Outcome::Died => Ok(DIED),
    }
}

/// `interdict`, built unless told otherwise, for the guest's `/usr/bin`.
pub(crate) fn interdict(profile: &str, no_build: bool) -> Result<Add> {
    let host = if no_build {
        let directory = if profile == "dev" { "debug" } else { profile };
        let built = paths::target()?.join(directory).join("interdict");
        ensure!(
            built.is_file(),
            "{} is not there yet: leave out `--no-build`",
            built.display()
        );
        built
    } else {
        let arguments = [
            "build",
            "--quiet",
            "--package",
            "interdict",
            "--bin",
            "interdict",
        ];
        let arguments: Vec<&str> = arguments
            .into_iter()
            .chain(["--profile", profile])
            .collect();
        cargo::build_executable(&arguments, "interdict")?
    };
    Ok(Add {
        host: host.canonicalize()?,
        guest: PathBuf::from("/usr/bin/interdict"),
    })
}
