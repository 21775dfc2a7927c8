//! The ring buffer: a descriptor to wait on, and the records that lie in it.

use super::error::KernelError;
use super::load::Kernel;
use aya::maps::RingBuf;
use policy_abi::maps;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

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

    /// Gives every record that lies in the ring to `take`, oldest first.
    ///
    /// # Errors
    ///
    /// When the object has no ring.
    pub fn drain(&mut self, mut take: impl FnMut(&[u8])) -> Result<(), KernelError> {
        let ring = self.ring()?;
        while let Some(record) = ring.next() {
            take(&record);
        }
        Ok(())
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
