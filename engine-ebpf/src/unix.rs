//! The object of a unix operation: the peer's socket, by the place where it lay
//! when it began to listen, or by its abstract name.

use crate::count::count;
use crate::kernel::{self, Pointer, unix_addr, unix_addr_length, unix_dentry};
use crate::maps::{Missing, SOCKETS, hash_key};
use crate::path::{read_place, set_state};
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
const ABSTRACT_MAX: u32 = 107;

/// What an event shows of a unix object.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    /// The stored place, null when there is none.
    pub(crate) place: *const Place,
    /// Where an abstract name's bytes lie, and how many; 0 when it is none.
    pub(crate) name: u64,
    pub(crate) name_length: u32,
}

impl Shown {
    /// Nothing to show.
    pub(crate) const NOTHING: Self =
        Self { place: core::ptr::null(), name: 0, name_length: 0 };
}

/// Fills the object's part of `facts` for the peer `sk`.
#[inline(always)]
pub(crate) fn fill(sk: Pointer, facts: &mut Facts) -> Shown {
    facts.family = family::UNIX;
    facts.operation = family::CONNECT;
    facts.object_kind = OBJECT_UNREADABLE;
    let unix = kernel::as_unix(sk);
    if unix.is_null() {
        return Shown::NOTHING;
    }
    if unix_dentry(unix).is_null() {
        return fill_nameless(unix, facts);
    }
    let Some(place) = stored(sk, unix) else {
        count(Counter::NoSocketStorage);
        return Shown::NOTHING;
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
    Shown { place, name: 0, name_length: 0 }
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
fn fill_nameless(unix: Pointer, facts: &mut Facts) -> Shown {
    let addr = unix_addr(unix);
    if addr.is_null() {
        facts.object_kind = OBJECT_UNNAMED;
        return Shown::NOTHING;
    }
    let length = unix_addr_length(addr);
    if length <= FAMILY_BYTES || length > FAMILY_BYTES + 1 + ABSTRACT_MAX {
        facts.object_kind = if length <= FAMILY_BYTES { OBJECT_UNNAMED } else { OBJECT_UNREADABLE };
        return Shown::NOTHING;
    }
    // The family, then a NUL, then the name.
    let name = kernel::unix_addr_name(addr) + u64::from(FAMILY_BYTES) + 1;
    let name_length = length - FAMILY_BYTES - 1;
    let Some(hash) = hash_name(name, name_length) else {
        return Shown::NOTHING;
    };
    facts.object_kind = OBJECT_ABSTRACT;
    facts.object = [hash, ABSTRACT_TAG | u64::from(name_length)];
    Shown { place: core::ptr::null(), name, name_length }
}

/// [`policy_abi::hash::name`] of kernel memory.
#[inline(always)]
fn hash_name(from: u64, length: u32) -> Option<u64> {
    const CHUNK: u32 = 8;
    let mut hasher = Hasher::new(hash_key());
    let mut at = 0_u32;
    for _ in 0..ABSTRACT_MAX.div_ceil(CHUNK) {
        if at >= length {
            break;
        }
        let left = length - at;
        let size = if left < CHUNK { left } else { CHUNK };
        let mut word = 0_u64;
        if !kernel::copy((&raw mut word).cast(), size, from + u64::from(at)) {
            return None;
        }
        hasher.word(word);
        at += CHUNK;
    }
    hasher.word(component_end(u64::from(length)));
    Some(hasher.finish())
}
