//! The only reads through kernel pointers.
//!
//! An offset comes from frozen read-only data, which the verifier takes for a
//! constant, and a load through it keeps the BTF type of the member: pointers
//! loaded here can be followed and handed to storage helpers. Such a load never
//! faults; a bad address reads as zero.

use crate::maps::offsets;
use aya_ebpf::helpers::generated::{
    bpf_get_current_task_btf, bpf_probe_read_kernel, bpf_probe_read_kernel_str,
    bpf_skc_to_unix_sock, bpf_sock_from_file, bpf_task_pt_regs,
};
use core::ffi::c_void;
use core::ptr::read_volatile;
use policy_abi::offsets::ABSENT;

/// A pointer into the kernel, whose type only the verifier knows.
pub(crate) type Pointer = *const c_void;

/// The offset of a row of the table.
macro_rules! offset {
    ($field:ident) => {
        // SAFETY: a field of a valid static that no program writes.
        unsafe { read_volatile(&raw const (*offsets()).$field) }
    };
}

/// Reads a member of type `T`.
#[inline(always)]
fn load<T: Copy>(base: Pointer, offset: u32) -> T {
    let at = base.wrapping_byte_add(offset as usize).cast::<T>();
    // SAFETY: the verifier refuses a program whose load is not inside the
    // structure that `base` points to; faults read as zero.
    unsafe { read_volatile(at) }
}

