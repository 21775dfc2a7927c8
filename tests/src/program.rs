//! Real programs: servers that run as long as a test needs them, and clients
//! that run to their end.

use std::fmt::Debug;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::lines::{Lines, PATIENCE};

/// Between two looks at what has no way to say that it happened.
const PAUSE: Duration = Duration::from_millis(20);

/// A running program, which ends with this.
pub struct Program {
    child: Child,
    input: ChildStdin,
    /// How it is asked to end.
    end: Signal,
    /// Its standard output.
    pub out: Lines,
    /// Its standard error.
    pub err: Lines,
}

impl Program {
    /// Starts it.
    #[must_use]
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            input: child.stdin.take().unwrap(),
            out: Lines::of(child.stdout.take().unwrap()),
            err: Lines::of(child.stderr.take().unwrap()),
            child,
            end: Signal::TERM,
        }
    }

    /// Another signal than SIGTERM ends it.
    #[must_use]
    pub const fn ending_by(mut self, end: Signal) -> Self {
        self.end = end;
        self
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a line of its standard error has this text.
    #[must_use]
    #[track_caller]
    pub fn warned(self, text: &str) -> Self {
        let seen = contains(&self.err, 0, text);
        assert!(seen, "no `{text}`: {:?}", self.said());
        self
    }

    /// Waits until a line of its standard output has this text.
    #[must_use]
    #[track_caller]
    pub fn told(self, text: &str) -> Self {
        let seen = contains(&self.out, 0, text);
        assert!(seen, "no `{text}`: {:?}", self.said());
        self
    }

    /// Waits until something is as it must be while the program runs.
    #[must_use]
    #[track_caller]
    pub fn ready(mut self, mut ready: impl FnMut() -> bool) -> Self {
        until("the program is ready", || {
            let ended = self.child.try_wait().unwrap();
            assert_eq!(ended, None, "it has ended: {:?}", self.said());
            ready()
        });
        self
    }

    /// Writes a line to its standard input; the next line that it says, or that it
    /// has ended with.
    #[track_caller]
    pub fn ask(&mut self, line: &str) -> String {
        let from = self.out.count();
        writeln!(self.input, "{line}").unwrap();
        let answer = self.out.wait(from, |lines| lines.first().cloned());
        answer.unwrap_or_else(|| panic!("no answer to `{line}`: {:?}", self.said()))
    }

    /// All that it said so far.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        let mut lines = self.out.since(0);
        lines.extend(self.err.since(0));
        lines
    }

    /// Asks it to end and waits for that.
    fn stop(&mut self) -> ExitStatus {
        let id = i32::try_from(self.child.id()).unwrap();
        // It may have ended by itself.
        kill_process(Pid::from_raw(id).unwrap(), self.end).ok();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > deadline {
                self.child.kill().ok();
                return self.child.wait().unwrap();
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether a line from the one numbered `from` has this text, sooner or later.
#[must_use]
pub fn contains(lines: &Lines, from: usize, text: &str) -> bool {
    let found = lines.wait(from, |lines| {
        lines.iter().any(|line| line.contains(text)).then_some(())
    });
    found.is_some()
}

/// Waits until something is true that nothing tells of.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not in time");
        std::thread::sleep(PAUSE);
    }
}

/// Runs a program to its end: what it wrote, without the line's end, when it
/// succeeds; else all that is known.
///
/// # Errors
/// When it does not succeed.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let Output { status, .. } = output;
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| text(bytes));
    if status.success() {
        Ok(out.trim_end().to_owned())
    } else {
        Err(format!("{command:?}: {status}\n{out}{err}"))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A command of a program and its arguments.
#[must_use]
pub fn command<A: AsRef<str>>(program: &str, arguments: &[A]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(AsRef::as_ref));
    command
}

/// The same as user and group 1000, without any other group.
#[must_use]
pub fn as_user<A: AsRef<str>>(program: &str, arguments: &[A]) -> Command {
    let drop = ["--reuid=1000", "--regid=1000", "--clear-groups", "--"];
    let mut command = command("setpriv", &drop);
    command.arg(program);
    command.args(arguments.iter().map(AsRef::as_ref));
    command
}

/// The same in a cgroup of this path, which is made.
#[must_use]
pub fn in_cgroup(path: &str, of: &Command) -> Command {
    let folder = Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/'));
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "echo 0 > \"$1\"; shift; exec \"$@\"", "sh"]);
    command.arg(folder.join("cgroup.procs"));
    command.arg(of.get_program()).args(of.get_args());
    command
}

/// It succeeded and wrote this.
#[track_caller]
pub fn wrote(result: &Result<String, String>, expected: impl AsRef<str> + Debug) {
    match result {
        Ok(out) => assert_eq!(out, expected.as_ref()),
        Err(error) => panic!("{error}"),
    }
}
