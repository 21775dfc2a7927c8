//! Passing for another program as far as /proc/self/exe goes.
//!
//! The kernel lets a process name another program only when none of its memory
//! is the old one's file any more. So each mapping of it is replaced, in one
//! step, by a copy that is nobody's file: the next instruction is the same.

use std::fs;
use std::io;

use interdict_tests::protocol::Reply;

/// A range of this process's addresses.
struct Mapping {
    start: usize,
    length: usize,
    protection: i32,
}

pub(super) fn perform(exe: i64) -> io::Result<Reply> {
    for mapping in own()? {
        replace(&mapping)?;
    }
    let exe = u32::try_from(exe).map_err(io::Error::other)?;
    name(exe)?;
    Ok(super::reply(0))
}

/// The mappings of this very program.
fn own() -> io::Result<Vec<Mapping>> {
    let exe = fs::read_link("/proc/self/exe")?;
    let exe = exe.to_string_lossy();
    let maps = fs::read_to_string("/proc/self/maps")?;
    let lines = maps.lines().filter(|line| line.ends_with(exe.as_ref()));
    let mappings: Option<Vec<Mapping>> = lines.map(mapping).collect();
    mappings.ok_or_else(|| io::Error::other("/proc/self/maps"))
}

/// `START-END rwxp ...`
fn mapping(line: &str) -> Option<Mapping> {
    let mut fields = line.split(' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let start = usize::from_str_radix(start, 16).ok()?;
    let end = usize::from_str_radix(end, 16).ok()?;
    let letters = fields.next()?;
    let allowed = |letter, bit| if letters.contains(letter) { bit } else { 0 };
    Some(Mapping {
        start,
        length: end.checked_sub(start)?,
        protection: allowed('r', libc::PROT_READ)
            | allowed('w', libc::PROT_WRITE)
            | allowed('x', libc::PROT_EXEC),
    })
}

fn replace(mapping: &Mapping) -> io::Result<()> {
    let writable = libc::PROT_READ | libc::PROT_WRITE;
    let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a mapping at an address of the kernel's choice harms nobody.
    let copy = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            mapping.length,
            writable,
            private,
            -1,
            0,
        )
    };
    if copy == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let original = std::ptr::with_exposed_provenance_mut::<libc::c_void>(mapping.start);
    if mapping.protection & libc::PROT_READ != 0 {
        // SAFETY: both are mapped, readable and writable, and do not overlap.
        unsafe {
            std::ptr::copy_nonoverlapping(original.cast::<u8>(), copy.cast(), mapping.length);
        }
    }
    // SAFETY: the copy is ours.
    if unsafe { libc::mprotect(copy, mapping.length, mapping.protection) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: what lies there afterwards is what lay there before, byte for
    // byte: there is one thread, and nothing is written in between.
    let moved = unsafe { libc::mremap(copy, mapping.length, mapping.length, flags, original) };
    if moved == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// `struct prctl_mm_map`. Linux, include/uapi/linux/prctl.h.
#[repr(C)]
struct Map {
    /// Code, data, break, stack, arguments, environment.
    addresses: [u64; 11],
    auxv: u64,
    auxv_size: u32,
    exe: u32,
}

/// Where `start_code` and the others stand in /proc/self/stat, counted from the
/// first field after the name; `None` for the break, which is not there.
/// See `proc_pid_stat(5)`, whose numbers are three more.
const FIELDS: [Option<usize>; 11] = [
    Some(23),
    Some(24),
    Some(42),
    Some(43),
    Some(44),
    None,
    Some(25),
    Some(45),
    Some(46),
    Some(47),
    Some(48),
];

/// Gives this process another exe, and leaves everything else as it is.
fn name(exe: u32) -> io::Result<()> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat
        .rsplit_once(") ")
        .ok_or_else(|| io::Error::other("/proc/self/stat"))?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // SAFETY: asking for 0 changes nothing.
    let end_of_heap = unsafe { libc::syscall(libc::SYS_brk, 0) };
    let mut map = Map {
        addresses: [0; 11],
        auxv: 0,
        auxv_size: 0,
        exe,
    };
    for (address, field) in map.addresses.iter_mut().zip(FIELDS) {
        let text = field.and_then(|field| fields.get(field));
        *address = match text {
            Some(text) => text.parse().map_err(io::Error::other)?,
            None => end_of_heap.cast_unsigned(),
        };
    }
    // SAFETY: the structure is the one that the option takes, at its length.
    let result = unsafe {
        libc::prctl(
            libc::PR_SET_MM,
            libc::PR_SET_MM_MAP,
            &raw const map,
            size_of::<Map>(),
            0,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
