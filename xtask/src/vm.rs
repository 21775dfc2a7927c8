//! `cargo xtask vm`: a command on a real kernel.

mod args;
mod channel;
mod cpio;
mod initramfs;
mod outcome;
mod qemu;
mod run;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};

pub(crate) use args::VmArgs;
pub(crate) use run::{Add, Request, run};

use crate::process::say;
use crate::{cargo, paths, setup};

/// Runs the command and gives its exit code.
pub(crate) fn main(args: &VmArgs) -> ExitCode {
    match attempt(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("vm: {error:#}"));
            ExitCode::from(outcome::NOT_STARTED)
        }
    }
}

fn attempt(args: &VmArgs) -> Result<u8> {
    setup::for_guests(&[args.kernel])?;
    let mut adds = vec![interdict(&args.profile, args.no_build)?];
    adds.extend_from_slice(&args.adds);
    let request = Request {
        cpus: args.cpus,
        memory_mib: args.memory,
        append: args.append.clone(),
        adds,
        timeout: Duration::from_secs(args.timeout),
        icount: args.icount,
        directory: std::env::current_dir()?,
        ..Request::new(args.kernel, args.command.clone())
    };
    let finished = run(&request, Box::new(io::stdout()), Box::new(io::stderr()))?;
    if let Some(message) = finished.message() {
        say(&format!("vm: {message}"));
    }
    Ok(finished.outcome.code())
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
        setup::for_the_object()?;
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
        let [built] = cargo::build_executables(&arguments, ["interdict"])?;
        built
    };
    Ok(Add {
        host: host.canonicalize()?,
        guest: PathBuf::from("/usr/bin/interdict"),
    })
}