macro_rules! members {
    ($( $(#[doc = $doc:literal])+ $name:ident($field:ident) -> $type:ty; )+) => {
        $( $(#[doc = $doc])+
        #[inline(always)]
        pub(crate) fn $name(base: Pointer) -> $type {
            load::<$type>(base, offset!($field))
        } )+
    };
}

members! {
    /// Main thread of a task's process.
    group_leader(task_group_leader) -> Pointer;
    /// Who created a task, or took it over since.
    task_parent(task_parent) -> Pointer;
    /// Thread id of a task, as the initial namespace counts.
    task_pid(task_pid) -> u32;
    /// `PF_` flags of a task.
    task_flags(task_flags) -> u32;
    /// Name of a thread.
    task_comm(task_comm) -> [u64; 2];
    /// Credentials a task acts with.
    task_cred(task_cred) -> Pointer;
    /// Address space of a task.
    task_mm(task_mm) -> Pointer;
    /// When a thread started, nanoseconds since boot.
    task_start(task_start) -> u64;
    /// A task's `struct pid`.
    task_thread_pid(task_thread_pid) -> Pointer;
    /// Depth of a `struct pid`'s namespace.
    pid_level(pid_level) -> u32;
    /// Real user id.
    cred_uid(cred_uid) -> u32;
    /// Real group id.
    cred_gid(cred_gid) -> u32;
    /// Effective capabilities, in two halves.
    cred_caps(cred_caps) -> [u32; 2];
    /// Most of a task's namespaces, or null.
    task_nsproxy(task_nsproxy) -> Pointer;
    /// Effective user id.
    cred_euid(cred_euid) -> u32;
    /// Effective group id.
    cred_egid(cred_egid) -> u32;
    /// Supplementary groups, or null.
    cred_groups(cred_groups) -> Pointer;
    /// How many there are.
    groups_count(groups_count) -> u32;
    /// User namespace of credentials.
    cred_user_ns(cred_user_ns) -> Pointer;
    /// Depth of a user namespace.
    user_ns_level(user_ns_level) -> u32;
    /// A task's cgroups.
    task_cgroups(task_cgroups) -> Pointer;
    /// The one of the default hierarchy.
    cgroups_default(cgroups_default) -> Pointer;
    /// A cgroup's directory.
    cgroup_directory(cgroup_node) -> Pointer;
    /// How many cgroups are above it.
    cgroup_level(cgroup_level) -> u32;
    /// A directory's id.
    node_id(node_id) -> u64;
    /// The program's file.
    mm_exe_file(mm_exe_file) -> Pointer;
    /// A file's dentry.
    file_dentry(file_dentry) -> Pointer;
    /// File system of a dentry.
    dentry_sb(dentry_sb) -> Pointer;
    /// Address in the table of names that points to a dentry, 0 when none does.
    dentry_listed(dentry_listed) -> u64;
    /// Inode of a dentry.
    dentry_inode(dentry_inode) -> Pointer;
    /// Number of an inode.
    inode_number(inode_number) -> u64;
    /// Links to an inode.
    inode_links(inode_links) -> u32;
    /// Device number of a file system.
    sb_device(sb_device) -> u32;
    /// User namespace that owns a file system.
    sb_user_ns(sb_user_ns) -> Pointer;
    /// Protocol half of a socket.
    socket_sk(socket_sk) -> Pointer;
    /// File of a socket, or null.
    socket_file(socket_file) -> Pointer;
    /// `O_` flags of a file.
    file_flags(file_flags) -> u32;
    /// Address family of a socket.
    sk_family(sk_family) -> u16;
    /// `SOCK_` type of a socket.
    sk_type(sk_type) -> u16;
    /// State of a socket's protocol.
    sk_state(sk_state) -> u8;
    /// Protocol of a socket.
    sk_protocol(sk_protocol) -> u16;
    /// Port that an IP socket is bound to, 0 for none.
    bound_port(sk_port) -> u16;
    /// IPv4 address that a socket is bound to, in network byte order.
    bound_ipv4(sk_v4_bound) -> u32;
    /// Name given to bind(2), or null.
    unix_addr(unix_addr) -> Pointer;
    /// Dentry of a unix socket's file, or null.
    unix_dentry(unix_dentry) -> Pointer;
    /// Length of a unix address with its family.
    unix_addr_length(unix_addr_length) -> u32;
    /// Address of a message, as a number: it is kernel memory of no type.
    msg_name(msg_name) -> u64;
    /// Length of a message's address.
    msg_namelen(msg_namelen) -> u32;
    /// Control messages of a message, as a number: kernel memory of no type.
    msg_control(msg_control) -> u64;
    /// Bytes of a message's control messages.
    msg_controllen(msg_controllen) -> u64;
    /// `MSG_` flags of a message.
    msg_flags(msg_flags) -> u32;
    /// System call number.
    regs_orig_ax(regs_orig_ax) -> u64;
    /// First argument.
    regs_di(regs_di) -> u64;
    /// Second argument.
    regs_si(regs_si) -> u64;
    /// Third argument.
    regs_dx(regs_dx) -> u64;
    /// Code segment.
    regs_cs(regs_cs) -> u64;
}

/// Copies kernel memory that has no type. False when it could not be read.
#[inline(always)]
pub(crate) fn copy(to: *mut c_void, length: u32, from: u64) -> bool {
    // SAFETY: the verifier checks that `length` bytes fit at `to`; the helper
    // handles every fault at `from`.
    let failed = unsafe { bpf_probe_read_kernel(to, length, from as Pointer) };
    failed == 0
}

/// A long number from kernel memory that has no type.
#[inline(always)]
fn copy_u64(from: u64) -> Option<u64> {
    let mut value = 0_u64;
    if copy((&raw mut value).cast(), 8, from) {
        Some(value)
    } else {
        None
    }
}

/// A number from kernel memory that has no type.
#[inline(always)]
fn copy_u32(from: u64) -> Option<u32> {
    let mut value = 0_u32;
    if copy((&raw mut value).cast(), 4, from) {
        Some(value)
    } else {
        None
    }
}

/// A short number from kernel memory that has no type.
#[inline(always)]
pub(crate) fn copy_u16(from: u64) -> Option<u16> {
    let mut value = 0_u16;
    if copy((&raw mut value).cast(), 2, from) {
        Some(value)
    } else {
        None
    }
}

/// A dentry's name, as long as nobody renames it.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    pub(crate) from: u64,
    pub(crate) length: u32,
    /// Sequence count, odd while it is being renamed.
    pub(crate) seq: u32,
    /// Whether the dentry is its own parent.
    pub(crate) is_root: bool,
}

/// The parent of a dentry that is held as a number; itself at a root.
#[inline(always)]
pub(crate) fn parent_of(dentry: u64) -> Option<u64> {
    copy_u64(dentry + u64::from(offset!(dentry_parent)))
}

/// The name of a dentry that is held as a number. The sequence count is read first.
#[inline(always)]
pub(crate) fn name_of(dentry: u64) -> Option<Name> {
    let seq = copy_u32(dentry + u64::from(offset!(dentry_seq)))?;
    let is_root = parent_of(dentry)? == dentry;
    let from = copy_u64(dentry + u64::from(offset!(dentry_name)))?;
    let length = copy_u32(dentry + u64::from(offset!(dentry_length)))?;
    Some(Name {
        from,
        length,
        seq,
        is_root,
    })
}

/// The running task.
#[inline(always)]
pub(crate) fn current() -> Pointer {
    // SAFETY: the helper has no preconditions.
    unsafe { bpf_get_current_task_btf() as Pointer }
}

/// Family, port and IPv4 address of a `struct sockaddr` that the verifier knows by
/// its type, the latter two in network byte order. It is at least 8 bytes long.
#[inline(always)]
pub(crate) fn inet_address(address: Pointer) -> (u16, u16, u32) {
    (load(address, 0), load(address, 2), load(address, 4))
}

/// The user registers of a task.
#[inline(always)]
pub(crate) fn registers(task: Pointer) -> Pointer {
    // SAFETY: the verifier checks that `task` is a task's typed pointer.
    unsafe { bpf_task_pt_regs(task.cast_mut().cast()) as Pointer }
}

/// A socket as a unix socket, null when it is another kind.
#[inline(always)]
pub(crate) fn as_unix(sk: Pointer) -> Pointer {
    // SAFETY: the verifier checks that `sk` is a socket's typed pointer.
    unsafe {
        bpf_skc_to_unix_sock(sk.cast_mut().cast())
            .cast_const()
            .cast()
    }
}

/// The socket that a file is, or null.
#[inline(always)]
pub(crate) fn file_socket(file: Pointer) -> Pointer {
    // SAFETY: the verifier checks that `file` is a file's typed pointer.
    unsafe {
        bpf_sock_from_file(file.cast_mut().cast())
            .cast_const()
            .cast()
    }
}

/// Where the bytes of a unix address start: its family, then its path or name.
#[inline(always)]
pub(crate) fn unix_addr_name(addr: Pointer) -> u64 {
    addr as u64 + u64::from(offset!(unix_addr_name))
}

/// Audit login id of a task, `u32::MAX` when unset or not kept.
#[inline(always)]
pub(crate) fn task_loginuid(task: Pointer) -> u32 {
    let offset = offset!(task_loginuid);
    if offset == ABSENT {
        u32::MAX
    } else {
        load(task, offset)
    }
}

/// The id of one of the supplementary groups.
#[inline(always)]
pub(crate) fn group_id(groups: u64, index: u32) -> Option<u32> {
    copy_u32(groups + u64::from(offset!(groups_ids)) + u64::from(index) * 4)
}

/// A cgroup (v2), as long as its id is the same.
#[derive(Clone, Copy)]
pub(crate) struct CgroupAt {
    pub(crate) id: u64,
    /// How many are above it.
    pub(crate) level: u32,
    /// Where pointers to them and to itself lie, the root's first.
    pub(crate) ancestors: u64,
}

/// The cgroup of a task.
#[inline(always)]
pub(crate) fn cgroup_of(task: Pointer) -> Option<CgroupAt> {
    let cgroups = task_cgroups(task);
    if cgroups.is_null() {
        return None;
    }
    let cgroup = cgroups_default(cgroups);
    if cgroup.is_null() {
        return None;
    }
    let node = cgroup_directory(cgroup);
    if node.is_null() {
        return None;
    }
    Some(CgroupAt {
        id: node_id(node),
        level: cgroup_level(cgroup),
        ancestors: cgroup as u64 + u64::from(offset!(cgroup_ancestors)),
    })
}

/// Where the name of one of a cgroup's ancestors lies.
#[inline(always)]
pub(crate) fn ancestor_name(ancestors: u64, level: u32) -> Option<u64> {
    let cgroup = copy_u64(ancestors + u64::from(level) * 8)?;
    let node = copy_u64(cgroup + u64::from(offset!(cgroup_node)))?;
    node_name(node)
}

/// Where the name of a node lies that is held as a number.
#[inline(always)]
fn node_name(node: u64) -> Option<u64> {
    copy_u64(node + u64::from(offset!(node_name)))
}

/// Up to eight bytes of a text that a NUL ends, zeros after it, and how many there are.
#[inline(always)]
pub(crate) fn copy_text(from: u64) -> Option<(u64, u32)> {
    let mut bytes = [0_u64; 2];
    // SAFETY: nine bytes fit; the helper handles every fault at `from`.
    let read = unsafe { bpf_probe_read_kernel_str((&raw mut bytes).cast(), 9, from as Pointer) };
    if !(1..=9).contains(&read) {
        return None;
    }
    let [word, _] = bytes;
    Some((word, read.cast_unsigned() as u32 - 1))
}

/// The last of a `struct pid`'s numbers: that of its own namespace.
#[inline(always)]
fn own_upid(pid: Pointer) -> u64 {
    /// `sizeof(struct upid)`: a number and a pointer.
    const UPID: u64 = 16;
    let level = u64::from(pid_level(pid) & 31);
    pid as u64 + u64::from(offset!(pid_numbers)) + level * UPID
}

/// Process or thread number in the task's own pid namespace.
///
/// VERIFIER: it forgets which way the number came, or would follow what comes after once
/// for each.
#[inline(always)]
pub(crate) fn own_pid(task: Pointer) -> u32 {
    let pid = task_thread_pid(task);
    let number = if pid.is_null() {
        0
    } else if pid_level(pid) == 0 {
        // Its own namespace is the initial one.
        task_pid(task)
    } else {
        copy_u32(own_upid(pid)).unwrap_or(0)
    };
    opaque_memory(u64::from(number)) as u32
}

/// A namespace's number, 0 when it is not known.
macro_rules! namespace_numbers {
    ($( $(#[doc = $doc:literal])+ $name:ident([$($member:ident)?] $number:ident); )+) => {
        $( $(#[doc = $doc])+
        #[inline(always)]
        pub(crate) fn $name(base: Pointer) -> u32 {
            let at = offset!($number);
            $(
                let member = offset!($member);
                if member == ABSENT {
                    return 0;
                }
                let base: Pointer = load(base, member);
            )?
            if base.is_null() || at == ABSENT {
                return 0;
            }
            load(base, at)
        } )+
    };
}

namespace_numbers! {
    /// Of a user namespace.
    user_ns_number([] user_ns_number);
    /// Of the network namespace.
    net_ns_number([nsproxy_net] net_number);
    /// Of the mount namespace.
    mnt_ns_number([nsproxy_mnt] mnt_ns_number);
    /// Of the control group namespace.
    cgroup_ns_number([nsproxy_cgroup] cgroup_ns_number);
}

/// The number of a task's own process namespace, 0 when it is not known, by its
/// `struct pid`: what `nsproxy` has is for its children.
#[inline(always)]
pub(crate) fn pid_ns_number(pid: Pointer) -> u32 {
    let at = offset!(pid_ns_number);
    if pid.is_null() || at == ABSENT {
        return 0;
    }
    let namespace = copy_u64(own_upid(pid) + u64::from(offset!(upid_ns))).unwrap_or(0);
    if namespace == 0 {
        return 0;
    }
    copy_u32(namespace + u64::from(at)).unwrap_or(0)
}

/// The IPv4 address that a socket, held as a number, sends from, in network byte
/// order; 0 when unbound.
#[inline(always)]
pub(crate) fn source_ipv4_at(sk: u64) -> Option<u32> {
    // `struct inet_sock` begins with the socket.
    copy_u32(sk + u64::from(offset!(inet_saddr)))
}

/// Whether a socket, held as a number, sends by one interface alone
/// (`SO_BINDTODEVICE`, `IP_UNICAST_IF`). One that cannot be read does.
#[inline(always)]
pub(crate) fn has_interface_at(sk: u64) -> bool {
    let bound = copy_u32(sk + u64::from(offset!(sk_interface)));
    let chosen = copy_u32(sk + u64::from(offset!(inet_interface)));
    bound != Some(0) || chosen != Some(0)
}

/// The IPv6 address a socket is bound to, as its four words in network byte order.
#[inline(always)]
pub(crate) fn bound_ipv6(sk: Pointer) -> Option<[u32; 4]> {
    ipv6_at(sk as u64)
}

/// The same of a socket that is held as a number.
#[inline(always)]
pub(crate) fn ipv6_at(sk: u64) -> Option<[u32; 4]> {
    let offset = offset!(sk_v6_bound);
    if offset == ABSENT {
        return None;
    }
    let mut address = [0_u32; 4];
    if copy((&raw mut address).cast(), 16, sk + u64::from(offset)) {
        Some(address)
    } else {
        None
    }
}

/// [`bound_ipv4`] of a socket that is held as a number.
#[inline(always)]
pub(crate) fn ipv4_at(sk: u64) -> u32 {
    copy_u32(sk + u64::from(offset!(sk_v4_bound))).unwrap_or(0)
}

/// [`bound_port`] of a socket that is held as a number.
#[inline(always)]
pub(crate) fn port_at(sk: u64) -> u16 {
    copy_u16(sk + u64::from(offset!(sk_port))).unwrap_or(0)
}

/// [`sk_family`] of a socket that is held as a number, none of 0.
#[inline(always)]
pub(crate) fn family_at(sk: u64) -> Option<u16> {
    if sk == 0 {
        return None;
    }
    copy_u16(sk + u64::from(offset!(sk_family)))
}

/// Where the name of a unix socket lies that is held as a number, from its
/// family on, and how long it is.
#[inline(always)]
pub(crate) fn unix_name_at(sk: u64) -> Option<(u64, u32)> {
    // `struct unix_sock` begins with the socket.
    let address = copy_u64(sk + u64::from(offset!(unix_addr)))?;
    if address == 0 {
        return None;
    }
    let length = copy_u32(address + u64::from(offset!(unix_addr_length)))?;
    Some((address + u64::from(offset!(unix_addr_name)), length))
}

/// Whether the kernel made a socket for itself.
#[inline(always)]
pub(crate) fn is_kernel_socket(sk: Pointer) -> bool {
    let bit = offset!(sk_kernel);
    load::<u8>(sk, bit / 8) >> (bit % 8) & 1 == 1
}

/// Hides a value from the optimiser, which knows nothing of the verifier.
#[inline(always)]
pub(crate) fn opaque(value: u64) -> u64 {
    let mut value = value;
    // An instruction, since debug information about none is refused ("Invalid
    // line_info", 6.12).
    // SAFETY: moves a register to itself.
    #[cfg(target_arch = "bpf")]
    unsafe {
        core::arch::asm!("{0} = {0}", inout(reg) value, options(pure, nomem, nostack, preserves_flags));
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        value = core::hint::black_box(value);
    }
    value
}

/// Makes the verifier forget what it knows of a value: it does not follow what
/// is read from a map.
#[inline(always)]
pub(crate) fn opaque_memory(value: u64) -> u64 {
    value ^ crate::maps::zero()
}

/// The smaller of the two, in a form whose range the verifier sees ("min value
/// is negative", 6.12: the comparison was made on a copy).
#[inline(always)]
pub(crate) fn at_most(value: u32, limit: u32) -> u32 {
    let value = opaque(u64::from(value));
    if value > u64::from(limit) {
        limit
    } else {
        value as u32
    }
}

/// `-errno`, of 0 none, in a form whose range every supported verifier keeps.
///
/// VERIFIER: 6.12 wants a return value proven to lie in [-4095, 0]; `0 - e`
/// becomes a negation, whose range older verifiers lose (decisions T21).
#[inline(always)]
pub(crate) fn refusal(errno: u32) -> i32 {
    const SPAN: i64 = 4096;
    if errno >= 4096 {
        return -1;
    }
    let masked = (opaque(u64::from(errno)) & (SPAN - 1).cast_unsigned()).cast_signed();
    let distance = opaque((SPAN - masked).cast_unsigned()).cast_signed();
    (distance - SPAN) as i32
}
