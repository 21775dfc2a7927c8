//! **The** table of kernel structure members that the BPF programs read.
//!
//! rustc emits no CO-RE relocations, so the engine looks each member up in the
//! running kernel's BTF and hands the offsets over in frozen read-only data,
//! where the verifier takes them for constants and a load through one keeps the
//! pointer's type.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Offset of a member that this kernel does not have, for the optional ones.
pub const ABSENT: u32 = u32::MAX;

/// Where a member is found in BTF.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// The structure.
    pub container: &'static str,
    /// Paths to try in order, dots between nested members; members of anonymous
    /// structures and unions are found by their own name.
    pub paths: &'static [&'static str],
    /// Whether the engine can do without it.
    pub optional: bool,
    /// Whether it is a single bit: its offset then counts bits.
    pub bit: bool,
}

macro_rules! offsets {
    ($( $(#[doc = $doc:literal])+ $field:ident: $container:literal [$($path:literal),+] $($kind:ident)?, )+) => {
        /// Byte offsets in the running kernel (bit offsets for rows marked so), one for
        /// each row of the table.
        #[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
        #[repr(C)]
        pub struct Offsets { $( $(#[doc = $doc])+ pub $field: u32, )+ }

        /// Offsets that were never looked up; the loader replaces them.
        pub const NOTHING: Offsets = Offsets { $( $field: 0, )+ };

        /// The rows, in the order of the fields of [`Offsets`].
        pub const MEMBERS: &[Member] = &[
            $( Member { container: $container, paths: &[$($path),+], optional: offsets!(@ optional $($kind)?), bit: offsets!(@ bit $($kind)?) }, )+
        ];
    };
    (@ optional optional) => { true };
    (@ bit bit) => { true };
    (@ $asked:ident $($kind:ident)?) => { false };
}

offsets! {
    /// Main thread of the process.
    task_group_leader: "task_struct" ["group_leader"],
    /// The process that waits for this one's end: its creator, or who took it over.
    task_parent: "task_struct" ["real_parent"],
    /// `PF_` flags.
    task_flags: "task_struct" ["flags"],
    /// Name of the thread.
    task_comm: "task_struct" ["comm"],
    /// Effective credentials.
    task_cred: "task_struct" ["cred"],
    /// Address space.
    task_mm: "task_struct" ["mm"],
    /// Thread id in the initial namespace.
    task_pid: "task_struct" ["pid"],
    /// Nanoseconds since boot at which the thread started.
    task_start: "task_struct" ["start_boottime"],
    /// Audit login id.
    task_loginuid: "task_struct" ["loginuid"] optional,
    /// The thread's `struct pid`.
    task_thread_pid: "task_struct" ["thread_pid"],
    /// Depth of its pid namespace.
    pid_level: "pid" ["level"],
    /// Its numbers, one a namespace, 16 bytes each.
    pid_numbers: "pid" ["numbers"],
    /// Real user id.
    cred_uid: "cred" ["uid"],
    /// Real group id.
    cred_gid: "cred" ["gid"],
    /// Effective user id.
    cred_euid: "cred" ["euid"],
    /// Effective group id.
    cred_egid: "cred" ["egid"],
    /// Effective capabilities: a structure of 64 bits.
    cred_caps: "cred" ["cap_effective"],
    /// Supplementary groups.
    cred_groups: "cred" ["group_info"],
    /// How many there are.
    groups_count: "group_info" ["ngroups"],
    /// Their ids, sorted.
    groups_ids: "group_info" ["gid"],
    /// User namespace.
    cred_user_ns: "cred" ["user_ns"],
    /// Depth of a user namespace, 0 for the initial one.
    user_ns_level: "user_namespace" ["level"],
    /// Its number.
    user_ns_number: "user_namespace" ["ns.inum"] optional,
    /// Most of a task's namespaces; null in a task that ends.
    task_nsproxy: "task_struct" ["nsproxy"],
    /// Network namespace.
    nsproxy_net: "nsproxy" ["net_ns"] optional,
    /// Mount namespace.
    nsproxy_mnt: "nsproxy" ["mnt_ns"] optional,
    /// Control group namespace.
    nsproxy_cgroup: "nsproxy" ["cgroup_ns"] optional,
    /// Number of a network namespace.
    net_number: "net" ["ns.inum"] optional,
    /// Number of a mount namespace.
    mnt_ns_number: "mnt_namespace" ["ns.inum"] optional,
    /// Number of a control group namespace.
    cgroup_ns_number: "cgroup_namespace" ["ns.inum"] optional,
    /// Process namespace that a number of a `struct pid` counts in.
    upid_ns: "upid" ["ns"],
    /// Number of a process namespace.
    pid_ns_number: "pid_namespace" ["ns.inum"] optional,
    /// The cgroups of a task.
    task_cgroups: "task_struct" ["cgroups"],
    /// The one of the default hierarchy, cgroup v2.
    cgroups_default: "css_set" ["dfl_cgrp"],
    /// A cgroup's directory.
    cgroup_node: "cgroup" ["kn"],
    /// How many cgroups are above it.
    cgroup_level: "cgroup" ["level"],
    /// The cgroups above it, the root first, and itself.
    cgroup_ancestors: "cgroup" ["ancestors"],
    /// A directory's id.
    node_id: "kernfs_node" ["id"],
    /// Its name, ended by a NUL.
    node_name: "kernfs_node" ["name"],
    /// The program's file.
    mm_exe_file: "mm_struct" ["exe_file"],
    /// A file's name.
    file_dentry: "file" ["f_path.dentry"],
    /// A name's parent.
    dentry_parent: "dentry" ["d_parent"],
    /// Its bytes.
    dentry_name: "dentry" ["d_name.name", "__d_name.name"],
    /// Their number.
    dentry_length: "dentry" ["d_name.len", "__d_name.len"],
    /// Counts renames of it.
    dentry_seq: "dentry" ["d_seq.seqcount.sequence", "d_seq.sequence"],
    /// Its file system.
    dentry_sb: "dentry" ["d_sb"],
    /// Where the table of names points to it; null when it is in none, as after
    /// the file of that name was removed or replaced.
    dentry_listed: "dentry" ["d_hash.pprev"],
    /// Its inode.
    dentry_inode: "dentry" ["d_inode"],
    /// Inode number.
    inode_number: "inode" ["i_ino"],
    /// Links to it.
    inode_links: "inode" ["i_nlink", "__i_nlink"],
    /// Device number of a file system.
    sb_device: "super_block" ["s_dev"],
    /// User namespace that owns it.
    sb_user_ns: "super_block" ["s_user_ns"],
    /// Protocol half of a socket.
    socket_sk: "socket" ["sk"],
    /// The file of a socket.
    socket_file: "socket" ["file"],
    /// `O_` flags of a file.
    file_flags: "file" ["f_flags"],
    /// `SOCK_` type of a socket.
    socket_type: "socket" ["type"],
    /// Address family.
    sk_family: "sock" ["__sk_common.skc_family"],
    /// `SOCK_` type.
    sk_type: "sock" ["sk_type"],
    /// State of its protocol.
    sk_state: "sock" ["__sk_common.skc_state"],
    /// Protocol.
    sk_protocol: "sock" ["sk_protocol"],
    /// Whether the kernel made it for itself.
    sk_kernel: "sock" ["sk_kern_sock"] bit,
    /// Bound port, in host byte order.
    sk_port: "sock" ["__sk_common.skc_num"],
    /// Bound IPv4 address.
    sk_v4_bound: "sock" ["__sk_common.skc_rcv_saddr"],
    /// Bound IPv6 address.
    sk_v6_bound: "sock" ["__sk_common.skc_v6_rcv_saddr"] optional,
    /// Bound IPv4 source address.
    inet_saddr: "inet_sock" ["inet_saddr"],
    /// Interface a socket is bound to, 0 for none.
    sk_interface: "sock" ["__sk_common.skc_bound_dev_if"],
    /// Interface that a socket over IPv4 sends by, 0 for none.
    inet_interface: "inet_sock" ["uc_index"],
    /// Name given to bind(2).
    unix_addr: "unix_sock" ["addr"],
    /// Dentry of the socket's file.
    unix_dentry: "unix_sock" ["path.dentry"],
    /// Length of a unix address.
    unix_addr_length: "unix_address" ["len"],
    /// The address itself.
    unix_addr_name: "unix_address" ["name"],
    /// Address of a message.
    msg_name: "msghdr" ["msg_name"],
    /// Its length.
    msg_namelen: "msghdr" ["msg_namelen"],
    /// Its control messages.
    msg_control: "msghdr" ["msg_control"],
    /// Their bytes.
    msg_controllen: "msghdr" ["msg_controllen"],
    /// `MSG_` flags.
    msg_flags: "msghdr" ["msg_flags"],
    /// System call number of the registers.
    regs_orig_ax: "pt_regs" ["orig_ax"],
    /// First argument.
    regs_di: "pt_regs" ["di"],
    /// Second argument.
    regs_si: "pt_regs" ["si"],
    /// Third argument.
    regs_dx: "pt_regs" ["dx"],
    /// Code segment: which ABI the caller uses.
    regs_cs: "pt_regs" ["cs"],
}
