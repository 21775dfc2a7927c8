//! The port of a socket that waits for peers: judged once, when it is first seen.
//!
//! bind(2) to port 0 and listen(2) without bind(2) leave the choice to the
//! kernel; the socket is then *open*, and judged for `bind` by the listen or
//! accept that first shows the port. A socket of which nothing is kept was
//! bound to a port that was given, or is older than the engine: it was judged,
//! and whoever it is handed to is not hurt.

use crate::count::count;
use crate::dispatch;
use crate::emit::Caller;
use crate::hooks::address;
use crate::hooks::family::IPPROTO_SMC;
use crate::kernel::{self, Pointer};
use crate::maps::{Missing, PORTS};
use core::ptr::null;
use policy_abi::event::Counter;
use policy_abi::facts::{Facts, OBJECT_UNREADABLE};
use policy_abi::family::{BIND, IP_OTHER, SCTP, SMC, TCP};
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
    let Some(kept) = PORTS.of_socket(sk, Missing::Leave) else {
        return 0;
    };
    // SAFETY: a map's value, valid while the program runs.
    if unsafe { (*kept).state } != PORT_OPEN {
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
