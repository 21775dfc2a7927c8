//! What is remembered of subjects and of sockets, in kernel storage.
//!
//! These values outlive a policy and, once maps are pinned, the engine: they
//! hold raw facts, never anything that a policy gave them. Their layout is a
//! contract of its own; a change bumps [`crate::ABI_VERSION`].

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of a path's text that are kept: the first ones. A longer path still has its hash.
pub const TEXT_BYTES: usize = 256;
/// Room for the text: chunks of eight bytes are written whole.
pub const TEXT_ROOM: usize = TEXT_BYTES + 8;
/// A text, zeros or what was there before after it.
pub type Text = [u8; TEXT_ROOM];
/// Components that a path may have; a deeper one is unreadable.
pub const DEPTH: u32 = 64;
/// Longest component, the kernel's `NAME_MAX`.
pub const NAME_MAX: u32 = 255;

/// A place: a path inside one file system.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Place {
    /// [`crate::hash::path`] of the path inside the file system.
    pub hash: u64,
    /// The inode's number.
    pub inode: u64,
    /// The file system's `s_dev`, as the kernel packs it (major << 20 | minor).
    pub device: u32,
    /// One of the `PLACE_` states.
    pub state: u32,
    /// Length of the path in bytes, of which the text holds the first [`TEXT_BYTES`].
    pub length: u32,
    /// Level of the user namespace that owns the file system's mount; 0 is the initial one.
    pub owner_level: u32,
    /// The path from the file system's root, in order, without a leading slash;
    /// components end in `/`, the last one too.
    pub text: Text,
    /// Where the programs work while they read the place; it means nothing afterwards.
    pub scratch: [u64; SCRATCH_WORDS],
}

/// Words of a place's working memory.
pub const SCRATCH_WORDS: usize = 16;

/// Nothing was stored.
pub const PLACE_NONE: u32 = 0;
/// The place was read whole.
pub const PLACE_KNOWN: u32 = 1;
/// The place could not be read: too deep, or torn by renames.
pub const PLACE_UNREADABLE: u32 = 2;
/// There is no place: the file has no name any more, or the socket never had one.
pub const PLACE_NAMELESS: u32 = 3;
/// Not a file but an abstract name: `hash` and `length` are its, `text` its bytes.
pub const PLACE_ABSTRACT: u32 = 4;

/// What a thread is about to bind a unix socket to, and the socket, kept with
/// the thread.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Binding {
    /// `SOCK_` type of the socket whose path is to be made; 0 for none.
    pub kind: u32,
    /// Its protocol.
    pub protocol: u32,
    /// The place.
    pub place: Place,
}

/// What is kept of the process that created another, on the created one's group
/// leader: as it was then, whatever becomes of either (decisions T4).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Creator {
    /// Name of its main thread, as in [`crate::facts::Facts::comm`].
    pub comm: [u64; 2],
    /// Where its executable lay, as in [`crate::facts::Facts::exe`].
    pub exe: [u64; 2],
    /// Inode of its executable.
    pub exe_inode: u64,
    /// When it started, nanoseconds since boot.
    pub start: u64,
    /// Effective user id of the thread that did it.
    pub uid: u32,
    /// Whether `exe` is known: 1, else 0.
    pub exe_known: u32,
    /// Length of its path, as in [`Place::length`].
    pub exe_length: u32,
    /// Real user id of the thread that did it.
    pub ruid: u32,
    /// Its process id, as the initial pid namespace counts.
    pub pid: u32,
    /// Its process id in its own pid namespace.
    pub ns_pid: u32,
    /// Its path, as in [`Place::text`].
    pub exe_text: Text,
}

/// Words of a cgroup's working memory.
pub const CGROUP_SCRATCH: usize = 10;

