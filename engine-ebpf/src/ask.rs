//! Answers to a pair's list: what few policies ask of a subject, read when it is
//! asked.
//!
//! VERIFIER: the entries are gone through by `bpf_loop`, whose body is followed
//! a few times; a loop that the verifier unrolls would be followed for each entry.

use crate::cgroup;
use crate::hooks::family::become_of;
use crate::kernel::{self, Pointer};
use crate::maps::{CREATORS, Image, Missing};
use crate::tables::Lookups;
use crate::texts::World;
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use core::ptr::null;
use policy_abi::ask::{Asker, Has, List, NO_NUMBER, Subject, row};
use policy_abi::fields::Dimension;
use policy_abi::identity::Creator;
use policy_abi::image::{ASK_WORDS, ASKS_PER_PAIR};

/// What is asked of the caller's socket, or of the one that it makes; without
/// either, nothing.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Socket {
    pub(crate) kind: u32,
    pub(crate) protocol: u32,
}

impl Socket {
    /// No socket.
    pub(crate) const NONE: Self = Self {
        kind: 0,
        protocol: NO_NUMBER,
    };

    /// Of a socket, or null.
    #[inline(always)]
    pub(crate) fn of(sk: Pointer) -> Self {
        if sk.is_null() {
            return Self::NONE;
        }
        Self {
            kind: u32::from(kernel::sk_type(sk)),
            protocol: u32::from(kernel::sk_protocol(sk)),
        }
    }

    /// Of one that is made with these.
    #[inline(always)]
    pub(crate) fn made(family: u16, kind: u16, protocol: u16) -> Self {
        let (kind, protocol) = become_of(family, kind, protocol);
        Self {
            kind: u32::from(kind),
            protocol: u32::from(protocol),
        }
    }

    /// The protocol as events have it.
    #[inline(always)]
    pub(crate) const fn protocol_or_zero(self) -> u32 {
        if self.protocol == NO_NUMBER {
            0
        } else {
            self.protocol
        }
    }
}

/// What a decision is handed that it cannot read itself.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Asked {
    /// What the list needs.
    pub(crate) has: Has,
    /// The rows of the entries so far.
    bits: u64,
    /// Of the caller's socket.
    protocol: u32,
    /// Where the next entry stands, [`DAMAGED`] when the image is.
    ///
    /// VERIFIER: on 6.1 the frame that holds all this is full.
    at: u32,
}

/// No entry stands there.
const DAMAGED: u32 = 0;

impl Asked {
    /// Nothing asked yet of a caller's socket.
    #[inline(always)]
    pub(crate) fn of(socket: Socket) -> Self {
        // Of zeros side by side the compiler would make a call of `memset`.
        let zero = || kernel::opaque(0);
        Self {
            has: Has {
                traits: zero(),
                groups: zero(),
                texts: zero(),
            },
            bits: u64::MAX,
            protocol: socket.protocol,
            at: DAMAGED,
        }
    }
}

/// What is kept of the acting task.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) task: Pointer,
    /// Of the process's creator, or null.
    pub(crate) creator: *const Creator,
}

impl Subject for Kept {
    /// All numbers are read by [`Acting`].
    #[inline(always)]
    fn number(&self, _: Dimension) -> u32 {
        NO_NUMBER
    }

    #[inline(always)]
    fn key(&self, dimension: Dimension) -> Option<[u64; 2]> {
        if is_of_cgroup(dimension) {
            // SAFETY: a map's value, valid while the program runs.
            let cgroup = unsafe { &*cgroup::known(self.task)? };
            if dimension == Dimension::Cgroup {
                return Some(cgroup::path_key(cgroup));
            }
            let [_, length] = cgroup.unit;
            return (length != 0).then_some(cgroup.unit);
        }
        if self.creator.is_null() {
            return None;
        }
        // SAFETY: not null, and a map's value, valid while the program runs.
        let creator = unsafe { &*self.creator };
        if dimension == Dimension::ParentComm {
            return Some(creator.comm);
        }
        (creator.exe_known != 0).then_some(creator.exe)
    }
}

/// Whether a text is read from what is kept of the thread's cgroup, and not of its
/// process's creator.
#[inline(always)]
pub(crate) const fn is_of_cgroup(dimension: Dimension) -> bool {
    matches!(dimension, Dimension::Unit | Dimension::Cgroup)
}

/// What is kept of a process's creator, or null.
#[inline(always)]
pub(crate) fn creator_of(leader: Pointer) -> *const Creator {
    match CREATORS.of_task(leader, Missing::Leave) {
        Some(creator) => creator.cast_const(),
        None => null(),
    }
}

