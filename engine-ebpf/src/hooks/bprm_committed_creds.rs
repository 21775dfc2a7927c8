//! exec(2), past its point of no return and before the program's first instruction.

use crate::{capture, kernel};
use aya_ebpf::programs::LsmContext;

pub(crate) fn run(_ctx: &LsmContext) -> i32 {
    capture::executed(kernel::current());
    0
}
