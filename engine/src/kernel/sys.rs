//! What aya has no call for: a table's map, made, filled, frozen and read back
//! by `bpf(2)` itself (aya cannot freeze one, and would move its half megabyte
//! over the stack), and the word in force, written through a mapping.

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};

/// `bpf(2)` commands. Linux, include/uapi/linux/bpf.h.
const BPF_MAP_CREATE: libc::c_int = 0;
const BPF_MAP_LOOKUP_ELEM: libc::c_int = 1;
const BPF_MAP_UPDATE_ELEM: libc::c_int = 2;
const BPF_MAP_DELETE_ELEM: libc::c_int = 3;
const BPF_MAP_FREEZE: libc::c_int = 22;
/// `BPF_MAP_TYPE_ARRAY`.
const ARRAY: u32 = 2;
/// `BPF_F_INNER_MAP`: the map can take the place of one of another length.
const INNER_MAP: u32 = 1 << 12;
/// `BPF_OBJ_NAME_LEN`.
const NAME_BYTES: usize = 16;

/// The start of `union bpf_attr` for making a map.
#[repr(C)]
#[derive(Default)]
struct CreateAttr {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
    numa_node: u32,
    map_name: [u8; NAME_BYTES],
}

/// The start of `union bpf_attr` for reading and writing an element.
#[repr(C)]
struct ElementAttr {
    map_fd: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// The start of `union bpf_attr` for freezing a map.
#[repr(C)]
struct FreezeAttr {
    map_fd: u32,
}

/// An array of tables: each element is so many words.
pub(super) struct RawTable {
    fd: OwnedFd,
    words: usize,
    elements: u32,
}

/// Whether maps of one kind must be of one length to take each other's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// They must, and programs look elements up without a call.
    Fixed,
    /// Each is as long as it needs to be.
    Own,
}

impl RawTable {
    /// Makes the map, all zeros.
    ///
    /// # Errors
    ///
    /// What the kernel says, for instance `ENOMEM`.
    pub(super) fn create(words: usize, elements: u32, length: Length) -> io::Result<Self> {
        let bytes = words
            .checked_mul(size_of::<u64>())
            .and_then(|bytes| u32::try_from(bytes).ok());
        let mut attr = CreateAttr {
            map_type: ARRAY,
            key_size: 4,
            value_size: bytes.ok_or(io::ErrorKind::InvalidInput)?,
            max_entries: elements,
            map_flags: match length {
                Length::Fixed => 0,
                Length::Own => INNER_MAP,
            },
            ..CreateAttr::default()
        };
        for (to, from) in attr.map_name.iter_mut().zip(b"interdict_image") {
            *to = *from;
        }
        let fd = command(BPF_MAP_CREATE, &attr)?;
        // SAFETY: the kernel has just given us this descriptor.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self {
            fd,
            words,
            elements,
        })
    }

    /// How many elements it has.
    pub(super) const fn elements(&self) -> u32 {
        self.elements
    }

    /// Writes all elements; what `image` does not reach is zero.
    ///
    /// # Errors
    ///
    /// When `image` is larger than the table, or what the kernel says.
    pub(super) fn write(&self, image: &[u64]) -> io::Result<()> {
        if image.len() > self.words * self.elements as usize {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut element = vec![0_u64; self.words];
        for (index, part) in (0..self.elements).zip(image.chunks(self.words)) {
            let (filled, rest) = element.split_at_mut(part.len());
            filled.copy_from_slice(part);
            rest.fill(0);
            self.element(BPF_MAP_UPDATE_ELEM, index, element.as_mut_ptr())?;
        }
        Ok(())
    }

    /// Reads the first elements, so many words of them.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub(super) fn read(&self, words: usize) -> io::Result<Vec<u64>> {
        let mut all = Vec::new();
        let mut element = vec![0_u64; self.words];
        for index in 0..self.elements {
            if all.len() >= words {
                break;
            }
            self.element(BPF_MAP_LOOKUP_ELEM, index, element.as_mut_ptr())?;
            all.extend_from_slice(&element);
        }
        Ok(all)
    }

    /// Refuses all further writes from user space.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub(super) fn freeze(&self) -> io::Result<()> {
        command(
            BPF_MAP_FREEZE,
            &FreezeAttr {
                map_fd: self.fd.as_raw_fd().cast_unsigned(),
            },
        )?;
        Ok(())
    }

    /// The descriptor.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// `value` points to as many words as an element holds.
    fn element(&self, what: libc::c_int, index: u32, value: *mut u64) -> io::Result<()> {
        let attr = ElementAttr {
            map_fd: self.fd.as_raw_fd().cast_unsigned(),
            padding: 0,
            key: (&raw const index) as u64,
            value: value as u64,
            flags: 0,
        };
        command(what, &attr)?;
        Ok(())
    }
}

/// Puts `inner` into a slot of an array of maps, or takes out what is there.
///
/// # Errors
///
/// What the kernel says.
pub(super) fn set_slot(
    outer: BorrowedFd<'_>,
    slot: u32,
    inner: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let descriptor = inner.map(|inner| inner.as_raw_fd().cast_unsigned());
    let attr = ElementAttr {
        map_fd: outer.as_raw_fd().cast_unsigned(),
        padding: 0,
        key: (&raw const slot) as u64,
        value: descriptor
            .as_ref()
            .map_or(0, |value| std::ptr::from_ref(value) as u64),
        flags: 0,
    };
    if descriptor.is_some() {
        command(BPF_MAP_UPDATE_ELEM, &attr)?;
        return Ok(());
    }
    match command(BPF_MAP_DELETE_ELEM, &attr) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map(drop),
    }
}

/// A word that user space writes and the programs read. A store to the mapping is one store for
/// the programs; a map update is a copy, which the kernel does not promise to
/// make in one piece.
pub(super) struct Word {
    mapped: NonNull<AtomicU64>,
}

/// Bytes that are mapped: a page, of which the word is the start.
const PAGE: usize = 4096;

impl Word {
    /// Maps the one element of a map made with `BPF_F_MMAPABLE`.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub(super) fn map(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at an address of the kernel's choice.
        let at = unsafe { mmap(null_mut(), PAGE, protection, MapFlags::SHARED, fd, 0) }?;
        let mapped = NonNull::new(at.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { mapped })
    }

    /// Writes another.
    pub(super) fn store(&self, word: u64) {
        // SAFETY: aligned and mapped as long as `self` lives; programs only read it.
        let atomic = unsafe { self.mapped.as_ref() };
        atomic.store(word, Ordering::Release);
    }
}

impl Drop for Word {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and not used any more. A failure leaves a page mapped.
        unsafe { munmap(self.mapped.as_ptr().cast(), PAGE) }.ok();
    }
}

/// One call of `bpf(2)`; gives what it returns.
fn command<T>(what: libc::c_int, attr: &T) -> io::Result<i32> {
    // SAFETY: the attribute is valid for its size and outlives the call, and so
    // do the buffers whose addresses it holds.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            what,
            std::ptr::from_ref(attr),
            size_of::<T>(),
        )
    };
    match i32::try_from(result) {
        Ok(result) if result >= 0 => Ok(result),
        Ok(_) | Err(_) => Err(io::Error::last_os_error()),
    }
}
