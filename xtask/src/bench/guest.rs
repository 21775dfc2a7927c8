//! The guests that measure: what they get, and what they said.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Ask;
use super::plan::{Boot, PROFILE, Row};
use crate::kernels::Kernel;
use crate::process::{run, say};
use crate::vm::{self, Add, Request};
use crate::{cargo, paths, setup, toolchain};

/// Counting is slow, and other guests make it slower.
const TIMEOUT: Duration = Duration::from_mins(30);

/// Where everything lies in a guest.
const FOLDER: &str = "/usr/lib/interdict-bench";

/// The BPF objects, by the names of their targets and of their files in a guest.
const OBJECTS: [(&str, &str); 3] = [
    ("bench-empty", "empty.o"),
    ("bench-refuse", "refuse.o"),
    ("bench-linear", "linear.o"),
];

/// What every guest gets copies of.
pub(super) struct Built(Vec<Add>);

/// How the half of this command that runs in the guest is built.
#[derive(Clone, Copy)]
pub(super) enum Half {
    Optimised,
    /// As the suite has it, which has built most of it.
    AsTests,
}

/// Builds what these rows need, and fetches what the machine lacks of it.
///
/// # Errors
/// When something cannot be built or fetched.
pub(super) fn build(kernels: &[Kernel], rows: &[Row], half: Half) -> Result<Built> {
    setup::for_guests(kernels)?;
    let mut adds = vec![
        vm::interdict("release", false)?,
        add(&guest_program(half)?, "bench_guest")?,
        add(
            &paths::program("busybox").context("no `busybox`")?,
            "busybox",
        )?,
    ];
    if rows.contains(&PROFILE) {
        adds.push(add(&setup::apparmor_parser()?, "apparmor_parser")?);
    }
    let objects = objects()?;
    for (target, file) in OBJECTS {
        add(&objects.join(target), file).map(|object| adds.push(object))?;
    }
    Ok(Built(adds))
}

/// Measures these rows, all of one boot, and gives the guest's lines. A guest that
/// fails has said something all the same: the failure comes beside it.
///
/// # Errors
/// When the guest cannot be started.
pub(super) fn count(
    built: &Built,
    kernel: Kernel,
    boot: Boot,
    rows: &[Row],
    ask: &Ask<'_>,
) -> Result<(String, Result<()>)> {
    let mut command = vec![
        format!("{FOLDER}/bench_guest"),
        FOLDER.to_owned(),
        ask.rounds.to_string(),
        ask.operations.join(","),
    ];
    command.extend(rows.iter().map(|row| row.setup.to_string()));
    let request = Request {
        adds: built.0.clone(),
        append: boot.append().map(ToOwned::to_owned).into_iter().collect(),
        icount: true,
        cpus: 1,
        timeout: TIMEOUT,
        ..Request::new(kernel, command.into_iter().map(Into::into).collect())
    };
    let captured = Captured::default();
    let finished = vm::run(&request, Box::new(captured.clone()), Box::new(io::stderr()))?;
    if let Some(message) = finished.message() {
        say(&format!("bench: {message}"));
    }
    let lines = String::from_utf8(captured.bytes()).context("the guest's lines are not UTF-8")?;
    let code = finished.outcome.code();
    let ended = if code == 0 {
        Ok(())
    } else {
        Err(anyhow::anyhow!(
            "Linux {kernel}: the guest ended with {code}"
        ))
    };
    Ok((lines, ended))
}

/// The half that runs in the guest.
fn guest_program(half: Half) -> Result<PathBuf> {
    let built = match half {
        Half::AsTests => cargo::build_for_guests(["bench_guest"]),
        Half::Optimised => {
            let package = ["--package", "interdict-tests", "--bin", "bench_guest"];
            let arguments = [&["build", "--quiet", "--release"][..], &package].concat();
            cargo::build_executables(&arguments, ["bench_guest"])
        }
    };
    built.map(|[program]| program)
}

/// The folder of the BPF objects.
fn objects() -> Result<PathBuf> {
    let tools = toolchain::find().map_err(anyhow::Error::msg)?;
    let target = paths::target()?.join("bench-ebpf");
    let mut command = tools.cargo_command(&paths::workspace().join("engine-ebpf"), &target);
    command.args(["--quiet", "--features", "bench"]);
    for (name, _) in OBJECTS {
        command.args(["--bin", name]);
    }
    run(&mut command)?;
    let folder = target.join("bpfel-unknown-none/release");
    for (name, _) in OBJECTS {
        let object = folder.join(name);
        ensure!(object.is_file(), "the build left no `{}`", object.display());
    }
    Ok(folder)
}

/// A copy in the guest's folder.
fn add(host: &Path, guest: &str) -> Result<Add> {
    Ok(Add {
        host: host.canonicalize()?,
        guest: Path::new(FOLDER).join(guest),
    })
}

/// Keeps what it is given.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().map(|bytes| bytes.clone()).unwrap_or_default()
    }
}

impl io::Write for Captured {
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
