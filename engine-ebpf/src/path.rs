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
};
use crate::maps::hash_key;
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::event::Counter;
use policy_abi::hash::{Hasher, component_end};
use policy_abi::identity::{
    DEPTH, NAME_MAX, PLACE_KNOWN, PLACE_UNREADABLE, Place, TEXT_BYTES, TEXT_ROOM,
};

/// Times that a walk is made again after a rename came between.
const RETRIES: u32 = 2;

/// State of a walk, on the caller's stack.
#[repr(C)]
struct Walk {
    dentry: Pointer,
    hasher: Hasher,
    /// Folds the sequence counts seen.
    check: u64,
    /// Bytes of the path seen, a slash for each component.
    length: u32,
    /// One of the `WALK_` states.
    state: u32,
    /// Where the text is written, null for none, and how much of it is still free.
    text: *mut u8,
    free: u32,
    padding: u32,
}

const WALK_GOING: u32 = 0;
const WALK_DONE: u32 = 1;
const WALK_TORN: u32 = 2;

/// What a consistent walk found.
#[derive(Clone, Copy)]
struct Found {
    hash: u64,
    length: u32,
}

/// Reads the place of `dentry` into `place`, whose state says how that went.
#[inline(always)]
pub(crate) fn read_place(dentry: Pointer, place: *mut Place) {
    let sb = dentry_sb(dentry);
    let inode = dentry_inode(dentry);
    if sb.is_null() || inode.is_null() {
        set_state(place, PLACE_UNREADABLE);
        return;
    }
    let owner = kernel::sb_user_ns(sb);
    let owner_level = if owner.is_null() { u32::MAX } else { kernel::user_ns_level(owner) };
    let device = kernel::sb_device(sb);
    let number = kernel::inode_number(inode);
    let found = find(dentry, text_of(place));
    // SAFETY: `place` is a map's value; the state is written last, and its
    // readers run on the same task or are ordered by the storage's publication.
    unsafe {
        (*place).device = device;
    }
    // SAFETY: as above.
    unsafe {
        (*place).inode = number;
    }
    // SAFETY: as above.
    unsafe {
        (*place).owner_level = owner_level;
    }
    let Some(found) = found else {
        set_state(place, PLACE_UNREADABLE);
        return;
    };
    // SAFETY: as above.
    unsafe {
        (*place).hash = found.hash;
    }
    // SAFETY: as above.
    unsafe {
        (*place).length = found.length;
    }
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

/// Walks until two walks agree.
#[inline(always)]
fn find(dentry: Pointer, text: *mut u8) -> Option<Found> {
    for attempt in 0..=RETRIES {
        if attempt > 0 {
            count(Counter::WalkRetries);
        }
        let first = walk(dentry, core::ptr::null_mut(), 0);
        if first.state == WALK_GOING {
            // Too deep or a name too long; it will not get shorter.
            break;
        }
        let room = if first.length as usize <= TEXT_BYTES { text } else { core::ptr::null_mut() };
        let second = walk(dentry, room, first.length);
        let (hash, again) = (first.hasher.finish(), second.hasher.finish());
        if first.state == WALK_DONE
            && second.state == WALK_DONE
            && first.check == second.check
            && hash == again
        {
            return Some(Found { hash, length: first.length });
        }
    }
    count(Counter::UnreadablePaths);
    None
}

/// One walk from `dentry` to the root.
#[inline(always)]
fn walk(dentry: Pointer, text: *mut u8, free: u32) -> Walk {
    let mut walk = Walk {
        dentry,
        hasher: Hasher::new(hash_key()),
        check: 0,
        length: 0,
        state: WALK_GOING,
        text,
        free,
        padding: 0,
    };
    // SAFETY: `step` has the signature that the helper calls, and `walk`
    // outlives the call.
    unsafe {
        bpf_loop(DEPTH + 1, step as *const () as *mut c_void, (&raw mut walk).cast(), 0);
    }
    walk
}

/// One component; 1 ends the walk.
unsafe extern "C" fn step(_index: u32, walk: *mut Walk) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `walk` gave it.
    let walk = unsafe { &mut *walk };
    let dentry = walk.dentry;
    let seq = dentry_seq(dentry);
    let parent = dentry_parent(dentry);
    if seq & 1 == 1 || parent.is_null() {
        walk.state = WALK_TORN;
        return 1;
    }
    if parent == dentry {
        walk.state = WALK_DONE;
        return 1;
    }
    let length = dentry_length(dentry);
    if length == 0 || length > NAME_MAX {
        walk.state = WALK_TORN;
        return 1;
    }
    let from = dentry_name(dentry);
    walk.check = walk.check.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(u64::from(seq));
    walk.length += length + 1;
    if !component(walk, from, length) {
        walk.state = WALK_TORN;
        return 1;
    }
    walk.dentry = parent;
    0
}

/// Takes one component in, and writes it before what is already there.
#[inline(always)]
fn component(walk: &mut Walk, from: u64, length: u32) -> bool {
    const CHUNK: u32 = 8;
    let start = walk.free.wrapping_sub(length + 1);
    let text = walk.text;
    let mut at = 0_u32;
    for _ in 0..NAME_MAX.div_ceil(CHUNK) {
        if at >= length {
            break;
        }
        let left = length - at;
        let size = if left < CHUNK { left } else { CHUNK };
        let mut word = 0_u64;
        if !kernel::copy((&raw mut word).cast(), size, from + u64::from(at)) {
            return false;
        }
        walk.hasher.word(word);
        let position = start.wrapping_add(at);
        if !text.is_null() && (position as usize) < TEXT_ROOM - CHUNK as usize {
            let to = text.wrapping_add(position as usize);
            if !kernel::copy(to.cast(), size, (&raw const word) as u64) {
                return false;
            }
        }
        at += CHUNK;
    }
    walk.hasher.word(component_end(u64::from(length)));
    let slash = start.wrapping_add(length);
    if !text.is_null() && (slash as usize) < TEXT_ROOM {
        // SAFETY: inside the text, as just compared.
        unsafe { *text.wrapping_add(slash as usize) = b'/' };
    }
    walk.free = start;
    true
}
