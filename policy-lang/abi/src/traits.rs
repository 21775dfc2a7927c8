//! **The** table of traits: what a subject or its socket has or has not, as bits
//! of one word.
//!
//! Each field of the word belongs to one attribute, in the order of that
//! attribute's words. A subject has any number of capabilities and at most one
//! bit of each other field; none of a field is what the language calls missing.

/// Bits of one attribute in the word of traits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its lowest bit.
    pub shift: u32,
    /// How many bits it has room for.
    pub bits: u32,
}

impl Field {
    /// A set of the attribute's words as traits; what finds no room is left out.
    #[inline(always)]
    #[must_use]
    pub const fn set(self, words: u64) -> u64 {
        (words & ((1 << self.bits) - 1)) << self.shift
    }

    /// The trait of one word, by its number in the attribute's table.
    #[inline(always)]
    #[must_use]
    pub const fn one(self, word: u32) -> u64 {
        self.set(1 << (word & 63))
    }
}

/// Effective capabilities, by number.
pub const CAPABILITIES: Field = Field { shift: 0, bits: 48 };
/// The socket's type: stream, dgram, seqpacket, raw.
pub const TYPES: Field = Field { shift: 48, bits: 4 };
/// User namespace: host, other.
pub const USERNS: Field = Field { shift: 52, bits: 2 };
/// Network namespace.
pub const NETNS: Field = Field { shift: 54, bits: 2 };
/// Process namespace.
pub const PIDNS: Field = Field { shift: 56, bits: 2 };
/// Mount namespace.
pub const MNTNS: Field = Field { shift: 58, bits: 2 };
/// Control group namespace.
pub const CGROUPNS: Field = Field { shift: 60, bits: 2 };

/// The trait of a socket's `SOCK_` type, none for a type without a word.
#[inline(always)]
#[must_use]
pub const fn of_type(kind: u32) -> u64 {
    match kind {
        1 => TYPES.one(0),
        2 => TYPES.one(1),
        5 => TYPES.one(2),
        3 => TYPES.one(3),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_meet() {
        let all = [CAPABILITIES, TYPES, USERNS, NETNS, PIDNS, MNTNS, CGROUPNS];
        let mut taken = 0_u64;
        for field in all {
            let bits = field.set(u64::MAX);
            assert_eq!(bits.count_ones(), field.bits);
            assert_eq!(taken & bits, 0, "{field:?}");
            taken |= bits;
        }
        assert_eq!(
            of_type(1) | of_type(2) | of_type(3) | of_type(5),
            TYPES.set(0xf)
        );
        assert_eq!(of_type(4) | of_type(10) | of_type(0), 0);
    }
}
