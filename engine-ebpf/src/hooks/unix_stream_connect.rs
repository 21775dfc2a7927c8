//! A stream or seqpacket connect that has found its peer; both sockets' state
//! locks are held. A socket that nobody listens on never gets here.

use crate::kernel::Pointer;
use crate::memo::Operation;
use crate::{dispatch, subject, unix};
use aya_ebpf::programs::LsmContext;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(3)) {
        return refusal;
    }
    let (sk, other): (Pointer, Pointer) = (ctx.arg(0), ctx.arg(1));
    let plain = unix::plain(other);
    // A kernel thread has no memo. The kernel's own sockets are not looked for: what
    // their process was allowed itself, they are allowed as its connects.
    let identity = subject::acting();
    if plain.is_some_and(|operation| operation.allowed_before(identity)) {
        return 0;
    }
    if dispatch::judged(sk).is_none() {
        return 0;
    }
    let mut facts = dispatch::blank();
    let place = unix::fill(other, &mut facts);
    if plain.is_none() && Operation::of(&facts).allowed_before(identity) {
        return 0;
    }
    let caller = dispatch::caller(Hook::UnixStreamConnect, sk);
    dispatch::conclude_for(identity, &caller, &mut facts, place)
}
