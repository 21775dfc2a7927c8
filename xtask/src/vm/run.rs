//! One run of a guest, from its request to its outcome.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::channel::{self, Channels, Report, Sink};
use super::initramfs;
use super::outcome::{Finished, Outcome};
use super::qemu::Qemu;
use crate::kernels::{Image, Kernel};
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
    /// From the beginning of the run.
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

/// How often a guest is started that does not come up.
///
/// Emulated with a thread a processor, a kernel that patches its own code while it boots can
/// oops or hang: 7.3 did so in 5 of 361 starts on a busy machine (2026-11-23, QEMU 7.2, `cargo
/// xtask vm --kernel 7.3 -- true` in four loops, one of them with `tsc=reliable`). Three oopsed
/// in `sched_clock_*`, two of them for certain at an `int3` that was patched away already; two
/// hung. Nothing of the command has happened by then.
const STARTS: usize = 3;

/// A kernel that is not up by then hangs. On a busy machine it takes some seconds.
const BOOT_TIME: Duration = Duration::from_secs(90);

/// Runs a command in a guest; its output goes to `out` and `err` as it comes.
///
/// A guest that does not come up is started again, which [`Finished::message`] tells.
///
/// # Errors
/// When the guest cannot even be started, with what is missing.
pub(crate) fn run(request: &Request, out: Sink, err: Sink) -> Result<Finished> {
    let image = request.kernel.image()?;
    let busybox = paths::program("busybox").context("`busybox` is not installed")?;
    let deadline = Instant::now() + request.timeout;
    let mut failed_starts = Vec::new();
    loop {
        let guest = Guest::start(request, &image, &busybox).map_err(|error| {
            let before = failed_starts.iter().cloned();
            before.fold(error, anyhow::Error::context)
        })?;
        let outcome = match guest.wait_until_ready(deadline) {
            Boot::Ready => {
                let mut finished = guest.follow(deadline, out, err);
                finished.failed_starts = failed_starts;
                return Ok(finished);
            }
            Boot::Not(outcome) => outcome,
            Boot::Never(why) if failed_starts.len() + 1 < STARTS => {
                let finished = guest.finish(Outcome::NotStarted(why.to_owned()));
                failed_starts.extend(finished.message());
                continue;
            }
            Boot::Never(why) => Outcome::NotStarted(why.to_owned()),
        };
        let mut finished = guest.finish(outcome);
        finished.failed_starts = failed_starts;
        return Ok(finished);
    }
}

/// Whether a guest has come up.
#[derive(Debug, PartialEq, Eq)]
enum Boot {
    /// It has: its command starts.
    Ready,
    /// It has not, and would not if it were started again.
    Not(Outcome),
    /// It has not, and why.
    Never(&'static str),
}

/// A guest that runs.
struct Guest {
    kernel: Kernel,
    qemu: Qemu,
    out: UnixStream,
    err: UnixStream,
    reports: Receiver<Report>,
    listener: JoinHandle<()>,
    kernel_log: File,
    qemu_log: File,
    scratch: Scratch,
}

impl Guest {
    fn start(request: &Request, image: &Image, busybox: &Path) -> Result<Self> {
        let scratch = Scratch::new()?;
        let initramfs = scratch.0.join("initramfs");
        fs::write(&initramfs, initramfs::build(request, image, busybox)?)?;
        let kernel_log = scratch.0.join("kernel.log");
        let qemu_log = scratch.0.join("qemu.log");
        let channels = Channels::open(&scratch.0)?;
        let mut qemu = Qemu::start(
            request,
            image,
            &initramfs,
            &channels,
            &kernel_log,
            &qemu_log,
        )?;
        let [out, err, report] = channels.accept(|| !qemu.has_ended()).with_context(|| {
            fs::read_to_string(&qemu_log)
                .unwrap_or_default()
                .trim_end()
                .to_owned()
        })?;
        let (sender, reports) = mpsc::channel();
        let listener = channel::listen(report, sender);
        Ok(Self {
            kernel: request.kernel,
            qemu,
            out,
            err,
            reports,
            listener,
            kernel_log: File::open(&kernel_log)?,
            qemu_log: File::open(&qemu_log)?,
            scratch,
        })
    }

    fn wait_until_ready(&self, deadline: Instant) -> Boot {
        let mut until = deadline.min(Instant::now() + BOOT_TIME);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            return match self.reports.recv_timeout(left) {
                Ok(Report::Up) => {
                    // What is left has no bound of its own: it copies what was asked for.
                    until = deadline;
                    continue;
                }
                Ok(Report::Ready) => Boot::Ready,
                Ok(Report::Exit(code)) => Boot::Not(Outcome::Exited(code)),
                Ok(Report::Fail(why)) => Boot::Not(Outcome::NotStarted(why)),
                Err(RecvTimeoutError::Timeout) if until == deadline => Boot::Not(Outcome::TimedOut),
                Err(RecvTimeoutError::Timeout) => Boot::Never("the kernel hung while it came up"),
                Ok(Report::End) | Err(RecvTimeoutError::Disconnected) => {
                    Boot::Never("the kernel did not come up")
                }
            };
        }
    }

    /// Follows the command of a guest that is up to its end.
    fn follow(self, deadline: Instant, out: Sink, err: Sink) -> Finished {
        let Self {
            kernel,
            qemu,
            reports,
            listener,
            ..
        } = self;
        // Every file is read or open: nothing remains of this run if it is interrupted.
        drop(self.scratch);
        // Nothing has been written to these lines before.
        let relays = [channel::relay(self.out, out), channel::relay(self.err, err)];
        let outcome = follow(&reports, deadline);
        // Nothing in the guest outlives it, so it need not be shut down.
        drop(qemu);
        for thread in relays.into_iter().chain([listener]) {
            thread.join().ok();
        }
        Finished::new(
            kernel,
            outcome,
            whole(self.kernel_log),
            whole(self.qemu_log),
        )
    }

    /// Ends a guest that has not come up.
    fn finish(self, outcome: Outcome) -> Finished {
        drop(self.qemu);
        self.listener.join().ok();
        Finished::new(
            self.kernel,
            outcome,
            whole(self.kernel_log),
            whole(self.qemu_log),
        )
    }
}

/// All of a log, as text. A log that cannot be read is said to be empty: it
/// only explains.
fn whole(mut log: File) -> String {
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes).ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn follow(reports: &Receiver<Report>, deadline: Instant) -> Outcome {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match reports.recv_timeout(left) {
            Ok(Report::Up | Report::Ready) => {}
            Ok(Report::Exit(code)) => return Outcome::Exited(code),
            Ok(Report::Fail(why)) => return Outcome::NotStarted(why),
            Ok(Report::End) | Err(RecvTimeoutError::Disconnected) => return Outcome::Died,
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
