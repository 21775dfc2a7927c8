//! A send over SCTP can open an association with more addresses than the one it
//! goes to: control messages name them, and no hook but that of sends sees these.
//! Linux, `sctp_sendmsg_new_asoc` in net/sctp/socket.c.

use crate::count::count;
use crate::dispatch;
use crate::emit::Caller;
use crate::hooks::address;
use crate::kernel::{self, Pointer};
use crate::tables::{OPERATION, concerns};
use core::ptr::null;
use policy_abi::event::Counter;
use policy_abi::facts::{Facts, OBJECT_UNREADABLE};
use policy_abi::family::{CONNECT, SCTP};
use policy_abi::hooks::Hook;

/// Control messages that are looked at.
const MESSAGES: u32 = 8;
/// `IPPROTO_SCTP`, the level of its control messages.
const LEVEL: u32 = 132;
/// `SCTP_DSTADDRV4` and `SCTP_DSTADDRV6`. Linux, include/uapi/linux/sctp.h.
const TO_IPV4: u32 = 7;
const TO_IPV6: u32 = 8;
/// Of [`next_message`]: nothing follows, nothing to judge, an address to judge.
const END: u32 = 0;
const OTHER: u32 = 1;
const ADDRESS: u32 = 2;

/// `struct cmsghdr`.
#[repr(C)]
struct Header {
    length: u64,
    level: u32,
    kind: u32,
}

/// Bytes of a header.
const HEADER: u64 = size_of::<Header>() as u64;

/// Where the next control message lies, and how many bytes of them are left.
#[repr(C)]
struct Rest {
    at: u64,
    bytes: u64,
}

/// Judges the addresses that a message's control messages bring along. The
/// port is that of the address it goes to.
#[inline(always)]
pub(crate) fn further(sk: Pointer, message: Pointer) -> i32 {
    let mut rest = Rest {
        at: kernel::msg_control(message),
        bytes: kernel::msg_controllen(message),
    };
    if rest.bytes < HEADER {
        return 0;
    }
    if concerns(u32::from(SCTP), u32::from(CONNECT)) & OPERATION == 0 {
        return 0;
    }
    if dispatch::judged(sk).is_none() {
        return 0;
    }
    let caller = dispatch::caller(Hook::SocketSendmsg, sk);
    // After the family, whichever that is.
    let port = kernel::copy_u16(kernel::msg_name(message) + 2);
    let mut facts = Facts {
        family: SCTP,
        operation: CONNECT,
        port: u32::from(u16::from_be(port.unwrap_or(0))),
        ..dispatch::blank()
    };
    for number in 0..=MESSAGES {
        let found = next_message(&raw mut rest, &raw const caller, &raw mut facts);
        if found == END {
            return 0;
        }
        if number == MESSAGES {
            // Nobody looks at what is left.
            count(Counter::UnreadableAddresses);
            facts.object_kind = OBJECT_UNREADABLE;
        }
        if found == ADDRESS || number == MESSAGES {
            let answer = dispatch::conclude(&caller, &mut facts, null());
            if answer != 0 {
                return answer;
            }
        }
    }
    0
}

/// Looks at the next control message: the address that it names, if it names one,
/// is in `facts` then. At the end, and where Linux refuses the message, it is
/// [`END`].
///
/// VERIFIER: followed once, with a stack of its own. What it goes over lies in
/// memory: as an argument it would be a pointer on 7.3.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn next_message(rest: *mut Rest, caller: *const Caller, facts: *mut Facts) -> u32 {
    if rest.is_null() || caller.is_null() || facts.is_null() {
        return END;
    }
    // SAFETY: the verifier checks that callers hand over where they are.
    let rest = unsafe { &mut *rest };
    // SAFETY: the same for what hooks know.
    let sk = unsafe { (*caller).sk };
    // SAFETY: the same for facts.
    let facts = unsafe { &mut *facts };
    if rest.at == 0 || rest.bytes < HEADER {
        return END;
    }
    let mut header = Header {
        length: 0,
        level: 0,
        kind: 0,
    };
    if !kernel::copy((&raw mut header).cast(), HEADER as u32, rest.at) {
        rest.bytes = 0;
        count(Counter::UnreadableAddresses);
        facts.object_kind = OBJECT_UNREADABLE;
        return ADDRESS;
    }
    if header.length < HEADER || header.length > rest.bytes {
        return END;
    }
    let data = rest.at + HEADER;
    let size = (header.length + 7) & !7;
    rest.at += size;
    rest.bytes = rest.bytes.saturating_sub(size);
    let bytes = match (header.level, header.kind) {
        (LEVEL, TO_IPV4) => 4,
        (LEVEL, TO_IPV6) => 16,
        _ => return OTHER,
    };
    if header.length < HEADER + u64::from(bytes) {
        return END;
    }
    let mut words = [0_u32; 4];
    if !kernel::copy((&raw mut words).cast(), bytes, data) {
        count(Counter::UnreadableAddresses);
        facts.object_kind = OBJECT_UNREADABLE;
    } else if bytes == 4 {
        let [word, ..] = words;
        address::ipv4(sk, u32::from_be(word), facts);
    } else {
        address::ipv6(sk, &words, facts);
    }
    ADDRESS
}
