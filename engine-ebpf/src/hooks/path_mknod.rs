//! bind(2) to a unix path, decided by the name that is about to become the
//! socket's; mknod(2) of a socket counts as one.
//!
//! `inode_mknod` comes later and sees the same, but once more for the file in
//! the upper layer of an overlay, with the mounter's credentials.

use crate::kernel::Pointer;
use crate::{dispatch, unix};
use aya_ebpf::programs::LsmContext;
use core::ptr::null;
use policy_abi::facts::Facts;
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
    let mut facts = Facts::default();
    let place = unix::at_path(task, dentry, &mut facts);
    let caller = dispatch::caller(Hook::PathMknod, null());
    dispatch::conclude(&caller, &mut facts, place)
}
