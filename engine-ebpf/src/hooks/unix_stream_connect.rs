//! A stream or seqpacket connect that has found its peer; both sockets' state
//! locks are held. A socket that nobody listens on never gets here.

use crate::kernel::Pointer;
use crate::{dispatch, subject, unix};
use aya_ebpf::programs::LsmContext;
use policy_abi::facts::Facts;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(3)) {
        return refusal;
    }
    let (sk, other): (Pointer, Pointer) = (ctx.arg(0), ctx.arg(1));
    let Some(task) = dispatch::judged(sk) else {
        return 0;
    };
    let mut facts = Facts::default();
    subject::fill(task, &mut facts);
    let place = unix::fill(other, &mut facts);
    let caller = dispatch::caller_about(Hook::UnixStreamConnect, task, sk, place);
    dispatch::conclude(&caller, &mut facts)
}
