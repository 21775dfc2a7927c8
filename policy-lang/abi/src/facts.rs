//! What a decision is made on: one subject, one operation, one object.
//!
//! Small enough for a BPF stack (512 bytes for all frames together): an LSM
//! program can be preempted, so nothing of a decision may live in per-CPU
//! memory across two instructions.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The operation has no object that a target could name.
pub const OBJECT_NONE: u32 = 0;
/// An IPv4 address in `object[0]` (host byte order) and a port.
pub const OBJECT_IPV4: u32 = 1;
/// An IPv6 address in `object` (most significant half first, host byte order) and a port.
pub const OBJECT_IPV6: u32 = 2;
/// A unix path: `object` is [`crate::hash`]'s value of the path inside its file system, and the device.
pub const OBJECT_PATH: u32 = 3;
/// An abstract unix name: `object` is the hash of its bytes, and [`ABSTRACT_TAG`] plus its length.
pub const OBJECT_ABSTRACT: u32 = 4;
/// A unix socket without a name.
pub const OBJECT_UNNAMED: u32 = 5;
/// An object that could not be read (notes 118).
pub const OBJECT_UNREADABLE: u32 = 6;
/// A socket option: `object` is what [`option`] makes of its level and name.
pub const OBJECT_OPTION: u32 = 7;

/// Marks the second key word of an abstract name, which a device number never has.
pub const ABSTRACT_TAG: u64 = 1 << 32;
/// The second key word of a socket option, which nothing else has.
pub const OPTION_TAG: u64 = 1 << 33;

/// The key of a socket option, by the numbers of setsockopt(2).
#[inline(always)]
#[must_use]
pub const fn option(level: u32, name: u32) -> [u64; 2] {
    [(level as u64) << 32 | name as u64, OPTION_TAG]
}

/// The subject's executable is known: `exe` holds its place.
pub const SUBJECT_EXE: u32 = 1;

/// What [`crate::decide::decide`] reads.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Facts {
    /// A number of [`crate::family`].
    pub family: u16,
    /// An operation of [`crate::family`].
    pub operation: u16,
    /// One of the `OBJECT_` kinds.
    pub object_kind: u32,
    /// The object, by its kind.
    pub object: [u64; 2],
    /// Port in host byte order; meaningful for the two IP kinds.
    pub port: u32,
    /// `SUBJECT_` flags.
    pub subject: u32,
    /// Hash of the executable's path inside its file system, and its device.
    pub exe: [u64; 2],
    /// Name of the main thread, zero padded after its first NUL, as two words in memory order.
    pub comm: [u64; 2],
    /// Effective user id, as the initial user namespace counts.
    pub uid: u32,
    /// Effective group id, as the initial user namespace counts.
    pub gid: u32,
}

/// Clears what follows the first NUL of a 16-byte name given as two little-endian words.
///
/// The kernel pads names with zeros; a racing writer may leave a tail, which
/// must not make a name unequal to itself.
#[inline(always)]
#[must_use]
pub const fn clean_comm(raw: [u64; 2]) -> [u64; 2] {
    let [low, high] = raw;
    let mask = before_nul(low);
    if mask == u64::MAX {
        [low, high & before_nul(high)]
    } else {
        [low & mask, 0]
    }
}

/// All ones for the bytes before the first zero byte of `word` (in memory order), zeros from there on.
#[inline(always)]
const fn before_nul(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The lowest set bit marks the first zero byte; higher ones may be false.
    let zeros = word.wrapping_sub(ONES) & !word & HIGHS;
    if zeros == 0 {
        return u64::MAX;
    }
    let lowest = zeros & zeros.wrapping_neg();
    // lowest = 0x80 << 8k; the bytes below byte k are (lowest >> 7) - 1.
    (lowest >> 7) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(bytes: &[u8; 16]) -> [u64; 2] {
        let mut halves = [0_u64; 2];
        for (i, byte) in bytes.iter().enumerate() {
            halves[i / 8] |= u64::from(*byte) << (8 * (i % 8));
        }
        halves
    }

    #[test]
    fn comm_is_cut_at_its_first_nul() {
        for cut in 0..16 {
            let mut dirty = [0x61_u8; 16];
            dirty[cut] = 0;
            let mut clean = dirty;
            clean[cut..].fill(0);
            assert_eq!(clean_comm(words(&dirty)), words(&clean), "cut at {cut}");
        }
        assert_eq!(clean_comm(words(&[0x80; 16])), words(&[0x80; 16]));
        assert_eq!(clean_comm(words(&[1; 16])), words(&[1; 16]));
    }
}
