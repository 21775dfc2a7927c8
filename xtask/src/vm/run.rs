//! One run of a guest, from its request to its outcome.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::channel::{self, Channels, Report, Sink};
use super::initramfs;
use super::qemu::Qemu;
use crate::kernels::Kernel;
use crate::paths;

/// What to run, and in what kind of guest.
pub(crate) struct Request {
    pub(crate) kernel: Kernel,
    pub(crate) cpus: u32,
    pub(crate) memory_mib: u32,
    /// More arguments for the kernel.
    pub(crate) append: Vec<String>,
    /// Files and directories that the guest gets copies of.
    pub(crate) adds: Vec<Add>,
    /// Directories of this machine that the guest sees even where one of its
    /// own file systems (`/tmp`, `/run`) would hide them.
    pub(crate) visible: Vec<PathBuf>,
    /// From the start of QEMU.
    pub(crate) timeout: Duration,
    /// Count instructions instead of time; one CPU.
    pub(crate) icount: bool,
    /// Where the command starts, if the guest has that directory.
    pub(crate) directory: PathBuf,
    pub(crate) command: Vec<OsString>,
}

/// A file or directory of this machine and its place in the guest, both
/// absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Add {
    pub(crate) host: PathBuf,
    pub(crate) guest: PathBuf,
}

/// How a run went.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The command ended with this code; 128 and the signal's number if a
    /// signal ended it.
    Exited(u8),
    /// The time was over.
    TimedOut,
    /// The guest never came to run the command, and why.
    NotStarted(String),
    /// The guest ended before the command did.
    Died,
}

/// A run's outcome, and what the kernel said meanwhile.
pub(crate) struct Finished {
    pub(crate) outcome: Outcome,
    pub(crate) kernel_log: String,
    pub(crate) qemu_log: String,
}

/// Runs a command in a guest; its output goes to `out` and `err` as it comes.
///
/// # Errors
/// When the guest cannot even be started, with what is missing.
pub(crate) fn run(request: &Request, out: Sink, err: Sink) -> Result<Finished> {
    let image = request.kernel.image()?;
    let busybox = paths::program("busybox").context("`busybox` is not installed")?;
    let scratch = Scratch::new()?;
    let initramfs = scratch.0.join("initramfs");
    fs::write(&initramfs, initramfs::build(request, &image, &busybox)?)?;
    let kernel_log = scratch.0.join("kernel.log");
    let qemu_log = scratch.0.join("qemu.log");
    let read =
        |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();

    let deadline = Instant::now() + request.timeout;
    let channels = Channels::open(&scratch.0)?;
    let mut qemu = Qemu::start(
        request,
        &image,
        &initramfs,
        &channels,
        &kernel_log,
        &qemu_log,
    )?;
    let [out_line, err_line, report_line] = channels
        .accept(|| !qemu.has_ended())
        .with_context(|| read(&qemu_log).trim_end().to_owned())?;
    let relays = [channel::relay(out_line, out), channel::relay(err_line, err)];
    let (sender, reports) = mpsc::channel();
    let listener = channel::listen(report_line, sender);
    let outcome = follow(&reports, deadline);

    // Nothing in the guest outlives it, so it need not be shut down.
    drop(qemu);
    for thread in relays.into_iter().chain([listener]) {
        thread.join().ok();
    }
    Ok(Finished {
        outcome,
        kernel_log: read(&kernel_log),
        qemu_log: read(&qemu_log),
    })
}

fn follow(reports: &Receiver<Report>, deadline: Instant) -> Outcome {
    let mut ready = false;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match reports.recv_timeout(left) {
            Ok(Report::Ready) => ready = true,
            Ok(Report::Exit(code)) => return Outcome::Exited(code),
            Ok(Report::Fail(why)) => return Outcome::NotStarted(why),
            Ok(Report::End) | Err(RecvTimeoutError::Disconnected) if ready => {
                return Outcome::Died;
            }
            Ok(Report::End) | Err(RecvTimeoutError::Disconnected) => {
                return Outcome::NotStarted("the kernel did not come up".to_owned());
            }
            Err(RecvTimeoutError::Timeout) => return Outcome::TimedOut,
        }
    }
}

/// A directory for one run, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = std::env::temp_dir().join(format!("interdict-vm-{}", std::process::id()));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
