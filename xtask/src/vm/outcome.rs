//! How a run went: the exit code that stands for it, and what to tell the
//! user beside the command's own output.

use std::fmt::Write as _;

use crate::kernels::Kernel;

/// The guest ended before the command.
const DIED: u8 = 123;
/// The time was over; `timeout` of coreutils says the same.
const TIMED_OUT: u8 = 124;
/// The guest, or the command in it, was never started.
pub(super) const NOT_STARTED: u8 = 125;

/// How many of a log's last lines are shown.
const TAIL_LINES: usize = 60;

/// How a run went.
#[derive(Debug, PartialEq, Eq)]
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

/// A run's outcome, and what kernel and QEMU said meanwhile.
pub(crate) struct Finished {
    pub(crate) kernel: Kernel,
    pub(crate) outcome: Outcome,
    pub(crate) kernel_log: String,
    pub(crate) qemu_log: String,
    /// What there is to say of guests that were started for this run before, and did not
    /// come up.
    pub(crate) failed_starts: Vec<String>,
}

impl Outcome {
    /// The exit code of `cargo xtask vm`.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Exited(code) => *code,
            Self::TimedOut => TIMED_OUT,
            Self::NotStarted(_) => NOT_STARTED,
            Self::Died => DIED,
        }
    }
}

impl Finished {
    /// A run of the first guest that was started for it.
    pub(super) fn new(
        kernel: Kernel,
        outcome: Outcome,
        kernel_log: String,
        qemu_log: String,
    ) -> Self {
        Self {
            kernel,
            outcome,
            kernel_log,
            qemu_log,
            failed_starts: Vec::new(),
        }
    }

    /// What the command's own output does not tell.
    pub(crate) fn message(&self) -> Option<String> {
        let mut messages: Vec<String> = self
            .failed_starts
            .iter()
            .map(|message| format!("{message}\nso the guest was started again"))
            .collect();
        messages.extend(self.message_of_last());
        (!messages.is_empty()).then(|| messages.join("\n"))
    }

    /// The same of the guest that was started last.
    pub(crate) fn message_of_last(&self) -> Option<String> {
        let mut message = match &self.outcome {
            Outcome::Exited(_) => return self.warning(),
            Outcome::TimedOut => format!("kernel {}: the time was over", self.kernel),
            Outcome::NotStarted(why) => {
                format!("kernel {}: the guest did not start: {why}", self.kernel)
            }
            Outcome::Died => format!("kernel {}: the guest ended before the command", self.kernel),
        };
        for (name, log) in [("kernel", &self.kernel_log), ("QEMU", &self.qemu_log)] {
            let tail = tail(log);
            if !tail.is_empty() {
                // Writing to a string does not fail.
                write!(message, "\nthe end of what {name} said:\n{tail}").ok();
            }
        }
        Some(message)
    }

    /// A warning of the kernel's own (`WARN_ON`) is no oops, but a run in
    /// which it happened is not to pass for clean.
    fn warning(&self) -> Option<String> {
        let (_, from) = self.kernel_log.split_once("cut here ]")?;
        let (_, from) = from.split_once('\n')?;
        Some(format!("kernel {} warned:\n{}", self.kernel, tail(from)))
    }
}

/// A log's last lines that say something.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    let start = lines.len().saturating_sub(TAIL_LINES);
    lines.get(start..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Finished, Outcome, tail};
    use crate::kernels::Kernel;

    fn finished(outcome: Outcome, kernel_log: &str) -> Finished {
        let (kernel_log, qemu_log) = (kernel_log.to_owned(), String::new());
        Finished::new(Kernel::V6_1, outcome, kernel_log, qemu_log)
    }

    #[test]
    fn a_clean_run_says_nothing() {
        assert_eq!(finished(Outcome::Exited(1), "booting\n").message(), None);
    }

    #[test]
    fn a_warning_is_told() {
        let run = finished(
            Outcome::Exited(0),
            "x\n---[ cut here ]------\nWARNING: CPU: 0\n",
        );
        assert_eq!(
            run.message().unwrap(),
            "kernel 6.1 warned:\nWARNING: CPU: 0"
        );
        assert_eq!(run.outcome.code(), 0);
    }

    #[test]
    fn a_panic_shows_the_log() {
        let run = finished(Outcome::Died, "Kernel panic\r\n\r\n");
        assert!(
            run.message()
                .unwrap()
                .ends_with("the end of what kernel said:\nKernel panic")
        );
        assert_eq!(run.outcome.code(), 123);
    }

    #[test]
    fn a_guest_that_was_started_again_is_told_of() {
        let mut run = finished(Outcome::Exited(0), "booting\n");
        let first = finished(Outcome::NotStarted("it hung".to_owned()), "an oops\n");
        run.failed_starts.extend(first.message());
        assert_eq!(
            run.message().unwrap(),
            "kernel 6.1: the guest did not start: it hung\nthe end of what kernel said:\n\
             an oops\nso the guest was started again"
        );
        assert_eq!(run.outcome.code(), 0);
    }

    #[test]
    fn a_tail_is_bounded() {
        assert_eq!(tail(&"line\n".repeat(1000)).lines().count(), 60);
    }
}
