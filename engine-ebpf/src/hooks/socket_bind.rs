//! bind(2) and its twin in `io_uring`. A unix path is decided where its file is
//! made, by a hook that is told of no socket: this one leaves it there.

use crate::ask::Socket;
use crate::hooks::address::{self, Use};
use crate::hooks::port;
use crate::kernel::{self, Pointer};
use crate::{dispatch, unix};
use aya_ebpf::programs::LsmContext;
use core::ptr::null;
use policy_abi::family::UNIX;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(3)) {
        return refusal;
    }
    let (sock, from): (Pointer, u64) = (ctx.arg(0), ctx.arg(1));
    let length: u32 = ctx.arg::<i32>(2).cast_unsigned();
    let sk = kernel::socket_sk(sock);
    if sk.is_null() {
        return 0;
    }
    let mut caller = dispatch::caller(Hook::SocketBind, sk);
    caller.address = from;
    caller.address_length = length;
    let mut facts = dispatch::blank();
    let unix = kernel::sk_family(sk) == UNIX;
    let judged = if unix {
        unix::is_name(from, length)
    } else {
        address::fill(&caller, sk, length, Use::Bind, &mut facts)
    };
    if !judged {
        if unix {
            unix::binds(kernel::current(), Socket::of(sk));
        }
        return 0;
    }
    let Some(task) = dispatch::judged(sk) else {
        return 0;
    };
    let place = if unix {
        unix::at_name(task, from, length, &mut facts)
    } else {
        null()
    };
    let answer = dispatch::conclude(&caller, &mut facts, place);
    if answer == 0 {
        port::bound(sk, &facts);
    }
    answer
}
