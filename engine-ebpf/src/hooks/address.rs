//! A socket address as the kernel will take it: its family by the socket and
//! the call, IPv4-mapped as IPv4, and an unspecified destination as the place
//! it leads to.

use crate::count::count;
use crate::emit::Caller;
use crate::hooks::family::{
    AF_INET, AF_INET6, AF_UNSPEC, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_STREAM, of_socket,
};
use crate::hooks::port;
use crate::kernel::{self, Pointer};
use crate::memo::Operation;
use policy_abi::event::Counter;
use policy_abi::facts::{Facts, OBJECT_IPV4, OBJECT_IPV6, OBJECT_UNREADABLE};
use policy_abi::family::{self, BIND, CONNECT, ICMP, IP_OTHER, RAW, SCTP, SMC, TCP, UDP, UNIX};

/// What the address is used for.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    /// connect(2).
    Connect,
    /// A send with these `MSG_` flags, and control messages or none.
    Send(u32, bool),
    /// bind(2).
    Bind,
}

/// What a use is in a word: the kind, and above it the flags of a send.
const CONNECTED: u32 = 0;
const SENT: u32 = 1;
const BOUND: u32 = 2;
/// The bits of the kind, and one beside it: nobody can say what the source is,
/// which an unspecified destination leads to.
const KIND: u64 = 3;
const HIDDEN: u64 = 4;

impl Use {
    #[inline(always)]
    const fn word(self) -> u64 {
        match self {
            Self::Connect => CONNECTED as u64,
            Self::Send(flags, false) => SENT as u64 | (flags as u64) << 32,
            // One of them can name the source (`IP_PKTINFO`).
            Self::Send(flags, true) => SENT as u64 | HIDDEN | (flags as u64) << 32,
            Self::Bind => BOUND as u64,
        }
    }
}

/// `MSG_FASTOPEN`. Linux, include/linux/socket.h.
const MSG_FASTOPEN: u32 = 0x2000_0000;
/// Bytes of an IPv4 address structure.
const INET_BYTES: u32 = 16;
/// Bytes of an IPv6 address structure without its scope: Linux takes it so
/// (`SIN6_LEN_RFC2133`).
const INET6_BYTES: u32 = 24;
/// 127.0.0.1.
const LOOPBACK: u32 = 0x7f00_0001;
/// Families other than IP whose connect to an address of no family dissolves
/// the association, as it does over IP: `netlink`, `tipc`, `vsock`. Of the rest
/// some never look at the address's family, so that it is no excuse.
const DISSOLVING: [u16; 3] = [16, 30, 40];

/// As much of a socket address as is judged: family, port, then the address.
#[repr(C)]
struct Raw {
    family: u16,
    port: u16,
    /// The IPv4 address, or the IPv6 flow label.
    first: u32,
    six: [u32; 4],
}

/// What connects mostly are, without a copy of the address: a TCP or UDP socket's
/// over IPv4 to an IPv4 address. [`fill`] comes to the same, and to all the rest.
#[inline(always)]
pub(crate) fn plain(sk: Pointer, family: u16, from: Pointer, length: u32) -> Option<Operation> {
    if family != AF_INET || length < INET_BYTES {
        return None;
    }
    let (given, port, address) = kernel::inet_address(from);
    if given != AF_INET || address == 0 {
        return None;
    }
    let word = match (kernel::sk_type(sk), kernel::sk_protocol(sk)) {
        (SOCK_STREAM, IPPROTO_TCP) => TCP,
        (SOCK_DGRAM, IPPROTO_UDP) => UDP,
        _ => return None,
    };
    let object = [u64::from(u32::from_be(address)), 0];
    let port = u32::from(u16::from_be(port));
    Some(Operation::new(word, CONNECT, OBJECT_IPV4, object, port))
}

/// Fills family, operation and object from the caller's address, which has `length`
/// bytes. False when there is nothing to judge: a unix socket, no address, or one that
/// the protocol will refuse or ignore.
#[inline(always)]
pub(crate) fn fill(
    caller: &Caller,
    sk: Pointer,
    length: u32,
    usage: Use,
    facts: &mut Facts,
) -> bool {
    let word = of_socket(sk);
    facts.family = word;
    facts.operation = if matches!(usage, Use::Bind) {
        BIND
    } else {
        CONNECT
    };
    if word == UNIX {
        return false;
    }
    if word < family::TCP && word != SMC {
        return elsewhere(word, caller.address, length, usage);
    }
    if ignores(word, usage) {
        return false;
    }
    let mut usage = usage.word() | u64::from(kernel::sk_family(sk)) << 16;
    if port::is_hidden(sk) {
        usage |= HIDDEN;
    }
    filled(&raw const *caller, length, usage, &raw mut *facts) != 0
}

