//! A datagram connect or send that has found its peer; a state lock is held.

use crate::kernel::{self, Pointer};
use crate::{dispatch, subject, unix};
use aya_ebpf::programs::LsmContext;
use policy_abi::facts::Facts;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    let task = match dispatch::enter(ctx.arg(2)) {
        Ok(task) => task,
        Err(result) => return result,
    };
    let (sock, other): (Pointer, Pointer) = (ctx.arg(0), ctx.arg(1));
    let (sk, peer) = (kernel::socket_sk(sock), kernel::socket_sk(other));
    if sk.is_null() || peer.is_null() {
        return 0;
    }
    let mut facts = Facts::default();
    subject::fill(task, &mut facts);
    unix::fill(peer, &mut facts);
    let mut caller = dispatch::caller(Hook::UnixMaySend, task, sk);
    caller.peer = peer;
    dispatch::conclude(&caller, &mut facts)
}
