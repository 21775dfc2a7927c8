//! The ring buffer: a descriptor to wait on, and the records that lie in it.

use super::error::KernelError;
use super::load::Kernel;
use aya::maps::RingBuf;
use policy_abi::maps::{self, WAKE_NOBODY, WAKE_READER};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

/// What one look at the ring came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Records that lay there and were taken.
    pub taken: usize,
    /// Whether none was left.
    pub emptied: bool,
}

impl Kernel {
    /// A descriptor that is readable while records lie in the ring.
    ///
    /// # Errors
    ///
    /// When the object has no ring or the process no descriptors left.
    pub fn events_fd(&mut self) -> io::Result<OwnedFd> {
        let ring = self.ring().map_err(io::Error::other)?;
        ring.as_fd().try_clone_to_owned()
    }

    /// Gives up to `at_most` records that lie in the ring to `take`, oldest first.
    ///
    /// # Errors
    ///
    /// When the object has no ring.
    pub fn drain(
        &mut self,
        at_most: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<Turn, KernelError> {
        let ring = self.ring()?;
        for taken in 0..at_most {
            let Some(record) = ring.next() else {
                return Ok(Turn {
                    taken,
                    emptied: true,
                });
            };
            take(&record);
        }
        Ok(Turn {
            taken: at_most,
            emptied: false,
        })
    }

    /// Whether records that are written from now on wake who waits for the ring.
    /// Who says no looks by himself, and once more after saying yes again: a program
    /// may have read the former word and not have written its record yet.
    pub fn wake(&self, wakes: bool) {
        self.wake
            .store(if wakes { WAKE_READER } else { WAKE_NOBODY });
    }

    /// The ring, mapped at its first use and kept: its read position lives there.
    fn ring(&mut self) -> Result<&mut RingBuf<aya::maps::MapData>, KernelError> {
        if self.ring.is_none() {
            let map = self
                .ebpf
                .take_map(maps::EVENTS)
                .ok_or(KernelError::NoMap(maps::EVENTS))?;
            self.ring =
                Some(RingBuf::try_from(map).map_err(super::load::on_map(maps::EVENTS, "mapped"))?);
        }
        self.ring.as_mut().ok_or(KernelError::NoMap(maps::EVENTS))
    }
}
