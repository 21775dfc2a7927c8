//! The place of a dentry: the path to the root of its own file system, read
//! consistently, as a hash and as text.
//!
//! Mount points are not crossed, so a bind mount, a chroot or another mount
//! namespace changes nothing. Renames race with the walk: it is made twice, and
//! is whole when both saw the same names and the same sequence counts. The text
//! is written by the second, when the length is known.
//!
//! VERIFIER: what is read from a map's value has no history and no known range,
//! so a loop over it is followed once; the same state on the stack takes a
//! million instructions on 6.12. That is why a walk works in the place itself,
//! and with plain numbers for dentries, which no map can hold as pointers.

use crate::count::count;
use crate::kernel::{self, Pointer, dentry_inode, dentry_sb, opaque};
use crate::maps::hash_key;
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::event::Counter;
use policy_abi::hash::{Hasher, component_end};
use policy_abi::identity::{
    DEPTH, NAME_MAX, PLACE_ABSTRACT, PLACE_KNOWN, PLACE_UNREADABLE, Place, SCRATCH_WORDS, TEXT_ROOM,
};

/// Walks that are made at most: two that agree, and two more twice.
const WALKS: u32 = 6;
/// Bytes that one step takes in.
const CHUNK: u32 = 8;
/// Steps that the deepest path of the longest names takes.
const STEPS: u32 = DEPTH * (NAME_MAX.div_ceil(CHUNK) + 1) + 1;

/// State of a walk, in the place's scratch memory.
#[repr(C)]
struct Walk {
    hasher: Hasher,
    /// Where each walk begins, and where this one is.
    origin: u64,
    dentry: u64,
    /// The bytes of the name, how many there are, how many were taken in.
    name: u64,
    name_length: u32,
    taken: u32,
    /// Folds the sequence counts seen.
    check: u64,
    /// What the walk before this one ended with.
    last_hash: u64,
    last_check: u64,
    /// Bytes of the path seen, a slash for each component.
    length: u32,
    /// Components seen.
    depth: u32,
    /// Which walk this is, from 0.
    round: u32,
    /// One of the `WALK_` states.
    state: u32,
    /// Where in the text the name begins.
    start: u32,
    /// Whether the text is written, as far as it fits: the length is known.
    write: u32,
}

const _: () = assert!(
    size_of::<Walk>() <= 8 * SCRATCH_WORDS,
    "the scratch memory holds a walk"
);

const WALK_GOING: u32 = 0;
const WALK_AGREED: u32 = 1;
const WALK_HOPELESS: u32 = 2;

/// What a loop's body is given.
#[repr(C)]
struct Work {
    place: *mut Place,
}

/// Reads the place of `dentry` into `place`, whose state says how that went.
#[inline(always)]
pub(crate) fn read_place(dentry: Pointer, place: *mut Place) {
    let sb = dentry_sb(dentry);
    let inode = dentry_inode(dentry);
    if sb.is_null() {
        set_state(place, PLACE_UNREADABLE);
        return;
    }
    // A name that a file is about to get has none yet.
    let number = if inode.is_null() {
        0
    } else {
        kernel::inode_number(inode)
    };
    let owner = kernel::sb_user_ns(sb);
    let owner_level = if owner.is_null() {
        u32::MAX
    } else {
        kernel::user_ns_level(owner)
    };
    // SAFETY: `place` is a map's value; its state is written last, and those who
    // read it run on the same process or under the socket's lock.
    let target = unsafe { &mut *place };
    target.device = kernel::sb_device(sb);
    target.inode = number;
    target.owner_level = owner_level;
    walk_in(target).origin = dentry as u64;
    walk_up(place);
}

/// Walks up from the walk's origin, for the rest of the place.
///
/// VERIFIER: followed once, by its types. A pointer into the kernel is no number
/// that it could be handed, but becomes one in the map's value.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_up(place: *mut Place) -> u32 {
    if place.is_null() {
        return 0;
    }
    // SAFETY: not null, and a map's value: callers have no other places.
    let target = unsafe { &mut *place };
    let walk = walk_in(target);
    walk.round = 0;
    walk.state = WALK_GOING;
    walk.write = 0;
    walk.length = 0;
    begin(walk);
    run(STEPS * WALKS, step, place);
    let walk = walk_in(target);
    if walk.state != WALK_AGREED {
        count(Counter::UnreadablePaths);
        set_state(place, PLACE_UNREADABLE);
        return 0;
    }
    let (hash, length) = (walk.last_hash, walk.length);
    target.hash = hash;
    target.length = length;
    set_state(place, PLACE_KNOWN);
    1
}

/// Reads the abstract name of `length` bytes at `from` into `place`; its state
/// says how that went.
#[inline(always)]
pub(crate) fn read_name(from: u64, length: u32, place: *mut Place) {
    // SAFETY: as in `read_place`.
    let target = unsafe { &mut *place };
    walk_in(target).name = from;
    take_name(place, length);
}

/// Takes in the `length` bytes of the name that the walk is at.
///
/// VERIFIER: as [`walk_up`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn take_name(place: *mut Place, length: u32) -> u32 {
    if place.is_null() {
        return 0;
    }
    // SAFETY: as in `walk_up`.
    let target = unsafe { &mut *place };
    target.device = 0;
    target.inode = 0;
    target.owner_level = 0;
    target.length = length;
    let walk = walk_in(target);
    walk.hasher = Hasher::new(hash_key());
    walk.name_length = length;
    walk.taken = 0;
    walk.start = 0;
    walk.write = 1;
    walk.state = WALK_GOING;
    run(NAME_MAX.div_ceil(CHUNK), name_step, place);
    let walk = walk_in(target);
    let mut hasher = walk.hasher;
    if walk.state != WALK_GOING || walk.taken < walk.name_length {
        set_state(place, PLACE_UNREADABLE);
        return 0;
    }
    hasher.word(component_end(u64::from(length)));
    target.hash = hasher.finish();
    set_state(place, PLACE_ABSTRACT);
    1
}

