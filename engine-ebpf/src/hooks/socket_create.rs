//! socket(2), and each half of a socketpair(2): family, type and protocol are
//! all that there is.

use crate::ask::Socket;
use crate::count::count;
use crate::hooks::family::family_of;
use crate::memo::Operation;
use crate::{dispatch, subject};
use aya_ebpf::programs::LsmContext;
use core::ptr::null;
use policy_abi::event::Counter;
use policy_abi::facts::Facts;
use policy_abi::family::CREATE;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(4)) {
        return refusal;
    }
    let (family, kind, protocol): (u32, u32, u32) = (ctx.arg(0), ctx.arg(1), ctx.arg(2));
    let kernel_made: i32 = ctx.arg(3);
    if kernel_made != 0 {
        count(Counter::KernelSockets);
        return 0;
    }
    if dispatch::judged_task().is_none() {
        return 0;
    }
    let mut facts = Facts {
        family: family_of(family as u16, kind as u16, protocol as u16),
        operation: CREATE,
        ..dispatch::blank()
    };
    let identity = subject::acting();
    if Operation::of(&facts).allowed_before(identity) {
        return 0;
    }
    let mut caller = dispatch::caller(Hook::SocketCreate, null());
    caller.socket = Socket::made(family as u16, kind as u16, protocol as u16);
    caller.detail = [family, kind, protocol];
    dispatch::conclude_for(identity, &caller, &mut facts, null())
}
