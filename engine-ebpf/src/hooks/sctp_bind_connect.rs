//! SCTP's lists of addresses: sctp_connectx(3), sctp_bindx(3), and the first
//! address of a send that opens an association.
//!
//! The same hook is called for addresses that a peer announces, in the context
//! of any task, and for a choice among addresses that are there already: neither
//! has a subject or a new address to judge. Linux, Documentation/security/SCTP.rst.

use crate::count::count;
use crate::dispatch;
use crate::hooks::address::{self, Use};
use crate::hooks::family::AF_INET6;
use crate::hooks::port;
use crate::kernel::{self, Pointer};
use aya_ebpf::programs::LsmContext;
use core::ptr::null;
use policy_abi::event::Counter;
use policy_abi::facts::{Facts, OBJECT_UNREADABLE};
use policy_abi::family::{BIND, CONNECT, SCTP};
use policy_abi::hooks::Hook;

/// `SCTP_SOCKOPT_BINDX_ADD`. Linux, include/uapi/linux/sctp.h, as the other two.
const BINDX_ADD: u32 = 100;
/// `SCTP_SOCKOPT_CONNECTX`
const CONNECTX: u32 = 110;
/// `SCTP_SENDMSG_CONNECT`
const SENDMSG_CONNECT: u32 = 126;
/// Addresses of a list that are judged one by one.
pub(crate) const ADDRESSES: u32 = 8;
/// Bytes of `struct sockaddr_in` and of `struct sockaddr_in6`, as lists have them.
const INET_BYTES: u32 = 16;
const INET6_BYTES: u32 = 28;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(4)) {
        return refusal;
    }
    let (sk, option, from): (Pointer, u32, u64) = (ctx.arg(0), ctx.arg(1), ctx.arg(2));
    let length: u32 = ctx.arg::<i32>(3).cast_unsigned();
    let usage = match option {
        BINDX_ADD => Use::Bind,
        CONNECTX | SENDMSG_CONNECT => Use::Connect,
        _ => return 0,
    };
    if dispatch::judged(sk).is_none() {
        return 0;
    }
    let mut caller = dispatch::caller(Hook::SctpBindConnect, sk);
    let mut at = 0_u32;
    for _ in 0..ADDRESSES {
        if at >= length {
            return 0;
        }
        let (from, rest) = (from + u64::from(at), length - at);
        let mut facts = Facts::default();
        if !address::fill(sk, from, rest, usage, &mut facts) {
            // Linux refuses the whole list.
            return 0;
        }
        let size = size_at(from);
        caller.address = from;
        caller.address_length = if rest < size { rest } else { size };
        let answer = dispatch::conclude(&caller, &mut facts, null());
        if answer != 0 {
            return answer;
        }
        if matches!(usage, Use::Bind) {
            port::bound(sk, &facts);
        }
        // VERIFIER: a sum that it knew would be a way of its own for each list.
        at = kernel::opaque_memory(u64::from(at + size)) as u32;
    }
    if at >= length {
        return 0;
    }
    count(Counter::UnreadableAddresses);
    caller.address = 0;
    unread(&caller, matches!(usage, Use::Bind))
}

/// Judges an address that nobody can say.
#[inline(always)]
pub(crate) fn unread(caller: &crate::emit::Caller, binds: bool) -> i32 {
    let mut facts = Facts {
        family: SCTP,
        operation: if binds { BIND } else { CONNECT },
        object_kind: OBJECT_UNREADABLE,
        ..Facts::default()
    };
    dispatch::conclude(caller, &mut facts, null())
}

/// Bytes of the address structure that lies there.
#[inline(always)]
fn size_at(from: u64) -> u32 {
    let mut family = 0_u16;
    if kernel::copy((&raw mut family).cast(), 2, from) && family == AF_INET6 {
        INET6_BYTES
    } else {
        INET_BYTES
    }
}
