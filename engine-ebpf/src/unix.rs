//! The object of a unix operation: the peer's socket, by the place where it lay
//! when it began to listen, or by its abstract name.

use crate::count::count;
use crate::kernel::{self, Pointer, unix_addr, unix_addr_length, unix_dentry};
use crate::maps::{Missing, SOCKETS};
use crate::path::{read_name, read_place};
use core::ptr::null;
use policy_abi::event::Counter;
use policy_abi::facts::{
    ABSTRACT_TAG, Facts, OBJECT_ABSTRACT, OBJECT_PATH, OBJECT_UNNAMED, OBJECT_UNREADABLE,
};
use policy_abi::family;
use policy_abi::identity::{PLACE_ABSTRACT, PLACE_KNOWN, PLACE_NONE, PLACE_UNREADABLE, Place};

/// `AF_UNIX`'s share of a unix address: the family.
const FAMILY_BYTES: u32 = 2;
/// A device number that no file system has: those are 32 bits.
const NO_DEVICE: u64 = u64::MAX;

/// Fills the object's part of `facts` for the peer `sk`. Gives its place, or null.
#[inline(always)]
pub(crate) fn fill(sk: Pointer, facts: &mut Facts) -> *const Place {
    unreadable(facts);
    let unix = kernel::as_unix(sk);
    if unix.is_null() {
        return null();
    }
    if unix_dentry(unix).is_null() && unix_addr(unix).is_null() {
        facts.object_kind = OBJECT_UNNAMED;
        return null();
    }
    let Some(place) = stored(sk, unix) else {
        count(Counter::NoSocketStorage);
        return null();
    };
    object(place, facts);
    place
}

/// Fills the object's part of `facts` from a place.
#[inline(always)]
pub(crate) fn object(place: *const Place, facts: &mut Facts) {
    // SAFETY: a map's value, written under the peer's lock before it is read.
    let place = unsafe { &*place };
    match place.state {
        PLACE_KNOWN => {
            // A user's own mount has no name in a policy, whatever its number.
            let device = if place.owner_level == 0 {
                u64::from(place.device)
            } else {
                NO_DEVICE
            };
            facts.object_kind = OBJECT_PATH;
            facts.object = [place.hash, device];
        }
        PLACE_ABSTRACT => {
            facts.object_kind = OBJECT_ABSTRACT;
            facts.object = [place.hash, ABSTRACT_TAG | u64::from(place.length)];
        }
        _ => {}
    }
}

/// A peer of which nothing is known yet, or could be read.
#[inline(always)]
pub(crate) fn unreadable(facts: &mut Facts) {
    facts.family = family::UNIX;
    facts.operation = family::CONNECT;
    facts.object_kind = OBJECT_UNREADABLE;
}

/// Takes the place of a socket that begins to listen.
#[inline(always)]
pub(crate) fn listening(sk: Pointer) {
    let unix = kernel::as_unix(sk);
    if unix.is_null() || (unix_dentry(unix).is_null() && unix_addr(unix).is_null()) {
        return;
    }
    if stored(sk, unix).is_none() {
        // The first connect tries again.
        count(Counter::NoSocketStorage);
    }
}

/// The stored place of a socket with a name, taken now if it never was.
#[inline(always)]
fn stored(sk: Pointer, unix: Pointer) -> Option<*mut Place> {
    let place = SOCKETS.of_socket(sk, Missing::Create)?;
    // SAFETY: a map's value.
    let state = unsafe { (*place).state };
    // What could not be read is read again: renames that tore a walk end.
    if state != PLACE_NONE && state != PLACE_UNREADABLE {
        return Some(place);
    }
    let dentry = unix_dentry(unix);
    if !dentry.is_null() {
        read_place(dentry, place);
        return Some(place);
    }
    let addr = unix_addr(unix);
    if addr.is_null() {
        return None;
    }
    // The family, then a NUL, then the name.
    let from = kernel::unix_addr_name(addr) + u64::from(FAMILY_BYTES) + 1;
    read_name(
        from,
        unix_addr_length(addr).saturating_sub(FAMILY_BYTES + 1),
        place,
    );
    Some(place)
}
