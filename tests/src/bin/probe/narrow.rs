//! System calls as 32-bit programs make them, from this 64-bit one.

use std::arch::asm;
use std::io;
use std::ptr::null_mut;

use interdict_tests::protocol::{Argument, Reply};

/// Bytes for all that the arguments of a call point to.
const BYTES: usize = 1 << 16;

/// Memory that 32-bit addresses reach.
struct Low {
    start: u32,
    used: usize,
}

impl Low {
    fn new() -> io::Result<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
        // SAFETY: memory of its own, of no file.
        let start = unsafe { libc::mmap(null_mut(), BYTES, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = u32::try_from(start.addr()).map_err(io::Error::other)?;
        Ok(Self { start, used: 0 })
    }

    fn lay(&mut self, argument: &Argument) -> io::Result<u32> {
        Ok(match argument {
            // The lower half, as a 32-bit program has it.
            Argument::Number(number) => (number & 0xffff_ffff)
                .try_into()
                .map_err(io::Error::other)?,
            Argument::Bytes(bytes) => self.keep(bytes)?,
            Argument::Room(length) => self.keep(&vec![0; *length])?,
            Argument::Words(words) => {
                let mut bytes = Vec::new();
                for word in words {
                    bytes.extend(self.lay(word)?.to_ne_bytes());
                }
                self.keep(&bytes)?
            }
        })
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<u32> {
        let at = self.used;
        let end = at + bytes.len();
        if end > BYTES {
            return Err(io::Error::other("more than there is room for"));
        }
        let place = self.start + u32::try_from(at).map_err(io::Error::other)?;
        // SAFETY: from `at` to `end` is within the mapping and nobody else's.
        unsafe {
            let to = std::ptr::with_exposed_provenance_mut::<u8>(place as usize);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        self.used = end.next_multiple_of(16);
        Ok(place)
    }
}

/// Makes the call. The mapping goes with the process.
pub(super) fn perform(number: u32, arguments: &[Argument]) -> io::Result<Reply> {
    let mut low = Low::new()?;
    let mut laid = [0_u32; 5];
    for (to, argument) in laid.iter_mut().zip(arguments) {
        *to = low.lay(argument)?;
    }
    let [first, second, third, fourth, fifth] = laid;
    let result: i32;
    // SAFETY: addresses are within the mapping, and what lies there as large as
    // the one who asks says. The compiler keeps `rbx` for itself: it gets it back.
    unsafe {
        asm!(
            "xchg {first}, rbx",
            "int 0x80",
            "xchg {first}, rbx",
            first = inout(reg) u64::from(first) => _,
            inout("eax") number => result,
            in("ecx") second,
            in("edx") third,
            in("esi") fourth,
            in("edi") fifth,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
        );
    }
    Ok(super::reply(i64::from(result)))
}
