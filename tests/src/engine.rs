//! The engine as a process: its policies, its events, its status.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::event::Event;
use crate::lines::{Lines, PATIENCE};
use crate::place;
use crate::status::Status;

/// A policy: file names without `.policy`, and texts.
pub type Policy<'a> = [(&'a str, &'a str)];

/// What a reload said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// A new generation is in force.
    InForce {
        /// Its number.
        generation: u64,
        /// How many rules it has.
        rules: usize,
    },
    /// The old one stays; these are the lines that said why.
    Rejected(Vec<String>),
}

/// A running engine.
pub struct Engine {
    child: Child,
    policies: PathBuf,
    /// What was given to [`Engine::put`] last, and how often it was.
    current: Vec<(String, String)>,
    version: u32,
    /// Its events, one a line.
    pub events: Lines,
    /// What it says on standard error.
    pub errors: Lines,
}

/// An engine that ended before it had a policy in force.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// Its standard error.
    pub errors: Vec<String>,
}

static STARTED: AtomicU32 = AtomicU32::new(0);

impl Engine {
    /// Starts an engine over a policy, to be changed by [`Engine::put`].
    ///
    /// # Errors
    /// When it ends instead of putting the policy in force.
    pub fn start(policy: &Policy<'_>, options: &[&str]) -> Result<Self, Ended> {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let link = Path::new("/tmp").join(format!("interdict-policies-{number}"));
        lead(&link, 0, policy);
        let mut engine = Self::watching(&link, options)?;
        engine.current = owned(policy);
        Ok(engine)
    }

    /// Starts an engine over a folder or a file, and waits until it has a policy
    /// in force.
    ///
    /// # Errors
    /// When it ends instead.
    pub fn watching(policies: &Path, options: &[&str]) -> Result<Self, Ended> {
        let mut child = Command::new("interdict")
            // Tests deny what they like: they look at the verdicts, and not at the host's.
            .args(["run", "--allow-lockout", "--events", "-", "--policy"])
            .arg(policies)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("`interdict` is on PATH");
        let events = Lines::of(child.stdout.take().unwrap());
        let errors = Lines::of(child.stderr.take().unwrap());
        let mut engine = Self {
            child,
            policies: policies.to_owned(),
            current: Vec::new(),
            version: 0,
            events,
            errors,
        };
        if engine.errors.wait_for(0, "in force: ").is_some() {
            return Ok(engine);
        }
        let status = engine.ended();
        Err(Ended {
            status,
            errors: engine.errors.since(0),
        })
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Puts a policy in force, unless it is already.
    #[track_caller]
    pub fn put(&mut self, policy: &Policy<'_>) {
        if self.current == owned(policy) {
            return;
        }
        let reloaded = self.try_put(policy);
        assert!(
            matches!(reloaded, Reloaded::InForce { .. }),
            "{policy:?}: {reloaded:?}"
        );
    }

    /// Lets it try a policy; what came of that.
    #[track_caller]
    pub fn try_put(&mut self, policy: &Policy<'_>) -> Reloaded {
        self.version += 1;
        lead(&self.policies, self.version, policy);
        self.current = owned(policy);
        self.reload()
    }

    /// Reads the policies again by SIGHUP; what came of it.
    #[track_caller]
    pub fn reload(&mut self) -> Reloaded {
        let from = self.errors.count();
        self.signal(Signal::HUP);
        self.reloaded(from)
    }

    /// Waits for the next word of a reload after the line numbered `from`.
    #[track_caller]
    pub fn reloaded(&self, from: usize) -> Reloaded {
        let word = self.errors.wait(from, reloaded);
        word.unwrap_or_else(|| panic!("no reload: {:?}", self.errors.since(from)))
    }

    /// Its counters.
    #[track_caller]
    pub fn status(&mut self) -> Status {
        let from = self.errors.count();
        self.signal(Signal::USR1);
        let line = self.errors.wait_for(from, "status: ");
        let line = line.unwrap_or_else(|| panic!("no status: {:?}", self.errors.since(from)));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Its counters when every event so far is written and read.
    #[track_caller]
    pub fn settled(&mut self) -> Status {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            let read = u64::try_from(self.events.count()).unwrap();
            if status.submitted() == status.handled() && status.events.written == read {
                return status;
            }
            assert!(Instant::now() < deadline, "{read} events of {status:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Its events from the one numbered `from`.
    #[must_use]
    pub fn events_since(&self, from: usize) -> Vec<Event> {
        let lines = self.events.since(from);
        lines.iter().map(|line| Event::read(line)).collect()
    }

    /// Whether it has not ended.
    pub fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it and waits for that.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > deadline {
                self.child.kill().ok();
                panic!("the engine does not end: {:?}", self.errors.since(0));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // A second panic would end all tests.
            self.child.kill().ok();
            self.child.wait().ok();
        } else if self.lives() {
            self.stop();
        }
    }
}

/// The last word of a reload in some lines.
fn reloaded(lines: &[String]) -> Option<Reloaded> {
    let at = lines
        .iter()
        .rposition(|line| Reloaded::of(line).is_some())?;
    let reloaded = Reloaded::of(lines.get(at)?);
    if let Some(Reloaded::Rejected(_)) = reloaded {
        return Some(Reloaded::Rejected(lines.get(..=at)?.to_vec()));
    }
    reloaded
}

impl Reloaded {
    /// The word of a reload that a line is.
    #[must_use]
    pub fn of(line: &str) -> Option<Self> {
        if line.starts_with("rejected: ") {
            return Some(Self::Rejected(vec![line.to_owned()]));
        }
        let line = line.strip_prefix("in force: generation ")?;
        let (generation, rest) = line.split_once(", ")?;
        let (rules, _) = rest.split_once(' ')?;
        Some(Self::InForce {
            generation: generation.parse().ok()?,
            rules: rules.parse().ok()?,
        })
    }
}

fn owned(policy: &Policy<'_>) -> Vec<(String, String)> {
    let mut files: Vec<_> = policy
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    files.sort();
    files
}

/// Lets a link lead to a new folder of these files: what it leads to changes in
/// one step, and nothing that is watched changes at all.
fn lead(link: &Path, version: u32, policy: &Policy<'_>) {
    let name = link.file_name().unwrap().to_str().unwrap();
    let folder = place::fresh(&format!("{name}-{version}"));
    for (name, text) in policy {
        fs::write(folder.join(format!("{name}.policy")), text).unwrap();
    }
    let beside = link.with_extension("new");
    fs::remove_file(&beside).ok();
    std::os::unix::fs::symlink(&folder, &beside).unwrap();
    fs::rename(&beside, link).unwrap();
}

/// Writes a file beside and renames it to its place.
pub fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}
