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
    /// What was given to [`Engine::put`] last.
    current: Vec<(String, String)>,
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
    /// Starts an engine over a policy and waits until it is in force.
    ///
    /// # Errors
    /// When it ends instead.
    pub fn start(policy: &Policy<'_>, options: &[&str]) -> Result<Self, Ended> {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let policies = place::fresh(&format!("policies-{number}"));
        write(&policies, policy);
        let mut child = Command::new("interdict")
            .args(["run", "--events", "-", "--policy"])
            .arg(&policies)
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
            policies,
            current: owned(policy),
            events,
            errors,
        };
        if engine.errors.wait_for(0, "in force: ").is_some() {
            return Ok(engine);
        }
        let status = engine.wait();
        Err(Ended {
            status,
            errors: engine.errors.since(0),
        })
    }

    /// The folder of its policies.
    #[must_use]
    pub fn policies(&self) -> &Path {
        &self.policies
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
        write(&self.policies, policy);
        let reloaded = self.reload();
        assert!(
            matches!(reloaded, Reloaded::InForce { .. }),
            "{policy:?}: {reloaded:?}"
        );
        self.current = owned(policy);
    }

    /// Forgets what it was given, after a test changed the files by hand.
    pub fn forget(&mut self) {
        self.current.clear();
    }

    /// Reads the policies again by SIGHUP; what came of it.
    pub fn reload(&mut self) -> Reloaded {
        let from = self.errors.count();
        self.signal(Signal::HUP);
        // Signals are taken in this order, so this one's answer comes after the
        // other's.
        self.status();
        reloaded(&self.errors.since(from)).unwrap_or_else(|| {
            panic!("no word of a reload: {:?}", self.errors.since(from));
        })
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
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
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
        if self.lives() {
            self.stop();
        }
    }
}

/// The last word of a reload in some lines.
fn reloaded(lines: &[String]) -> Option<Reloaded> {
    let word = |line: &String| line.starts_with("in force: ") || line.starts_with("rejected: ");
    let last = lines.iter().rposition(word)?;
    let (before, rest) = lines.split_at(last);
    let line = rest.first()?;
    let Some(line) = line.strip_prefix("in force: generation ") else {
        return Some(Reloaded::Rejected(
            before.iter().chain([line]).cloned().collect(),
        ));
    };
    let (generation, rest) = line.split_once(", ")?;
    let (rules, _) = rest.split_once(' ')?;
    Some(Reloaded::InForce {
        generation: generation.parse().ok()?,
        rules: rules.parse().ok()?,
    })
}

fn owned(policy: &Policy<'_>) -> Vec<(String, String)> {
    let mut files: Vec<_> = policy
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    files.sort();
    files
}

/// Makes a folder hold these files and no other policy.
fn write(folder: &Path, policy: &Policy<'_>) {
    let wanted: Vec<PathBuf> = policy
        .iter()
        .map(|(name, text)| {
            let path = folder.join(format!("{name}.policy"));
            replace(&path, text);
            path
        })
        .collect();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !wanted.contains(&path) {
            fs::remove_file(&path).unwrap();
        }
    }
}

/// Writes a file beside and renames it to its place.
pub fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}
