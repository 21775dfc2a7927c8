//! A new task. Threads, `io_uring`'s workers among them, are judged by their
//! leader and need nothing of their own.

use crate::kernel::Pointer;
use crate::{capture, dispatch, kernel};
use aya_ebpf::programs::LsmContext;

/// `CLONE_THREAD`. Linux, include/uapi/linux/sched.h.
const CLONE_THREAD: u64 = 0x0001_0000;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(2)) {
        return refusal;
    }
    let flags: u64 = ctx.arg(1);
    if flags & CLONE_THREAD == 0 {
        let child: Pointer = ctx.arg(0);
        capture::forked(kernel::current(), child);
    }
    0
}
