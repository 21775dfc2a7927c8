//! What a process was allowed lately, with nothing to say: the same is not
//! judged again while the same policy is in force.
//!
//! A memo is compared by value, all of it: the policy, the subject as it is at
//! this moment, the operation and its object. There is nothing to invalidate. Only
//! what [`Facts`] decide alone is kept; a pair with rare dimensions never is,
//! nor one of whose allowed operations events are selected.
//!
//! It lies with the process, and its threads share it. Whoever writes makes its
//! version odd before, and gives up when another does so; whoever reads
//! takes nothing from it while the version is odd, or has changed at the end. This
//! needs that a CPU shows its stores in their order, as x86-64 does.

use crate::count::{count, fetch_or_one};
use crate::dispatch::Said;
use crate::kernel::{Pointer, cred_egid, cred_euid, current, group_leader, task_comm, task_cred};
use crate::maps::Image;
use crate::subject::known;
use crate::tables::{Words, word_in_force};
use core::ptr::{read_volatile, write_volatile};
use policy_abi::ask::MAKES_EVENTS;
use policy_abi::decide::{form, list};
use policy_abi::event::Counter;
use policy_abi::facts::{ALLOWED, Facts, SUBJECT_EXE, SUBJECT_WORD, SUBJECT_WORDS};
use policy_abi::family::{CONNECT, CREATE, SETSOCKOPT};
use policy_abi::identity::{Identity, MEMO_SLOTS, Place};
use policy_abi::maps::Active;

/// Operations that are kept, a bit each: others are rare, or judged once.
pub(crate) const KEPT: u32 = 1 << CONNECT | 1 << CREATE | 1 << SETSOCKOPT;

/// Where the words of a process's memo lie. Other threads write to them.
#[derive(Clone, Copy)]
struct At {
    version: *mut u64,
    active: *mut u64,
    subject: *mut u64,
    slots: *mut [u64; SUBJECT_WORD],
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
    const fn slot(self, operation: &[u64; SUBJECT_WORD]) -> *mut u64 {
        let [first, high, low, port] = *operation;
        let mixed = (first ^ high ^ low.rotate_left(32) ^ port).wrapping_mul(0x9e37_79b9_7f4a_7c15);
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

/// Bits in which words differ.
#[inline(always)]
fn differing(kept: *const u64, words: &[u64]) -> u64 {
    let mut differs = 0;
    for (index, word) in words.iter().enumerate() {
        differs |= load(kept.wrapping_add(index)) ^ word;
    }
    differs
}

/// What the facts say of the operation and its object.
#[inline(always)]
fn operation(facts: &Facts) -> [u64; SUBJECT_WORD] {
    let first = u64::from(facts.family)
        | ALLOWED
        | u64::from(facts.operation) << 16
        | u64::from(facts.object_kind) << 32;
    let [high, low] = facts.object;
    [first, high, low, u64::from(facts.port)]
}

/// The subject as it is now, which need not be written into facts to be compared.
///
/// The name is as the kernel has it: one that has bytes after its end is not kept.
#[inline(always)]
fn subject(task: Pointer, leader: Pointer, exe: &Place) -> [u64; SUBJECT_WORDS] {
    let [name, rest] = task_comm(leader);
    let cred = task_cred(task);
    let ids = u64::from(cred_euid(cred)) | u64::from(cred_egid(cred)) << 32;
    [exe.hash, u64::from(exe.device), name, rest, ids]
}

/// 1 when the running process was allowed this by the policy in force, and
/// counted so; else 0.
///
/// VERIFIER: followed once, by its types; and what it needs of the stack is its own.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn allows(facts: *const Facts) -> u32 {
    if facts.is_null() {
        return 0;
    }
    // SAFETY: the verifier checks that callers hand over facts.
    let facts = unsafe { &*facts };
    let task = current();
    let leader = group_leader(task);
    let Some(identity) = known(leader) else {
        return 0;
    };
    // SAFETY: a field of a map's value.
    let subject = subject(task, leader, unsafe { &(*identity).exe });
    let at = At::of(identity);
    let operation = operation(facts);
    let active = word_in_force();
    let before = load(at.version);
    let mut differs = before & 1 | (load(at.active) ^ active);
    differs |= differing(at.subject, &subject);
    differs |= differing(at.slot(&operation), &operation);
    differs |= load(at.version) ^ before;
    // Nothing is in force with a word of 0.
    if differs != 0 || active == 0 {
        return 0;
    }
    count(Counter::Decisions);
    count(Counter::Allowed);
    1
}

/// Keeps what was said by the policy whose image is given: that it allowed.
///
/// VERIFIER: followed once, by its types.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn keep(facts: *const Facts, image: *const Image, said: *const Said) -> u32 {
    if facts.is_null() || image.is_null() || said.is_null() {
        return 0;
    }
    // SAFETY: the verifier checks that callers hand over facts.
    let facts = unsafe { &*facts };
    if KEPT >> facts.operation & 1 == 0
        || form(&Words(image), facts)
            .and_then(|form| list(&Words(image), form))
            .is_none_or(|list| list.count() != 0 || list.needs(MAKES_EVENTS))
    {
        return 0;
    }
    // SAFETY: the same for what was said.
    let said = unsafe { &*said };
    let (slot, generation) = (said.slot, said.generation);
    let active = Active { slot, generation }.pack();
    let task = current();
    let leader = group_leader(task);
    let Some(identity) = known(leader) else {
        return 0;
    };
    // SAFETY: a field of a map's value.
    let subject = subject(task, leader, unsafe { &(*identity).exe });
    let [exe, device, name, rest, ids] = subject;
    let differs = exe ^ facts.exe[0]
        | device ^ facts.exe[1]
        | name ^ facts.comm[0]
        | rest ^ facts.comm[1]
        | ids ^ (u64::from(facts.uid) | u64::from(facts.gid) << 32);
    if differs != 0 || facts.subject != SUBJECT_EXE {
        // Changed meanwhile, or a name with bytes after its end.
        return 0;
    }
    let at = At::of(identity);
    let before = fetch_or_one(at.version);
    if before & 1 != 0 {
        return 0;
    }
    let operation = operation(facts);
    if (load(at.active) ^ active) | differing(at.subject, &subject) != 0 {
        for slot in 0..MEMO_SLOTS {
            store(at.slots.wrapping_add(slot).cast(), 0);
        }
        store(at.active, active);
        write(at.subject, &subject);
    }
    write(at.slot(&operation), &operation);
    store(at.version, before.wrapping_add(2));
    1
}

/// Empties the memo of a process that does not run yet.
#[inline(always)]
pub(crate) fn forget(identity: *mut Identity) {
    let at = At::of(identity);
    store(at.active, 0);
    store(at.version, 0);
}
