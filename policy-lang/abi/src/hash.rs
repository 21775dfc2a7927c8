//! A keyed 64-bit hash for paths and names: `SipHash-1-3` over words.
//!
//! A subject chooses paths and abstract names, so a plain hash would let it
//! search for a name that collides with an exempt one. The key is drawn at
//! start, known to the engine and the kernel alone, and never written to an
//! event. Reference: Aumasson and Bernstein, "`SipHash`: a fast short-input PRF".

/// The 128-bit key.
pub type Key = [u64; 2];

/// The running state.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Hasher {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl Hasher {
    /// A state that has taken nothing in.
    #[inline(always)]
    #[must_use]
    pub const fn new(key: Key) -> Self {
        let [k0, k1] = key;
        Self {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
        }
    }

    /// Takes in one word.
    #[inline(always)]
    pub const fn word(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    /// The value, after three closing rounds.
    #[inline(always)]
    #[must_use]
    pub const fn finish(mut self) -> u64 {
        self.v2 ^= 0xff;
        self.round();
        self.round();
        self.round();
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }

    #[inline(always)]
    const fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v2 = self.v2.rotate_left(32);
    }

    /// Takes in one component: its bytes in little-endian words, the last one
    /// zero padded, then a word that holds its length and a mark.
    ///
    /// Read from the end, the words say where each component starts, so two
    /// different sequences of components never give the same words.
    pub fn component(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = 0_u64;
            for (i, byte) in chunk.iter().enumerate() {
                word |= u64::from(*byte) << (8 * i);
            }
            self.word(word);
        }
        self.word(component_end(bytes.len() as u64));
    }
}

/// The word that closes a component of `len` bytes.
#[inline(always)]
#[must_use]
pub const fn component_end(len: u64) -> u64 {
    len | 1 << 63
}

/// The hash of an absolute path inside a file system, root first in `path`.
///
/// Components are taken in from the last to the first, since that is how the
/// kernel walks from a name to the root. Empty components are passed over, so
/// `/` is the hash of nothing.
#[must_use]
pub fn path(key: Key, path: &[u8]) -> u64 {
    let mut hasher = Hasher::new(key);
    for component in path
        .rsplit(|byte| *byte == b'/')
        .filter(|component| !component.is_empty())
    {
        hasher.component(component);
    }
    hasher.finish()
}

/// The hash of a cgroup's path: as [`path`], but from the root on, since that is
/// how the kernel keeps a cgroup's ancestors.
#[must_use]
pub fn descent(key: Key, path: &[u8]) -> u64 {
    let mut hasher = Hasher::new(key);
    for component in path.split(|byte| *byte == b'/') {
        if !component.is_empty() {
            hasher.component(component);
        }
    }
    hasher.finish()
}

/// The hash of an abstract unix name, without its leading NUL.
#[must_use]
pub fn name(key: Key, name: &[u8]) -> u64 {
    let mut hasher = Hasher::new(key);
    hasher.component(name);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];

    /// `SipHash-1-3` of one block, from a literal reading of the paper.
    #[test]
    fn order_and_borders_of_components_count() {
        let all = [
            path(KEY, b"/"),
            path(KEY, b"/a/b"),
            path(KEY, b"/b/a"),
            path(KEY, b"/ab"),
            path(KEY, b"/a"),
            path(KEY, b"/aaaaaaaa"),
            path(KEY, b"/aaaaaaaa/a"),
            path(KEY, b"/a/aaaaaaaa"),
            path(KEY, b"/aaaaaaaaa"),
            path([1, 2], b"/a"),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|other| other != one), "{i}");
        }
        assert_eq!(path(KEY, b"/a/b"), path(KEY, b"a/b"));
        assert_eq!(descent(KEY, b"/a/b"), path(KEY, b"/b/a"));
    }

    #[test]
    fn zero_padding_is_told_from_zero_bytes() {
        assert_ne!(name(KEY, b"a"), name(KEY, b"a\0"));
        assert_ne!(name(KEY, b""), name(KEY, b"\0"));
    }
}
