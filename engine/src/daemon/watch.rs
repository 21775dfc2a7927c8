//! Changes where the policies lie, of what PID 1 has mounted, and of its accounts,
//! as hints to read everything again. Within two seconds of such a change a reload begins;
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
use tracing::debug;

/// PID 1's root directory, and the folder below it where its accounts lie.
const ROOT: &str = "/proc/1/root";
const ETC: &str = "etc";
/// The files of accounts. Tools replace them by a rename.
const ACCOUNTS: [&str; 2] = ["passwd", "group"];
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
    /// Changes that were hinted at and are not over yet.
    burst: Option<Burst>,
}

/// A burst of changes.
#[derive(Clone, Copy)]
struct Burst {
    /// When it is over, unless another hint comes.
    quiet: Instant,
    /// When it counts as over in any case.
    deadline: Instant,
}

impl Watch {
    /// Watches folders, and the folders of files: a file that is replaced by a
    /// rename loses the watch on itself.
    ///
    /// # Errors
    ///
    /// When a folder cannot be watched, for want of watches or of the folder.
    pub(super) fn new(paths: &[PathBuf]) -> notify::Result<Self> {
        Self::with_mounts(paths, MOUNTINFO)
    }

    fn with_mounts(paths: &[PathBuf], mounts: &str) -> notify::Result<Self> {
        // One hint waits; more say nothing new.
        let (sender, hints) = mpsc::channel(1);
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let relevant = event.as_ref().map_or(true, is_hint);
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
        // Polling is left where there is no such folder.
        let accounts = Path::new(ROOT).join(ETC);
        if let Err(error) = watcher.watch(&accounts, RecursiveMode::NonRecursive) {
            debug!("the accounts cannot be watched: {error}");
        }
        let mounts = File::open(mounts)?;
        // SAFETY: the file is owned, and open as long as the `AsyncFd` lives.
        let mounts = unsafe { AsyncFd::register_with_interest(mounts, CHANGED) }
            .map_err(std::io::Error::from)?;
        // What changed before there was a watch gave no hint.
        let now = Instant::now();
        Ok(Self {
            mounts,
            hints,
            _watcher: watcher,
            next_poll: now + POLL,
            burst: Some(Burst {
                quiet: now + QUIET,
                deadline: now + AT_MOST,
            }),
        })
    }

    /// Waits for a change and then for quiet, or for the time to look anyway.
    ///
    /// May be dropped and called again at any time: what it knows of a burst is
    /// kept in `self`, so no hint is lost to an event that comes between.
    pub(super) async fn changed(&mut self) {
        loop {
            let now = Instant::now();
            match self.burst {
                None => {
                    self.hint().await;
                    let now = Instant::now();
                    self.next_poll = now + POLL;
                    self.burst = Some(Burst {
                        quiet: now + QUIET,
                        deadline: now + AT_MOST,
                    });
                }
                Some(burst) if now >= burst.quiet => {
                    self.burst = None;
                    return;
                }
                Some(burst) => {
                    if timeout_at(burst.quiet, self.hint()).await.is_ok() {
                        let quiet = (Instant::now() + QUIET).min(burst.deadline);
                        self.burst = Some(Burst { quiet, ..burst });
                    }
                }
            }
        }
    }

    /// Waits for one hint, or for the time to look anyway.
    async fn hint(&mut self) {
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
    }
}

/// Whether what has happened may mean another policy.
fn is_hint(event: &notify::Event) -> bool {
    let changed = !event.kind.is_access() || event.kind == CLOSED;
    // Much else changes beside the accounts.
    let beside = |path: &PathBuf| {
        let below = path.strip_prefix(ROOT).ok();
        let name = below.and_then(|below| below.strip_prefix(ETC).ok());
        name.is_some_and(|name| !ACCOUNTS.iter().any(|one| Path::new(one) == name))
    };
    changed && (event.paths.is_empty() || !event.paths.iter().all(beside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A change is seen although the wait for it is given up again and again, as
    /// the daemon does whenever an event or a signal comes first.
    #[test]
    fn no_hint_is_lost_to_what_comes_between() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let folder = std::env::temp_dir().join(format!("watch-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        runtime.block_on(async {
            let paths = [folder.clone()];
            let mut watch = Watch::with_mounts(&paths, "/proc/self/mountinfo").unwrap();
            // What changed before is looked at without a hint.
            let first = tokio::time::timeout(AT_MOST, watch.changed()).await;
            assert!(first.is_ok(), "it waits for a hint");
            for round in 0..3 {
                fs::write(folder.join("a.policy"), format!("# {round}")).unwrap();
                let begun = Instant::now();
                let mut seen = false;
                while begun.elapsed() < AT_MOST * 3 {
                    if tokio::time::timeout(Duration::from_millis(5), watch.changed())
                        .await
                        .is_ok()
                    {
                        seen = true;
                        break;
                    }
                }
                assert!(seen, "round {round}");
                assert!(begun.elapsed() < AT_MOST + QUIET * 2, "round {round}");
            }
        });
        fs::remove_dir_all(&folder).unwrap();
    }
}
