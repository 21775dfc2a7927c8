//! Events: reserve, fill, submit; what finds no room is counted.

use crate::ask::Socket;
use crate::count::{count, count_up};
use crate::dispatch::Said;
use crate::kernel::{self, Pointer};
use crate::maps::EVENTS;
use crate::subject;
use aya_ebpf::helpers::generated::{
    bpf_get_current_cgroup_id, bpf_get_current_pid_tgid, bpf_get_smp_processor_id,
    bpf_ktime_get_boot_ns, bpf_probe_read_user,
};
use core::ptr::addr_of_mut;
use policy_abi::event::{
    Action, Counter, FLAG_CONNECT, FLAG_EXE, FLAG_FAILED, FLAG_OBJECT, FLAG_SEEDED, FLAG_SOCKFD,
    FLAG_TYPED, Record, TYPED_BYTES, Text,
};
use policy_abi::facts::Facts;
use policy_abi::hooks::Hook;
use policy_abi::identity::{ORIGIN_SEEDED, Place, TEXT_ROOM};

/// Which hook was called, and with what.
///
/// VERIFIER: it goes to a function that is handed memory and numbers alone, and
/// each byte of it must have been written.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Caller {
    pub(crate) hook: u32,
    pub(crate) flags: u32,
    pub(crate) socket: Socket,
    /// The caller's own socket as a number, 0 where the hook is not told of it.
    pub(crate) sk: u64,
    /// The address as the kernel copied it from the caller; 0 when the hook has none.
    pub(crate) address: u64,
    pub(crate) address_length: u32,
    /// What the hook was told beside: [`Record::detail`].
    pub(crate) detail: [u32; 3],
}

const _: () = assert!(size_of::<Caller>() == 48, "a caller has no padding");

/// Writes `$value` to a field of the record.
macro_rules! put {
    ($record:ident.$($field:ident).+ = $value:expr) => {{
        let value = $value;
        // SAFETY: a field of the reserved record, which nobody else sees yet.
        unsafe { addr_of_mut!((*$record).$($field).+).write(value) };
    }};
}

/// Writes one event. 0 when the ring had no room, else 1.
///
/// VERIFIER: followed once, by its types.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn emit(
    caller: *const Caller,
    facts: *const Facts,
    place: *const Place,
    said: *const Said,
) -> u32 {
    if caller.is_null() || facts.is_null() || said.is_null() {
        return 0;
    }
    // SAFETY: the verifier checks that callers hand over what hooks know.
    let caller = unsafe { &*caller };
    // SAFETY: the same for facts.
    let facts = unsafe { &*facts };
    // SAFETY: the same for what was said.
    let said = unsafe { &*said };
    let verdict = &said.verdict;
    let would_deny = said.action == Action::WouldDeny as u32;
    let outcome = if would_deny {
        &verdict.hypothetical
    } else {
        &verdict.actual
    };
    let task = kernel::current();
    let sequence = count_up(Counter::Events);
    let Some(mut entry) = EVENTS.reserve(0) else {
        count(Counter::EventsLost);
        return 0;
    };
    let record: *mut Record = entry.as_mut_ptr();
    put!(record.version = policy_abi::ABI_VERSION);
    put!(record.hook = caller.hook);
    put!(record.action = said.action);
    put!(record.generation = said.generation);
    put!(record.sequence = sequence);
    put!(record.recorded = verdict.recorded);
    put!(record.terms = verdict.terms);
    put!(record.rule = outcome.rule);
    put!(record.effect = outcome.effect);
    put!(
        record.errno = if outcome.denies() && !would_deny {
            outcome.errno
        } else {
            0
        }
    );
    put!(record.facts = *facts);
    put!(record.detail = caller.detail);
    put_process(record, caller, task);
    // VERIFIER: or it would follow the rest once for each set of flags.
    let forget = |flags| kernel::opaque_memory(u64::from(flags)) as u32;
    let mut flags = forget(caller.flags | put_exe(record, task));
    flags |= forget(put_call(record, caller, task));
    flags |= put_object(record, place);
    if said.generation == 0 {
        flags |= FLAG_FAILED;
    }
    put!(record.flags = flags);
    entry.submit(0);
    1
}

