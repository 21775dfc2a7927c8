//! The object of a unix operation: the peer's socket, by the place where it lay
//! when it began to listen, or by its abstract name.

use crate::count::count;
use crate::kernel::{self, Pointer, unix_addr, unix_addr_length, unix_dentry};
use crate::maps::{Missing, SOCKETS, hash_key};
use crate::path::{read_place, set_state};
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::event::Counter;
use policy_abi::facts::{
    ABSTRACT_TAG, Facts, OBJECT_ABSTRACT, OBJECT_PATH, OBJECT_UNNAMED, OBJECT_UNREADABLE,
};
use policy_abi::family;
use policy_abi::hash::{Hasher, component_end};
use policy_abi::identity::{PLACE_KNOWN, PLACE_NAMELESS, PLACE_NONE, Place};

/// `AF_UNIX`'s share of a unix address: the family.
const FAMILY_BYTES: u32 = 2;
/// Longest abstract name: `sun_path` less its leading NUL.
pub(crate) const ABSTRACT_MAX: u32 = 107;
/// Bytes that one step of a name's hash takes in.
const CHUNK: u32 = 8;

/// Fills the object's part of `facts` for the peer `sk`.
#[inline(always)]
pub(crate) fn fill(sk: Pointer, facts: &mut Facts) {
    facts.family = family::UNIX;
    facts.operation = family::CONNECT;
    facts.object_kind = OBJECT_UNREADABLE;
    let unix = kernel::as_unix(sk);
    if unix.is_null() {
        return;
    }
    if unix_dentry(unix).is_null() {
        fill_nameless(unix, facts);
        return;
    }
    let Some(place) = stored(sk, unix) else {
        count(Counter::NoSocketStorage);
        return;
    };
    // SAFETY: a map's value, written under the peer's lock before it is read.
    let (state, owner) = unsafe { ((*place).state, (*place).owner_level) };
    if state == PLACE_KNOWN && owner == 0 {
        // SAFETY: as above.
        let (hash, device) = unsafe { ((*place).hash, (*place).device) };
        facts.object_kind = OBJECT_PATH;
        facts.object = [hash, u64::from(device)];
    } else if state == PLACE_KNOWN {
        // A user's own mount has no name in a policy, whatever its number.
        facts.object_kind = OBJECT_PATH;
        facts.object = [0, u64::MAX];
    }
}

/// Takes the place of a socket that begins to listen.
#[inline(always)]
pub(crate) fn listening(sk: Pointer) {
    let unix = kernel::as_unix(sk);
    if unix.is_null() || unix_dentry(unix).is_null() {
        return;
    }
    if stored(sk, unix).is_none() {
        // The first connect tries again.
        count(Counter::NoSocketStorage);
    }
}

/// The stored place of a socket with a file, taken now if it never was.
#[inline(always)]
fn stored(sk: Pointer, unix: Pointer) -> Option<*mut Place> {
    let place = SOCKETS.of_socket(sk, Missing::Create)?;
    // SAFETY: a map's value.
    if unsafe { (*place).state } != PLACE_NONE {
        return Some(place);
    }
    let dentry = unix_dentry(unix);
    if dentry.is_null() {
        set_state(place, PLACE_NAMELESS);
    } else {
        read_place(dentry, place);
    }
    Some(place)
}

/// A socket without a file: an abstract name, or none at all.
#[inline(always)]
fn fill_nameless(unix: Pointer, facts: &mut Facts) {
    let Some(name) = abstract_name(unix) else {
        facts.object_kind = OBJECT_UNNAMED;
        return;
    };
    if name.length <= ABSTRACT_MAX
        && let Some(hash) = hash_name(&name)
    {
        facts.object_kind = OBJECT_ABSTRACT;
        facts.object = [hash, ABSTRACT_TAG | u64::from(name.length)];
    }
}

/// Where the bytes of an abstract name lie, without the leading NUL.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    pub(crate) from: u64,
    pub(crate) length: u32,
}

/// The abstract name of a socket that has no file, `None` when it has no name.
#[inline(always)]
pub(crate) fn abstract_name(unix: Pointer) -> Option<Name> {
    let addr = unix_addr(unix);
    if addr.is_null() {
        return None;
    }
    let length = unix_addr_length(addr);
    if length <= FAMILY_BYTES {
        return None;
    }
    // The family, then a NUL, then the name.
    let from = kernel::unix_addr_name(addr) + u64::from(FAMILY_BYTES) + 1;
    Some(Name { from, length: length - FAMILY_BYTES - 1 })
}

/// State of [`hash_name`]'s loop.
#[repr(C)]
struct Naming {
    hasher: Hasher,
    from: u64,
    left: u32,
    failed: u32,
}

/// [`policy_abi::hash::name`] of kernel memory.
#[inline(always)]
fn hash_name(name: &Name) -> Option<u64> {
    let mut naming = Naming {
        hasher: Hasher::new(hash_key()),
        from: name.from,
        left: name.length,
        failed: 0,
    };
    // SAFETY: `name_chunk` has the signature that the helper calls, and `naming`
    // outlives the call.
    unsafe {
        bpf_loop(
            ABSTRACT_MAX.div_ceil(CHUNK),
            name_chunk as *const () as *mut c_void,
            (&raw mut naming).cast(),
            0,
        );
    }
    if naming.failed != 0 {
        return None;
    }
    naming.hasher.word(component_end(u64::from(name.length)));
    Some(naming.hasher.finish())
}

/// Takes up to eight bytes of a name in; 1 ends the loop.
unsafe extern "C" fn name_chunk(_index: u32, naming: *mut Naming) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `hash_name` gave it.
    let naming = unsafe { &mut *naming };
    if naming.left == 0 {
        return 1;
    }
    let size = kernel::at_most(naming.left, CHUNK);
    let mut word = 0_u64;
    if !kernel::copy((&raw mut word).cast(), size, naming.from) {
        naming.failed = 1;
        return 1;
    }
    naming.hasher.word(word);
    naming.from += u64::from(size);
    naming.left -= size;
    0
}
