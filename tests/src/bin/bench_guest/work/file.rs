//! open(2) and close(2), which interdict has nothing to do with.

use std::path::Path;

use rustix::fs::{Mode, OFlags, open};

use super::{BATCH, Context, FOLDER, Round, Timed, timed};
use crate::Outcome;

const BATCHES: u16 = 24;

/// A file in memory.
pub(super) fn open_close(_: &Context<'_>) -> Outcome<Round> {
    let path = Path::new(FOLDER).join("file");
    std::fs::write(&path, "measured")?;
    Ok(Box::new(move || {
        let mut sum = Timed::default();
        for _ in 0..BATCHES {
            let took = timed(|| {
                for _ in 0..BATCH {
                    drop(open(&path, OFlags::RDONLY, Mode::empty())?);
                }
                Ok(())
            })?;
            sum.add(took, BATCH);
        }
        Ok(sum)
    }))
}
