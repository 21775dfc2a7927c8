//! What becomes of the ring's records: each is checked, and made a line of where
//! lines go anywhere.

use super::output::{Output, OutputError};
use crate::event::{Places, Processes, Renderer, Rules, Shape, decode, told};
use tracing::{error, warn};

/// From bytes of the ring to lines of a sink.
pub struct Pipeline {
    output: Output,
    shape: Shape,
    boot_epoch: u64,
    processes: Processes,
    undecodable: u64,
    /// Room for a line.
    line: Vec<u8>,
    /// The first line of this turn that could not be written.
    failed: Option<std::io::Error>,
}

impl Pipeline {
    /// Lines go to `sink`: `-` is standard output, all else a file; without one,
    /// nowhere. `boot_epoch` is the machine's start in nanoseconds since 1970.
    ///
    /// # Errors
    ///
    /// When the sink cannot be opened.
    pub fn open(sink: Option<&str>, shape: Shape, boot_epoch: u64) -> Result<Self, OutputError> {
        Ok(Self {
            output: Output::open(sink)?,
            shape,
            boot_epoch,
            processes: Processes::default(),
            undecodable: 0,
            line: Vec::new(),
            failed: None,
        })
    }

    /// The epoch that the programs are to be in: [`Processes::epoch`].
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.processes.epoch()
    }

    /// Has what is shown of processes made anew, where places may be others by now.
    pub fn moved(&mut self) {
        self.processes.forget_shown();
    }

    /// Takes one record. What is wrong with it is counted.
    pub fn take(&mut self, bytes: &[u8], rules: &dyn Rules, places: &dyn Places) {
        if let Err(what) = self.write(bytes, rules, places) {
            self.undecodable += 1;
            error!("an event cannot be shown: {what}");
        }
    }

    /// The line that an event's bytes become, without its end.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn line(
        &self,
        bytes: &[u8],
        rules: &dyn Rules,
        places: &dyn Places,
    ) -> Result<String, String> {
        let event = decode(bytes).map_err(|error| error.to_string())?;
        Renderer::new(rules, places, &self.processes, self.boot_epoch)
            .shaped(self.shape)
            .line(&event)
            .map_err(|error| error.to_string())
    }

    fn write(
        &mut self,
        bytes: &[u8],
        rules: &dyn Rules,
        places: &dyn Places,
    ) -> Result<(), String> {
        if let Some(process) = told(bytes).map_err(|error| error.to_string())? {
            self.processes.enter(&process);
            return Ok(());
        }
        let event = decode(bytes).map_err(|error| error.to_string())?;
        let Some(sink) = self.output.sink() else {
            return Ok(());
        };
        let renderer =
            Renderer::new(rules, places, &self.processes, self.boot_epoch).shaped(self.shape);
        renderer
            .write(&event, &mut self.line)
            .map_err(|error| error.to_string())?;
        if let Err(error) = sink.line(&mut self.line) {
            self.failed.get_or_insert(error);
        }
        Ok(())
    }

    /// Gives the lines of a turn to the system.
    pub fn flush(&mut self) {
        if let Err(error) = self.output.flush() {
            self.failed.get_or_insert(error);
        }
        if let Some(error) = self.failed.take() {
            // Verdicts go on; the count says what is missing.
            warn!("events cannot be written: {error}");
        }
    }

    /// Records that could not be shown.
    #[must_use]
    pub const fn undecodable(&self) -> u64 {
        self.undecodable
    }

    /// Lines that were taken, and lines that were not.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        self.output.counts()
    }
}
