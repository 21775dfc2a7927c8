//! What is told of a process once, before the first event that is about it: its
//! program, and who created it. The same is told before of the processes above
//! it, so that a reader can go from each to its creator.

use super::{put_place, waking};
use crate::count::count;
use crate::kernel::{self, Pointer};
use crate::maps::{CREATORS, EPOCH, EVENTS, IDENTITIES, Missing};
use crate::subject::{known, proven};
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use core::ptr::addr_of_mut;
use policy_abi::event::{
    ANCESTORS, Counter, PROCESS_EXE, PROCESS_PARENT, PROCESS_PARENT_EXE, PROCESS_SEEDED, Process,
    Task,
};
use policy_abi::facts::clean_comm;
use policy_abi::identity::{Creator, Identity, ORIGIN_SEEDED, TEXT_ROOM, Told};

/// Whether a process that runs this program was told of: then the numbers beside the
/// mark are there.
#[inline(always)]
pub(super) fn was_told(identity: *const Identity, program: [u64; 2]) -> bool {
    has_mark(identity, mark(program, epoch()))
}

/// What stands with a process that was told of: its program, as in
/// [`Facts::exe`](policy_abi::facts::Facts::exe), and the epoch.
#[inline(always)]
fn mark([hash, device]: [u64; 2], epoch: u64) -> u64 {
    hash ^ device << 32 ^ epoch
}

#[inline(always)]
fn has_mark(identity: *const Identity, mark: u64) -> bool {
    // SAFETY: a map's value, valid while the program runs.
    let at = unsafe { &raw const (*identity).told.mark };
    // SAFETY: a field of it, which other threads may write.
    unsafe { core::ptr::read_volatile(at) == mark }
}

/// Tells of the running process, whose program has this hash and lies on this device
/// (zeros when it is not known), unless that was done. 0 when the ring had no room,
/// else 1.
///
/// The mark is set after the record was submitted: who sees it writes behind it.
///
/// VERIFIER: followed once, by its types.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn tell(hash: u64, device: u64) -> u32 {
    let leader = kernel::group_leader(kernel::current());
    // Of a process without an identity one that says nothing but this.
    let Some(identity) = IDENTITIES.of_task(leader, Missing::Create) else {
        // The event will say that the program is not known.
        count(Counter::NoTaskStorage);
        return 1;
    };
    let epoch = epoch();
    if has_mark(identity, mark([hash, device], epoch)) {
        return 1;
    }
    let mut climb = Climb {
        at: leader,
        epoch,
        had_room: 1,
    };
    // SAFETY: `step` has the signature that the helper calls, and `climb`
    // outlives the call.
    unsafe {
        bpf_loop(
            ANCESTORS + 1,
            step as *const () as *mut c_void,
            (&raw mut climb).cast(),
            0,
        );
    }
    if climb.had_room == 0 {
        // Or those above would never be told of.
        forget(identity);
        return 0;
    }
    1
}

/// Where the loop from the running process upwards has come to.
#[repr(C)]
struct Climb {
    at: Pointer,
    epoch: u64,
    /// 0 when the ring had no room for one of them.
    had_room: u64,
}

/// Tells of the process that was come to; 1 ends the loop.
///
/// VERIFIER: the body of a loop that it unrolled would be half a million
/// instructions on 6.1.
unsafe extern "C" fn step(_index: u32, climb: *mut Climb) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `tell` gave it.
    let climb = unsafe { &mut *climb };
    let at = climb.at;
    let Some(identity) = IDENTITIES.of_task(at, Missing::Create) else {
        return 1;
    };
    let own = mark_of(identity, climb.epoch);
    if has_mark(identity, own) {
        return 1;
    }
    // VERIFIER: here, and not wherever it is asked for: at each load of a pointer out of a
    // task it looks for names among all the kernel's types.
    let above = kernel::group_leader(kernel::task_parent(at));
    if !write((at, above), identity, own, climb.epoch) {
        climb.had_room = 0;
        return 1;
    }
    if !is_creator(above) {
        return 1;
    }
    climb.at = above;
    0
}

/// Whether a main thread, or null, can be a process's creator: the idle task cannot.
#[inline(always)]
fn is_creator(leader: Pointer) -> bool {
    !leader.is_null() && kernel::task_pid(leader) != 0
}

/// The word that user space changes to have everything told again.
#[inline(always)]
fn epoch() -> u64 {
    match EPOCH.get_ptr(0) {
        // SAFETY: a map's value, valid while the program runs.
        Some(epoch) => unsafe { core::ptr::read_volatile(epoch) },
        None => 0,
    }
}

/// Writes a member of what was told of a process. Volatile, so that the order of the
/// writes stays.
macro_rules! tell {
    ($identity:ident.$field:ident = $value:expr) => {{
        let value = $value;
        // SAFETY: a map's value, valid while the program runs.
        let to = unsafe { &raw mut (*$identity).told.$field };
        // SAFETY: a field of it.
        unsafe { core::ptr::write_volatile(to, value) };
    }};
}

/// Forgets that a process was told of.
#[inline(always)]
pub(crate) fn forget(identity: *mut Identity) {
    tell!(identity.mark = 0);
}

