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
use crate::process::say;
use crate::vm::{self, Add, Request};
use crate::{cargo, paths, setup};

/// How a guest differs from the usual one.
#[derive(Clone, Copy)]
pub(super) struct Flavour {
    cpus: u32,
    append: &'static [&'static str],
}

/// The usual guest.
pub(super) const PLAIN: Flavour = Flavour {
    cpus: 2,
    append: &[],
};

/// Every task can be preempted at every instruction, by every other.
pub(super) const PREEMPTED: Flavour = Flavour {
    cpus: 1,
    append: &["preempt=full"],
};

/// A guest that has not ended by then hangs.
const TIMEOUT: Duration = Duration::from_mins(15);

/// The test program's place in the guest.
const GUEST_PROGRAM: &str = "/usr/lib/interdict-tests/kernel";
/// The place of the program that its tests let act, beside it.
const GUEST_PROBE: &str = "/usr/lib/interdict-tests/probe";

/// Runs the guest's tests on a kernel, one after the other: they share it.
pub(super) fn tests(args: &TestArgs, kernel: Kernel, flavour: Flavour) -> Result<Counts> {
    setup::for_guests(&[kernel])?;
    let arguments = [
        "test",
        "--quiet",
        "--package",
        "interdict-tests",
        "--test",
        "kernel",
        "--no-run",
    ];
    let [program, probe] = cargo::build_executables(&arguments, ["kernel", "probe"])?;
    let add = |host: PathBuf, guest| {
        let (host, guest) = (host.canonicalize()?, PathBuf::from(guest));
        anyhow::Ok(Add { host, guest })
    };
    let long = if args.full { "full" } else { "merge" };
    let mut command = vec![
        "/usr/bin/env".into(),
        format!("INTERDICT_TEST={long}").into(),
    ];
    command.extend([GUEST_PROGRAM, "--include-ignored", "--test-threads=1"].map(Into::into));
    command.extend(args.filters.iter().map(Into::into));

    let captured = Tee::default();
    let request = Request {
        kernel,
        cpus: flavour.cpus,
        append: flavour
            .append
            .iter()
            .map(|word| (*word).to_owned())
            .collect(),
        adds: vec![
            vm::interdict("release", false)?,
            add(program, GUEST_PROGRAM)?,
            add(probe, GUEST_PROBE)?,
        ],
        timeout: TIMEOUT,
        directory: paths::workspace(),
        ..Request::new(kernel, command)
    };
    let finished = vm::run(&request, Box::new(captured.clone()), Box::new(io::stderr()))?;
    if let Some(message) = finished.message() {
        say(&message);
    }
    let counts = Counts::read(&captured.bytes());
    match finished.outcome.code() {
        0 => counts,
        code => match counts {
            Ok(counts) if counts.failed > 0 => Ok(counts),
            _ => bail!("the tests ended with {code} and named no failed test"),
        },
    }
}

/// Shows what it is given, and keeps it.
#[derive(Clone, Default)]
struct Tee(Arc<Mutex<Vec<u8>>>);

impl Tee {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().map(|bytes| bytes.clone()).unwrap_or_default()
    }
}

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Ok(mut kept) = self.0.lock() {
            kept.extend_from_slice(bytes);
        }
        // A closed standard output must not keep the count from being taken.
        io::stdout().write_all(bytes).ok();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush().ok();
        Ok(())
    }
}
