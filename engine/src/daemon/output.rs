//! Where events go.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Bytes that are given to the system at once: a call for each line would cost as
/// much as the line.
const BUFFER: usize = 1 << 17;

/// Why events cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write events to `{}`", path.display())]
pub struct OutputError {
    path: PathBuf,
    source: io::Error,
}

/// Where lines go, if anywhere.
pub(super) struct Output(Option<Sink>);

/// A sink that is written line by line.
pub(super) struct Sink {
    to: BufWriter<Box<dyn Write>>,
    written: u64,
    failed: u64,
}

impl Output {
    /// Standard output for `-`, else a file that is appended to.
    pub(super) fn open(name: Option<&str>) -> Result<Self, OutputError> {
        let to: Option<Box<dyn Write>> = match name {
            None => None,
            Some("-") => Some(Box::new(io::stdout())),
            Some(path) => Some(Box::new(append(path)?)),
        };
        Ok(Self(to.map(|to| Sink {
            to: BufWriter::with_capacity(BUFFER, to),
            written: 0,
            failed: 0,
        })))
    }

    /// The sink, none when lines go nowhere: then there is no need to make them.
    pub(super) const fn sink(&mut self) -> Option<&mut Sink> {
        self.0.as_mut()
    }

    /// Gives everything to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), |sink| sink.to.flush())
    }

    /// Lines that were taken, and lines that were not.
    pub(super) fn counts(&self) -> (u64, u64) {
        self.0
            .as_ref()
            .map_or((0, 0), |sink| (sink.written, sink.failed))
    }
}

impl Sink {
    /// Writes a line and its end. One that cannot be written is counted.
    pub(super) fn line(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        line.push(b'\n');
        let result = self.to.write_all(line);
        match result {
            Ok(()) => self.written += 1,
            Err(_) => self.failed += 1,
        }
        result
    }
}

fn append(path: &str) -> Result<File, OutputError> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(|source| OutputError {
        path: path.into(),
        source,
    })
}
