//! The address of a socket that waits for peers: its port is judged once for
//! `bind`, when it is first seen; and `listen` is judged on the address that the
//! socket has.
//!
//! bind(2) to port 0 and listen(2) without bind(2) leave the choice to the
//! kernel; the socket is then *open*, and judged for `bind` by the listen or
//! accept that first shows the port. A socket of which nothing is kept was
//! bound to a port that was given, or is older than the engine: it was judged,
//! and whoever it is handed to is not hurt.
//!
//! The hook of listen(2) sees the address before the protocol has the socket's
//! lock. The kernel chooses a port after it, and until then another thread can
//! bind the socket. So what was judged is kept, and an accept that finds another
//! address judges `listen` on that one.

use crate::count::count;
use crate::dispatch;
use crate::emit::Caller;
use crate::hooks::address;
use crate::hooks::family::IPPROTO_SMC;
use crate::kernel::{self, Pointer};
use crate::maps::{Missing, PORTS};
use core::ptr::null;
use policy_abi::event::Counter;
use policy_abi::facts::{Facts, OBJECT_NONE, OBJECT_UNREADABLE};
use policy_abi::family::{BIND, IP_OTHER, LISTEN, SCTP, SMC, TCP};
use policy_abi::identity::{Bound, PORT_JUDGED, PORT_OPEN};

/// Whether sockets of a family wait for peers at an IP address.
#[inline(always)]
pub(crate) const fn waits(word: u16) -> bool {
    matches!(word, IP_OTHER) || has_port(word)
}

/// Whether that address has a port, which the kernel can choose.
#[inline(always)]
pub(crate) const fn has_port(word: u16) -> bool {
    matches!(word, TCP | SMC | SCTP)
}

/// Whether a socket's address is that of another one inside it, which cannot
/// be read: SMC's.
#[inline(always)]
pub(crate) fn is_hidden(sk: Pointer) -> bool {
    kernel::sk_family(sk) == SMC || kernel::sk_protocol(sk) == IPPROTO_SMC
}

/// bind(2) goes on, to the address in `facts`.
#[inline(always)]
pub(crate) fn bound(sk: Pointer, facts: &Facts) {
    if !has_port(facts.family) {
        return;
    }
    if facts.port != 0 && !is_hidden(sk) && PORTS.of_socket(sk, Missing::Leave).is_none() {
        // Nothing kept says the same.
        return;
    }
    let state = if facts.port == 0 {
        PORT_OPEN
    } else {
        PORT_JUDGED
    };
    keep(sk, state, facts);
}

/// Fills the object with the address that a socket waits at.
#[inline(never)]
pub(crate) fn fill(sk: Pointer, facts: &mut Facts) {
    if !is_hidden(sk) {
        address::local(sk, facts);
        return;
    }
    facts.object_kind = OBJECT_UNREADABLE;
    if let Some(kept) = PORTS.of_socket(sk, Missing::Leave) {
        // SAFETY: a map's value, valid while the program runs.
        let kept = unsafe { &*kept };
        if kept.port != 0 {
            facts.object_kind = kept.kind;
            facts.object = kept.object;
            facts.port = kept.port;
        }
    }
}

/// Judges the address in `facts` for `bind` if it is seen for the first time,
/// and leaves `facts` as it was. 0, or what the caller is refused with.
#[inline(always)]
pub(crate) fn judge(caller: &Caller, sk: Pointer, facts: &mut Facts) -> i32 {
    let seen = facts.port != 0 || facts.object_kind == OBJECT_UNREADABLE;
    if !seen {
        // The kernel has not chosen yet.
        keep(sk, PORT_OPEN, facts);
        return 0;
    }
    let open = if let Some(kept) = PORTS.of_socket(sk, Missing::Leave) {
        // SAFETY: a map's value, valid while the program runs.
        is_open(unsafe { &*kept }, facts)
    } else {
        // Of those that cannot be read every bind was kept.
        facts.operation == LISTEN && is_hidden(sk)
    };
    if !open {
        return 0;
    }
    let operation = facts.operation;
    facts.operation = BIND;
    let answer = dispatch::conclude(caller, facts, null());
    facts.operation = operation;
    if answer == 0 {
        keep(sk, PORT_JUDGED, facts);
    }
    answer
}

/// Whether the address in `facts` was not judged so far. A bind that was judged may
/// have failed since, and the kernel have chosen another port.
#[inline(always)]
fn is_open(kept: &Bound, facts: &Facts) -> bool {
    match kept.state {
        PORT_OPEN => true,
        PORT_JUDGED => {
            kept.kind != facts.object_kind || kept.object != facts.object || kept.port != facts.port
        }
        _ => false,
    }
}

/// listen(2) goes on, on the address in `facts`.
#[inline(never)]
pub(crate) fn heard(sk: Pointer, facts: &Facts) {
    let Some(kept) = PORTS.of_socket(sk, Missing::Create) else {
        count(Counter::NoSocketStorage);
        return;
    };
    // SAFETY: a map's value, valid while the program runs.
    let kept: &mut Bound = unsafe { &mut *kept };
    kept.heard_kind = facts.object_kind;
    kept.heard = facts.object;
    kept.heard_port = facts.port;
}

/// Whether `listen` was judged on another address than that in `facts`. Of a socket
/// that listens since before there was a rule about it nothing is known.
#[inline(never)]
pub(crate) fn is_unheard(sk: Pointer, facts: &Facts) -> bool {
    let Some(kept) = PORTS.of_socket(sk, Missing::Leave) else {
        return false;
    };
    // SAFETY: a map's value, valid while the program runs.
    let kept = unsafe { &*kept };
    kept.heard_kind != OBJECT_NONE
        && (kept.heard_kind != facts.object_kind
            || kept.heard != facts.object
            || kept.heard_port != facts.port)
}

/// Keeps what is known of a socket's port.
#[inline(never)]
fn keep(sk: Pointer, state: u32, facts: &Facts) {
    let Some(kept) = PORTS.of_socket(sk, Missing::Create) else {
        count(Counter::NoSocketStorage);
        return;
    };
    // SAFETY: a map's value, valid while the program runs.
    let kept: &mut Bound = unsafe { &mut *kept };
    kept.kind = facts.object_kind;
    kept.object = facts.object;
    kept.port = facts.port;
    kept.state = state;
}
