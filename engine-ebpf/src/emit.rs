//! Events: reserve, fill, submit; what finds no room is counted.

use crate::count::{count, count_up};
use crate::kernel::{self, Pointer};
use crate::maps::{EVENTS, Missing, SOCKETS};
use crate::subject;
use crate::tables::InForce;
use aya_ebpf::helpers::generated::{
    bpf_get_current_cgroup_id, bpf_get_current_pid_tgid, bpf_get_smp_processor_id,
    bpf_ktime_get_boot_ns, bpf_probe_read_user,
};
use core::ptr::addr_of_mut;
use policy_abi::decide::{Outcome, Verdict};
use policy_abi::event::{
    Action, Counter, FLAG_CONNECT, FLAG_EXE, FLAG_OBJECT, FLAG_SEEDED, FLAG_SOCKFD, FLAG_TYPED,
    Record, TYPED_BYTES, Text,
};
use policy_abi::facts::Facts;
use policy_abi::hooks::Hook;
use policy_abi::identity::{ORIGIN_SEEDED, Place, TEXT_ROOM};

/// Who called which hook, and where its address lies.
#[derive(Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) hook: u32,
    pub(crate) task: Pointer,
    /// The caller's own socket, null when there is none yet.
    pub(crate) sk: Pointer,
    pub(crate) flags: u32,
    /// The address as the kernel copied it from the caller; 0 when the hook has none.
    pub(crate) address: u64,
    pub(crate) address_length: u32,
    /// The socket on the other side of a unix operation, or null.
    pub(crate) peer: Pointer,
    /// What the hook was told beside: [`Record::detail`].
    pub(crate) detail: [u32; 3],
}

/// Writes `$value` to a field of the record.
macro_rules! put {
    ($record:ident.$($field:ident).+ = $value:expr) => {{
        let value = $value;
        // SAFETY: a field of the reserved record, which nobody else sees yet.
        unsafe { addr_of_mut!((*$record).$($field).+).write(value) };
    }};
}

/// Writes one event. False when the ring had no room.
#[inline(always)]
pub(crate) fn emit(
    caller: &Caller,
    facts: &Facts,
    policy: &InForce,
    verdict: &Verdict,
    action: Action,
    outcome: &Outcome,
) -> bool {
    let sequence = count_up(Counter::Events);
    let Some(mut entry) = EVENTS.reserve(0) else {
        count(Counter::EventsLost);
        return false;
    };
    let record: *mut Record = entry.as_mut_ptr();
    put!(record.version = policy_abi::ABI_VERSION);
    put!(record.hook = caller.hook);
    put!(record.action = action as u32);
    put!(record.generation = policy.generation);
    put!(record.sequence = sequence);
    put!(record.recorded = verdict.recorded);
    put!(record.terms = verdict.terms);
    put!(record.rule = outcome.rule);
    put!(record.effect = outcome.effect);
    put!(
        record.errno = if outcome.denies() && action != Action::WouldDeny {
            outcome.errno
        } else {
            0
        }
    );
    put!(record.facts = *facts);
    put!(record.detail = caller.detail);
    let mut flags = caller.flags | put_process(record, caller);
    flags |= put_exe(record, caller.task);
    flags |= put_call(record, caller);
    flags |= put_object(record, caller.peer);
    put!(record.flags = flags);
    entry.submit(0);
    true
}

/// The process, the thread and the time.
#[inline(always)]
fn put_process(record: *mut Record, caller: &Caller) -> u32 {
    let leader = kernel::group_leader(caller.task);
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
    put!(record.ns_tid = kernel::own_pid(caller.task));
    put!(record.ruid = kernel::cred_uid(kernel::task_cred(caller.task)));
    put!(record.loginuid = kernel::task_loginuid(caller.task));
    put!(record.process_start = kernel::task_start(leader));
    put!(record.thread_start = kernel::task_start(caller.task));
    put!(record.thread_comm = policy_abi::facts::clean_comm(kernel::task_comm(caller.task)));
    let [_, mut kind, mut protocol] = caller.detail;
    if !caller.sk.is_null() {
        kind = u32::from(kernel::sk_type(caller.sk));
        protocol = u32::from(kernel::sk_protocol(caller.sk));
    }
    put!(record.socket_type = kind);
    put!(record.protocol = protocol);
    0
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
fn put_object(record: *mut Record, peer: Pointer) -> u32 {
    if peer.is_null() {
        return 0;
    }
    let Some(place) = SOCKETS.of_socket(peer, Missing::Leave) else {
        return 0;
    };
    // SAFETY: an address inside the reserved record.
    put_place(unsafe { &raw mut (*record).object }, place);
    FLAG_OBJECT
}

/// x86-64 system calls whose first argument is a socket.
/// Linux, `arch/x86/entry/syscalls/syscall_64.tbl`.
const SOCKET_CALLS: [u64; 14] = [1, 18, 20, 40, 42, 43, 44, 46, 49, 50, 54, 288, 296, 307];
/// `connect` among them.
const CONNECT: u64 = 42;
/// `pwritev2`, a number past those that [`SOCKET_CALLS`] holds.
const PWRITEV2: u64 = 328;
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
fn put_call(record: *mut Record, caller: &Caller) -> u32 {
    put!(record.sockfd = -1);
    put!(record.typed_length = 0);
    let mut flags = 0;
    let regs = kernel::registers(caller.task);
    let in_call = !regs.is_null() && kernel::regs_cs(regs) == USER_CS;
    let number = if in_call {
        kernel::regs_orig_ax(regs)
    } else {
        u64::MAX
    };
    if number == PWRITEV2 || SOCKET_CALLS.contains(&number) {
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
fn put_local(record: *mut Record, sk: Pointer) -> u32 {
    if sk.is_null() {
        return 0;
    }
    // SAFETY: an address inside the reserved record.
    let to = unsafe { &raw mut (*record).typed }.cast::<u8>();
    let family = kernel::sk_family(sk);
    if family == policy_abi::family::UNIX {
        let unix = kernel::as_unix(sk);
        let address = if unix.is_null() {
            unix
        } else {
            kernel::unix_addr(unix)
        };
        if address.is_null() {
            return 0;
        }
        let length = kernel::at_most(kernel::unix_addr_length(address), TYPED_BYTES as u32);
        if !kernel::copy(to.cast(), length, kernel::unix_addr_name(address)) {
            return 0;
        }
        put!(record.typed_length = length);
        return FLAG_TYPED;
    }
    if family != INET.0 && family != INET6.0 {
        return 0;
    }
    let [low, high] = kernel::bound_port(sk).to_be_bytes();
    let [first, second] = family.to_ne_bytes();
    put!(record.typed = [0; TYPED_BYTES]);
    let head = u32::from_ne_bytes([first, second, low, high]);
    // SAFETY: the first of 128 bytes, which the record aligns to four.
    unsafe { to.cast::<u32>().write(head) };
    let length = if family == INET.0 {
        let at = to.wrapping_add(4).cast::<u32>();
        // SAFETY: inside the 128 bytes, as above.
        unsafe { at.write(kernel::bound_ipv4(sk)) };
        INET.1
    } else {
        let at = to.wrapping_add(8).cast::<[u32; 4]>();
        let address = kernel::bound_ipv6(sk).unwrap_or_default();
        // SAFETY: inside the 128 bytes, as above.
        unsafe { at.write(address) };
        INET6.1
    };
    put!(record.typed_length = length);
    FLAG_TYPED
}
