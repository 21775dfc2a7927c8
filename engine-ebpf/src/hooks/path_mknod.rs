//! bind(2) to a unix path, decided by the name that is about to become the
//! socket's; mknod(2) of a socket counts as one.
//!
//! `inode_mknod` comes later and sees the same, but once more for the file in
//! the upper layer of an overlay, with the mounter's credentials.

use crate::ask::Socket;
use crate::kernel::{self, Pointer};
use crate::{dispatch, unix};
use aya_ebpf::programs::LsmContext;
use core::ptr::null;
use policy_abi::hooks::Hook;

/// `S_IFMT` and `S_IFSOCK`. Linux, include/uapi/linux/stat.h.
const TYPE: u32 = 0o170_000;
const SOCKET: u32 = 0o140_000;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(4)) {
        return refusal;
    }
    let mode: u32 = ctx.arg(2);
    if mode & TYPE != SOCKET {
        return 0;
    }
    let Some(task) = dispatch::judged_task() else {
        return 0;
    };
    let dentry: Pointer = ctx.arg(1);
    let mut facts = dispatch::blank();
    let place = unix::at_path(task, dentry, &mut facts);
    let mut caller = dispatch::caller(Hook::PathMknod, null());
    caller.socket = if in_mknod(task) {
        Socket::NONE
    } else {
        unix::bound(task)
    };
    dispatch::conclude(&caller, &mut facts, place)
}

/// The system calls mknod(2) and mknodat(2): of 64 bits, of x32 but for a bit that
/// marks it, and of 32 bits, of which no bind(2) has such a number.
const MKNOD: [u64; 4] = [133, 259, 14, 297];
/// Marks a system call of x32.
const X32: u64 = 0x4000_0000;

/// `PF_IO_WORKER`: the registers of such a thread are those of the system call
/// that it was made in, whatever it does. Linux, include/linux/sched.h.
const IO_WORKER: u32 = 0x10;

/// Whether the task is in a system call that makes a file without a socket. What
/// is kept of a socket may then be of a bind(2) that found no folder.
///
/// The kernel has taken the number from there, so no thread can change it now.
#[inline(always)]
fn in_mknod(task: Pointer) -> bool {
    let regs = kernel::registers(task);
    if regs.is_null() || kernel::task_flags(task) & IO_WORKER != 0 {
        return false;
    }
    let number = kernel::regs_orig_ax(regs) & !X32 & 0xffff_ffff;
    MKNOD.contains(&number)
}
