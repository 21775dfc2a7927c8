//! **The** table of LSM hooks, and of the functions of the kernel whose end is
//! looked at as well. Add a row here; the compiler then asks for the file in the
//! BPF crate that serves it.
//!
//! A row's doc comment becomes the text of `doctor` and of the reference.

/// Calls `$callback!` with one row for each hook.
///
/// Columns: `id`, dense from 0; `variant` of [`Hook`]; `name`, the kernel's, with [`KEEP`]
/// behind it where another row has that, and of what only tells the function's with [`EXIT`]
/// behind it; `args`, how many
/// arguments the kernel's BTF gives it; `role`.
#[macro_export]
macro_rules! for_each_hook {
    ($callback:ident) => {
        $callback! {
            /// connect(2) and its `io_uring` twin, before the protocol sees the address.
            { id: 0, variant: SocketConnect, name: socket_connect, args: 3, role: Decide }
            /// Any send on a socket; judged when it carries an address or is TCP Fast Open.
            { id: 1, variant: SocketSendmsg, name: socket_sendmsg, args: 3, role: Decide }
            /// A stream or seqpacket connect that has found its listening peer.
            { id: 2, variant: UnixStreamConnect, name: unix_stream_connect, args: 3, role: Decide }
            /// A datagram connect or send that has found its peer.
            { id: 3, variant: UnixMaySend, name: unix_may_send, args: 2, role: Decide }
            /// exec(2) past its point of no return: the new program's identity is taken.
            { id: 4, variant: BprmCommittedCreds, name: bprm_committed_creds, args: 1, role: Identify }
            /// fork(2), vfork(2), clone(2): the child gets its creator's identity.
            { id: 5, variant: TaskAlloc, name: task_alloc, args: 2, role: Identify }
            /// listen(2), on the local address.
            { id: 6, variant: SocketListen, name: socket_listen, args: 2, role: Decide }
            /// socket(2), and each half of a socketpair(2).
            { id: 7, variant: SocketCreate, name: socket_create, args: 4, role: Decide }
            /// bind(2), before the protocol sees the address; a unix path is judged by `path_mknod`.
            { id: 8, variant: SocketBind, name: socket_bind, args: 3, role: Decide }
            /// accept(2), before a peer is taken.
            { id: 9, variant: SocketAccept, name: socket_accept, args: 2, role: Decide }
            /// setsockopt(2), by level and name.
            { id: 10, variant: SocketSetsockopt, name: socket_setsockopt, args: 3, role: Decide }
            /// bind(2) to a unix path, and mknod(2) of a socket: the file is about to be made.
            { id: 11, variant: PathMknod, name: path_mknod, args: 4, role: Decide }
            /// exec(2) at its beginning: a thread that becomes the main one takes what is kept of its creator along.
            { id: 12, variant: BprmCredsForExec, name: bprm_creds_for_exec, args: 1, role: Identify }
            /// SCTP's addresses that connect(2) and bind(2) are not told of: `sctp_connectx(3)`, `sctp_bindx(3)`, and sends that open an association.
            { id: 13, variant: SctpBindConnect, name: sctp_bind_connect, args: 4, role: Decide }
            /// The end of a stream or seqpacket connect: what failed before it could be judged.
            { id: 14, variant: UnixStreamConnectExit, name: unix_stream_connect_exit, args: 4, role: Tell }
            /// The end of a datagram connect: what failed before it could be judged.
            { id: 15, variant: UnixDgramConnectExit, name: unix_dgram_connect_exit, args: 4, role: Tell }
            /// listen(2), by a program that gives no verdict: a unix socket's place is taken, before anyone can rename it.
            { id: 16, variant: SocketListenKeep, name: socket_listen_keep, args: 2, role: Identify }
        }
    };
}

/// What a hook is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Gives a verdict; attached when a rule needs it.
    Decide,
    /// Keeps facts about subjects and objects; always attached.
    Identify,
    /// Sees a function of the kernel end, which no verdict can change, and writes
    /// the plain event of what no hook got to see; attached when the selection of
    /// events asks for such.
    Tell,
}

/// What a row's name has behind that of the function, where it is told of its end.
pub const EXIT: &str = "_exit";

/// What a row's name has behind that of the hook, where another row decides there.
pub const KEEP: &str = "_keep";

impl Role {
    /// Whether the hook gives verdicts.
    #[must_use]
    pub const fn decides(self) -> bool {
        matches!(self, Self::Decide)
    }

    /// Whether the hook writes events.
    #[must_use]
    pub const fn writes(self) -> bool {
        self.decides() || self.tells()
    }

    /// Whether it is no LSM hook, but the end of a function.
    #[must_use]
    pub const fn tells(self) -> bool {
        matches!(self, Self::Tell)
    }

    /// Whether the hook is attached whatever the rules are.
    #[must_use]
    pub const fn always(self) -> bool {
        matches!(self, Self::Identify)
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct HookDesc {
    /// Which hook.
    pub hook: Hook,
    /// The row's name; also the BPF program's.
    pub name: &'static str,
    /// Number of arguments that the kernel's BTF gives the hook.
    pub args: u32,
    /// What it is there for.
    pub role: Role,
    /// The row's doc comment.
    pub doc: &'static str,
}

impl HookDesc {
    /// What the kernel calls it: an LSM hook without `bpf_lsm_`, or a function.
    #[must_use]
    pub fn kernel_name(&self) -> &'static str {
        let suffix = match self.role {
            Role::Tell => EXIT,
            Role::Identify => KEEP,
            Role::Decide => return self.name,
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }
}

macro_rules! define_hooks {
    ($( #[doc = $doc:literal]
        { id: $id:literal, variant: $variant:ident, name: $name:ident, args: $args:literal, role: $role:ident } )+) => {
        /// An LSM hook that interdict uses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Hook {
            $( #[doc = $doc] $variant = $id, )+
        }

        /// All hooks, in order of id.
        pub const HOOKS: &[HookDesc] = &[
            $( HookDesc { hook: Hook::$variant, name: stringify!($name), args: $args, role: Role::$role, doc: $doc }, )+
        ];

        impl Hook {
            /// The hook of a number, `None` for one that this version does not know.
            #[must_use]
            pub const fn from_raw(raw: u32) -> Option<Self> {
                match raw {
                    $( $id => Some(Self::$variant), )+
                    _ => None,
                }
            }

            /// Whether its row only tells: [`Role::Tell`].
            #[must_use]
            pub const fn tells(self) -> bool {
                match self {
                    $( Self::$variant => Role::$role.tells(), )+
                }
            }

            /// The name of the hook's row.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$variant => stringify!($name), )+
                }
            }
        }
    };
}
for_each_hook!(define_hooks);

/// Number of hooks.
pub const HOOK_COUNT: usize = HOOKS.len();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const _: () = {
    let mut i = 0;
    while i < HOOKS.len() {
        assert!(
            HOOKS[i].hook as usize == i,
            "hook ids are dense and in order"
        );
        i += 1;
    }
};
