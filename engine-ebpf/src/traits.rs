//! The word of traits of the acting task and its socket.

use crate::kernel;
use crate::maps::host_namespaces;
use policy_abi::traits::{CAPABILITIES, CGROUPNS, Field, MNTNS, NETNS, PIDNS, USERNS, of_type};

/// What the task has: capabilities in the initial user namespace, namespaces, the socket's type.
///
/// `kind` is the socket's type as a number, 0 where there is no socket.
///
/// VERIFIER: followed once, by its types; it fetches the running task itself.
#[unsafe(export_name = "traits_of")]
pub(crate) extern "C" fn of(kind: u32) -> u64 {
    let task = kernel::current();
    let [user, net, process, mnt, cgroup] = host_namespaces();
    // VERIFIER: before what branches, since at each load of a pointer out of a task it looks
    // for names among all the kernel's types.
    let (cred, nsproxy) = (kernel::task_cred(task), kernel::task_nsproxy(task));
    let pid = kernel::task_thread_pid(task);
    let user_ns = kernel::cred_user_ns(cred);
    let mut traits = of_type(kind);
    if !user_ns.is_null() && kernel::user_ns_level(user_ns) == 0 {
        let [low, high] = kernel::cred_caps(cred);
        traits |= CAPABILITIES.set(u64::from(low) | u64::from(high) << 32);
    }
    traits |= namespace(USERNS, kernel::user_ns_number(user_ns), user);
    traits |= namespace(PIDNS, kernel::pid_ns_number(pid), process);
    if !nsproxy.is_null() {
        traits |= namespace(NETNS, kernel::net_ns_number(nsproxy), net);
        traits |= namespace(MNTNS, kernel::mnt_ns_number(nsproxy), mnt);
        traits |= namespace(CGROUPNS, kernel::cgroup_ns_number(nsproxy), cgroup);
    }
    traits
}

/// `host`, `other`, or neither when one of the two is not known.
#[inline(always)]
fn namespace(field: Field, found: u32, host: u32) -> u64 {
    if found == 0 || host == 0 {
        0
    } else {
        field.one(u32::from(found != host))
    }
}
