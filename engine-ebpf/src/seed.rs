//! What is older than the engine, taken stock of once, at its start: the places
//! of unix sockets that can be peers.
//!
//! A socket's place is taken when it begins to listen, and one that listened
//! before there was an engine has none. Without this its first client would see
//! it taken, and until then a rename would lead it out of a rule.

use crate::dispatch;
use crate::kernel::{self, Pointer};
use crate::unix;
use core::ffi::c_void;
use policy_abi::family::UNIX;

/// `SOCK_DGRAM`. Linux, include/linux/net.h.
const DGRAM: u16 = 2;
/// `TCP_LISTEN`, of whatever protocol. Linux, `include/net/tcp_states.h`.
const LISTEN: u8 = 10;
/// Where the file stands among the pointers of the iterator's context: after
/// what all iterators have, the task, and the descriptor's number.
const FILE: usize = 3;

/// The body of the iterator over all open files of all processes.
#[inline(always)]
pub(crate) fn socket(ctx: *mut c_void) -> i32 {
    let slot = ctx.cast::<Pointer>().wrapping_add(FILE);
    // SAFETY: a field of the iterator's context; the verifier knows it.
    let file = unsafe { core::ptr::read_volatile(slot) };
    if file.is_null() {
        return 0;
    }
    let sock = kernel::file_socket(file);
    if sock.is_null() {
        return 0;
    }
    let sk = kernel::socket_sk(sock);
    if sk.is_null() || kernel::sk_family(sk) != UNIX {
        return 0;
    }
    // A connection's end has its listener's name, and is nobody's peer to be.
    if kernel::sk_type(sk) == DGRAM || kernel::sk_state(sk) == LISTEN {
        unix::fill(sk, &mut dispatch::blank());
    }
    0
}