/// The process, the thread and the time.
#[inline(always)]
fn put_process(record: *mut Record, caller: &Caller, task: Pointer) {
    let leader = kernel::group_leader(task);
    // SAFETY: the helper has no preconditions.
    let ids = unsafe { bpf_get_current_pid_tgid() };
    // SAFETY: as above.
    let now = unsafe { bpf_ktime_get_boot_ns() };
    // SAFETY: as above.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    // SAFETY: as above.
    let cgroup = unsafe { bpf_get_current_cgroup_id() };
    put!(record.boottime = now);
    put!(record.cpu = cpu);
    put!(record.cgroup = cgroup);
    let (pid, tid) = ((ids >> 32) as u32, ids as u32);
    put!(record.pid = pid);
    put!(record.tid = tid);
    put!(record.ns_pid = kernel::own_pid(leader));
    put!(record.ns_tid = kernel::own_pid(task));
    put!(record.ruid = kernel::cred_uid(kernel::task_cred(task)));
    put!(record.loginuid = kernel::task_loginuid(task));
    put!(record.process_start = kernel::task_start(leader));
    put!(record.thread_start = kernel::task_start(task));
    put!(record.thread_comm = policy_abi::facts::clean_comm(kernel::task_comm(task)));
    put!(record.socket_type = caller.socket.kind);
    put!(record.protocol = caller.socket.protocol_or_zero());
}

/// The subject's program.
#[inline(always)]
fn put_exe(record: *mut Record, task: Pointer) -> u32 {
    let Some(identity) = subject::known(kernel::group_leader(task)) else {
        return 0;
    };
    // SAFETY: a map's value, valid while the program runs.
    let identity = unsafe { &*identity };
    // SAFETY: an address inside the reserved record.
    put_place(unsafe { &raw mut (*record).exe }, &raw const identity.exe);
    if identity.origin == ORIGIN_SEEDED {
        FLAG_EXE | FLAG_SEEDED
    } else {
        FLAG_EXE
    }
}

/// A stored place's numbers and text.
#[inline(always)]
fn put_place(text: *mut Text, place: *const Place) {
    // SAFETY: the record's, which nobody else sees yet.
    let text = unsafe { &mut *text };
    // SAFETY: a map's value, valid while the program runs.
    let place = unsafe { &*place };
    text.inode = place.inode;
    text.device = place.device;
    text.length = place.length;
    let (to, from) = (&raw mut text.bytes, &raw const place.text);
    let room = TEXT_ROOM as u32;
    kernel::copy(to.cast(), room, from as u64);
}

/// A unix object.
#[inline(always)]
fn put_object(record: *mut Record, place: *const Place) -> u32 {
    if place.is_null() {
        return 0;
    }
    // SAFETY: an address inside the reserved record.
    put_place(unsafe { &raw mut (*record).object }, place);
    FLAG_OBJECT
}

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
fn put_call(record: *mut Record, caller: &Caller, task: Pointer) -> u32 {
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
    // SAFETY: an address inside the reserved record.
    let typed = unsafe { &raw mut (*record).typed };
    let room = TYPED_BYTES as u32;
    if caller.hook == Hook::SocketSetsockopt as u32 {
        flags |= put_local(record, caller.sk);
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

/// `AF_INET` and `AF_INET6`, and the bytes of their address structures.
const INET: (u16, u32) = (2, 16);
const INET6: (u16, u32) = (10, 28);

/// The local address of a socket, where a typed one would stand.
#[inline(always)]
fn put_local(record: *mut Record, sk: u64) -> u32 {
    // SAFETY: an address inside the reserved record.
    let to = unsafe { &raw mut (*record).typed }.cast::<u8>();
    let Some(family) = kernel::family_at(sk) else {
        return 0;
    };
    if family == policy_abi::family::UNIX {
        let Some((from, length)) = kernel::unix_name_at(sk) else {
            return 0;
        };
        let length = kernel::at_most(length, TYPED_BYTES as u32);
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
    put!(record.typed = [0; TYPED_BYTES]);
    // SAFETY: the first of 128 bytes.
    unsafe { to.cast::<[u8; 4]>().write([first, second, low, high]) };
    let length = if family == INET.0 {
        let at = to.wrapping_add(4).cast::<[u8; 4]>();
        // SAFETY: inside the 128 bytes.
        unsafe { at.write(kernel::ipv4_at(sk).to_ne_bytes()) };
        INET.1
    } else {
        let at = to.wrapping_add(8).cast::<[[u8; 4]; 4]>();
        let address = kernel::ipv6_at(sk).unwrap_or_default();
        // SAFETY: inside the 128 bytes.
        unsafe { at.write(address.map(u32::to_ne_bytes)) };
        INET6.1
    };
    put!(record.typed_length = length);
    FLAG_TYPED
}
