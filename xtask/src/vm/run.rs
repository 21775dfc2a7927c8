//! One run of a guest, from its request to its outcome.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::channel::{self, Channels, Report, Sink};
use super::initramfs;
use super::outcome::{Finished, Outcome};
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

impl Request {
    /// A request for the usual guest: two CPUs, 2 GiB, ten minutes.
    pub(crate) fn new(kernel: Kernel, command: Vec<OsString>) -> Self {
        Self {
            kernel,
            cpus: 2,
            memory_mib: 2048,
            append: Vec::new(),
            adds: Vec::new(),
            visible: vec![paths::workspace()],
            timeout: Duration::from_mins(10),
            icount: false,
            directory: PathBuf::from("/"),
            command,
        }
    }
}

/// A file or directory of this machine and its place in the guest, both
/// absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Add {
    pub(crate) host: PathBuf,
    pub(crate) guest: PathBuf,
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
    let [out_line, err_line, report_line] =
        channels.accept(|| !qemu.has_ended()).with_context(|| {
            fs::read_to_string(&qemu_log)
                .unwrap_or_default()
                .trim_end()
                .to_owned()
        })?;
    let logs = [File::open(&kernel_log)?, File::open(&qemu_log)?];
    let relays = [channel::relay(out_line, out), channel::relay(err_line, err)];
    let (sender, reports) = mpsc::channel();
    let listener = channel::listen(report_line, sender);
    // Once the guest is up, every file is read or open: nothing remains of
    // this run if it is interrupted.
    let outcome = follow(&reports, deadline, || drop(scratch));

    // Nothing in the guest outlives it, so it need not be shut down.
    drop(qemu);
    for thread in relays.into_iter().chain([listener]) {
        thread.join().ok();
    }
    let [kernel_log, qemu_log] = logs.map(whole);
    Ok(Finished {
        kernel: request.kernel,
        outcome,
        kernel_log,
        qemu_log,
    })
}

/// All of a log, as text. A log that cannot be read is said to be empty: it
/// only explains.
fn whole(mut log: File) -> String {
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes).ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn follow(reports: &Receiver<Report>, deadline: Instant, on_ready: impl FnOnce()) -> Outcome {
    let mut ready = false;
    let mut on_ready = Some(on_ready);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match reports.recv_timeout(left) {
            Ok(Report::Ready) => {
                ready = true;
                if let Some(act) = on_ready.take() {
                    act();
                }
            }
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

const SCRATCH_PREFIX: &str = "interdict-vm-";

/// Guests that this process has started.
static RUNS: AtomicU32 = AtomicU32::new(0);

impl Scratch {
    fn new() -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let home = std::env::temp_dir();
        remove_orphans(&home);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let path = home.join(format!("{SCRATCH_PREFIX}{process}-{run}"));
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

/// Removes the directories of runs that were ended before they could. What
/// cannot be removed is another user's, or another run's to remove.
fn remove_orphans(home: &Path) {
    let Ok(entries) = fs::read_dir(home) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(SCRATCH_PREFIX));
        let process = process.and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if process.is_some_and(|number| !Path::new("/proc").join(number.to_string()).exists()) {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}
