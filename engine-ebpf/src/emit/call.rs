//! The system call of an event: its descriptor and the address that was typed,
//! or the socket's own.

use super::{Caller, TYPED_IS_OBJECT};
use crate::kernel::{self, Pointer};
use aya_ebpf::helpers::generated::bpf_probe_read_user;
use core::ptr::addr_of_mut;
use policy_abi::event::{BRIEF_TYPED_BYTES, FLAG_CONNECT, FLAG_SOCKFD, FLAG_TYPED, Record};
use policy_abi::hooks::Hook;

/// x86-64 system calls whose first argument is a socket.
/// Linux, `arch/x86/entry/syscalls/syscall_64.tbl`.
const SOCKET_CALLS: [u64; 15] = [
    1, 18, 20, 40, 42, 43, 44, 46, 49, 50, 54, 288, 296, 307, PWRITEV2,
];
/// `connect` among them.
const CONNECT: u64 = 42;
const PWRITEV2: u64 = 328;
/// The lower ones of [`SOCKET_CALLS`] as bits of a word, and those from [`UPPER`] on.
const CALLS: [u64; 2] = [calls_from(0), calls_from(UPPER)];
const UPPER: u64 = 288;

/// The calls among the 64 that begin with `first`.
const fn calls_from(first: u64) -> u64 {
    let mut bits = 0;
    let mut rest: &[u64] = &SOCKET_CALLS;
    while let [call, more @ ..] = rest {
        if *call >= first && *call < first + 64 {
            bits |= 1 << (*call - first);
        }
        rest = more;
    }
    bits
}

/// Whether the first argument of a system call is a socket: 1, else 0.
///
/// VERIFIER: comparing it with each would be as many ways that it follows.
#[inline(always)]
const fn names_a_socket(number: u64) -> u64 {
    let [lower, upper] = CALLS;
    if number < 64 {
        lower >> number & 1
    } else if number >= UPPER && number < UPPER + 64 {
        upper >> (number - UPPER) & 1
    } else {
        0
    }
}
/// Code segment of 64-bit user code. Linux, arch/x86/include/asm/segment.h.
const USER_CS: u64 = 0x33;

/// The descriptor that the system call named, and the address as the caller wrote it.
///
/// The registers say which system call the task is in: a worker of `io_uring` is
/// in none, and a 32-bit caller names its arguments elsewhere. The typed unix
/// path is read from the caller's memory again, so that an allowed connect costs
/// nothing; a racing thread can change it meanwhile, which falsifies the string
/// that it chose anyway, never the object.
#[inline(always)]
pub(super) fn put<const TYPED: usize>(record: *mut Record, caller: &Caller, task: Pointer) -> u32 {
    put!(record.sockfd = -1);
    put!(record.typed_length = 0);
    let mut flags = 0;
    let regs = kernel::registers(task);
    let in_call = !regs.is_null() && kernel::regs_cs(regs) == USER_CS;
    let number = if in_call {
        kernel::regs_orig_ax(regs)
    } else {
        u64::MAX
    };
    if in_call && kernel::opaque_memory(names_a_socket(number)) != 0 {
        flags |= FLAG_SOCKFD;
        let descriptor = kernel::regs_di(regs) as i32;
        put!(record.sockfd = descriptor);
    }
    if number == CONNECT {
        flags |= FLAG_CONNECT;
    }
    if caller.flags & TYPED_IS_OBJECT != 0 {
        return flags;
    }
    // SAFETY: an address inside the reserved record.
    let typed = unsafe { &raw mut (*record).typed };
    let room = TYPED as u32;
    if caller.hook == Hook::SocketSetsockopt as u32 {
        flags |= put_local::<TYPED>(record, caller.sk);
    } else if caller.address != 0 {
        let length = kernel::at_most(caller.address_length, room);
        if kernel::copy(typed.cast(), length, caller.address) {
            put!(record.typed_length = length);
            flags |= FLAG_TYPED;
        }
    } else if number == CONNECT {
        let given = kernel::regs_dx(regs) as u32;
        let length = kernel::at_most(given, room);
        let from = kernel::regs_si(regs);
        // SAFETY: the verifier checks the length; the helper handles faults.
        if unsafe { bpf_probe_read_user(typed.cast(), length, from as Pointer) } == 0 {
            put!(record.typed_length = length);
            flags |= FLAG_TYPED;
        }
    }
    flags
}

/// Whether a task is in connect(2).
#[inline(always)]
pub(crate) fn connects(task: Pointer) -> bool {
    let regs = kernel::registers(task);
    !regs.is_null() && kernel::regs_cs(regs) == USER_CS && kernel::regs_orig_ax(regs) == CONNECT
}

/// `AF_INET` and `AF_INET6`, and the bytes of their address structures.
const INET: (u16, u32) = (2, 16);
const INET6: (u16, u32) = (10, 28);

/// The local address of a socket, where a typed one would stand.
#[inline(always)]
fn put_local<const TYPED: usize>(record: *mut Record, sk: u64) -> u32 {
    // SAFETY: an address inside the reserved record.
    let to = unsafe { &raw mut (*record).typed }.cast::<u8>();
    let Some(family) = kernel::family_at(sk) else {
        return 0;
    };
    if family == policy_abi::family::UNIX {
        let Some((from, length)) = kernel::unix_name_at(sk) else {
            return 0;
        };
        let length = kernel::at_most(length, TYPED as u32);
        if !kernel::copy(to.cast(), length, from) {
            return 0;
        }
        put!(record.typed_length = length);
        return FLAG_TYPED;
    }
    if family != INET.0 && family != INET6.0 {
        return 0;
    }
    let [low, high] = kernel::port_at(sk).to_be_bytes();
    let [first, second] = family.to_ne_bytes();
    // What an address of its own length leaves.
    // SAFETY: the first of at least 32 bytes.
    unsafe { to.cast::<[u8; BRIEF_TYPED_BYTES]>().write([0; _]) };
    // SAFETY: the first of 32 bytes.
    unsafe { to.cast::<[u8; 4]>().write([first, second, low, high]) };
    let length = if family == INET.0 {
        let at = to.wrapping_add(4).cast::<[u8; 4]>();
        // SAFETY: inside the 32 bytes.
        unsafe { at.write(kernel::ipv4_at(sk).to_ne_bytes()) };
        INET.1
    } else {
        let at = to.wrapping_add(8).cast::<[[u8; 4]; 4]>();
        let address = kernel::ipv6_at(sk).unwrap_or_default();
        // SAFETY: inside the 32 bytes.
        unsafe { at.write(address.map(u32::to_ne_bytes)) };
        INET6.1
    };
    put!(record.typed_length = length);
    FLAG_TYPED
}
