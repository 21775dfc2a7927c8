//! A datagram connect or send that has found its peer; a state lock is held.

use crate::kernel::{self, Pointer};
use crate::memo::Operation;
use crate::{dispatch, subject, unix};
use aya_ebpf::programs::LsmContext;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(2)) {
        return refusal;
    }
    let (sock, other): (Pointer, Pointer) = (ctx.arg(0), ctx.arg(1));
    let (sk, peer) = (kernel::socket_sk(sock), kernel::socket_sk(other));
    if sk.is_null() {
        // Only a socket that was closed has none, and that one cannot send.
        return 0;
    }
    let plain = if peer.is_null() {
        None
    } else {
        unix::plain(peer)
    };
    // As in `unix_stream_connect`.
    let identity = subject::acting();
    if plain.is_some_and(|operation| operation.allowed_before(identity)) {
        return 0;
    }
    if dispatch::judged(sk).is_none() {
        return 0;
    }
    let mut facts = dispatch::blank();
    let place = if peer.is_null() {
        unix::unreadable(&mut facts);
        core::ptr::null()
    } else {
        unix::fill(peer, &mut facts)
    };
    if plain.is_none() && Operation::of(&facts).allowed_before(identity) {
        return 0;
    }
    let caller = dispatch::caller(Hook::UnixMaySend, sk);
    dispatch::conclude_for(identity, &caller, &mut facts, place)
}
