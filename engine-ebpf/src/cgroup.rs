//! The cgroup (v2) of the acting thread: its path and its unit, walked when a
//! policy asks for them, and kept with the thread as long as it stays there.
//!
//! A cgroup of the default hierarchy is never renamed and its id never given
//! again, so what is kept is true for as long as the id is the same; and a
//! cgroup that was made a moment ago is walked like any other. The names from a
//! cgroup up to the root do not change, so one walk is enough.

use crate::count::count;
use crate::kernel::{self, Pointer, opaque};
use crate::maps::{CGROUPS, Missing, hash_key};
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::event::Counter;
use policy_abi::hash::{Hasher, component_end};
use policy_abi::identity::{
    CGROUP_SCRATCH, Cgroup, DEPTH, NAME_MAX, PLACE_KNOWN, PLACE_NONE, PLACE_UNREADABLE,
};

/// Bytes that one step takes in.
const CHUNK: u32 = 8;
/// Steps that the deepest path of the longest names takes.
const STEPS: u32 = DEPTH * (NAME_MAX / CHUNK + 1) + 1;
/// `.slice` in the upper six bytes of a word.
const SLICE: u64 = u64::from_le_bytes(*b"\0\0.slice") >> 16;
/// Bytes of that suffix.
const SLICE_BYTES: u32 = 6;

/// State of a walk, in the scratch memory of what is kept.
#[repr(C)]
struct Walk {
    hasher: Hasher,
    /// The node whose name is being read.
    node: u64,
    /// That name, and how much of it was taken in.
    name: u64,
    taken: u32,
    depth: u32,
    /// The last eight bytes of it.
    tail: u64,
    /// The name of the topmost component so far that is no slice.
    unit: u64,
    state: u32,
    reserved: u32,
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
    (state == PLACE_KNOWN).then_some(cgroup.cast_const())
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
    let (id, node) = kernel::cgroup_node(task);
    // SAFETY: a map's value, which no other thread than this one uses.
    let target = unsafe { &mut *cgroup };
    if target.state == PLACE_KNOWN && target.id == id && id != 0 {
        return 1;
    }
    target.state = PLACE_NONE;
    if node == 0 {
        count(Counter::UnreadableSubjects);
        return 0;
    }
    let walk = walk_in(target);
    walk.hasher = Hasher::new(hash_key());
    walk.node = node;
    walk.unit = 0;
    walk.depth = 0;
    walk.state = WALK_GOING;
    enter(walk);
    run(STEPS, step, cgroup);
    let walk = walk_in(target);
    if walk.state != WALK_DONE {
        count(Counter::UnreadableSubjects);
        target.state = PLACE_UNREADABLE;
        return 0;
    }
    let (hash, unit) = (walk.hasher.finish(), walk.unit);
    target.hash = hash;
    target.unit = [0, 0];
    if unit != 0 && !name_unit(target, unit) {
        count(Counter::UnreadableSubjects);
        target.state = PLACE_UNREADABLE;
        return 0;
    }
    target.id = id;
    target.state = PLACE_KNOWN;
    1
}

/// Hashes the unit's name, less one leading `_`. False when it could not be read.
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

/// A chunk of a name, or the way from a name to its parent; 1 ends it all.
unsafe extern "C" fn step(_index: u32, work: *mut Work) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `run` gave it.
    let work = unsafe { &*work };
    // SAFETY: a map's value, valid while the program runs.
    let walk = walk_in(unsafe { &mut *work.cgroup });
    if walk.state != WALK_GOING {
        return 1;
    }
    let Some(whole) = chunk(walk) else {
        walk.state = WALK_HOPELESS;
        return 1;
    };
    if !whole {
        return 0;
    }
    walk.hasher.word(component_end(u64::from(walk.taken)));
    let is_slice = walk.taken >= SLICE_BYTES && walk.tail >> 16 == SLICE;
    if !is_slice {
        walk.unit = walk.name;
    }
    walk.node = kernel::node_parent(walk.node).unwrap_or(0);
    enter(walk);
    0
}

/// A chunk of a unit's name; 1 ends the loop.
unsafe extern "C" fn name_step(_index: u32, work: *mut Work) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `run` gave it.
    let work = unsafe { &*work };
    // SAFETY: a map's value, valid while the program runs.
    let walk = walk_in(unsafe { &mut *work.cgroup });
    if walk.state != WALK_GOING {
        return 1;
    }
    match chunk(walk) {
        Some(false) => 0,
        Some(true) => {
            walk.state = WALK_DONE;
            1
        }
        None => {
            walk.state = WALK_HOPELESS;
            1
        }
    }
}

/// Begins with the node that the walk has come to. The root's name does not count.
#[inline(always)]
fn enter(walk: &mut Walk) {
    walk.taken = 0;
    walk.tail = 0;
    let Some(parent) = kernel::node_parent(walk.node) else {
        walk.state = WALK_HOPELESS;
        return;
    };
    if parent == 0 {
        walk.state = WALK_DONE;
        return;
    }
    let Some(name) = kernel::node_name(walk.node) else {
        walk.state = WALK_HOPELESS;
        return;
    };
    if walk.depth >= DEPTH {
        walk.state = WALK_HOPELESS;
        return;
    }
    walk.depth += 1;
    walk.name = name;
}

/// Takes up to eight bytes of the name in. Whether it ends there; `None` when it
/// could not be read.
#[inline(always)]
fn chunk(walk: &mut Walk) -> Option<bool> {
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
    Some(size < CHUNK)
}
