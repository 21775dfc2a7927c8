//! What a process was allowed lately, with nothing to say: the same is not
//! judged again while the same policy is in force.
//!
//! A memo is compared by value, all of it: the policy, the subject as it is at
//! this moment, the operation and its object. Only the program is not: the memo
//! lies with it, and is emptied where it changes. Only
//! what [`Facts`] decide alone is kept; a pair with rare dimensions never is,
//! nor one of whose allowed operations events are selected.
//!
//! A process's threads share its memo. Whoever writes makes its
//! version odd before, and gives up when another does so; until all is written, the
//! memo is of no policy. Whoever reads takes nothing from it when the version is odd, or
//! has changed at the end. This needs that a CPU shows its stores in their order, as x86-64 does.

use crate::count::{count, fetch_or_one};
use crate::kernel::{Pointer, cred_egid, cred_euid, current, group_leader, task_comm, task_cred};
use crate::maps::Image;
use crate::subject::proven;
use crate::tables::{generation, slot, word_in_force};
use core::ptr::{read_volatile, write_volatile};
use policy_abi::ask::{List, MAKES_EVENTS};
use policy_abi::event::Counter;
use policy_abi::facts::{Facts, SUBJECT_EXE};
use policy_abi::family::{CONNECT, CREATE, SETSOCKOPT};
use policy_abi::identity::{ALLOWED, Identity, MEMO_SLOTS, NO_POLICY, OPERATION_WORDS};
use policy_abi::maps::Active;

/// Operations that are kept, a bit each: others are rare, or judged once.
pub(crate) const KEPT: u32 = 1 << CONNECT | 1 << CREATE | 1 << SETSOCKOPT;

/// Where the words of a process's memo lie. Other threads write to them.
#[derive(Clone, Copy)]
struct At {
    version: *mut u64,
    active: *mut u64,
    subject: *mut u64,
    slots: *mut [u64; OPERATION_WORDS],
}

impl At {
    #[inline(always)]
    fn of(identity: *mut Identity) -> Self {
        // SAFETY: a map's value, valid while the program runs; read and written
        // word by word.
        let memo = unsafe { &mut (*identity).memo };
        Self {
            version: &raw mut memo.version,
            active: &raw mut memo.active,
            subject: (&raw mut memo.subject).cast(),
            slots: (&raw mut memo.allowed).cast(),
        }
    }

    /// The slot of an operation.
    #[inline(always)]
    const fn slot(self, operation: Operation) -> *mut u64 {
        let [first, high, low, port] = operation.0;
        let mixed = (first ^ high ^ low ^ port).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = (mixed >> 61) as usize & (MEMO_SLOTS - 1);
        self.slots.wrapping_add(slot).cast()
    }
}

#[inline(always)]
fn load(word: *const u64) -> u64 {
    // SAFETY: a word of a map's value, valid while the program runs.
    unsafe { read_volatile(word) }
}

#[inline(always)]
fn store(word: *mut u64, value: u64) {
    // SAFETY: as in `load`.
    unsafe { write_volatile(word, value) };
}

/// Writes some words.
#[inline(always)]
fn write(to: *mut u64, words: &[u64]) {
    for (index, word) in words.iter().enumerate() {
        store(to.wrapping_add(index), *word);
    }
}

/// An operation and its object, as a memo has them.
#[derive(Clone, Copy)]
pub(crate) struct Operation([u64; OPERATION_WORDS]);

impl Operation {
    #[inline(always)]
    pub(crate) const fn new(
        family: u16,
        operation: u16,
        object_kind: u32,
        object: [u64; 2],
        port: u32,
    ) -> Self {
        let first = family as u64 | ALLOWED | (operation as u64) << 16 | (object_kind as u64) << 32;
        let [high, low] = object;
        Self([first, high, low, port as u64])
    }

    /// What facts say of them.
    #[inline(always)]
    pub(crate) const fn of(facts: &Facts) -> Self {
        let Facts {
            family,
            operation,
            object_kind,
            object,
            port,
            ..
        } = *facts;
        Self::new(family, operation, object_kind, object, port)
    }

    /// The facts about them.
    #[inline(always)]
    pub(crate) const fn fill(self, facts: &mut Facts) {
        let [first, high, low, port] = self.0;
        facts.family = first as u16 & !(ALLOWED as u16);
        facts.operation = (first >> 16) as u16;
        facts.object_kind = (first >> 32) as u32;
        facts.object = [high, low];
        facts.port = port as u32;
    }

