//! What listen(2) and accept(2) have in common: both are judged on the local
//! address.

use crate::emit::Caller;
use crate::hooks::family::family_of;
use crate::hooks::port;
use crate::kernel::{self, Pointer};
use crate::tables::concerns;
use crate::{dispatch, subject, unix};
use policy_abi::facts::Facts;
use policy_abi::family::{BIND, UNIX};
use policy_abi::hooks::Hook;

/// Judges `operation` on the socket `sk` by its local address.
#[inline(always)]
pub(crate) fn judge(hook: Hook, operation: u16, sk: Pointer, detail: u32) -> i32 {
    let word = family_of(
        kernel::sk_family(sk),
        kernel::sk_type(sk),
        kernel::sk_protocol(sk),
    );
    let asked = u64::from(concerns(word, operation));
    let bind_asked = u64::from(port::has_port(word) && concerns(word, BIND));
    if asked | bind_asked == 0 {
        return 0;
    }
    // VERIFIER: what follows is the same for it whatever was asked.
    let (asked, bind_asked) = (
        kernel::opaque_memory(asked),
        kernel::opaque_memory(bind_asked),
    );
    let Some(task) = dispatch::judged(sk) else {
        return 0;
    };
    let mut facts = Facts::default();
    let mut caller: Caller = dispatch::caller(hook, task, sk);
    caller.detail = [detail, 0, 0];
    subject::fill(task, &mut facts);
    if word == UNIX {
        unix::fill(sk, &mut facts);
        caller.peer = sk;
    }
    facts.family = word;
    facts.operation = operation;
    if port::waits(word) {
        port::fill(sk, &mut facts);
    }
    dispatch::forget_ranges(&mut facts);
    if bind_asked != 0 {
        let answer = port::judge(&caller, &mut facts);
        if answer != 0 {
            return answer;
        }
    }
    if asked != 0 {
        return dispatch::conclude(&caller, &mut facts);
    }
    0
}