/// Runs a loop's body over the walk in `place`.
#[inline(always)]
fn run(times: u32, body: unsafe extern "C" fn(u32, *mut Work) -> i64, place: *mut Place) {
    let mut work = Work { place };
    // SAFETY: the body has the signature that the helper calls, and `work`
    // outlives the call.
    unsafe { bpf_loop(times, body as *mut c_void, (&raw mut work).cast(), 0) };
}

/// Sets a place's state.
#[inline(always)]
pub(crate) fn set_state(place: *mut Place, state: u32) {
    // SAFETY: `place` is a map's value, valid while the program runs.
    let place = unsafe { &mut *place };
    // SAFETY: a field of it. Volatile, so that it is written last.
    unsafe { core::ptr::write_volatile(&raw mut place.state, state) };
}

/// A place's scratch memory.
#[inline(always)]
fn walk_in(place: &mut Place) -> &mut Walk {
    let scratch = (&raw mut place.scratch).cast::<Walk>();
    // SAFETY: large enough, as asserted above, and as aligned as its words; any
    // bytes are a walk.
    unsafe { &mut *scratch }
}

/// A chunk of a name, the way from a name to its parent, or from one walk to
/// the next; 1 ends it all.
unsafe extern "C" fn step(_index: u32, work: *mut Work) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `run` gave it.
    let work = unsafe { &*work };
    // SAFETY: a map's value, valid while the program runs.
    let place = unsafe { &mut *work.place };
    let text = (&raw mut place.text).cast::<u8>();
    let walk = walk_in(place);
    if walk.state != WALK_GOING {
        return 1;
    }
    if walk.taken < walk.name_length {
        chunk(walk, text);
        return 0;
    }
    let Some(parent) = kernel::parent_of(walk.dentry) else {
        walk.state = WALK_HOPELESS;
        return 1;
    };
    if parent == walk.dentry {
        finish(walk);
        return 0;
    }
    walk.hasher.word(component_end(u64::from(walk.name_length)));
    let slash = opaque(u64::from(walk.start.wrapping_add(walk.name_length)));
    if walk.write != 0 && slash < TEXT_ROOM as u64 {
        // SAFETY: inside the text, as just compared.
        unsafe { *text.wrapping_add(slash as usize) = b'/' };
    }
    walk.dentry = parent;
    enter(walk);
    0
}

/// A chunk of an abstract name; 1 ends the loop.
unsafe extern "C" fn name_step(_index: u32, work: *mut Work) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `run` gave it.
    let work = unsafe { &*work };
    // SAFETY: a map's value, valid while the program runs.
    let place = unsafe { &mut *work.place };
    let text = (&raw mut place.text).cast::<u8>();
    let walk = walk_in(place);
    if walk.state != WALK_GOING || walk.taken >= walk.name_length {
        return 1;
    }
    chunk(walk, text);
    0
}

/// Begins a walk at its origin.
#[inline(always)]
fn begin(walk: &mut Walk) {
    walk.hasher = Hasher::new(hash_key());
    walk.start = walk.length;
    walk.check = 0;
    walk.length = 0;
    walk.depth = 0;
    walk.dentry = walk.origin;
    enter(walk);
}

/// Begins with the dentry that the walk has come to. A root has no name that counts.
#[inline(always)]
fn enter(walk: &mut Walk) {
    walk.taken = 0;
    walk.name_length = 0;
    let Some(name) = kernel::name_of(walk.dentry) else {
        walk.state = WALK_HOPELESS;
        return;
    };
    // A name in the middle of a rename is never the same twice.
    let torn = u64::from(name.seq & 1) * u64::from(walk.round + 1);
    walk.check = walk
        .check
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(u64::from(name.seq) + torn);
    if name.is_root {
        return;
    }
    if walk.depth >= DEPTH || name.length > NAME_MAX {
        walk.state = WALK_HOPELESS;
        return;
    }
    walk.depth += 1;
    walk.name = name.from;
    walk.name_length = name.length;
    walk.start = walk.start.wrapping_sub(name.length + 1);
    walk.length += name.length + 1;
}

/// Takes up to eight bytes of the name in, and writes them to the text.
#[inline(always)]
fn chunk(walk: &mut Walk, text: *mut u8) {
    let size = kernel::at_most(walk.name_length.wrapping_sub(walk.taken), CHUNK);
    let from = walk.name + u64::from(walk.taken);
    let mut word = 0_u64;
    if !kernel::copy((&raw mut word).cast(), size, from) {
        walk.state = WALK_HOPELESS;
        return;
    }
    walk.hasher.word(word);
    let position = opaque(u64::from(walk.start.wrapping_add(walk.taken)));
    if walk.write != 0 && position <= (TEXT_ROOM as u64) - u64::from(CHUNK) {
        let to = text.wrapping_add(position as usize);
        kernel::copy(to.cast(), size, (&raw const word) as u64);
    }
    walk.taken += CHUNK;
}

/// Ends a walk at the root: it agrees with the one before, or another begins.
#[inline(always)]
fn finish(walk: &mut Walk) {
    let hash = walk.hasher.finish();
    if walk.round > 0 && hash == walk.last_hash && walk.check == walk.last_check {
        walk.state = WALK_AGREED;
        return;
    }
    if walk.round > 0 {
        count(Counter::WalkRetries);
    }
    walk.round += 1;
    if walk.round >= WALKS {
        walk.state = WALK_HOPELESS;
        return;
    }
    walk.last_hash = hash;
    walk.last_check = walk.check;
    walk.write = 1;
    begin(walk);
}