/// A number of the running task, [`NO_NUMBER`] when it is missing.
///
/// VERIFIER: followed once, by its types. At each load of a pointer out of a task it looks
/// for names among all the kernel's types, so these are loaded here, before what branches,
/// and not wherever a list is gone through.
#[unsafe(export_name = "asked_number")]
#[inline(never)]
extern "C" fn number_of(dimension: u32) -> u32 {
    let task = kernel::current();
    let cred = kernel::task_cred(task);
    let leader = kernel::group_leader(task);
    match Dimension::from_raw(dimension) {
        Some(Dimension::Ruid) => kernel::cred_uid(cred),
        Some(Dimension::Rgid) => kernel::cred_gid(cred),
        Some(Dimension::Loginuid) => kernel::task_loginuid(task),
        Some(Dimension::ParentUid) => {
            let creator = creator_of(leader);
            if creator.is_null() {
                return NO_NUMBER;
            }
            // SAFETY: not null, and a map's value, valid while the program runs.
            unsafe { (*creator).uid }
        }
        _ => NO_NUMBER,
    }
}

/// Writes what a text of the running task is looked up by to `key`; 0 when it is missing.
///
/// VERIFIER: as [`number_of`].
#[unsafe(export_name = "asked_key")]
#[inline(never)]
extern "C" fn key_of(dimension: u32, key: *mut [u64; 2]) -> u32 {
    let task = kernel::current();
    let leader = kernel::group_leader(task);
    let Some(dimension) = Dimension::from_raw(dimension) else {
        return 0;
    };
    if key.is_null() {
        return 0;
    }
    let creator = if is_of_cgroup(dimension) {
        null()
    } else {
        creator_of(leader)
    };
    let Some(found) = (Kept { task, creator }).key(dimension) else {
        return 0;
    };
    // SAFETY: not null, and of a key's size: the verifier has seen to that.
    unsafe { key.write(found) };
    1
}

/// The acting task, and the protocol of its socket.
#[derive(Clone, Copy)]
pub(crate) struct Acting {
    pub(crate) protocol: u32,
}

impl Subject for Acting {
    #[inline(always)]
    fn number(&self, dimension: Dimension) -> u32 {
        if dimension == Dimension::Protocol {
            self.protocol
        } else {
            number_of(dimension as u32)
        }
    }

    #[inline(always)]
    fn key(&self, dimension: Dimension) -> Option<[u64; 2]> {
        let zero = kernel::opaque(0);
        let mut key = [zero, zero];
        (key_of(dimension as u32, &raw mut key) != 0).then_some(key)
    }
}

/// The hooks' side of a decision, which has its own loop over a list.
#[derive(Clone, Copy)]
pub(crate) struct Hooked {
    pub(crate) asked: *mut Asked,
}

impl Asker<World<'_>> for Hooked {
    #[inline(always)]
    fn ask(&self, world: &World<'_>, list: List) -> Option<u64> {
        // SAFETY: what `judge` was handed, which is not null.
        let asked = unsafe { &mut *self.asked };
        asked.at = list.base();
        let mut state = Answering {
            image: world.image,
            asked: self.asked,
        };
        let count = kernel::at_most(list.count(), ASKS_PER_PAIR);
        // SAFETY: `next` has the signature that the helper calls, and `state`
        // outlives the call.
        unsafe {
            bpf_loop(
                count,
                next as *const () as *mut c_void,
                (&raw mut state).cast(),
                0,
            );
        }
        (asked.at != DAMAGED).then_some(asked.bits)
    }
}

/// State of the loop over a list; the rest of it lies in [`Asked`], since the
/// frames of a chain of calls have 512 bytes together.
#[repr(C)]
struct Answering {
    image: *const Image,
    asked: *mut Asked,
}

/// Takes in the row of one entry; 1 ends the loop.
unsafe extern "C" fn next(_index: u32, state: *mut Answering) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `answer` gave it.
    let state = unsafe { &*state };
    // SAFETY: what `judge` was handed, which is not null.
    let asked = unsafe { &mut *state.asked };
    let acting = Acting {
        protocol: asked.protocol,
    };
    let Some(row) = row(&Lookups(state.image), &acting, &asked.has, asked.at) else {
        asked.at = DAMAGED;
        return 1;
    };
    // VERIFIER: or it would follow each turn with what the one before has left.
    asked.bits = kernel::opaque_memory(asked.bits & row);
    asked.at = kernel::opaque_memory(u64::from(asked.at.wrapping_add(ASK_WORDS))) as u32;
    0
}
