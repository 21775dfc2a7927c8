//! The cgroup (v2) of the acting thread: its path and its unit, read when a
//! policy asks for them, and kept with the thread as long as it stays there.
//!
//! A cgroup of the default hierarchy is never renamed and its id never given
//! again, so what is kept is true for as long as the id is the same; and a
//! cgroup that was made a moment ago is read like any other. The kernel keeps
//! with each cgroup those above it, so the path is read from the root on: the
//! unit, which is at its beginning, is known however deep the rest is.

use crate::count::count;
use crate::kernel::{self, Pointer, opaque};
use crate::maps::{CGROUPS, Missing, hash_key};
use crate::texts::path_length;
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::event::Counter;
use policy_abi::hash::{Hasher, component_end};
use policy_abi::identity::{
    CGROUP_SCRATCH, Cgroup, NAME_MAX, PLACE_KNOWN, PLACE_NONE, PLACE_UNREADABLE, TEXT_BYTES,
    TEXT_ROOM,
};

/// Bytes that one step takes in.
const CHUNK: u32 = 8;
/// Steps that are made at most: some for each name, one for its every eight bytes.
const STEPS: u32 = 1 << 12;
/// `.slice` in the upper six bytes of a word.
const SLICE: u64 = u64::from_le_bytes(*b"\0\0.slice") >> 16;
/// Bytes of that suffix.
const SLICE_BYTES: u32 = 6;
/// Makes the key of a path that was not read to its end nobody's.
const CUT: u64 = 1;

/// State of a walk, in the scratch memory of what is kept.
#[repr(C)]
struct Walk {
    hasher: Hasher,
    /// Where the cgroup's ancestors are.
    ancestors: u64,
    /// The name that is being read, and how much of it was taken in.
    name: u64,
    taken: u32,
    /// The level of the cgroup that has it.
    level: u32,
    /// The last eight bytes of it.
    tail: u64,
    /// The first name that is no slice.
    unit: u64,
    /// The last level there is.
    last: u32,
    state: u32,
}

const _: () = assert!(
    size_of::<Walk>() <= 8 * CGROUP_SCRATCH,
    "the scratch memory holds a walk"
);

const WALK_GOING: u32 = 0;
const WALK_DONE: u32 = 1;
const WALK_HOPELESS: u32 = 2;

/// What a loop's body is given.
#[repr(C)]
struct Work {
    cgroup: *mut Cgroup,
}

/// What is kept of the running thread's cgroup, brought up to date by [`refresh`].
#[inline(always)]
pub(crate) fn known(task: Pointer) -> Option<*const Cgroup> {
    let cgroup = CGROUPS.of_task(task, Missing::Leave)?;
    // SAFETY: a map's value, valid while the program runs.
    let state = unsafe { (*cgroup).state };
    (state != PLACE_NONE).then_some(cgroup.cast_const())
}

/// What a cgroup's path is looked up by.
#[inline(always)]
pub(crate) const fn path_key(cgroup: &Cgroup) -> [u64; 2] {
    if cgroup.state == PLACE_KNOWN {
        [cgroup.hash, 0]
    } else {
        [cgroup.hash, CUT]
    }
}

/// The length of a path's text; of one that was not read to its end, more than is kept.
#[inline(always)]
pub(crate) fn text_length(cgroup: &Cgroup) -> u32 {
    if cgroup.state == PLACE_KNOWN {
        path_length(cgroup.length)
    } else {
        TEXT_BYTES as u32
    }
}

/// Brings what is kept of the running thread's cgroup up to date.
///
/// VERIFIER: followed once, by its types, wherever it is called.
#[unsafe(export_name = "cgroup_refresh")]
pub(crate) extern "C" fn refresh() -> u32 {
    let task = kernel::current();
    let Some(cgroup) = CGROUPS.of_task(task, Missing::Create) else {
        count(Counter::NoTaskStorage);
        return 0;
    };
    let at = kernel::cgroup_of(task);
    // SAFETY: a map's value, which no other thread than this one uses.
    let target = unsafe { &mut *cgroup };
    let Some(at) = at else {
        target.state = PLACE_NONE;
        count(Counter::UnreadableSubjects);
        return 0;
    };
    if target.state != PLACE_NONE && target.id == at.id {
        if target.state == PLACE_UNREADABLE {
            count(Counter::UnreadableSubjects);
        }
        return 1;
    }
    target.state = PLACE_NONE;
    target.length = 0;
    target.unit = [0, 0];
    target.id = at.id;
    let walk = walk_in(target);
    walk.hasher = Hasher::new(hash_key());
    walk.ancestors = at.ancestors;
    walk.last = at.level;
    walk.level = 0;
    walk.unit = 0;
    walk.state = WALK_GOING;
    enter(walk);
    run(STEPS, step, cgroup);
    let walk = walk_in(target);
    let (state, hash, unit) = (walk.state, walk.hasher.finish(), walk.unit);
    target.hash = hash;
    if state == WALK_HOPELESS || unit != 0 && !name_unit(target, unit) {
        count(Counter::UnreadableSubjects);
        return 0;
    }
    if state == WALK_DONE {
        target.state = PLACE_KNOWN;
    } else {
        count(Counter::UnreadableSubjects);
        target.state = PLACE_UNREADABLE;
    }
    1
}

