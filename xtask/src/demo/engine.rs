//! `interdict run` as a child: what it says, and the events that it writes.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Loading takes seconds where the processor is emulated.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long an event that should not come is waited for.
const QUIET: Duration = Duration::from_millis(500);

/// A running engine; dropping it kills it, and enforcement ends.
pub(super) struct Engine {
    child: Child,
    said: Receiver<String>,
    events: Receiver<String>,
}

impl Engine {
    pub(super) fn start(interdict: &Path, policies: &Path) -> Result<Self> {
        let mut child = Command::new(interdict)
            .arg("run")
            .arg("--policy")
            .arg(policies)
            .args(["--events", "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start `interdict run`")?;
        let events = lines(child.stdout.take().context("no standard output")?);
        let said = lines(child.stderr.take().context("no standard error")?);
        Ok(Self {
            child,
            said,
            events,
        })
    }

    /// Waits until the engine says that `generation` is in force; gives its
    /// words.
    ///
    /// # Errors
    /// When it does not, with what it said instead.
    pub(super) fn in_force(&self, generation: u32) -> Result<String> {
        let beginning = format!("in force: generation {generation},");
        self.says(|line| line.starts_with(&beginning))
    }

    /// The next event, as written.
    ///
    /// # Errors
    /// When none comes.
    pub(super) fn event(&self) -> Result<String> {
        self.events
            .recv_timeout(PATIENCE)
            .ok()
            .context("no event came")
    }

    /// Makes sure that no event comes.
    ///
    /// # Errors
    /// When one does.
    pub(super) fn no_event(&self) -> Result<()> {
        match self.events.recv_timeout(QUIET) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => bail!("`interdict run` ended"),
            Ok(line) => bail!("an event came that should not: {line}"),
        }
    }

    /// Ends the engine as a service manager does; gives its closing counts.
    ///
    /// # Errors
    /// When it does not end well, or without its counts.
    pub(super) fn stop(mut self) -> Result<Value> {
        const COUNTS: &str = "status: ";
        // The standard library knows SIGKILL only.
        let sent = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -TERM {}", self.child.id()))
            .status()?;
        ensure!(sent.success(), "cannot send SIGTERM");
        let line = self.says(|line| line.starts_with(COUNTS))?;
        let status = self.child.wait()?;
        ensure!(status.success(), "`interdict run` ended with {status}");
        let counts = line.strip_prefix(COUNTS).unwrap_or_default();
        serde_json::from_str(counts).context("cannot read the closing counts")
    }

    /// Waits for a line on standard error.
    fn says(&self, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut instead = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(line) if wanted(&line) => return Ok(line),
                Ok(line) => instead.push(line),
                Err(_) => bail!(
                    "`interdict run` did not say what it should; it said:\n{}",
                    instead.join("\n")
                ),
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Neither can fail for a child that is ours and not yet waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The lines of a stream, as they come.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
