//! A send over SCTP can open an association with more addresses than the one it
//! goes to: control messages name them, and no hook but that of sends sees these.
//! Linux, `sctp_sendmsg_new_asoc` in net/sctp/socket.c.

use crate::count::count;
use crate::dispatch;
use crate::hooks::address::{self, Use};
use crate::hooks::sctp_bind_connect::unread;
use crate::kernel::{self, Pointer};
use crate::tables::{OPERATION, concerns};
use core::ptr::null;
use policy_abi::event::Counter;
use policy_abi::facts::Facts;
use policy_abi::family::{CONNECT, SCTP};
use policy_abi::hooks::Hook;

/// Control messages that are looked at.
const HEADERS: u32 = 8;
/// `IPPROTO_SCTP`, the level of its control messages.
const LEVEL: u32 = 132;
/// `SCTP_DSTADDRV4` and `SCTP_DSTADDRV6`. Linux, include/uapi/linux/sctp.h.
const TO_IPV4: u32 = 7;
const TO_IPV6: u32 = 8;

/// `struct cmsghdr`, and as much of what follows as an address has.
#[repr(C)]
struct Header {
    length: u64,
    level: u32,
    kind: u32,
}

/// Bytes of a header.
const HEADER: u64 = size_of::<Header>() as u64;

/// Judges the addresses that a message's control messages bring along. The
/// port is that of the address it goes to.
#[inline(always)]
pub(crate) fn further(sk: Pointer, message: Pointer) -> i32 {
    let (from, all) = (
        kernel::msg_control(message),
        kernel::msg_controllen(message),
    );
    if from == 0 || all < HEADER {
        return 0;
    }
    if concerns(u32::from(SCTP), u32::from(CONNECT)) & OPERATION == 0 {
        return 0;
    }
    if dispatch::judged(sk).is_none() {
        return 0;
    }
    let mut name = [0_u16; 2];
    let port = if kernel::copy((&raw mut name).cast(), 4, kernel::msg_name(message)) {
        u32::from(u16::from_be(name[1]))
    } else {
        0
    };
    let mut caller = dispatch::caller(Hook::SocketSendmsg, sk);
    let mut at = 0_u64;
    for _ in 0..HEADERS {
        if at + HEADER > all {
            return 0;
        }
        let mut header = Header {
            length: 0,
            level: 0,
            kind: 0,
        };
        if !kernel::copy((&raw mut header).cast(), HEADER as u32, from + at) {
            count(Counter::UnreadableAddresses);
            return unread(&caller, false);
        }
        if header.length < HEADER || header.length > all - at {
            // Linux refuses the message.
            return 0;
        }
        let answer = one(sk, &caller, &header, from + at + HEADER, port);
        if answer != 0 {
            return answer;
        }
        // VERIFIER: a sum that it knew would be a way of its own for each message.
        at = kernel::opaque_memory(at + ((header.length + 7) & !7));
    }
    if at + HEADER > all {
        return 0;
    }
    count(Counter::UnreadableAddresses);
    caller.address = 0;
    unread(&caller, false)
}

/// Judges what one control message names, if it names an address.
#[inline(always)]
fn one(sk: Pointer, caller: &crate::emit::Caller, header: &Header, data: u64, port: u32) -> i32 {
    if header.level != LEVEL || (header.kind != TO_IPV4 && header.kind != TO_IPV6) {
        return 0;
    }
    let mut facts = Facts {
        family: SCTP,
        operation: CONNECT,
        port,
        ..Facts::default()
    };
    let mut words = [0_u32; 4];
    let bytes = if header.kind == TO_IPV4 { 4 } else { 16 };
    if header.length < HEADER + u64::from(bytes) {
        // Linux refuses the message.
        return 0;
    }
    if !kernel::copy((&raw mut words).cast(), bytes, data) {
        count(Counter::UnreadableAddresses);
        return unread(caller, false);
    }
    if header.kind == TO_IPV4 {
        address::ipv4(sk, u32::from_be(words[0]), Use::Connect, &mut facts);
    } else {
        address::ipv6(sk, &words, Use::Connect, &mut facts);
    }
    dispatch::conclude(caller, &mut facts, null())
}
