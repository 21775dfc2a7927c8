//! A stream or seqpacket connect has ended.

use crate::failure;
use aya_ebpf::programs::FExitContext;
use policy_abi::hooks::Hook;

pub(crate) fn run(ctx: &FExitContext) -> i32 {
    failure::ended(Hook::UnixStreamConnectExit, ctx)
}
