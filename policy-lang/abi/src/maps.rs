//! Names of the BPF object's maps and globals, used by both sides.

/// Array of one, mapped by user space: what is in force, an [`Active`] packed into a word.
pub const ACTIVE: &str = "ACTIVE";
/// Array of [`ON_ERROR_WORDS`] words: bit p is set when pair p is refused for want of usable tables.
pub const ON_ERROR: &str = "ON_ERROR";
/// Array of [`SLOTS`] maps, each a one-element array whose value is what of an image is near.
pub const TABLES: &str = "TABLES";
/// Array of [`SLOTS`] maps, each an array of the pages of what of an image is far; none for one that has none.
pub const FAR: &str = "FAR";
/// Array of [`SLOTS`] maps, each an array of [`crate::event::Tallies`]: the counts of each rule.
pub const TALLIES: &str = "TALLIES";
/// Per-CPU array of [`crate::event::Counter`]s.
pub const COUNTERS: &str = "COUNTERS";
/// Ring buffer of [`RING_BYTES`]: [`crate::event::Record`]s, and a [`crate::event::Process`]
/// before the first that is about it.
pub const EVENTS: &str = "EVENTS";
/// Array of one word, mapped by user space: processes told of in another epoch are told of again.
pub const EPOCH: &str = "EPOCH";
/// Array of one word, mapped by user space: [`WAKE_READER`] or [`WAKE_NOBODY`].
pub const WAKE: &str = "WAKE";
/// Task storage of [`crate::identity::Identity`], on group leaders.
pub const IDENTITIES: &str = "IDENTITIES";
/// Task storage of [`crate::identity::Creator`], on group leaders.
pub const CREATORS: &str = "CREATORS";
/// Task storage of [`crate::identity::Cgroup`], on threads.
pub const CGROUPS: &str = "CGROUPS";
/// Socket storage of [`crate::identity::Place`], on listening and receiving unix sockets.
pub const SOCKETS: &str = "SOCKETS";
/// Socket storage of [`crate::identity::Bound`], on sockets that wait for peers.
pub const PORTS: &str = "PORTS";

/// Task storage of [`crate::identity::Place`], on threads: what one is about to bind a unix socket to.
pub const BINDINGS: &str = "BINDINGS";
/// Task storage of a word, on threads: whether a hook saw the peer of the unix connect that one is in.
pub const REACHED: &str = "REACHED";

/// Frozen read-only data: [`crate::offsets::Offsets`].
pub const OFFSETS: &str = "OFFSETS";
/// Frozen read-only data: the key of [`crate::hash`].
pub const HASH_KEY: &str = "HASH_KEY";
/// Frozen read-only data: numbers of PID 1's namespaces, [`HOST_NAMESPACES`] of them.
pub const NAMESPACES: &str = "NAMESPACES";
/// Frozen read-only data: [`crate::ABI_VERSION`] of the object.
pub const VERSION: &str = "VERSION";
/// Frozen read-only data: whether every task older than the engine is trusted (1) or root's alone (0).
pub const TRUST_ALL: &str = "TRUST_ALL";

/// Bytes of the ring buffer.
pub const RING_BYTES: usize = 8 << 20;

/// A record wakes the reader when all before it was read: what `bpf_ringbuf_submit`
/// does by itself.
pub const WAKE_READER: u64 = 0;
/// A record wakes nobody, since the reader looks by itself: `BPF_RB_NO_WAKEUP`.
pub const WAKE_NOBODY: u64 = 1;

/// Policies that the kernel holds at a time: the one in force and the one being filled.
pub const SLOTS: u32 = 2;

/// PID 1's namespaces: user, net, pid, mnt, cgroup. A number of 0 is not known.
pub const HOST_NAMESPACES: usize = 5;

/// Words of [`ON_ERROR`], a bit for each (family, operation) pair.
pub const ON_ERROR_WORDS: u32 = crate::family::PAIRS.div_ceil(64);

/// The word in [`ACTIVE`]: the slot in force and its generation. 0 is "nothing in force".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Active {
    /// Which slot of [`TABLES`].
    pub slot: u32,
    /// The generation that the slot's image must carry.
    pub generation: u64,
}

impl Active {
    /// As one word: bit 63 set, slot in bits 56 to 62, generation below.
    #[must_use]
    pub const fn pack(self) -> u64 {
        1 << 63 | (self.slot as u64) << 56 | self.generation & ((1 << 56) - 1)
    }

    /// From the word; `None` when nothing is in force.
    #[inline(always)]
    #[must_use]
    pub const fn unpack(word: u64) -> Option<Self> {
        if word >> 63 == 0 {
            return None;
        }
        Some(Self {
            slot: (word >> 56 & 0x7f) as u32,
            generation: word & ((1 << 56) - 1),
        })
    }
}
