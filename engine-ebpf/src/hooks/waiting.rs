//! What listen(2) and accept(2) have in common: both are judged on the local
//! address.

use crate::hooks::family::of_socket;
use crate::hooks::port;
use crate::kernel::Pointer;
use crate::tables::{BINDING, OPERATION, concerns};
use crate::{dispatch, unix};
use core::ptr::null;
use policy_abi::family::{LISTEN, UNIX};
use policy_abi::hooks::Hook;

/// Judges `operation` on the socket `sk` by its local address.
#[inline(always)]
pub(crate) fn judge(hook: Hook, operation: u16, sk: Pointer, detail: u32) -> i32 {
    let word = of_socket(sk);
    let mut caller = dispatch::caller(hook, sk);
    caller.detail = [detail, 0, 0];
    let mut facts = dispatch::blank();
    let mut place = null();
    let begins = operation == LISTEN;
    let asked = concerns(u32::from(word), u32::from(operation));
    let binds = port::has_port(word) && asked & BINDING != 0;
    let listens =
        has_address(word) && concerns(u32::from(word), u32::from(LISTEN)) & OPERATION != 0;
    if asked & OPERATION == 0 && !binds && !listens {
        return 0;
    }
    if dispatch::judged(sk).is_none() {
        return 0;
    }
    if word == UNIX {
        place = unix::fill(sk, &mut facts);
    }
    facts.family = word;
    facts.operation = operation;
    if port::waits(word) {
        port::fill(sk, &mut facts);
    }
    if binds {
        let answer = port::judge(&caller, sk, &mut facts);
        if answer != 0 {
            return answer;
        }
    }
    if listens && (begins || port::is_unheard(sk, &facts)) {
        facts.operation = LISTEN;
        let answer = dispatch::conclude(&caller, &mut facts, place);
        if answer != 0 {
            return answer;
        }
        port::heard(sk, &facts);
        facts.operation = operation;
    }
    if asked & OPERATION != 0 && !(begins && listens) {
        return dispatch::conclude(&caller, &mut facts, place);
    }
    0
}

/// Whether sockets of a family wait at an address that rules can name.
#[inline(always)]
const fn has_address(word: u16) -> bool {
    word == UNIX || port::waits(word)
}
