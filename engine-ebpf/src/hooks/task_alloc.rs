//! A new task. Threads, `io_uring`'s workers among them, are judged by their
//! leader and need nothing of their own.

use crate::kernel::Pointer;
use crate::{capture, kernel};
use aya_ebpf::programs::LsmContext;

/// `CLONE_THREAD`. Linux, include/uapi/linux/sched.h.
const CLONE_THREAD: u64 = 0x0001_0000;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    let prior: i32 = ctx.arg(2);
    if prior != 0 {
        return if prior > -4096 && prior < 0 {
            prior
        } else {
            -1
        };
    }
    let flags: u64 = ctx.arg(1);
    if flags & CLONE_THREAD == 0 {
        let child: Pointer = ctx.arg(0);
        capture::forked(kernel::current(), child);
    }
    0
}
