//! Answers to a pair's list: what few policies ask of a subject, read when it is
//! asked.
//!
//! VERIFIER: the entries are gone through by `bpf_loop`, whose body is followed
//! a few times; a loop that the verifier unrolls would be followed for each entry.

use crate::dispatch::Words;
use crate::kernel::{self, Pointer};
use crate::traits;
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::ask::{Asker, Has, List, NEEDS_TRAITS, NO_NUMBER, Subject, row};
use policy_abi::fields::Dimension;
use policy_abi::image::{ASK_WORDS, ASKS_PER_PAIR};

/// What is asked of the caller's socket, as it is handed to a decision: numbers.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Socket {
    kind: u32,
    protocol: u32,
}

impl Socket {
    #[inline(always)]
    pub(crate) fn of(sk: Pointer) -> Self {
        Self {
            kind: u32::from(kernel::sk_type(sk)),
            protocol: u32::from(kernel::sk_protocol(sk)),
        }
    }

    #[inline(always)]
    pub(crate) const fn pack(self) -> u64 {
        self.kind as u64 | (self.protocol as u64) << 32
    }

    #[inline(always)]
    pub(crate) const fn unpack(word: u64) -> Self {
        Self {
            kind: word as u32,
            protocol: (word >> 32) as u32,
        }
    }
}

/// The acting task and its socket.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Acting {
    pub(crate) task: Pointer,
    pub(crate) socket: Socket,
}

impl Subject for Acting {
    #[inline(always)]
    fn number(&self, dimension: Dimension) -> u32 {
        match dimension {
            Dimension::Ruid => kernel::cred_uid(kernel::task_cred(self.task)),
            Dimension::Rgid => kernel::cred_gid(kernel::task_cred(self.task)),
            Dimension::Loginuid => kernel::task_loginuid(self.task),
            Dimension::Protocol => self.socket.protocol,
            _ => NO_NUMBER,
        }
    }

    #[inline(always)]
    fn key(&self, _dimension: Dimension) -> Option<[u64; 2]> {
        None
    }

    #[inline(always)]
    fn traits(&self) -> u64 {
        traits::of(self.task, self.socket.kind)
    }
}

/// The hooks' side of a decision, which has its own loop over a list.
#[derive(Clone, Copy)]
pub(crate) struct Hooked(pub(crate) Acting);

impl Asker<Words> for Hooked {
    #[inline(always)]
    fn ask(&self, words: &Words, list: List) -> Option<u64> {
        let mut bits = 0;
        if answer(words, &self.0, list.0, &mut bits) {
            Some(bits)
        } else {
            None
        }
    }
}

/// State of the loop over a list.
#[repr(C)]
struct Answering {
    words: Words,
    acting: Acting,
    has: Has,
    bits: u64,
    at: u32,
    damaged: u32,
}

/// The AND of the rows of a list's entries. False when the image is damaged.
#[inline(always)]
fn answer(words: &Words, acting: &Acting, list: u64, bits: &mut u64) -> bool {
    let list = List(list);
    let mut state = Answering {
        words: *words,
        acting: *acting,
        has: Has::default(),
        bits: u64::MAX,
        at: list.base(),
        damaged: 0,
    };
    if list.needs(NEEDS_TRAITS) {
        state.has.traits = state.acting.traits();
    }
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
    *bits = state.bits;
    state.damaged == 0
}

/// Takes in the row of one entry; 1 ends the loop.
unsafe extern "C" fn next(_index: u32, state: *mut Answering) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `answer` gave it.
    let state = unsafe { &mut *state };
    let Some(row) = row(&state.words, &state.acting, &state.has, state.at) else {
        state.damaged = 1;
        return 1;
    };
    state.bits &= row;
    state.at = state.at.wrapping_add(ASK_WORDS);
    0
}
