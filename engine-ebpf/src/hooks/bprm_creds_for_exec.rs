//! exec(2), at its beginning. When a thread that is not the main one goes
//! through with it, the main one is gone before `bprm_committed_creds`.

use crate::{capture, dispatch, kernel};
use aya_ebpf::programs::LsmContext;

pub(crate) fn run(ctx: &LsmContext) -> i32 {
    if let Some(refusal) = dispatch::refused_before(ctx.arg(1)) {
        return refusal;
    }
    capture::executing(kernel::current());
    0
}
