//! The place of a dentry: the path to the root of its own file system, read
//! consistently, as a hash and as text.
//!
//! Mount points are not crossed, so a bind mount, a chroot or another mount
//! namespace changes nothing. Renames race with the walk: it is made twice, and
//! is whole when both saw the same names and the same sequence counts. The text
//! is written by the second, when the length is known.

use crate::count::count;
use crate::kernel::{
    self, Pointer, dentry_inode, dentry_length, dentry_name, dentry_parent, dentry_sb, dentry_seq,
    opaque,
};
use crate::maps::hash_key;
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::event::Counter;
use policy_abi::hash::{Hasher, component_end};
use policy_abi::identity::{
    DEPTH, NAME_MAX, PLACE_KNOWN, PLACE_UNREADABLE, Place, TEXT_BYTES, TEXT_ROOM,
};

/// Walks that are made at most: two that agree, and two more twice.
const WALKS: u32 = 6;
/// Bytes that one step takes in.
const CHUNK: u32 = 8;
/// Steps that the deepest path of the longest names takes.
const STEPS: u32 = DEPTH * (NAME_MAX.div_ceil(CHUNK) + 1) + 1;

/// State of the walks, on the caller's stack.
#[repr(C)]
struct Walk {
    /// Where each walk begins, and where this one is.
    origin: Pointer,
    dentry: Pointer,
    /// The bytes of the dentry's name, how many there are, how many were taken in.
    name: u64,
    name_length: u32,
    taken: u32,
    hasher: Hasher,
    /// Folds the sequence counts seen.
    check: u64,
    /// What the walk before this one ended with, 0 and 0 when there is none to compare.
    last_hash: u64,
    last_check: u64,
    /// Bytes of the path seen, a slash for each component.
    length: u32,
    /// Components seen.
    depth: u32,
    /// Which walk this is, from 0.
    walk: u32,
    /// One of the `WALK_` states.
    state: u32,
    /// Where in the text the name begins.
    start: u32,
    /// Whether the text is written: the length is known and it fits.
    write: u32,
    text: *mut u8,
}

const WALK_GOING: u32 = 0;
const WALK_AGREED: u32 = 1;
const WALK_HOPELESS: u32 = 2;

/// Reads the place of `dentry` into `place`, whose state says how that went.
#[inline(never)]
pub(crate) fn read_place(dentry: Pointer, place: *mut Place) {
    let sb = dentry_sb(dentry);
    let inode = dentry_inode(dentry);
    if sb.is_null() || inode.is_null() {
        set_state(place, PLACE_UNREADABLE);
        return;
    }
    let owner = kernel::sb_user_ns(sb);
    let owner_level = if owner.is_null() { u32::MAX } else { kernel::user_ns_level(owner) };
    // SAFETY: `place` is a map's value; its state is written last, and those who
    // read it run on the same process or under the socket's lock.
    unsafe { (*place).device = kernel::sb_device(sb) };
    // SAFETY: as above.
    unsafe { (*place).inode = kernel::inode_number(inode) };
    // SAFETY: as above.
    unsafe { (*place).owner_level = owner_level };
    let mut walk = Walk {
        origin: dentry,
        dentry,
        name: 0,
        name_length: 0,
        taken: 0,
        hasher: Hasher::new(hash_key()),
        check: 0,
        last_hash: 0,
        last_check: 0,
        length: 0,
        depth: 0,
        walk: 0,
        state: WALK_GOING,
        start: 0,
        write: 0,
        text: text_of(place),
    };
    enter(&mut walk);
    // SAFETY: `step` has the signature that the helper calls, and `walk`
    // outlives the call.
    unsafe {
        bpf_loop(STEPS * WALKS, step as *const () as *mut c_void, (&raw mut walk).cast(), 0);
    }
    if walk.state != WALK_AGREED {
        count(Counter::UnreadablePaths);
        set_state(place, PLACE_UNREADABLE);
        return;
    }
    // SAFETY: as above.
    unsafe { (*place).hash = walk.last_hash };
    // SAFETY: as above.
    unsafe { (*place).length = walk.length };
    set_state(place, PLACE_KNOWN);
}