    /// Whether the running process, of which `identity` is kept, was allowed this by
    /// the policy in force; it is counted then.
    #[inline(always)]
    pub(crate) fn allowed_before(self, identity: *mut Identity) -> bool {
        let [first, high, low, port] = self.0;
        allows(identity, first, high, low, port) != 0
    }
}

/// Effective ids, as a memo has them.
#[inline(always)]
fn ids(task: Pointer) -> u64 {
    let cred = task_cred(task);
    u64::from(cred_euid(cred)) | u64::from(cred_egid(cred)) << 32
}

/// 1 when the running process was allowed this by the policy in force, and
/// counted so; else 0.
///
/// Each word is read where it is compared, since a BPF program has few registers.
/// The name is as the kernel has it: one that has bytes after its end is not kept.
///
/// VERIFIER: followed once, by its types; and what it needs of the stack is its own.
#[unsafe(export_name = "memo_allows")]
#[inline(never)]
extern "C" fn allows(identity: *mut Identity, first: u64, high: u64, low: u64, port: u64) -> u64 {
    if identity.is_null() {
        return 0;
    }
    let at = At::of(identity);
    let before = load(at.version);
    // Somebody writes.
    let mut differs = before & 1;
    let operation = Operation([first, high, low, port]);
    let slot = at.slot(operation);
    for (index, word) in operation.0.iter().enumerate() {
        differs |= load(slot.wrapping_add(index)) ^ word;
    }
    // Before anything is called: what is kept over a call costs.
    if differs != 0 {
        return 0;
    }
    differs = load(at.active) ^ word_in_force();
    let task = current();
    let leader = group_leader(task);
    let [name, rest] = task_comm(leader);
    for (index, word) in [name, rest, ids(task)].iter().enumerate() {
        differs |= load(at.subject.wrapping_add(index)) ^ word;
    }
    differs |= load(at.version) ^ before;
    if differs != 0 {
        return 0;
    }
    count(Counter::Remembered);
    1
}

/// Whether what is allowed of a pair with this list may be kept: it asks for nothing
/// but what facts say, and makes no events.
#[inline(always)]
pub(crate) const fn is_kept(list: List) -> bool {
    list.count() == 0 && !list.needs(MAKES_EVENTS)
}

/// Keeps that the policy whose image is given allowed what `facts` say, to the
/// running process, of which `identity` is kept. To be asked before: [`is_kept`].
///
/// VERIFIER: followed once, by its types.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn keep(
    facts: *const Facts,
    image: *const Image,
    identity: *mut Identity,
) -> u32 {
    if facts.is_null() || image.is_null() {
        return 0;
    }
    // SAFETY: the verifier checks that callers hand over facts.
    let facts = unsafe { &*facts };
    if KEPT >> facts.operation & 1 == 0 {
        return 0;
    }
    let Some(identity) = proven(identity) else {
        return 0;
    };
    let (slot, generation) = (slot(image), generation(image));
    let active = Active { slot, generation }.pack();
    let task = current();
    let leader = group_leader(task);
    let [name, rest] = task_comm(leader);
    let ids = ids(task);
    let differs = name ^ facts.comm[0]
        | rest ^ facts.comm[1]
        | ids ^ (u64::from(facts.uid) | u64::from(facts.gid) << 32);
    if differs != 0 || facts.subject != SUBJECT_EXE {
        // Changed meanwhile, or a name with bytes after its end.
        return 0;
    }
    let subject = [name, rest, ids];
    let at = At::of(identity);
    let before = fetch_or_one(at.version);
    if before & 1 != 0 {
        return 0;
    }
    let mut differs = load(at.active) ^ active;
    store(at.active, NO_POLICY);
    for (index, word) in subject.iter().enumerate() {
        differs |= load(at.subject.wrapping_add(index)) ^ word;
    }
    if differs != 0 {
        for slot in 0..MEMO_SLOTS {
            store(at.slots.wrapping_add(slot).cast(), 0);
        }
        write(at.subject, &subject);
    }
    let operation = Operation::of(facts);
    write(at.slot(operation), &operation.0);
    store(at.active, active);
    store(at.version, before.wrapping_add(2));
    1
}

/// Empties the memo of a process that does not run yet, or has no other thread.
#[inline(always)]
pub(crate) fn forget(identity: *mut Identity) {
    let at = At::of(identity);
    store(at.active, NO_POLICY);
    store(at.version, 0);
}
