//! setsockopt(2) and its twin in `io_uring`: level and name; the value is not
//! known.

use crate::hooks::family::of_socket;
use crate::kernel::{self, Pointer};
use crate::memo::Operation;
use crate::{dispatch, subject};
use aya_ebpf::programs::LsmContext;
use core::ptr::null;
use policy_abi::facts::{Facts, OBJECT_OPTION, option};
use policy_abi::family::SETSOCKOPT;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(3)) {
        return refusal;
    }
    let sock: Pointer = ctx.arg(0);
    // VERIFIER: read where they are needed; kept, they would take room on the stack.
    let named = || (ctx.arg::<u32>(1), ctx.arg::<u32>(2));
    let sk = kernel::socket_sk(sock);
    if sk.is_null() {
        return 0;
    }
    if dispatch::judged(sk).is_none() {
        return 0;
    }
    let (level, name) = named();
    let mut facts = Facts {
        family: of_socket(sk),
        operation: SETSOCKOPT,
        object_kind: OBJECT_OPTION,
        object: option(level, name),
        ..dispatch::blank()
    };
    let identity = subject::acting();
    if Operation::of(&facts).allowed_before(identity) {
        return 0;
    }
    let mut caller = dispatch::caller(Hook::SocketSetsockopt, sk);
    let (level, name) = named();
    caller.detail = [level, name, 0];
    dispatch::conclude_for(identity, &caller, &mut facts, null())
}