/// Takes in the unit's name, less one leading `_`. False when it could not be read.
#[inline(always)]
fn name_unit(target: &mut Cgroup, name: u64) -> bool {
    let cgroup: *mut Cgroup = target;
    let walk = walk_in(target);
    let mut first = 0_u64;
    if !kernel::copy((&raw mut first).cast(), 1, name) {
        return false;
    }
    walk.hasher = Hasher::new(hash_key());
    walk.name = name + u64::from(opaque(first) == u64::from(b'_'));
    walk.taken = 0;
    walk.state = WALK_GOING;
    run(NAME_MAX / CHUNK + 1, name_step, cgroup);
    let walk = walk_in(target);
    let length = u64::from(walk.taken);
    let mut hasher = walk.hasher;
    if walk.state != WALK_DONE {
        return false;
    }
    hasher.word(component_end(length));
    let hash = hasher.finish();
    target.unit = [hash, length];
    true
}

/// Runs a loop's body over the walk in `cgroup`.
#[inline(always)]
fn run(times: u32, body: unsafe extern "C" fn(u32, *mut Work) -> i64, cgroup: *mut Cgroup) {
    let mut work = Work { cgroup };
    // SAFETY: the body has the signature that the helper calls, and `work`
    // outlives the call.
    unsafe { bpf_loop(times, body as *mut c_void, (&raw mut work).cast(), 0) };
}

/// The scratch memory.
#[inline(always)]
fn walk_in(cgroup: &mut Cgroup) -> &mut Walk {
    let scratch = (&raw mut cgroup.scratch).cast::<Walk>();
    // SAFETY: large enough, as asserted above, and as aligned as its words; any
    // bytes are a walk.
    unsafe { &mut *scratch }
}

/// A chunk of a name, or the way from a name to the next; 1 ends it all.
unsafe extern "C" fn step(_index: u32, work: *mut Work) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `run` gave it.
    let work = unsafe { &*work };
    // SAFETY: a map's value, valid while the program runs.
    let cgroup = unsafe { &mut *work.cgroup };
    let text = (&raw mut cgroup.text).cast::<u8>();
    let length = cgroup.length;
    let walk = walk_in(cgroup);
    if walk.state != WALK_GOING {
        return 1;
    }
    let Some((size, whole)) = chunk(walk, text, length) else {
        walk.state = WALK_HOPELESS;
        return 1;
    };
    let mut length = length.wrapping_add(size);
    if whole {
        walk.hasher.word(component_end(u64::from(walk.taken)));
        let is_slice = walk.taken >= SLICE_BYTES && walk.tail >> 16 == SLICE;
        if !is_slice && walk.unit == 0 {
            walk.unit = walk.name;
        }
        enter(walk);
        let slash = opaque(u64::from(length));
        if slash < TEXT_ROOM as u64 {
            // SAFETY: inside the text, as just compared.
            unsafe { *text.wrapping_add(slash as usize) = b'/' };
        }
        length = length.wrapping_add(1);
    }
    cgroup.length = length;
    0
}

/// A chunk of a unit's name; 1 ends the loop.
unsafe extern "C" fn name_step(_index: u32, work: *mut Work) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `run` gave it.
    let work = unsafe { &*work };
    // SAFETY: a map's value, valid while the program runs.
    let cgroup = unsafe { &mut *work.cgroup };
    let text = (&raw mut cgroup.unit_text).cast::<u8>();
    let walk = walk_in(cgroup);
    if walk.state != WALK_GOING {
        return 1;
    }
    let at = walk.taken;
    walk.state = match chunk(walk, text, at) {
        Some((_, false)) => WALK_GOING,
        Some((_, true)) => WALK_DONE,
        None => WALK_HOPELESS,
    };
    0
}

/// Goes on to the name of the next level. The root's does not count.
#[inline(always)]
fn enter(walk: &mut Walk) {
    walk.taken = 0;
    walk.tail = 0;
    walk.level = walk.level.wrapping_add(1);
    if walk.level > walk.last {
        walk.state = WALK_DONE;
        return;
    }
    match kernel::ancestor_name(walk.ancestors, walk.level) {
        Some(name) => walk.name = name,
        None => walk.state = WALK_HOPELESS,
    }
}

/// Takes up to eight bytes of the name in, and writes them to the text at `at`.
/// How many there were, and whether the name ends there; `None` when it could not
/// be read.
#[inline(always)]
fn chunk(walk: &mut Walk, text: *mut u8, at: u32) -> Option<(u32, bool)> {
    let (word, size) = kernel::copy_text(walk.name + u64::from(walk.taken))?;
    if size != 0 {
        walk.hasher.word(word);
        let bits = (size & 15) * 8;
        walk.tail = if bits >= 64 {
            word
        } else {
            walk.tail >> bits | word << (64 - bits)
        };
    }
    walk.taken = walk.taken.wrapping_add(size);
    let at = opaque(u64::from(at));
    if at <= TEXT_BYTES as u64 {
        let to = text.wrapping_add(at as usize);
        // Zeros after a name's end are written over, or stand after the text.
        kernel::copy(to.cast(), CHUNK, (&raw const word) as u64);
    }
    Some((size, size < CHUNK))
}
