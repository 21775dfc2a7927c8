//! The language's family of a socket: its address family or, over IPv4 and
//! IPv6, what its type and protocol make of it.

use crate::kernel::{self, Pointer};
use policy_abi::family::{ICMP, IP_OTHER, RAW, SCTP, TCP, UDP, UNIX};

pub(crate) const AF_UNSPEC: u16 = 0;
pub(crate) const AF_INET: u16 = 2;
pub(crate) const AF_INET6: u16 = 10;
pub(crate) const SOCK_STREAM: u16 = 1;
pub(crate) const SOCK_DGRAM: u16 = 2;
const SOCK_RAW: u16 = 3;
const SOCK_SEQPACKET: u16 = 5;
/// What socket(2) takes for the first protocol of the type.
const IPPROTO_IP: u16 = 0;
const IPPROTO_ICMP: u16 = 1;
pub(crate) const IPPROTO_TCP: u16 = 6;
pub(crate) const IPPROTO_UDP: u16 = 17;
const IPPROTO_ICMPV6: u16 = 58;
const IPPROTO_SCTP: u16 = 132;
const IPPROTO_UDPLITE: u16 = 136;
pub(crate) const IPPROTO_SMC: u16 = 256;
const IPPROTO_MPTCP: u16 = 262;

/// The family of a socket.
#[inline(always)]
pub(crate) fn of_socket(sk: Pointer) -> u16 {
    family_of(
        kernel::sk_family(sk),
        kernel::sk_type(sk),
        kernel::sk_protocol(sk),
    )
}

/// The family of a socket that is, or is to be made, so.
#[inline(always)]
pub(crate) fn family_of(family: u16, kind: u16, protocol: u16) -> u16 {
    family_word(u32::from(family), u32::from(kind), u32::from(protocol)) as u16
}

/// VERIFIER: a function of its own, so that what comes after is not followed once
/// for each family, nor taken for dead: 6.1 did so with a family that it knew as
/// a constant, and let raw sends to an address of no family through.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn family_word(family: u32, kind: u32, protocol: u32) -> u32 {
    u32::from(word(family as u16, kind as u16, protocol as u16))
}

#[inline(always)]
const fn word(family: u16, kind: u16, protocol: u16) -> u16 {
    if family != AF_INET && family != AF_INET6 {
        return family;
    }
    match (kind, protocol) {
        (SOCK_STREAM, IPPROTO_IP | IPPROTO_TCP | IPPROTO_MPTCP | IPPROTO_SMC) => TCP,
        (SOCK_DGRAM, IPPROTO_IP | IPPROTO_UDP | IPPROTO_UDPLITE) => UDP,
        (SOCK_DGRAM, IPPROTO_ICMP | IPPROTO_ICMPV6) => ICMP,
        (SOCK_STREAM | SOCK_SEQPACKET, IPPROTO_SCTP) | (SOCK_SEQPACKET, IPPROTO_IP) => SCTP,
        (SOCK_RAW, _) => RAW,
        _ => IP_OTHER,
    }
}

/// Type and protocol that socket(2) gives a socket of these.
#[inline(always)]
pub(crate) const fn become_of(family: u16, kind: u16, protocol: u16) -> (u16, u16) {
    match (family, kind, protocol) {
        (AF_INET | AF_INET6, SOCK_STREAM, IPPROTO_IP) => (kind, IPPROTO_TCP),
        (AF_INET | AF_INET6, SOCK_DGRAM, IPPROTO_IP) => (kind, IPPROTO_UDP),
        (AF_INET | AF_INET6, SOCK_SEQPACKET, IPPROTO_IP) => (kind, IPPROTO_SCTP),
        // Raw unix sockets are datagram sockets.
        (UNIX, SOCK_RAW, _) => (SOCK_DGRAM, protocol),
        _ => (kind, protocol),
    }
}