/// Writes down with a process that it was told of, and the numbers that its events
/// are to have. Whoever else writes those writes the same.
#[inline(always)]
fn keep(identity: *mut Identity, numbers: &Told, own: u64) {
    tell!(identity.start = numbers.start);
    tell!(identity.pid = numbers.pid);
    tell!(identity.ns_pid = numbers.ns_pid);
    tell!(identity.mark = own);
}

/// The numbers of a process.
#[inline(always)]
pub(super) fn numbers(leader: Pointer) -> Told {
    Told {
        mark: 0,
        start: kernel::task_start(leader),
        pid: kernel::task_pid(leader),
        ns_pid: kernel::own_pid(leader),
    }
}

/// The mark that a process is to have.
///
/// VERIFIER: here and below it is to forget numbers, or it would follow the
/// rest of the loop once for each way to them.
#[inline(always)]
fn mark_of(identity: *mut Identity, epoch: u64) -> u64 {
    let mut program = [0; 2];
    if let Some(identity) = proven(identity) {
        // SAFETY: a map's value, valid while the program runs.
        let exe = unsafe { &(*identity).exe };
        let (hash, device) = (&raw const exe.hash, &raw const exe.device);
        // SAFETY: a field of it, which an exec may write.
        let hash = unsafe { core::ptr::read_volatile(hash) };
        // SAFETY: as above.
        let device = unsafe { core::ptr::read_volatile(device) };
        program = [hash, u64::from(device)];
    }
    kernel::opaque_memory(mark(program, epoch))
}

/// Writes what is known of a process and marks it. False when the ring had no room.
/// `above` is its parent's main thread, or null.
#[inline(always)]
fn write(
    (leader, above): (Pointer, Pointer),
    identity: *mut Identity,
    own: u64,
    epoch: u64,
) -> bool {
    let numbers = numbers(leader);
    let Some(mut entry) = EVENTS.reserve_untyped::<Process>(0) else {
        return false;
    };
    let record: *mut Process = entry.as_mut_ptr();
    put!(record.version = policy_abi::ABI_VERSION);
    // SAFETY: an address inside the reserved record.
    put_task(unsafe { &raw mut (*record).task }, leader, &numbers);
    let forget = |flags| kernel::opaque_memory(u64::from(flags)) as u32;
    let mut flags = forget(put_exe(record, leader));
    flags |= forget(put_parent(record, leader, above));
    put!(record.flags = flags);
    if mark_of(identity, epoch) != own {
        // Another process's, which has begun another program meanwhile.
        entry.discard(0);
        return true;
    }
    entry.submit(waking());
    keep(identity, &numbers, own);
    true
}

/// A process as it is now.
#[inline(always)]
fn put_task(record: *mut Task, leader: Pointer, numbers: &Told) {
    put!(record.start = numbers.start);
    put!(record.comm = clean_comm(kernel::task_comm(leader)));
    put!(record.pid = numbers.pid);
    put!(record.ruid = kernel::cred_uid(kernel::task_cred(leader)));
    put!(record.ns_pid = numbers.ns_pid);
    put!(record.reserved = 0);
}

/// The program.
#[inline(always)]
fn put_exe(record: *mut Process, leader: Pointer) -> u32 {
    let Some(identity) = known(leader) else {
        put!(record.program = [0; 2]);
        return 0;
    };
    // SAFETY: a map's value, valid while the program runs.
    let identity = unsafe { &*identity };
    put!(record.program = [identity.exe.hash, u64::from(identity.exe.device)]);
    // SAFETY: an address inside the reserved record.
    put_place(unsafe { &raw mut (*record).exe }, &raw const identity.exe);
    if identity.origin == ORIGIN_SEEDED {
        PROCESS_EXE | PROCESS_SEEDED
    } else {
        PROCESS_EXE
    }
}

/// The creator, or of a process that is older than the engine its parent.
#[inline(always)]
fn put_parent(record: *mut Process, leader: Pointer, above: Pointer) -> u32 {
    if let Some(creator) = CREATORS.of_task(leader, Missing::Leave) {
        return put_creator(record, creator);
    }
    if !is_creator(above) {
        return 0;
    }
    // SAFETY: an address inside the reserved record.
    put_task(unsafe { &raw mut (*record).parent }, above, &numbers(above));
    PROCESS_PARENT
}

/// What was kept of the creator.
#[inline(always)]
fn put_creator(record: *mut Process, creator: *const Creator) -> u32 {
    // SAFETY: a map's value, valid while the program runs.
    let creator = unsafe { &*creator };
    if creator.pid == 0 {
        return 0;
    }
    put!(record.parent.start = creator.start);
    put!(record.parent.comm = creator.comm);
    put!(record.parent.pid = creator.pid);
    put!(record.parent.ns_pid = creator.ns_pid);
    put!(record.parent.ruid = creator.ruid);
    put!(record.parent.reserved = 0);
    if creator.exe_known == 0 {
        return PROCESS_PARENT;
    }
    let device = creator.exe[1] as u32;
    put!(record.parent_exe.device = device);
    put!(record.parent_exe.inode = creator.exe_inode);
    put!(record.parent_exe.length = creator.exe_length);
    // SAFETY: an address inside the reserved record.
    let to = unsafe { &raw mut (*record).parent_exe.bytes };
    kernel::copy(
        to.cast(),
        TEXT_ROOM as u32,
        (&raw const creator.exe_text) as u64,
    );
    PROCESS_PARENT | PROCESS_PARENT_EXE
}
