//! Sends: judged when a datagram carries an address, and when TCP Fast Open
//! connects without connect(2).

use crate::hooks::address::{self, Use};
use crate::kernel::{self, Pointer};
use crate::{dispatch, subject};
use aya_ebpf::programs::LsmContext;
use policy_abi::facts::Facts;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(3)) {
        return refusal;
    }
    let (sock, message): (Pointer, Pointer) = (ctx.arg(0), ctx.arg(1));
    let from = kernel::msg_name(message);
    if from == 0 {
        return 0;
    }
    let sk = kernel::socket_sk(sock);
    if sk.is_null() {
        return 0;
    }
    let length = kernel::msg_namelen(message);
    let mut facts = Facts::default();
    if !address::fill(
        sk,
        from,
        length,
        Use::Send(kernel::msg_flags(message)),
        &mut facts,
    ) {
        return 0;
    }
    let Some(task) = dispatch::judged(sk) else {
        return 0;
    };
    subject::fill(task, &mut facts);
    let mut caller = dispatch::caller(Hook::SocketSendmsg, task, sk);
    caller.address = from;
    caller.address_length = length;
    dispatch::conclude(&caller, &mut facts)
}
