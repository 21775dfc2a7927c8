//! `cargo xtask demo`: interdict's main job, done before one's eyes.
//!
//! This half runs here: it builds, asks `interdict doctor` what this machine's
//! own kernel can do, and starts the other half, `play`, where a kernel can:
//! in a guest, or on this machine if the user asks for it.

mod actor;
mod engine;
mod play;
mod stage;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::kernels::Kernel;
use crate::process::say;
use crate::vm::{self, Add, Request};
use crate::{paths, setup};

pub(crate) use actor::{ActorArgs, main as actor};
pub(crate) use play::{PlayArgs, main as play};

/// Show a denied, an allowed and a symlinked connect, and a reload, on a real kernel
#[derive(Args)]
#[command(long_about = LONG_ABOUT)]
pub(crate) struct DemoArgs {
    /// The kernel to boot
    #[arg(long, value_enum, default_value = "6.12")]
    kernel: Kernel,
    /// Enforce on this very machine, for the seconds that it takes
    #[arg(long, conflicts_with = "kernel")]
    host: bool,
    /// Take `interdict` as it was built last
    #[arg(long)]
    no_build: bool,
}

const LONG_ABOUT: &str = "\
Show interdict at its main job, on a real kernel.

Loads `policies/examples/docker-socket.policy`, then connects to /run/docker.sock: as a root process
(denied, with its event), as a process named dockerd (allowed), and through a
symlink (denied); then edits the policy file and shows that the edit is in
force. Every step is checked as it is shown, and the exit code is 0 only if all
came out as promised.

Needs no preparation: what is missing is installed as `cargo xtask setup` would.
It boots a kernel in a virtual machine, so that nothing changes here. With
`--host`, and where `interdict doctor` says that this machine's own kernel can
enforce, it runs on this machine instead; it then wants to be root, and that
nothing lies at /run/docker.sock.";

/// A guest that has not ended by then hangs.
const TIMEOUT: Duration = Duration::from_mins(5);

/// This program's place in the guest.
const GUEST_PROGRAM: &str = "/usr/lib/interdict-demo/xtask";

/// The policies' place in the guest.
const GUEST_POLICIES: &str = "/etc/interdict/policies";

/// Runs the demonstration.
pub(crate) fn main(args: &DemoArgs) -> ExitCode {
    match attempt(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("demo: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn attempt(args: &DemoArgs) -> Result<u8> {
    if !args.no_build {
        say("building interdict; the first time takes some minutes");
    }
    let interdict = vm::interdict("release", args.no_build)?;
    let able = this_kernel_can(&interdict.host)?;
    if args.host {
        ensure!(
            able,
            "this machine's own kernel cannot enforce (`interdict doctor` says why); leave out `--host`"
        );
        return on_this_machine(&interdict.host);
    }
    if able {
        say(
            "this machine's own kernel can enforce: `--host` shows it there, `sudo interdict run` \
             needs no virtual machine",
        );
    } else {
        say("this machine's own kernel cannot enforce, says `interdict doctor`");
    }
    in_a_guest(args.kernel, interdict)
}

/// Asks `interdict doctor`, whose exit code is the answer.
fn this_kernel_can(interdict: &Path) -> Result<bool> {
    const CANNOT: i32 = 4;
    let output = Command::new(interdict)
        .arg("doctor")
        .output()
        .context("cannot start `interdict doctor`")?;
    match output.status.code() {
        Some(0) => Ok(true),
        Some(CANNOT) => Ok(false),
        _ => bail!(
            "`interdict doctor` ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        ),
    }
}

/// Boots a kernel and plays in it.
fn in_a_guest(kernel: Kernel, interdict: Add) -> Result<u8> {
    setup::for_guests(&[kernel])?;
    say(&format!("booting Linux {kernel} in a virtual machine"));
    let command = [
        GUEST_PROGRAM,
        "demo-play",
        "--interdict",
        "/usr/bin/interdict",
        "--policies",
        GUEST_POLICIES,
    ];
    let request = Request {
        adds: vec![
            interdict,
            Add {
                host: std::env::current_exe()?.canonicalize()?,
                guest: PathBuf::from(GUEST_PROGRAM),
            },
            Add {
                host: example().canonicalize()?,
                guest: Path::new(GUEST_POLICIES).join(play::FILE),
            },
        ],
        timeout: TIMEOUT,
        ..Request::new(kernel, command.map(Into::into).to_vec())
    };
    let finished = vm::run(&request, Box::new(io::stdout()), Box::new(io::stderr()))?;
    if let Some(message) = finished.message() {
        say(&format!("demo: {message}"));
    }
    Ok(finished.outcome.code())
}

/// Plays on this machine, on a copy of the policy.
fn on_this_machine(interdict: &Path) -> Result<u8> {
    let scratch = stage::Scratch::new()?;
    let policies = scratch.path().join("policies");
    fs::create_dir(&policies)?;
    fs::copy(example(), policies.join(play::FILE))?;
    let status = Command::new(std::env::current_exe()?)
        .arg("demo-play")
        .arg("--interdict")
        .arg(interdict)
        .arg("--policies")
        .arg(&policies)
        .status()
        .context("cannot start the demonstration")?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1))
}

fn example() -> PathBuf {
    paths::workspace()
        .join("policies/examples")
        .join(play::FILE)
}
