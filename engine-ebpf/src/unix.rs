//! The object of a unix operation: the peer's socket, by the place where it lay
//! when it began to listen, or by its abstract name; or what is bound to.

use crate::ask::Socket;
use crate::count::count;
use crate::kernel::{self, Pointer, unix_addr, unix_addr_length, unix_dentry};
use crate::maps::{BINDINGS, Missing, SOCKETS};
use crate::memo::Operation;
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

/// A connect or a send to the peer `sk`, when its place is known already. [`fill`]
/// comes to the same, and to all the rest.
#[inline(always)]
pub(crate) fn plain(sk: Pointer) -> Option<Operation> {
    let place = SOCKETS.of_socket(sk, Missing::Leave)?;
    // SAFETY: a map's value, written under the peer's lock before it is read.
    let (kind, object) = named(unsafe { &*place })?;
    Some(Operation::new(
        family::UNIX,
        family::CONNECT,
        kind,
        object,
        0,
    ))
}

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
    if let Some((kind, object)) = named(unsafe { &*place }) {
        facts.object_kind = kind;
        facts.object = object;
    }
}

/// The object that a place is, none when it could not be read.
#[inline(always)]
fn named(place: &Place) -> Option<(u32, [u64; 2])> {
    match place.state {
        PLACE_KNOWN => {
            // A user's own mount has no name in a policy, whatever its number.
            let device = if place.owner_level == 0 {
                u64::from(place.device)
            } else {
                NO_DEVICE
            };
            Some((OBJECT_PATH, [place.hash, device]))
        }
        PLACE_ABSTRACT => {
            let tagged = ABSTRACT_TAG | u64::from(place.length);
            Some((OBJECT_ABSTRACT, [place.hash, tagged]))
        }
        _ => None,
    }
}

/// A peer of which nothing is known yet, or could be read.
#[inline(always)]
pub(crate) fn unreadable(facts: &mut Facts) {
    facts.family = family::UNIX;
    facts.operation = family::CONNECT;
    facts.object_kind = OBJECT_UNREADABLE;
}

/// `sizeof(struct sockaddr_un)`: the protocol refuses more.
const ADDRESS_BYTES: u32 = 110;

/// Whether an address for bind(2) is an abstract name, or asks the kernel for one.
#[inline(always)]
pub(crate) fn is_name(from: u64, length: u32) -> bool {
    if !(FAMILY_BYTES..=ADDRESS_BYTES).contains(&length) {
        return false;
    }
    let mut head = [0_u8; 4];
    let wanted = kernel::at_most(length, FAMILY_BYTES + 1);
    kernel::copy((&raw mut head).cast(), wanted, from) && {
        let [low, high, first, _] = head;
        u16::from_ne_bytes([low, high]) == family::UNIX && first == 0
    }
}

/// Fills the object's part of `facts` for a bind to the path of `dentry`, which
/// is no file yet. Gives its place, or null.
#[inline(always)]
pub(crate) fn at_path(task: Pointer, dentry: Pointer, facts: &mut Facts) -> *const Place {
    unreadable(facts);
    facts.operation = family::BIND;
    let Some(place) = binding(task) else {
        return null();
    };
    read_place(dentry, place);
    object(place, facts);
    place
}

/// The same for a bind to an abstract name. One that the kernel will choose is
/// none so far.
#[inline(always)]
pub(crate) fn at_name(task: Pointer, from: u64, length: u32, facts: &mut Facts) -> *const Place {
    unreadable(facts);
    facts.operation = family::BIND;
    if length <= FAMILY_BYTES {
        facts.object_kind = OBJECT_UNNAMED;
        return null();
    }
    let Some(place) = binding(task) else {
        return null();
    };
    let bytes = length.wrapping_sub(FAMILY_BYTES + 1);
    read_name(from + u64::from(FAMILY_BYTES) + 1, bytes, place);
    object(place, facts);
    place
}

/// The place that a thread binds to.
#[inline(always)]
fn binding(task: Pointer) -> Option<*mut Place> {
    let Some(binding) = BINDINGS.of_task(task, Missing::Create) else {
        count(Counter::NoTaskStorage);
        return None;
    };
    // SAFETY: a field of a map's value.
    Some(unsafe { &raw mut (*binding).place })
}

/// Keeps the socket of a bind(2) to a path for the hook that sees the path.
#[inline(always)]
pub(crate) fn binds(task: Pointer, socket: Socket) {
    let Some(binding) = BINDINGS.of_task(task, Missing::Create) else {
        count(Counter::NoTaskStorage);
        return;
    };
    // SAFETY: a map's value, which no other thread than this one uses.
    let binding = unsafe { &mut *binding };
    binding.kind = socket.kind;
    binding.protocol = socket.protocol;
}

/// The socket that [`binds`] has kept, once; none where there is none.
#[inline(always)]
pub(crate) fn bound(task: Pointer) -> Socket {
    if let Some(binding) = BINDINGS.of_task(task, Missing::Leave) {
        // SAFETY: as in `binds`.
        let binding = unsafe { &mut *binding };
        let (kind, protocol) = (binding.kind, binding.protocol);
        binding.kind = 0;
        if kind != 0 {
            return Socket { kind, protocol };
        }
    }
    Socket::NONE
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
