//! Connects to unix sockets that fail before there is a peer to judge: nobody
//! listens, the name leads nowhere. No LSM hook comes after the kernel has
//! looked, so the end of its own functions is looked at, and the event that the
//! selection asks of every connect is written there, with the kernel's errno.
//!
//! A connect that a hook saw has its event already. The hook leaves a mark on
//! the thread, and `socket_connect`, which comes first, takes away what a send
//! has left.

use crate::count::count;
use crate::dispatch::{self, Said};
use crate::emit::Caller;
use crate::kernel::{self, Pointer};
use crate::maps::{Missing, REACHED, is_marked, set_marked};
use crate::tables::in_force;
use crate::{subject, unix};
use aya_ebpf::programs::FExitContext;
use core::ptr::null;
use policy_abi::event::Counter;
use policy_abi::facts::Facts;
use policy_abi::family::{CONNECT, UNIX};
use policy_abi::hooks::Hook;

/// `EINTR`, `EAGAIN`. Linux, include/uapi/asm-generic/errno-base.h.
const EINTR: u32 = 4;
const EAGAIN: u32 = 11;
/// From here on numbers say how a call that a signal has ended begins again:
/// `ERESTARTSYS` and others. Linux, include/linux/errno.h.
const RESTARTS: u32 = 512;
/// `O_NONBLOCK`. Linux, include/uapi/asm-generic/fcntl.h.
const O_NONBLOCK: u32 = 0o4000;

/// A connect of the running thread begins.
#[inline(always)]
pub(crate) fn begins() {
    if !is_marked() {
        // Nobody has selected such events: no connect pays for them.
        return;
    }
    if let Some(mark) = REACHED.of_task(kernel::current(), Missing::Leave) {
        // SAFETY: a map's value, which no other thread than this one uses.
        unsafe { *mark = 0 };
    }
}

/// A hook saw the peer that the running thread reaches for.
#[inline(always)]
pub(crate) fn reached() {
    let Some(mark) = REACHED.of_task(kernel::current(), Missing::Create) else {
        count(Counter::NoTaskStorage);
        return;
    };
    set_marked();
    // SAFETY: as in `begins`.
    unsafe { *mark = 1 };
}

/// Whether a hook saw the peer of the connect that ends.
#[inline(always)]
fn was_reached(task: Pointer) -> bool {
    let Some(mark) = REACHED.of_task(task, Missing::Leave) else {
        return false;
    };
    // SAFETY: as in `begins`.
    unsafe { core::mem::replace(&mut *mark, 0) == 1 }
}

/// Looks at the end of a connect function of unix sockets. No verdict: 0.
#[inline(always)]
pub(crate) fn ended(hook: Hook, ctx: &FExitContext) -> i32 {
    let result: i32 = ctx.arg(4);
    if result >= 0 {
        return 0;
    }
    let errno = result.unsigned_abs();
    let (sock, from): (Pointer, u64) = (ctx.arg(0), ctx.arg(1));
    let (length, flags): (u32, u32) = (ctx.arg(2), ctx.arg(3));
    let sk = kernel::socket_sk(sock);
    if sk.is_null() {
        return 0;
    }
    let Some(task) = dispatch::judged(sk) else {
        return 0;
    };
    if was_reached(task) || !unix::is_address(from, length) || is_tried_again(sock, errno, flags) {
        return 0;
    }
    let mut caller = dispatch::caller(hook, sk);
    caller.address = from;
    caller.address_length = length;
    caller.detail[0] = if errno < RESTARTS { errno } else { EINTR };
    let mut facts = Facts {
        family: UNIX,
        operation: CONNECT,
        ..dispatch::blank()
    };
    tell(&raw const caller, &raw mut facts);
    0
}

/// Whether `io_uring` only tried whether a connect would have to wait: it is
/// made again then, by who can wait.
#[inline(always)]
fn is_tried_again(sock: Pointer, errno: u32, flags: u32) -> bool {
    let own = kernel::file_flags(kernel::socket_file(sock));
    errno == EAGAIN && flags & !own & O_NONBLOCK != 0
}

/// Writes the plain event of a connect that failed, if one is asked for.
///
/// VERIFIER: followed once, by its types.
#[unsafe(export_name = "failure_tell")]
#[inline(never)]
extern "C" fn tell(caller: *const Caller, facts: *mut Facts) -> u32 {
    if caller.is_null() || facts.is_null() {
        return 0;
    }
    // SAFETY: the verifier checks that callers hand over what hooks know.
    let caller = unsafe { &*caller };
    // SAFETY: the same for facts.
    let facts = unsafe { &mut *facts };
    let identity = subject::acting();
    subject::fill(kernel::current(), identity, facts);
    let image = in_force();
    if image.is_null() {
        return 0;
    }
    let said = Said::by(image);
    let by = (caller, identity);
    let told = dispatch::say(image, by, facts, null(), (&raw const said, null()));
    told.unwrap_or_default()
}
