//! Where events go.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Why events cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write events to `{}`", path.display())]
pub struct OutputError {
    path: PathBuf,
    source: io::Error,
}

/// A sink that is written line by line.
pub(super) struct Output {
    sink: Option<BufWriter<Box<dyn Write>>>,
    written: u64,
    failed: u64,
}

impl Output {
    /// Standard output for `-`, else a file that is appended to.
    pub(super) fn open(name: Option<&str>) -> Result<Self, OutputError> {
        let sink: Option<Box<dyn Write>> = match name {
            None => None,
            Some("-") => Some(Box::new(io::stdout())),
            Some(path) => Some(Box::new(append(path)?)),
        };
        Ok(Self {
            sink: sink.map(BufWriter::new),
            written: 0,
            failed: 0,
        })
    }

    /// Writes a line. One that cannot be written is counted.
    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        let Some(sink) = &mut self.sink else {
            return Ok(());
        };
        let result = sink
            .write_all(line.as_bytes())
            .and_then(|()| sink.write_all(b"\n"));
        match result {
            Ok(()) => self.written += 1,
            Err(_) => self.failed += 1,
        }
        result
    }

    /// Gives everything to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.sink.as_mut().map_or(Ok(()), Write::flush)
    }

    /// Lines that were taken, and lines that were not.
    pub(super) const fn counts(&self) -> (u64, u64) {
        (self.written, self.failed)
    }
}

fn append(path: &str) -> Result<File, OutputError> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(|source| OutputError {
        path: path.into(),
        source,
    })
}
