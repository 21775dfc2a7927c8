//! accept(2), before a peer is taken: the local address is all that is known.

use crate::dispatch;
use crate::hooks::waiting;
use crate::kernel::{self, Pointer};
use aya_ebpf::programs::LsmContext;
use policy_abi::family::ACCEPT;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(2)) {
        return refusal;
    }
    let sock: Pointer = ctx.arg(0);
    let sk = kernel::socket_sk(sock);
    if sk.is_null() {
        return 0;
    }
    waiting::judge(Hook::SocketAccept, ACCEPT, sk, 0)
}
