//! The stages that run in a guest: the test program `kernel` of the package
//! `interdict-tests`, on one kernel.
//!
//! In its manifest that target has `test = false`, so that `cargo test` does
//! not count what cannot run on a machine's own kernel.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, bail};

use super::TestArgs;
use super::counts::Counts;
use crate::kernels::Kernel;
use crate::vm::{self, Add, Request};
use crate::{cargo, paths, setup};

/// How a guest differs from the usual one.
#[derive(Clone, Copy)]
pub(super) struct Flavour {
    cpus: u32,
    append: &'static [&'static str],
    /// Tests, by the beginning of their names, that run on other guests alone, but
    /// here as well with `--full` or when they are asked for.
    elsewhere: &'static [&'static str],
}

/// What takes long and depends least on the kernel: real programs, and a file
/// system that they lie on.
const PROGRAMS: &[&str] = &["servers::", "btrfs::"];

/// The usual guest.
pub(super) const PLAIN: Flavour = Flavour {
    cpus: 2,
    append: &[],
    elsewhere: PROGRAMS,
};

/// The same with every test.
pub(super) const COMPLETE: Flavour = Flavour {
    elsewhere: &[],
    ..PLAIN
};

/// The guest of a kernel that has another guest, which has these.
pub(super) const BESIDE: Flavour = Flavour {
    elsewhere: &["servers::", "btrfs::", "evasion::"],
    ..PLAIN
};

/// Every task can be preempted at every instruction, by every other.
pub(super) const PREEMPTED: Flavour = Flavour {
    cpus: 1,
    append: &["preempt=full"],
    // The other guest of this kernel has the random policies.
    elsewhere: &["servers::", "btrfs::", "differential::"],
};

/// A guest that has not ended by then hangs.
const TIMEOUT: Duration = Duration::from_mins(15);

/// The test program's place in the guest.
const GUEST_PROGRAM: &str = "/usr/lib/interdict-tests/kernel";
/// The place of the program that its tests let act, beside it.
const GUEST_PROBE: &str = "/usr/lib/interdict-tests/probe";

/// What every guest gets copies of.
pub(super) struct Built(Vec<Add>);

/// Builds what the guests run, once for all of them.
pub(super) fn build(kernels: impl Iterator<Item = Kernel>) -> Result<Built> {
    setup::for_guests(&kernels.collect::<Vec<_>>())?;
    let [program, probe] = cargo::build_for_guests(["kernel", "probe"])?;
    let add = |host: PathBuf, guest| {
        let (host, guest) = (host.canonicalize()?, PathBuf::from(guest));
        anyhow::Ok(Add { host, guest })
    };
    let mut adds = setup::programs()?;
    adds.extend([
        vm::interdict("release", false)?,
        add(program, GUEST_PROGRAM)?,
        add(probe, GUEST_PROBE)?,
    ]);
    Ok(Built(adds))
}

/// Runs the guest's tests on a kernel, one after the other: they share it.
/// Gives what the guest said, and what its tests came to.
pub(super) fn tests(
    built: &Built,
    args: &TestArgs,
    kernel: Kernel,
    flavour: Flavour,
) -> (Vec<u8>, Result<Counts>) {
    let said = Kept::default();
    let counts = run(built, args, kernel, flavour, &said);
    (said.bytes(), counts)
}

fn run(
    built: &Built,
    args: &TestArgs,
    kernel: Kernel,
    flavour: Flavour,
    said: &Kept,
) -> Result<Counts> {
    let long = if args.full { "full" } else { "merge" };
    let mut command = vec![
        "/usr/bin/env".into(),
        format!("INTERDICT_TEST={long}").into(),
    ];
    command.extend([GUEST_PROGRAM, "--include-ignored", "--test-threads=1"].map(Into::into));
    command.extend(args.filters.iter().map(Into::into));
    if !args.full && args.filters.is_empty() && !flavour.elsewhere.is_empty() {
        let names = flavour.elsewhere.join(" ");
        said.line(&format!("on other guests, and here with `--full`: {names}"));
        for name in flavour.elsewhere {
            command.extend(["--skip", name].map(Into::into));
        }
    }
    let request = Request {
        kernel,
        cpus: flavour.cpus,
        append: flavour
            .append
            .iter()
            .map(|word| (*word).to_owned())
            .collect(),
        adds: built.0.clone(),
        timeout: TIMEOUT,
        directory: paths::workspace(),
        ..Request::new(kernel, command)
    };
    let finished = vm::run(&request, Box::new(said.clone()), Box::new(said.clone()))?;
    if let Some(message) = finished.message() {
        said.line(&message);
    }
    let counts = Counts::read(&said.bytes());
    match finished.outcome.code() {
        0 => counts,
        code => match counts {
            Ok(counts) if counts.failed > 0 => Ok(counts),
            _ => bail!(
                "the tests ended with {code} and named no failed test; {}",
                finished
                    .message_of_last()
                    .as_deref()
                    .and_then(|message| message.lines().next())
                    .unwrap_or("nothing else was said")
            ),
        },
    }
}

/// Keeps what it is given.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().map(|bytes| bytes.clone()).unwrap_or_default()
    }

    fn line(&self, line: &str) {
        if let Ok(mut kept) = self.0.lock() {
            kept.extend_from_slice(line.as_bytes());
            kept.push(b'\n');
        }
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Ok(mut kept) = self.0.lock() {
            kept.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
