//! A socket address as the kernel will take it: its family by the socket and
//! the call, IPv4-mapped as IPv4, and an unspecified destination as the place
//! it leads to.

use crate::count::count;
use crate::kernel::{self, Pointer};
use policy_abi::event::Counter;
use policy_abi::facts::{Facts, OBJECT_IPV4, OBJECT_IPV6, OBJECT_UNREADABLE};
use policy_abi::family;

/// What the address is used for.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    /// connect(2).
    Connect,
    /// A send with these `MSG_` flags.
    Send(u32),
}

const AF_UNSPEC: u16 = 0;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const SOCK_STREAM: u16 = 1;
const SOCK_DGRAM: u16 = 2;
const IPPROTO_TCP: u16 = 6;
const IPPROTO_UDP: u16 = 17;
const IPPROTO_UDPLITE: u16 = 136;
const IPPROTO_SMC: u16 = 256;
const IPPROTO_MPTCP: u16 = 262;
/// `MSG_FASTOPEN`. Linux, include/linux/socket.h.
const MSG_FASTOPEN: u32 = 0x2000_0000;
/// Bytes of an IPv4 address structure.
const INET_BYTES: u32 = 16;
/// Bytes of an IPv6 address structure without its scope: Linux takes it so
/// (`SIN6_LEN_RFC2133`).
const INET6_BYTES: u32 = 24;
/// 127.0.0.1.
const LOOPBACK: u32 = 0x7f00_0001;

/// As much of a socket address as is judged: family, port, then the address.
#[repr(C)]
struct Raw {
    family: u16,
    port: u16,
    /// The IPv4 address, or the IPv6 flow label.
    first: u32,
    six: [u32; 4],
}

/// Fills family, operation and object. False when there is nothing to judge:
/// another family, no address, or one that the protocol will refuse or ignore.
#[inline(always)]
pub(crate) fn fill(sk: Pointer, from: u64, length: u32, usage: Use, facts: &mut Facts) -> bool {
    let socket = kernel::sk_family(sk);
    let kind = kernel::sk_type(sk);
    let Some(word) = family_of(socket, kind, kernel::sk_protocol(sk)) else {
        return false;
    };
    let stream = kind == SOCK_STREAM;
    if stream && !connects(usage) {
        return false;
    }
    facts.family = word;
    facts.operation = family::CONNECT;
    if length < 2 {
        // The protocol answers EINVAL; the buffer may never have been written.
        return false;
    }
    let mut raw = Raw {
        family: 0,
        port: 0,
        first: 0,
        six: [0; 4],
    };
    let wanted = if length < INET6_BYTES {
        length
    } else {
        INET6_BYTES
    };
    if !kernel::copy((&raw mut raw).cast(), wanted, from) {
        count(Counter::UnreadableAddresses);
        facts.object_kind = OBJECT_UNREADABLE;
        return true;
    }
    let inet6 = socket == AF_INET6 || (socket == family::SMC && raw.family == AF_INET6);
    facts.port = u32::from(u16::from_be(raw.port));
    match effective(raw.family, inet6, stream, usage) {
        AF_INET if length >= INET_BYTES => {
            ipv4(sk, u32::from_be(raw.first), facts);
            true
        }
        AF_INET6 if length >= INET6_BYTES => {
            ipv6(sk, &raw.six, facts);
            true
        }
        _ => false,
    }
}

/// Whether a call on a stream socket connects: a send does by Fast Open alone.
#[inline(always)]
const fn connects(usage: Use) -> bool {
    match usage {
        Use::Connect => true,
        Use::Send(flags) => flags & MSG_FASTOPEN != 0,
    }
}

/// The word for a socket, `None` for one that no rule of this version covers.
#[inline(always)]
fn family_of(family: u16, kind: u16, protocol: u16) -> Option<u16> {
    if family == family::SMC && kind == SOCK_STREAM {
        return Some(family::SMC);
    }
    if family != AF_INET && family != AF_INET6 {
        return None;
    }
    match (kind, protocol) {
        (SOCK_STREAM, IPPROTO_TCP | IPPROTO_MPTCP | IPPROTO_SMC) => Some(family::TCP),
        (SOCK_DGRAM, IPPROTO_UDP | IPPROTO_UDPLITE) => Some(family::UDP),
        _ => None,
    }
}

/// The family that the protocol will take the address for; 0 for none.
#[inline(always)]
const fn effective(given: u16, inet6: bool, stream: bool, usage: Use) -> u16 {
    match (given, inet6) {
        (AF_INET, false) => AF_INET,
        (AF_INET6, true) => AF_INET6,
        // UDP over IPv6 sends to IPv4 addresses; TCP refuses them.
        (AF_INET, true) if !stream => AF_INET,
        // UDP over IPv4 sends to an address without family as to IPv4; connect
        // with it dissolves the association.
        (AF_UNSPEC, false) if !stream && matches!(usage, Use::Send(_)) => AF_INET,
        _ => 0,
    }
}

/// An IPv4 destination in host byte order.
#[inline(always)]
fn ipv4(sk: Pointer, address: u32, facts: &mut Facts) {
    let mut address = address;
    if address == 0 {
        // The kernel goes to the bound address, else to loopback (notes 111).
        let Some(source) = kernel::source_ipv4(sk) else {
            count(Counter::UnreadableAddresses);
            facts.object_kind = OBJECT_UNREADABLE;
            return;
        };
        let source = u32::from_be(source);
        address = if source == 0 { LOOPBACK } else { source };
    }
    facts.object_kind = OBJECT_IPV4;
    facts.object = [u64::from(address), 0];
}

/// An IPv6 destination as four words in network byte order.
#[inline(always)]
fn ipv6(sk: Pointer, words: &[u32; 4], facts: &mut Facts) {
    let [a, b, c, d] = *words;
    if a == 0 && b == 0 && c == u32::to_be(0xffff) {
        ipv4(sk, u32::from_be(d), facts);
        return;
    }
    if a == 0 && b == 0 && c == 0 && d == 0 {
        // On a socket bound to a mapped address `::` is 127.0.0.1, else ::1.
        if let Some([x, y, z, _]) = kernel::bound_ipv6(sk)
            && x == 0
            && y == 0
            && z == u32::to_be(0xffff)
        {
            ipv4(sk, LOOPBACK, facts);
            return;
        }
        facts.object_kind = OBJECT_IPV6;
        facts.object = [0, 1];
        return;
    }
    facts.object_kind = OBJECT_IPV6;
    facts.object = [
        u64::from(u32::from_be(a)) << 32 | u64::from(u32::from_be(b)),
        u64::from(u32::from_be(c)) << 32 | u64::from(u32::from_be(d)),
    ];
}
