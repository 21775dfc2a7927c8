//! listen(2), whatever the rules are: the place of a unix socket is taken before anyone
//! can connect.

use crate::dispatch;
use crate::kernel;
use crate::unix;
use aya_ebpf::programs::LsmContext;
use policy_abi::family::UNIX;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    // Counted by whoever judges there, if anybody does.
    if let Some(refusal) = dispatch::as_refused(ctx.arg(2)) {
        return refusal;
    }
    let sk = kernel::socket_sk(ctx.arg(0));
    if !sk.is_null() && kernel::sk_family(sk) == UNIX {
        unix::fill(sk, &mut dispatch::blank());
    }
    0
}
