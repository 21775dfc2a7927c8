//! The three lines between a guest and xtask, each a virtio port in the guest
//! and a socket here: the command's output, its errors, and the report of how
//! it went. No one of them can be taken for another.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};

/// The lines' names, in the order of the ports in the guest.
pub(super) const LINES: [&str; 3] = ["out", "err", "report"];

/// What the guest reports.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// The kernel is up; the guest is set up.
    Up,
    /// The system is up; the command starts.
    Ready,
    /// The command's exit code.
    Exit(u8),
    /// The guest could not be set up, and why.
    Fail(String),
    /// Nothing more will come.
    End,
}

/// Sockets that wait for QEMU.
pub(super) struct Channels {
    directory: PathBuf,
    listeners: [UnixListener; 3],
}

/// Where one line of the command's output goes.
pub(super) type Sink = Box<dyn Write + Send>;

impl Channels {
    /// Opens the sockets in `directory`, whose path must be short: a socket's
    /// path has 107 bytes.
    pub(super) fn open(directory: &Path) -> Result<Self> {
        let [out, err, report] = LINES.map(|line| {
            let path = directory.join(line);
            UnixListener::bind(&path).with_context(|| format!("cannot bind {}", path.display()))
        });
        Ok(Self {
            directory: directory.to_path_buf(),
            listeners: [out?, err?, report?],
        })
    }

    pub(super) fn socket(&self, line: &str) -> PathBuf {
        self.directory.join(line)
    }

    /// Takes QEMU's connections. `alive` tells whether it may still come.
    ///
    /// # Errors
    /// When QEMU ended before it connected.
    pub(super) fn accept(self, mut alive: impl FnMut() -> bool) -> Result<[UnixStream; 3]> {
        let [out, err, report] = self.listeners;
        let streams = [
            accept_one(&out, &mut alive)?,
            accept_one(&err, &mut alive)?,
            accept_one(&report, &mut alive)?,
        ];
        for line in LINES {
            fs::remove_file(self.directory.join(line)).context("cannot remove a socket")?;
        }
        Ok(streams)
    }
}

fn accept_one(listener: &UnixListener, alive: &mut impl FnMut() -> bool) -> Result<UnixStream> {
    listener.set_nonblocking(true)?;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                anyhow::ensure!(alive(), "QEMU ended before the guest started");
                thread::sleep(std::time::Duration::from_millis(5));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Copies a line to its sink as it comes, until the guest is gone.
pub(super) fn relay(mut from: UnixStream, mut to: Sink) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        let mut open = true;
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                // The guest is gone; what it wrote before has been read.
                Err(_) => break,
            };
            // A reader that went away (`| head`) does not stop the guest:
            // the command's exit code is still wanted.
            if open && let Some(bytes) = buffer.get(..count) {
                open = to.write_all(bytes).and_then(|()| to.flush()).is_ok();
            }
        }
    })
}

/// Hands on the guest's reports, the last of them [`Report::End`].
pub(super) fn listen(from: UnixStream, to: Sender<Report>) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { break };
            if let Some(report) = parse(&line) {
                // Nobody listens any more once the exit code has come.
                to.send(report).ok();
            }
        }
        to.send(Report::End).ok();
    })
}

fn parse(line: &str) -> Option<Report> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("up", _) => Some(Report::Up),
        ("ready", _) => Some(Report::Ready),
        ("exit", code) => code.parse().ok().map(Report::Exit),
        ("fail", why) => Some(Report::Fail(why.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, parse};

    #[test]
    fn reports_are_read() {
        assert_eq!(parse("up"), Some(Report::Up));
        assert_eq!(parse("ready"), Some(Report::Ready));
        assert_eq!(parse("exit 255"), Some(Report::Exit(255)));
        assert_eq!(
            parse("fail no root"),
            Some(Report::Fail("no root".to_owned()))
        );
        assert_eq!(parse("exit 256"), None);
        assert_eq!(parse(""), None);
    }
}