/// [`fill`] for addresses that the language knows: 0 when there is nothing to
/// judge. `usage` is a [`Use`]'s word with the socket's address family in its
/// second 16 bits; the family is in `facts`.
///
/// VERIFIER: a function that other objects could call is followed once, and what
/// it needs of the stack is its own. The address lies in `caller`: as an argument
/// it would be a pointer, which such a function cannot be given.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn filled(caller: *const Caller, length: u32, usage: u64, facts: *mut Facts) -> u32 {
    if caller.is_null() || facts.is_null() || length < 2 {
        // Of fewer bytes the protocol answers EINVAL; they may never have been written.
        return 0;
    }
    // SAFETY: the verifier checks that callers hand over what hooks know.
    let caller = unsafe { &*caller };
    // SAFETY: the same for facts.
    let facts = unsafe { &mut *facts };
    let (kind, socket) = ((usage & KIND) as u32, (usage >> 16) as u16);
    let mut raw = Raw {
        family: 0,
        port: 0,
        first: 0,
        six: [0; 4],
    };
    let wanted = kernel::at_most(length, INET6_BYTES);
    if !kernel::copy((&raw mut raw).cast(), wanted, caller.address) {
        unreadable(facts);
        return 1;
    }
    let word = facts.family;
    let inet6 = socket == AF_INET6 || (socket == SMC && raw.family == AF_INET6);
    if has_port(word) {
        facts.port = u32::from(u16::from_be(raw.port));
    }
    let sk = if kind == BOUND { 0 } else { caller.sk };
    let hidden = sk != 0 && usage & HIDDEN != 0;
    match effective_family(
        u32::from(raw.family),
        u32::from(inet6),
        u32::from(word),
        kind,
    ) as u16
    {
        AF_INET if length >= INET_BYTES && hidden && raw.first == 0 => {
            unreadable(facts);
            1
        }
        AF_INET if length >= INET_BYTES => {
            ipv4(sk, u32::from_be(raw.first), facts);
            1
        }
        AF_INET6 if length >= INET6_BYTES && hidden && is_nowhere(&raw.six) => {
            unreadable(facts);
            1
        }
        AF_INET6 if length >= INET6_BYTES => {
            ipv6(sk, &raw.six, facts);
            1
        }
        _ => 0,
    }
}

/// Whether there is something to judge of a socket whose addresses have no
/// place in the language: the family is all that a rule can name.
#[inline(always)]
fn elsewhere(word: u16, from: u64, length: u32, usage: Use) -> bool {
    match usage {
        Use::Bind => true,
        // Without an address it goes where connect(2) led.
        Use::Send(..) => length > 0,
        Use::Connect => {
            let mut given = 0_u16;
            let dissolves = DISSOLVING.contains(&word)
                && length >= 2
                && kernel::copy((&raw mut given).cast(), 2, from)
                && given == AF_UNSPEC;
            !dissolves
        }
    }
}

/// Whether the protocol never looks at the address here: a TCP send connects by
/// Fast Open alone, and DCCP's never does.
#[inline(always)]
const fn ignores(word: u16, usage: Use) -> bool {
    match usage {
        Use::Connect | Use::Bind => false,
        // SCTP's sends are judged where one opens an association.
        Use::Send(flags, _) => {
            word == SCTP || matches!(word, TCP | SMC) && flags & MSG_FASTOPEN == 0
        }
    }
}

/// Whether addresses of a family have ports in the language.
#[inline(always)]
const fn has_port(word: u16) -> bool {
    !matches!(word, ICMP | RAW | IP_OTHER)
}

/// The family that the protocol will take the address for; 0 for none.
///
/// VERIFIER: a function of its own, for the reason of `family_word`.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn effective_family(given: u32, inet6: u32, word: u32, usage: u32) -> u32 {
    let (given, inet6, word) = (given as u16, inet6 != 0, word as u16);
    let (sent, bound) = (usage == SENT, usage == BOUND);
    u32::from(taken_for(given, inet6, word, sent, bound))
}

