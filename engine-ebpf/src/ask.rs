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
}

impl Subject for Kept {
    /// All numbers are read by [`Acting`].
    #[inline(always)]
    fn number(&self, _: Dimension) -> u32 {
        NO_NUMBER
    }

    #[inline(always)]
    fn key(&self, dimension: Dimension) -> Option<[u64; 2]> {
        if matches!(dimension, Dimension::Unit | Dimension::Cgroup) {
            // SAFETY: a map's value, valid while the program runs.
            let cgroup = unsafe { &*cgroup::known(self.task)? };
            if dimension == Dimension::Cgroup {
                return Some(cgroup::path_key(cgroup));
            }
            let [_, length] = cgroup.unit;
            return (length != 0).then_some(cgroup.unit);
        }
        // SAFETY: as above.
        let creator = unsafe { &*self.creator()? };
        if dimension == Dimension::ParentComm {
            return Some(creator.comm);
        }
        (creator.exe_known != 0).then_some(creator.exe)
    }
}

impl Kept {
    /// What is kept of the process's creator.
    #[inline(always)]
    pub(crate) fn creator(&self) -> Option<*const Creator> {
        let leader = kernel::group_leader(self.task);
        let creator = CREATORS.of_task(leader, Missing::Leave)?;
        Some(creator.cast_const())
    }
}

/// The acting task, and the protocol of its socket.
#[derive(Clone, Copy)]
pub(crate) struct Acting {
    pub(crate) kept: Kept,
    pub(crate) protocol: u32,
}

impl Subject for Acting {
    #[inline(always)]
    fn number(&self, dimension: Dimension) -> u32 {
        let task = self.kept.task;
        match dimension {
            Dimension::Ruid => kernel::cred_uid(kernel::task_cred(task)),
            Dimension::Rgid => kernel::cred_gid(kernel::task_cred(task)),
            Dimension::Loginuid => kernel::task_loginuid(task),
            Dimension::Protocol => self.protocol,
            Dimension::ParentUid => match self.kept.creator() {
                // SAFETY: a map's value, valid while the program runs.
                Some(creator) => unsafe { (*creator).uid },
                None => NO_NUMBER,
            },
            _ => NO_NUMBER,
        }
    }

    #[inline(always)]
    fn key(&self, dimension: Dimension) -> Option<[u64; 2]> {
        self.kept.key(dimension)
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
        kept: Kept {
            task: kernel::current(),
        },
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
