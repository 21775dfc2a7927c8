//! Facts about the process that acts: its main thread's name, its effective
//! ids, and the program that was captured when it was executed.

use crate::kernel::{
    Pointer, cred_egid, cred_euid, current, group_leader, task_comm, task_cred, task_flags,
    user_ns_level,
};
use crate::maps::{IDENTITIES, Missing, trust_all};
use core::ptr::null_mut;
use policy_abi::facts::{Facts, SUBJECT_EXE, clean_comm};
use policy_abi::identity::{Identity, ORIGIN_EXEC, ORIGIN_SEEDED, PLACE_KNOWN};

/// `PF_KTHREAD`. Linux, include/linux/sched.h.
const PF_KTHREAD: u32 = 0x0020_0000;

/// Whether a task belongs to the kernel: such a task is never judged.
#[inline(always)]
pub(crate) fn is_kernel_thread(task: Pointer) -> bool {
    task_flags(task) & PF_KTHREAD != 0
}

/// Fills the subject's part of `facts` for `task`, which is the running one;
/// `identity` is what is kept of its process.
///
/// An `io_uring` worker is a thread of the process it works for, with its
/// submitter's credentials; the main thread is the same.
#[inline(always)]
pub(crate) fn fill(task: Pointer, identity: *mut Identity, facts: &mut Facts) {
    let leader = group_leader(task);
    facts.comm = clean_comm(task_comm(leader));
    let cred = task_cred(task);
    facts.uid = cred_euid(cred);
    facts.gid = cred_egid(cred);
    if let Some(identity) = proven(identity) {
        // SAFETY: a map's value; its place is written before its state.
        let exe = unsafe { &(*identity).exe };
        facts.exe = [exe.hash, u64::from(exe.device)];
        facts.subject |= SUBJECT_EXE;
    }
}

/// What is kept of the running process, whatever it proves; null for nothing.
#[inline(always)]
pub(crate) fn acting() -> *mut Identity {
    let leader = group_leader(current());
    match IDENTITIES.of_task(leader, Missing::Leave) {
        Some(identity) => identity,
        None => null_mut(),
    }
}

/// The identity of a process, when it holds a program that a rule may name.
#[inline(always)]
pub(crate) fn known(leader: Pointer) -> Option<*mut Identity> {
    proven(IDENTITIES.of_task(leader, Missing::Leave)?)
}

/// An identity, when it holds a program that a rule may name. It may be null.
///
/// A file system that a user mounted in a namespace of his own proves nothing,
/// whatever its device number (decisions T2b).
#[inline(always)]
pub(crate) fn proven(identity: *mut Identity) -> Option<*mut Identity> {
    if identity.is_null() {
        return None;
    }
    // SAFETY: a map's value, valid while the program runs.
    let found = unsafe { &*identity };
    let from_engine = found.origin == ORIGIN_EXEC || found.origin == ORIGIN_SEEDED;
    if from_engine && found.exe.state == PLACE_KNOWN && found.exe.owner_level == 0 {
        Some(identity)
    } else {
        None
    }
}

/// Whether the identity that a running process shows is taken for its own:
/// root's in the initial user namespace, or everybody's by configuration.
#[inline(always)]
pub(crate) fn trusted_as_found(task: Pointer) -> bool {
    if trust_all() {
        return true;
    }
    let cred = task_cred(task);
    let namespace = crate::kernel::cred_user_ns(cred);
    cred_euid(cred) == 0 && !namespace.is_null() && user_ns_level(namespace) == 0
}