/// [`effective_family`] by what the address is for: a send, a bind, or else a connect.
#[inline(always)]
const fn taken_for(given: u16, inet6: bool, word: u16, sent: bool, bound: bool) -> u16 {
    match (given, inet6) {
        (AF_INET6, true) => AF_INET6,
        // Over IPv6 SCTP takes it, and what sends datagrams to reach a peer. The
        // rest refuses it, but not for sure: an IPv6 socket of TCP or UDP that
        // waits for its lock can be one of IPv4 by then (`IPV6_ADDRFORM`).
        (AF_INET, _) => AF_INET,
        // An IPv4 socket can be bound to 0.0.0.0 of no family, and a raw one
        // looks at no family at all.
        (AF_UNSPEC, _) if bound => AF_INET,
        (_, false) if word == RAW && bound => AF_INET,
        // Raw sockets send to no family as to their own.
        (AF_UNSPEC, true) if matches!(word, RAW | IP_OTHER) && sent => AF_INET6,
        // What sends datagrams over IPv4 takes no family for its own; connect
        // with it dissolves the association. Over IPv6 UDP sends to its peer,
        // unless it is IPv4 by then.
        (AF_UNSPEC, _) if !matches!(word, TCP | SMC) && sent => AF_INET,
        _ => 0,
    }
}

/// An IPv4 address in host byte order. `sk` is the socket that reaches for it,
/// as a number; 0 when it is a local one.
#[inline(always)]
pub(crate) fn ipv4(sk: u64, address: u32, facts: &mut Facts) {
    let mut address = address;
    if address == 0 && sk != 0 {
        // The kernel goes to the bound address, else to loopback (notes 111). A
        // socket of one interface goes to whatever address that one has.
        let source = match kernel::source_ipv4_at(sk) {
            Some(0) if !kernel::has_interface_at(sk) => LOOPBACK,
            None | Some(0) => {
                unreadable(facts);
                return;
            }
            Some(source) => u32::from_be(source),
        };
        address = source;
    }
    facts.object_kind = OBJECT_IPV4;
    facts.object = [u64::from(address), 0];
}

/// An IPv6 address as four words in network byte order; `sk` as for [`ipv4`].
#[inline(always)]
pub(crate) fn ipv6(sk: u64, words: &[u32; 4], facts: &mut Facts) {
    if let Some(mapped) = mapped(words) {
        ipv4(sk, mapped, facts);
        return;
    }
    if *words == [0; 4] && sk != 0 {
        // On a socket bound to a mapped address `::` is 127.0.0.1, else ::1.
        if kernel::ipv6_at(sk).is_some_and(|bound| mapped_prefix(&bound)) {
            ipv4(sk, LOOPBACK, facts);
            return;
        }
        facts.object_kind = OBJECT_IPV6;
        facts.object = [0, 1];
        return;
    }
    set_ipv6(words, facts);
}

/// The object is the address that a socket is bound to.
#[inline(always)]
pub(crate) fn local(sk: Pointer, facts: &mut Facts) {
    facts.port = u32::from(kernel::bound_port(sk));
    if kernel::sk_family(sk) == AF_INET6 {
        let Some(words) = kernel::bound_ipv6(sk) else {
            unreadable(facts);
            return;
        };
        if let Some(mapped) = mapped(&words) {
            ipv4(0, mapped, facts);
        } else {
            set_ipv6(&words, facts);
        }
    } else {
        let address = u32::from_be(kernel::bound_ipv4(sk));
        ipv4(0, address, facts);
    }
}

/// Nobody can say what the address is, which deny rules match.
#[inline(always)]
fn unreadable(facts: &mut Facts) {
    count(Counter::UnreadableAddresses);
    facts.object_kind = OBJECT_UNREADABLE;
}

#[inline(always)]
fn set_ipv6(words: &[u32; 4], facts: &mut Facts) {
    let [a, b, c, d] = *words;
    facts.object_kind = OBJECT_IPV6;
    facts.object = [
        u64::from(u32::from_be(a)) << 32 | u64::from(u32::from_be(b)),
        u64::from(u32::from_be(c)) << 32 | u64::from(u32::from_be(d)),
    ];
}

/// Whether an IPv6 address is `::`, or 0.0.0.0 in its IPv6 form.
#[inline(always)]
const fn is_nowhere(words: &[u32; 4]) -> bool {
    let [a, b, c, d] = *words;
    d == 0 && (mapped_prefix(words) || a | b | c == 0)
}

/// The IPv4 address, in host byte order, that an IPv6 one stands for.
#[inline(always)]
fn mapped(words: &[u32; 4]) -> Option<u32> {
    if mapped_prefix(words) {
        Some(u32::from_be(words[3]))
    } else {
        None
    }
}

#[inline(always)]
const fn mapped_prefix(words: &[u32; 4]) -> bool {
    words[0] == 0 && words[1] == 0 && words[2] == u32::to_be(0xffff)
}
