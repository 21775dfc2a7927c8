//! Changes where the policies lie, and of what PID 1 has mounted, as hints to
//! read everything again. Within two seconds of such a change a reload begins;
//! what gives no hint, a symbolic link on the way of a path among it, is seen
//! within thirty.

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

/// What PID 1 has mounted.
const MOUNTINFO: &str = "/proc/1/mountinfo";
/// How a change of mounts shows.
const CHANGED: Interest = Interest::PRIORITY.add(Interest::ERROR);
/// Quiet that ends a burst of changes.
const QUIET: Duration = Duration::from_millis(250);
/// How long a burst may put a reload off.
const AT_MOST: Duration = Duration::from_secs(2);
/// How often everything is read again without a hint: some file systems give none.
const POLL: Duration = Duration::from_secs(30);

/// A file that was open for writing was closed.
const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));

/// A watch on the folders of the policies.
pub(super) struct Watch {
    hints: mpsc::Receiver<()>,
    /// Dropping it ends the watch.
    _watcher: RecommendedWatcher,
    /// Readable with priority when mounts have changed, see `proc_pid_mounts(5)`.
    mounts: AsyncFd<File>,
    next_poll: Instant,
}

impl Watch {
    /// Watches folders, and the folders of files: a file that is replaced by a
    /// rename loses the watch on itself.
    ///
    /// # Errors
    ///
    /// When a folder cannot be watched, for want of watches or of the folder.
    pub(super) fn new(paths: &[PathBuf]) -> notify::Result<Self> {
        // One hint waits; more say nothing new.
        let (sender, hints) = mpsc::channel(1);
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let relevant = event.as_ref().map_or(true, |event| {
                    !event.kind.is_access() || event.kind == CLOSED
                });
                if relevant {
                    // Full means that a hint waits already.
                    sender.try_send(()).ok();
                }
            })?;
        for path in paths {
            let folder = if path.is_dir() {
                path
            } else {
                path.parent().unwrap_or(path)
            };
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
        let mounts = File::open(MOUNTINFO)?;
        // SAFETY: the file is owned, and open as long as the `AsyncFd` lives.
        let mounts = unsafe { AsyncFd::register_with_interest(mounts, CHANGED) }
            .map_err(std::io::Error::from)?;
        Ok(Self {
            mounts,
            hints,
            _watcher: watcher,
            next_poll: Instant::now() + POLL,
        })
    }

    /// Waits for a change and then for quiet, or for the time to look anyway.
    pub(super) async fn changed(&mut self) {
        tokio::select! {
            hint = self.hints.recv() => {
                if hint.is_none() {
                    // The watcher is gone; polling remains.
                    sleep_until(self.next_poll).await;
                }
            }
            ready = self.mounts.ready(CHANGED) => {
                if let Ok(mut guard) = ready {
                    guard.clear_ready();
                }
            }
            () = sleep_until(self.next_poll) => {}
        }
        let deadline = Instant::now() + AT_MOST;
        loop {
            let quiet = (Instant::now() + QUIET).min(deadline);
            match timeout_at(quiet, self.hints.recv()).await {
                Ok(Some(())) if Instant::now() < deadline => {}
                Ok(_) | Err(_) => break,
            }
        }
        self.next_poll = Instant::now() + POLL;
    }
}