/// What is kept of the cgroup (v2) that a thread is in, on the thread. It is true
/// as long as the thread's cgroup has this id: no other will ever have it, and
/// cgroups of the default hierarchy are not renamed.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Cgroup {
    /// The cgroup's id.
    pub id: u64,
    /// [`crate::hash::descent`] of its path; nothing when that is too long.
    pub hash: u64,
    /// Where systemd's unit would stand: [`crate::hash::name`] of the topmost
    /// component that is no slice, less one leading `_`, and its length; zeros
    /// for none. Whether it is a valid name of a unit is not looked at.
    pub unit: [u64; 2],
    /// [`PLACE_KNOWN`], [`PLACE_NONE`], or [`PLACE_UNREADABLE`]: the path is too
    /// long to be read to its end, all else is known.
    pub state: u32,
    /// Length of the path as far as it was read, as in [`Place::length`].
    pub length: u32,
    /// The path, as in [`Place::text`].
    pub text: Text,
    /// The unit's name; its length is in `unit`.
    pub unit_text: Text,
    /// Where the programs work; it means nothing afterwards.
    pub scratch: [u64; CGROUP_SCRATCH],
}

/// What is kept of a process, on its group leader.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Identity {
    /// Where the identity comes from: one of the `ORIGIN_` numbers.
    pub origin: u32,
    /// Reserved, zero.
    pub reserved: u32,
    /// What was told of the process.
    pub told: Told,
    /// The executable.
    pub exe: Place,
    /// What the process was allowed lately.
    pub memo: Memo,
}

/// That a process was told of ([`crate::event::Process`]), and numbers of it that never
/// change, ready for its events.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Told {
    /// Hash of the program that was told and, shifted by 32, its device, zeros for one that
    /// is not known, and the epoch ([`crate::maps::EPOCH`]), by exclusive or. 0 before
    /// anything was told. Written last: the numbers are there for whoever sees it.
    pub mark: u64,
    /// When the process started, nanoseconds since boot.
    pub start: u64,
    /// Its id, as the initial pid namespace counts.
    pub pid: u32,
    /// Its id in its own pid namespace.
    pub ns_pid: u32,
}

/// Operations that a [`Memo`] holds.
pub const MEMO_SLOTS: usize = 8;
/// Words of an operation and its object.
pub const OPERATION_WORDS: usize = 4;
/// Added to the first word of an operation in a memo: no family has this bit, and
/// a slot that was never written is no operation.
pub const ALLOWED: u64 = 1 << 15;
/// The policy of a memo that was emptied: no word in [`crate::maps::ACTIVE`] is this.
pub const NO_POLICY: u64 = u64::MAX;

const _: () = assert!(
    (crate::family::FAMILIES as u64) < ALLOWED,
    "the family is the lowest half word"
);

/// Operations that were allowed with nothing to say, by what
/// [`Facts`](crate::facts::Facts) say of them: what is decided by these alone is decided
/// so again as long as the same policy is in force.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Memo {
    /// Odd while a thread of the process writes; two more each time.
    pub version: u64,
    /// The policy, as the word in [`crate::maps::ACTIVE`], or [`NO_POLICY`].
    pub active: u64,
    /// What of the subject can change without an exec: its name, in two words, and
    /// its effective ids, of the user first.
    pub subject: [u64; 3],
    /// The operations: family, operation and kind of object, with [`ALLOWED`]; the
    /// object; the port. Zeros at first.
    pub allowed: [[u64; OPERATION_WORDS]; MEMO_SLOTS],
}

/// Captured at exec by the engine.
pub const ORIGIN_EXEC: u32 = 1;
/// Read from a process that was older than the engine, and trusted as configured.
pub const ORIGIN_SEEDED: u32 = 2;

/// What is kept of a socket that waits for peers, and of one whose address cannot
/// be read from it.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Bound {
    /// One of the `PORT_` states.
    pub state: u32,
    /// Kind of the object: an `OBJECT_` number of [`crate::facts`].
    pub kind: u32,
    /// The address, by its kind.
    pub object: [u64; 2],
    /// The port; 0 when the kernel chooses it.
    pub port: u32,
    /// Kind of the object that listen(2) was judged on, 0 when none was.
    pub heard_kind: u32,
    /// That object, by its kind.
    pub heard: [u64; 2],
    /// Its port.
    pub heard_port: u32,
    /// Reserved, zero.
    pub reserved: u32,
}

/// Of the address nothing is known but what listen(2) was judged on.
pub const PORT_PLAIN: u32 = 0;
/// The port was never given: whoever shows it first is judged for `bind`.
pub const PORT_OPEN: u32 = 1;
/// The address was judged for `bind`.
pub const PORT_JUDGED: u32 = 2;
