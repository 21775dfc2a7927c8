//! What the kernel tells user space: records in the ring buffer, and counts.

use crate::facts::Facts;
use crate::identity::TEXT_ROOM;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What happened to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Action {
    /// It went on; nothing asked for an event but the event selection.
    Allow = 0,
    /// It was refused.
    Deny = 1,
    /// It was refused and the process was killed.
    Kill = 2,
    /// It went on; rules in audit mode would have refused it.
    WouldDeny = 3,
    /// It went on, and a record rule matched.
    Record = 4,
}

impl Action {
    /// The action of a number, `None` for one that this version does not know.
    #[must_use]
    pub const fn from_raw(raw: u32) -> Option<Self> {
        match raw {
            0 => Some(Self::Allow),
            1 => Some(Self::Deny),
            2 => Some(Self::Kill),
            3 => Some(Self::WouldDeny),
            4 => Some(Self::Record),
            _ => None,
        }
    }
}

/// `sockfd` was read from the system call's registers.
pub const FLAG_SOCKFD: u32 = 1;
/// The system call was connect(2).
pub const FLAG_CONNECT: u32 = 1 << 1;
/// `typed` holds the address as the caller wrote it.
pub const FLAG_TYPED: u32 = 1 << 2;
/// The object's text and numbers are filled in.
pub const FLAG_OBJECT: u32 = 1 << 5;
/// The verdict is the failure verdict: the tables could not be read.
pub const FLAG_FAILED: u32 = 1 << 6;

/// Bytes of an address as the caller wrote it: `struct sockaddr_storage`.
pub const TYPED_BYTES: usize = 128;
/// Of those, what a brief record has: `struct sockaddr_in6`, and four more.
pub const BRIEF_TYPED_BYTES: usize = 32;
/// Bytes of a brief record: the beginning of a [`Record`]. Most events are about
/// addresses, and what they cost grows with what lies in the ring.
pub const BRIEF_BYTES: usize = core::mem::offset_of!(Record, typed) + BRIEF_TYPED_BYTES;

/// A path's text beside its numbers, as a record carries it.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Text {
    /// The inode's number.
    pub inode: u64,
    /// The file system's `s_dev`, as the kernel packs it.
    pub device: u32,
    /// Length in bytes. Past [`crate::identity::TEXT_BYTES`] the text is not there.
    pub length: u32,
    /// For a path, as in [`crate::identity::Place::text`]; for an abstract name its bytes.
    pub bytes: [u8; TEXT_ROOM],
}

/// Record rules that matched beside those of one word of terms, in a pair of more terms than that.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Further {
    /// Indexes of rules, as many as are `named`. A rule can be named twice.
    pub rules: [u16; FURTHER_RULES],
    /// How many of `rules` are meaningful.
    pub named: u16,
    /// How many more matched that found no room.
    pub unnamed: u16,
}

/// Rules that a record can name beside those of one word.
pub const FURTHER_RULES: usize = 6;

/// A process, as it was when it was written down.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Task {
    /// When it started, nanoseconds since boot.
    pub start: u64,
    /// Name of its main thread, as in [`Facts::comm`].
    pub comm: [u64; 2],
    /// Process id as the initial pid namespace counts.
    pub pid: u32,
    /// Process id in its own pid namespace.
    pub ns_pid: u32,
    /// Real user id, as the initial user namespace counts.
    pub ruid: u32,
    /// Reserved, zero.
    pub reserved: u32,
}

/// The process's executable is known.
pub const PROCESS_EXE: u32 = 1;
/// The process was older than the engine; its executable is what was found then.
pub const PROCESS_SEEDED: u32 = 1 << 1;
/// Its creator is known.
pub const PROCESS_PARENT: u32 = 1 << 2;
/// The creator's executable is known.
pub const PROCESS_PARENT_EXE: u32 = 1 << 3;
/// How many processes above the one that acts are told of before its first event.
pub const ANCESTORS: u32 = 8;

/// What is told of a process once, before its first event: again when it runs
/// another program, and in each epoch ([`crate::maps::EPOCH`]). An event names it
/// by its `pid` and `process_start`. Bytes of a text past its length, and all of
/// a member that no flag says is there, are not meaningful.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Process {
    /// [`crate::ABI_VERSION`] of the writer.
    pub version: u32,
    /// `PROCESS_` bits.
    pub flags: u32,
    /// The program, as in [`Facts::exe`].
    pub program: [u64; 2],
    /// The process.
    pub task: Task,
    /// Its executable.
    pub exe: Text,
    /// Who created it, as that one was then; of a process that is older than the
    /// engine, who was its parent when this was written.
    pub parent: Task,
    /// The creator's executable.
    pub parent_exe: Text,
}

const _: () = assert!(
    size_of::<Process>() != size_of::<Record>() && size_of::<Process>() != BRIEF_BYTES,
    "what lies in the ring is told apart by its size"
);

