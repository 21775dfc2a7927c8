//! Socket families and operations, as numbers that the tables are indexed by.
//!
//! A family number below 256 is the kernel's `AF_` number. Families that the
//! language knows and `AF_` numbers do not tell apart (`tcp`, `udp`, …) follow
//! from 256 on.

/// `AF_UNIX`: stream, datagram and seqpacket.
pub const UNIX: u16 = 1;
/// `AF_SMC`: rules for `tcp` cover it.
pub const SMC: u16 = 43;
/// TCP over IPv4 and IPv6, MPTCP and SMC's fallback included.
pub const TCP: u16 = 256;
/// UDP and UDP-Lite over IPv4 and IPv6.
pub const UDP: u16 = 257;
/// SCTP over IPv4 and IPv6.
pub const SCTP: u16 = 258;
/// Ping sockets.
pub const ICMP: u16 = 259;
/// `SOCK_RAW` over IPv4 and IPv6.
pub const RAW: u16 = 260;
/// A socket over IPv4 or IPv6 with no finer word.
pub const IP_OTHER: u16 = 261;
/// One past the largest family number.
pub const FAMILIES: u16 = 262;

/// Reach a peer.
pub const CONNECT: u16 = 0;
/// Take a local address.
pub const BIND: u16 = 1;
/// `listen(2)`.
pub const LISTEN: u16 = 2;
/// `accept(2)`.
pub const ACCEPT: u16 = 3;
/// Make a socket.
pub const CREATE: u16 = 4;
/// `setsockopt(2)`.
pub const SETSOCKOPT: u16 = 5;
/// One past the largest operation number.
pub const OPERATIONS: u16 = 6;

/// Number of (family, operation) pairs.
pub const PAIRS: u32 = FAMILIES as u32 * OPERATIONS as u32;

/// The index of a (family, operation) pair, or `None` past either table.
#[inline(always)]
#[must_use]
pub const fn pair(family: u16, operation: u16) -> Option<u32> {
    if family < FAMILIES && operation < OPERATIONS {
        Some(family as u32 * OPERATIONS as u32 + operation as u32)
    } else {
        None
    }
}
