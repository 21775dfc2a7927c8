//! connect(2) and its twin in `io_uring`. Unix sockets are decided where the
//! peer is known.

use crate::emit::TYPED_IS_OBJECT;
use crate::hooks::address::{self, Use};
use crate::kernel::{self, Pointer};
use crate::memo::Operation;
use crate::{dispatch, failure};
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
    let plain = address::plain(sk, family, from, length);
    // A kernel thread has no memo, and connect(2) is never about the kernel's sockets.
    if plain.is_some_and(Operation::allowed_before) {
        return 0;
    }
    let caller = || {
        let mut caller = dispatch::caller(Hook::SocketConnect, sk);
        caller.address = from as u64;
        caller.address_length = length;
        caller
    };
    let mut facts = dispatch::blank();
    if !address::fill(&caller(), sk, length, Use::Connect, &mut facts) {
        return 0;
    }
    if dispatch::judged(sk).is_none() || plain.is_none() && dispatch::allowed_before(&facts) {
        return 0;
    }
    let mut caller = caller();
    if plain.is_some() {
        caller.flags = TYPED_IS_OBJECT;
    }
    dispatch::conclude(&caller, &mut facts, null())
}
