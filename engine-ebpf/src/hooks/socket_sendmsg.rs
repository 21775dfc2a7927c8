//! Sends: judged when a datagram carries an address, and when TCP Fast Open
//! connects without connect(2). Of SCTP's the hook of associations sees all but
//! the further addresses that a message brings along.

use crate::hooks::address::{self, Use};
use crate::hooks::{family, sctp_send};
use crate::kernel::{self, Pointer};
use crate::memo::Operation;
use crate::{dispatch, subject};
use aya_ebpf::programs::LsmContext;
use core::ptr::null;
use policy_abi::family::SCTP;
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
    if family::of_socket(sk) == SCTP {
        return sctp_send::further(sk, message);
    }
    let length = kernel::msg_namelen(message);
    let mut caller = dispatch::caller(Hook::SocketSendmsg, sk);
    caller.address = from;
    caller.address_length = length;
    let controlled = kernel::msg_controllen(message) != 0;
    let usage = Use::Send(kernel::msg_flags(message), controlled);
    let mut facts = dispatch::blank();
    if !address::fill(&caller, sk, length, usage, &mut facts) {
        return 0;
    }
    let identity = subject::acting();
    if dispatch::judged(sk).is_none() || Operation::of(&facts).allowed_before(identity) {
        return 0;
    }
    dispatch::conclude_for(identity, &caller, &mut facts, null())
}
