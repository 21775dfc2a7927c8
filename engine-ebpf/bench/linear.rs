//! The simple program that interdict is compared with: rules in one array, gone
//! through from the first to the last, at `socket_connect` alone.
//!
//! A rule is an IPv4 network, a port and the name of a thread, each of which can
//! be left out. It has no events, no counts, no exceptions and no identity, and is
//! as short as that makes it.
#![no_std]
#![no_main]

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::read_volatile;

use aya_ebpf::btf_maps::Array;
use aya_ebpf::helpers::generated::bpf_get_current_comm;
use aya_ebpf::macros::btf_map;
use aya_ebpf::programs::LsmContext;

/// Most rules.
const MAX_RULES: usize = 1024;

const AF_INET: u16 = 2;
const EPERM: i32 = 1;

/// What is refused; `tests/src/bin/bench_guest/linear.rs` writes them.
#[repr(C)]
#[derive(Clone, Copy)]
struct Rule {
    /// In network byte order, as `mask`, which is 0 for every address.
    address: u32,
    mask: u32,
    /// In network byte order; 0 for every port.
    port: u32,
    /// Whether `comm` is asked for.
    by_comm: u32,
    comm: [u64; 2],
}

type Rules = [Rule; MAX_RULES];

/// How many of them there are, frozen before the program is loaded.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata")]
static COUNT: u64 = 0;

#[btf_map(name = "RULES")]
static RULES: Array<Rules, 1> = Array::new();

/// What is asked for, as rules have it.
struct Asked {
    address: u32,
    port: u32,
    comm: [u64; 2],
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "lsm/socket_connect")]
extern "C" fn socket_connect(ctx: *mut c_void) -> i32 {
    let ctx = LsmContext::new(ctx);
    let to: *const c_void = ctx.arg(1);
    // Of `struct sockaddr` alone: the verifier knows its sixteen bytes.
    if load::<u16>(to, 0) != AF_INET {
        return 0;
    }
    let Some(rules) = RULES.get(0) else {
        return 0;
    };
    let Some(comm) = comm() else {
        return 0;
    };
    let asked = Asked {
        address: load(to, 4),
        port: u32::from(load::<u16>(to, 2)),
        comm,
    };
    if denied(rules, &asked) { -EPERM } else { 0 }
}

/// Whether a rule matches.
///
/// With a pointer and a count, of which the compiler makes the shortest loop: a
/// slice's iterator takes half as long again.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as one would write it in C")]
fn denied(rules: &Rules, asked: &Asked) -> bool {
    // SAFETY: a valid static that no program writes.
    let mut left = unsafe { read_volatile(&raw const COUNT) };
    let mut next = rules.as_ptr();
    while left != 0 {
        // SAFETY: `COUNT` is at most the array's length, and the verifier refuses more.
        let rule = unsafe { &*next };
        next = next.wrapping_add(1);
        left -= 1;
        if asked.address & rule.mask != rule.address
            || rule.port != 0 && rule.port != asked.port
            || rule.by_comm != 0 && rule.comm != asked.comm
        {
            continue;
        }
        return true;
    }
    false
}

/// A member of what the verifier has a type for.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a load")]
fn load<T: Copy>(base: *const c_void, offset: usize) -> T {
    let at = base.wrapping_byte_add(offset).cast::<T>();
    // SAFETY: the verifier refuses a load outside of the structure; faults read as zero.
    unsafe { read_volatile(at) }
}

/// The acting thread's name.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call")]
fn comm() -> Option<[u64; 2]> {
    let mut comm = MaybeUninit::<[u64; 2]>::uninit();
    // SAFETY: room for sixteen bytes, which the helper fills whatever it returns.
    let failed = unsafe { bpf_get_current_comm(comm.as_mut_ptr().cast(), 16) };
    // SAFETY: filled above.
    let comm = unsafe { comm.assume_init() };
    (failed == 0).then_some(comm)
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
