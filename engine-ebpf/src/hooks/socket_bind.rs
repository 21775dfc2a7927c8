//! bind(2) and its twin in `io_uring`: abstract unix names. A unix path is
//! decided where its file is made.

use crate::kernel::{self, Pointer};
use crate::{dispatch, subject, unix};
use aya_ebpf::programs::LsmContext;
use policy_abi::facts::Facts;
use policy_abi::family::UNIX;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(3)) {
        return refusal;
    }
    let (sock, from): (Pointer, u64) = (ctx.arg(0), ctx.arg(1));
    let length: u32 = ctx.arg::<i32>(2).cast_unsigned();
    let sk = kernel::socket_sk(sock);
    if sk.is_null() || kernel::sk_family(sk) != UNIX || !unix::is_name(from, length) {
        return 0;
    }
    let Some(task) = dispatch::judged(sk) else {
        return 0;
    };
    let mut facts = Facts::default();
    subject::fill(task, &mut facts);
    let place = unix::at_name(task, from, length, &mut facts);
    let mut caller = dispatch::caller_about(Hook::SocketBind, task, sk, place);
    caller.address = from;
    caller.address_length = length;
    dispatch::conclude(&caller, &mut facts)
}
