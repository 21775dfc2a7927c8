//! listen(2).

use crate::dispatch;
use crate::hooks::waiting;
use crate::kernel::{self, Pointer};
use aya_ebpf::programs::LsmContext;
use policy_abi::family::LISTEN;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(2)) {
        return refusal;
    }
    let (sock, backlog): (Pointer, u32) = (ctx.arg(0), ctx.arg(1));
    let sk = kernel::socket_sk(sock);
    if sk.is_null() {
        return 0;
    }
    waiting::judge(Hook::SocketListen, LISTEN, sk, backlog)
}