/// One event. Bytes of a text past its length are not meaningful. One about no unix
/// object, whose typed address is short, is the first [`BRIEF_BYTES`] of it.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Record {
    /// [`crate::ABI_VERSION`] of the writer.
    pub version: u32,
    /// A [`crate::hooks::Hook`].
    pub hook: u32,
    /// An [`Action`].
    pub action: u32,
    /// `FLAG_` bits.
    pub flags: u32,
    /// Generation of the policy that decided.
    pub generation: u64,
    /// Nanoseconds since boot, suspension included.
    pub boottime: u64,
    /// Number of this record among those its CPU tried to write, from 0.
    pub sequence: u64,
    /// Bits of the record terms that matched.
    pub recorded: u64,
    /// Base of the pair's terms in the image.
    pub terms: u32,
    /// The CPU that wrote the record.
    pub cpu: u32,
    /// The rule that the action is about, [`crate::decide::NO_RULE`] for none.
    pub rule: u32,
    /// Its effect, a [`crate::image::Effect`] or 0.
    pub effect: u32,
    /// Errno returned to the caller, positive; 0 when allowed.
    pub errno: u32,
    /// Process id as the initial pid namespace counts.
    pub pid: u32,
    /// Thread id as the initial pid namespace counts.
    pub tid: u32,
    /// Process id in the process's own pid namespace.
    pub ns_pid: u32,
    /// Thread id in the process's own pid namespace.
    pub ns_tid: u32,
    /// Real user id, as the initial user namespace counts.
    pub ruid: u32,
    /// Audit login id; `u32::MAX` when unset or not kept by this kernel.
    pub loginuid: u32,
    /// The descriptor that the system call named.
    pub sockfd: i32,
    /// `SOCK_` type of the caller's socket.
    pub socket_type: u32,
    /// Protocol of the caller's socket.
    pub protocol: u32,
    /// When the process started, nanoseconds since boot.
    pub process_start: u64,
    /// When the thread started, nanoseconds since boot.
    pub thread_start: u64,
    /// Id of the cgroup (v2).
    pub cgroup: u64,
    /// Name of the thread, zero padded.
    pub thread_comm: [u64; 2],
    /// What the decision was made on.
    pub facts: Facts,
    /// Bytes of `typed` that the caller gave.
    pub typed_length: u32,
    /// Numbers that the hook was given, by hook: of a new socket its `AF_` family,
    /// type and protocol.
    pub detail: [u32; 3],
    /// The address as the caller wrote it.
    pub typed: [u8; TYPED_BYTES],
    /// Further record rules that matched.
    pub further: Further,
    /// The object, when it is a unix socket.
    pub object: Text,
}

/// Counts of one rule in one slot. `matched = emitted + suppressed + lost` once all programs have returned.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Tally {
    /// Decisions that this rule determined, or that it recorded.
    pub matched: u64,
    /// Of those, refused.
    pub denied: u64,
    /// Of those, let go by audit mode alone.
    pub would_deny: u64,
    /// Events submitted for them.
    pub emitted: u64,
    /// Events that found no room.
    pub lost: u64,
    /// Events that the selection did not ask for.
    pub suppressed: u64,
}

/// Counts of some rules that stand together.
pub type Tallies = [Tally; TALLIES as usize];
/// How many: a power of two.
pub const TALLIES: u32 = 64;

impl Tally {
    /// The sum of two counts of one rule.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            matched: self.matched.saturating_add(other.matched),
            denied: self.denied.saturating_add(other.denied),
            would_deny: self.would_deny.saturating_add(other.would_deny),
            emitted: self.emitted.saturating_add(other.emitted),
            lost: self.lost.saturating_add(other.lost),
            suppressed: self.suppressed.saturating_add(other.suppressed),
        }
    }
}

macro_rules! counters {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $name:literal, )+) => {
        /// What is counted apart from rules; each an index into the counters' map.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Counter { $( $(#[doc = $doc])+ $variant, )+ }

        /// All counters with the names they are shown by, in order of number.
        pub const COUNTERS: &[(Counter, &str)] = &[ $( (Counter::$variant, $name), )+ ];
    };
}

counters! {
    /// Operations judged: of families and operations that the policy has rules for,
    /// or that the selection of events asks for.
    Decisions = "decisions",
    /// Operations that were allowed.
    Allowed = "allowed",
    /// Operations that were refused.
    Denied = "denied",
    /// Operations that audit mode alone let go.
    WouldDeny = "would_deny",
    /// Events that were asked for: the source of a record's sequence number.
    Events = "events",
    /// Events that found no room in the ring buffer.
    EventsLost = "events_lost",
    /// Operations of kernel threads, never judged.
    KernelThreads = "kernel_threads",
    /// Operations on sockets that the kernel made for itself, never judged. Where such
    /// a one reaches a unix socket as its process was allowed to before, it is counted
    /// as [`Counter::Remembered`].
    KernelSockets = "kernel_sockets",
    /// Operations that a program of another LSM had refused before.
    PriorDenials = "prior_denials",
    /// Decisions made without usable tables, by the failure verdict.
    NoTables = "no_tables",
    /// Task storage that could not be made: the subject's executable is unknown.
    NoTaskStorage = "no_task_storage",
    /// Socket storage that could not be made: the object was read without it.
    NoSocketStorage = "no_socket_storage",
    /// Paths that were too deep, too long or torn by renames.
    UnreadablePaths = "unreadable_paths",
    /// Walks that were repeated since a rename came between.
    WalkRetries = "walk_retries",
    /// Facts about subjects that could not be read: they count as missing.
    UnreadableSubjects = "unreadable_subjects",
    /// Addresses that could not be read.
    UnreadableAddresses = "unreadable_addresses",
    /// Texts that were too long to be held against patterns with wildcards.
    LongTexts = "long_texts",
    /// Events of operations that a rule denied or recorded, which the selection did
    /// not ask for.
    EventsSuppressed = "events_suppressed",
    /// Operations that were allowed since the process was allowed the same before. The
    /// kernel counts them here alone; whoever reads the counters adds them to
    /// `decisions` and `allowed`.
    Remembered = "remembered",
}

/// How many counters there are.
#[expect(clippy::cast_possible_truncation, reason = "a table of a few rows")]
pub const COUNTER_COUNT: u32 = COUNTERS.len() as u32;
