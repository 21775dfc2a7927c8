//! connect(2) and its twin in `io_uring`. Unix sockets are decided where the
//! peer is known.

use crate::emit::TYPED_IS_OBJECT;
use crate::hooks::address::{self, Use};
use crate::kernel::{self, Pointer};
use crate::memo::Operation;
use crate::{dispatch, failure, subject};
use aya_ebpf::programs::LsmContext;
use core::ptr::null;
use policy_abi::family::UNIX;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(3)) {
        return refusal;
    }
    let (sock, from): (Pointer, Pointer) = (ctx.arg(0), ctx.arg(1));
    let length: u32 = ctx.arg::<i32>(2).cast_unsigned();
    let sk = kernel::socket_sk(sock);
    if sk.is_null() {
        return 0;
    }
    let family = kernel::sk_family(sk);
    if family == UNIX {
        failure::begins();
        return 0;
    }
    let plain = || address::plain(sk, family, from, length);
    let identity = subject::acting();
    // A kernel thread has no memo, and connect(2) is never about the kernel's sockets.
    if plain().is_some_and(|operation| operation.allowed_before(identity)) {
        return 0;
    }
    let mut caller = dispatch::caller(Hook::SocketConnect, sk);
    caller.address = from as u64;
    caller.address_length = length;
    let mut facts = dispatch::blank();
    // Looked at once more: kept until here, it would cost all those that are allowed.
    if let Some(operation) = plain() {
        operation.fill(&mut facts);
        caller.flags = TYPED_IS_OBJECT;
    } else if !address::fill(&caller, sk, length, Use::Connect, &mut facts)
        || Operation::of(&facts).allowed_before(identity)
    {
        return 0;
    }
    if dispatch::judged(sk).is_none() {
        return 0;
    }
    dispatch::conclude_for(identity, &caller, &mut facts, null())
}
