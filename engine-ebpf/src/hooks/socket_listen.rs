//! listen(2): the place of a unix socket is taken before anyone can connect.

use crate::kernel::{self, Pointer};
use crate::{dispatch, unix};
use aya_ebpf::programs::LsmContext;
use policy_abi::family::UNIX;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(2)) {
        return refusal;
    }
    let sock: Pointer = ctx.arg(0);
    let sk = kernel::socket_sk(sock);
    if !sk.is_null() && kernel::sk_family(sk) == UNIX {
        unix::listening(sk);
    }
    0
}
