//! What a person at a terminal sees while something takes long.

use std::io::{self, IsTerminal as _, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// What is done within it is not spoken of.
const PATIENCE: Duration = Duration::from_secs(1);

/// Does some work; whoever waits for it at a terminal is told what it is, from
/// the first second on, and nothing of that is left when it is done.
pub(super) fn patiently<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    let (done, wait) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            // There is nowhere to say that standard error is gone.
            tell(&mut io::stderr(), what, &wait, PATIENCE).ok();
        });
        let result = work();
        drop(done);
        result
    })
}

/// Tells how long it has taken, every `step`, until the other end goes away.
fn tell(out: &mut impl Write, what: &str, wait: &Receiver<()>, step: Duration) -> io::Result<()> {
    let mut steps: u32 = 0;
    let mut width = 0;
    while wait.recv_timeout(step) == Err(RecvTimeoutError::Timeout) {
        steps = steps.saturating_add(1);
        let line = format!("{what} ... {} s", step.saturating_mul(steps).as_secs());
        width = line.len();
        write!(out, "\r{line}")?;
        out.flush()?;
    }
    if width > 0 {
        // By blanks: not every terminal knows how to erase.
        write!(out, "\r{:width$}\r", "")?;
        out.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::tell;
    use std::io::{self, Write};
    use std::sync::mpsc::{Sender, channel};
    use std::thread;
    use std::time::Duration;

    /// What is written, as it is written.
    struct Out(Sender<Vec<u8>>);
    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_takes_long_is_told_and_taken_back() {
        let (done, wait) = channel();
        let (told_of, lines) = channel();
        let worker = thread::spawn(move || {
            tell(
                &mut Out(told_of),
                "checking",
                &wait,
                Duration::from_millis(1),
            )
        });
        // It ends when it was heard of, however slow this machine is.
        let mut told = lines.recv().unwrap();
        drop(done);
        worker.join().unwrap().unwrap();
        told.extend(lines.into_iter().flatten());
        let told = String::from_utf8(told).unwrap();
        assert!(told.starts_with("\rchecking ... 0 s"), "{told:?}");
        let (_, end) = told.trim_end_matches('\r').rsplit_once('\r').unwrap();
        assert!(told.ends_with('\r') && end.trim().is_empty(), "{told:?}");
        assert_eq!(end.len(), "checking ... 0 s".len(), "{told:?}");
    }

    #[test]
    fn what_is_done_at_once_is_not_told() {
        let (done, wait) = channel();
        drop(done);
        let mut out = Vec::new();
        tell(&mut out, "checking", &wait, Duration::from_mins(1)).unwrap();
        assert!(out.is_empty());
    }
}
