//! SCTP's lists of addresses: `sctp_connectx(3)`, `sctp_bindx(3)`, and the first
//! address of a send that opens an association.
//!
//! The same hook is called for addresses that a peer announces, in the context
//! of any task, and for a choice among addresses that are there already: neither
//! has a subject or a new address to judge. Linux, Documentation/security/SCTP.rst.

use crate::count::count;
use crate::dispatch;
use crate::emit::Caller;
use crate::hooks::address::{self, Use};
use crate::hooks::family::AF_INET6;
use crate::hooks::port;
use crate::kernel::{self, Pointer};
use aya_ebpf::programs::LsmContext;
use core::ptr::null;
use policy_abi::event::Counter;
use policy_abi::facts::OBJECT_UNREADABLE;
use policy_abi::hooks::Hook;

/// `SCTP_SOCKOPT_BINDX_ADD`. Linux, include/uapi/linux/sctp.h, as the other two.
const BINDX_ADD: u32 = 100;
/// `SCTP_SOCKOPT_CONNECTX`
const CONNECTX: u32 = 110;
/// `SCTP_SENDMSG_CONNECT`
const SENDMSG_CONNECT: u32 = 126;
/// Addresses of a list that are judged one by one.
const ADDRESSES: u32 = 8;
/// Bytes of `struct sockaddr_in` and of `struct sockaddr_in6`, as lists have them.
const INET_BYTES: u32 = 16;
const INET6_BYTES: u32 = 28;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(4)) {
        return refusal;
    }
    let usage = match ctx.arg::<u32>(1) {
        BINDX_ADD => Use::Bind,
        CONNECTX | SENDMSG_CONNECT => Use::Connect,
        _ => return 0,
    };
    let sk: Pointer = ctx.arg(0);
    if dispatch::judged(sk).is_none() {
        return 0;
    }
    let mut caller = dispatch::caller(Hook::SctpBindConnect, sk);
    let mut facts = dispatch::blank();
    caller.address = ctx.arg(2);
    let mut rest: u32 = ctx.arg::<i32>(3).cast_unsigned();
    for number in 0..=ADDRESSES {
        rest = next(&raw mut caller, rest);
        if rest == 0 {
            return 0;
        }
        if !address::fill(&caller, sk, rest, usage, &mut facts) {
            // Linux refuses the whole list.
            return 0;
        }
        if number == ADDRESSES {
            // Nobody looks at what is left.
            count(Counter::UnreadableAddresses);
            facts.object_kind = OBJECT_UNREADABLE;
        }
        let answer = dispatch::conclude(&caller, &mut facts, null());
        if answer != 0 || number == ADDRESSES {
            return answer;
        }
        if matches!(usage, Use::Bind) {
            port::bound(sk, &facts);
        }
    }
    0
}

/// From the caller's address, of which it knows no length at first, to the one
/// that follows; how many bytes of the list are left, 0 at its end.
///
/// VERIFIER: followed once; numbers that it knew would be ways of their own for
/// each list, and a pointer cannot be moved by a number that it does not know.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn next(caller: *mut Caller, rest: u32) -> u32 {
    if caller.is_null() {
        return 0;
    }
    // SAFETY: the verifier checks that callers hand over what hooks know.
    let caller = unsafe { &mut *caller };
    if rest <= caller.address_length {
        return 0;
    }
    let rest = rest - caller.address_length;
    caller.address += u64::from(caller.address_length);
    let size = if kernel::copy_u16(caller.address) == Some(AF_INET6) {
        INET6_BYTES
    } else {
        INET_BYTES
    };
    caller.address_length = if rest < size { rest } else { size };
    rest
}
