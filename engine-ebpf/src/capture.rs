//! Identity: taken at exec, handed to children, and read once from processes
//! that are older than the engine.

use crate::count::count;
use crate::emit;
use crate::kernel::{
    Pointer, copy, cred_euid, cred_uid, dentry_inode, dentry_listed, file_dentry, group_leader,
    inode_links, mm_exe_file, own_pid, task_comm, task_cred, task_mm, task_pid, task_start,
};
use crate::maps::{CREATORS, IDENTITIES, Missing, SEED_ROOM};
use crate::memo;
use crate::path::{read_place, set_state};
use crate::subject::{is_kernel_thread, known, trusted_as_found};
use core::ffi::c_void;
use policy_abi::event::Counter;
use policy_abi::facts::clean_comm;
use policy_abi::identity::{Identity, ORIGIN_EXEC, ORIGIN_SEEDED, PLACE_NAMELESS, TEXT_ROOM};

/// Takes the identity of a process that has just become another program.
///
/// The group leader is the running task: `de_thread` has seen to that before
/// this hook. Where storage cannot be had nothing is kept, and the old identity
/// is forgotten: an unknown subject is safer than a wrong one.
#[inline(always)]
pub(crate) fn executed(task: Pointer) {
    let leader = group_leader(task);
    let Some(identity) = IDENTITIES.of_task(leader, Missing::Create) else {
        IDENTITIES.forget_task(leader);
        count(Counter::NoTaskStorage);
        return;
    };
    set_origin(identity, 0);
    forget(identity);
    read_exe(leader, identity);
    set_origin(identity, ORIGIN_EXEC);
}

/// Lets a thread that may become its process's main one have what is kept of
/// the process's creator, which never changes.
#[inline(always)]
pub(crate) fn executing(task: Pointer) {
    let leader = group_leader(task);
    if leader == task {
        return;
    }
    let Some(creator) = CREATORS.of_task(leader, Missing::Leave) else {
        return;
    };
    if CREATORS.of_task_or(task, creator).is_none() {
        count(Counter::NoTaskStorage);
    }
}

/// Writes down with a new process who created it, as that one is now.
#[inline(always)]
fn created(creator: Pointer, child: Pointer) {
    if is_kernel_thread(child) {
        return;
    }
    let leader = group_leader(creator);
    let Some(kept) = CREATORS.of_task(child, Missing::Create) else {
        count(Counter::NoTaskStorage);
        return;
    };
    // SAFETY: a map's value, of a process that does not run yet.
    let kept = unsafe { &mut *kept };
    kept.comm = clean_comm(task_comm(leader));
    let cred = task_cred(creator);
    kept.uid = cred_euid(cred);
    kept.ruid = cred_uid(cred);
    kept.pid = task_pid(leader);
    kept.ns_pid = own_pid(leader);
    kept.start = task_start(leader);
    if let Some(identity) = known(leader) {
        // SAFETY: a map's value; its place is written before its state.
        let exe = unsafe { &(*identity).exe };
        kept.exe = [exe.hash, u64::from(exe.device)];
        kept.exe_inode = exe.inode;
        kept.exe_length = exe.length;
        let text = (&raw mut kept.exe_text).cast();
        copy(text, TEXT_ROOM as u32, (&raw const exe.text) as u64);
        kept.exe_known = 1;
    }
}

/// Hands the creator's identity to a new process, and writes down who created it.
#[inline(always)]
pub(crate) fn forked(creator: Pointer, child: Pointer) {
    created(creator, child);
    let Some(from) = IDENTITIES.of_task(group_leader(creator), Missing::Leave) else {
        // Older than the engine and not trusted, or a kernel thread. One of which an event
        // has told has an identity that says nothing, as its child will.
        return;
    };
    match IDENTITIES.of_task_or(child, from) {
        // Copied while another thread may have written to it.
        Some(identity) => forget(identity),
        None => count(Counter::NoTaskStorage),
    }
}

/// The task iterator's body: `ctx` holds a `bpf_iter_meta` and a task, each a pointer.
#[inline(always)]
pub(crate) fn seed(ctx: *mut c_void) -> i32 {
    let slots = ctx.cast::<Pointer>();
    let slot = slots.wrapping_add(1);
    // SAFETY: the second field of the iterator's context; the verifier knows it.
    let task = unsafe { core::ptr::read_volatile(slot) };
    if task.is_null() || group_leader(task) != task || is_kernel_thread(task) {
        return 0;
    }
    if IDENTITIES.of_task(task, Missing::Leave).is_some() || !trusted_as_found(task) {
        return 0;
    }
    let Some(room) = SEED_ROOM.get_ptr_mut(0) else {
        return 0;
    };
    read_exe(task, room);
    set_origin(room, ORIGIN_SEEDED);
    // A concurrent exec has stored its own by now and keeps it: the value is
    // taken only where there is none.
    if IDENTITIES.of_task_or(task, room).is_none() {
        count(Counter::NoTaskStorage);
    }
    0
}

/// Reads the place of a process's program.
#[inline(always)]
fn read_exe(leader: Pointer, identity: *mut Identity) {
    // SAFETY: a map's value, valid while the program runs.
    let place = unsafe { &raw mut (*identity).exe };
    set_state(place, PLACE_NAMELESS);
    let mm = task_mm(leader);
    if mm.is_null() {
        return;
    }
    let file = mm_exe_file(mm);
    if file.is_null() {
        return;
    }
    let dentry = file_dentry(file);
    if dentry.is_null() {
        return;
    }
    let inode = dentry_inode(dentry);
    if inode.is_null() || inode_links(inode) == 0 || dentry_listed(dentry) == 0 {
        // Removed or replaced before it ran, and executed by a descriptor: the
        // dentry's old name is nobody's any more, or another file's.
        return;
    }
    read_place(dentry, place);
}

/// Forgets what is another process's, or another program's: what it was allowed, and
/// that it was told of.
#[inline(always)]
fn forget(identity: *mut Identity) {
    memo::forget(identity);
    emit::forget(identity);
}

#[inline(always)]
fn set_origin(identity: *mut Identity, origin: u32) {
    // SAFETY: `identity` is a map's value, valid while the program runs.
    let identity = unsafe { &mut *identity };
    // SAFETY: a field of it. Volatile, so that the order of the writes stays.
    unsafe { core::ptr::write_volatile(&raw mut identity.origin, origin) };
}