/// Sets a place's state.
#[inline(always)]
pub(crate) fn set_state(place: *mut Place, state: u32) {
    // SAFETY: `place` is a map's value, valid while the program runs.
    unsafe { core::ptr::write_volatile(&raw mut (*place).state, state) };
}

#[inline(always)]
fn text_of(place: *mut Place) -> *mut u8 {
    // SAFETY: an address inside a map's value.
    unsafe { (&raw mut (*place).text).cast() }
}

/// A chunk of a name, the way from a name to its parent, or from one walk to
/// the next; 1 ends it all.
///
/// One loop and no other, since the verifier would follow an inner one as often
/// as it may run.
unsafe extern "C" fn step(_index: u32, walk: *mut Walk) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `read_place` gave it.
    let walk = unsafe { &mut *walk };
    if walk.state != WALK_GOING {
        return 1;
    }
    if walk.taken < walk.name_length {
        chunk(walk);
        return 0;
    }
    let dentry = walk.dentry;
    let parent = dentry_parent(dentry);
    if parent == dentry {
        finish(walk);
        return 0;
    }
    walk.hasher.word(component_end(u64::from(walk.name_length)));
    let slash = opaque(u64::from(walk.start.wrapping_add(walk.name_length)));
    if walk.write != 0 && slash < TEXT_ROOM as u64 {
        // SAFETY: inside the text, as just compared.
        unsafe { *walk.text.wrapping_add(slash as usize) = b'/' };
    }
    walk.dentry = parent;
    enter(walk);
    0
}

/// Begins with the dentry that the walk has come to. A root has no name that counts.
#[inline(always)]
fn enter(walk: &mut Walk) {
    let dentry = walk.dentry;
    let seq = dentry_seq(dentry);
    let length = dentry_length(dentry);
    walk.taken = 0;
    walk.name_length = 0;
    // A name in the middle of a rename: never the same twice.
    let torn = u64::from(seq & 1) * u64::from(walk.walk + 1);
    walk.check = walk.check.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(u64::from(seq) + torn);
    if dentry_parent(dentry) == dentry {
        return;
    }
    if walk.depth >= DEPTH || length > NAME_MAX {
        walk.state = WALK_HOPELESS;
        return;
    }
    walk.depth += 1;
    walk.name = dentry_name(dentry);
    walk.name_length = length;
    walk.start = walk.start.wrapping_sub(length + 1);
    walk.length += length + 1;
}

/// Takes up to eight bytes of the name in, and writes them to the text.
#[inline(always)]
fn chunk(walk: &mut Walk) {
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
        let to = walk.text.wrapping_add(position as usize);
        kernel::copy(to.cast(), size, (&raw const word) as u64);
    }
    walk.taken += CHUNK;
}

/// Ends a walk at the root: it agrees with the one before, or another begins.
#[inline(always)]
fn finish(walk: &mut Walk) {
    let hash = walk.hasher.finish();
    if walk.walk > 0 && hash == walk.last_hash && walk.check == walk.last_check {
        walk.state = WALK_AGREED;
        return;
    }
    if walk.walk > 0 {
        count(Counter::WalkRetries);
    }
    walk.walk += 1;
    if walk.walk >= WALKS {
        walk.state = WALK_HOPELESS;
        return;
    }
    walk.last_hash = hash;
    walk.last_check = walk.check;
    walk.write = u32::from(walk.length as usize <= TEXT_BYTES);
    walk.start = walk.length;
    walk.hasher = Hasher::new(hash_key());
    walk.check = 0;
    walk.length = 0;
    walk.depth = 0;
    walk.dentry = walk.origin;
    enter(walk);
}
