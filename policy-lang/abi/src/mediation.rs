//! **The** table of what is mediated: which hooks see which operations of which
//! families. The compiler refuses what no row covers, the engine attaches the
//! hooks that a policy's rows name, and `docs/coverage.md` is written from it.

use crate::family::{
    ACCEPT, BIND, CONNECT, CREATE, ICMP, IP_OTHER, LISTEN, RAW, SCTP, SETSOCKOPT, SMC, TCP, UDP,
    UNIX,
};
use crate::hooks::Hook;

/// Families that are mediated alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Families {
    /// `unix`
    Unix,
    /// `tcp` and `smc`
    Tcp,
    /// `udp`
    Udp,
    /// `sctp`
    Sctp,
    /// `icmp`, `raw` and every other socket over IPv4 and IPv6
    Ip,
    /// every family that is not over IPv4, IPv6 or `unix`
    Other,
}

/// All groups, in the order of the reference.
pub const GROUPS: [Families; 6] = [
    Families::Unix,
    Families::Tcp,
    Families::Udp,
    Families::Sctp,
    Families::Ip,
    Families::Other,
];

impl Families {
    /// The group of a family.
    #[must_use]
    pub const fn of(family: u16) -> Self {
        match family {
            UNIX => Self::Unix,
            TCP | SMC => Self::Tcp,
            UDP => Self::Udp,
            SCTP => Self::Sctp,
            ICMP | RAW | IP_OTHER => Self::Ip,
            _ => Self::Other,
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unix => "`unix`",
            Self::Tcp => "`tcp`, `smc`",
            Self::Udp => "`udp`",
            Self::Sctp => "`sctp`",
            Self::Ip => "`icmp`, `raw`, other `ip`",
            Self::Other => "every other",
        }
    }
}

/// What is mediated of one operation in some groups of families.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The operation, a number of [`crate::family`].
    pub operation: u16,
    /// The groups.
    pub families: &'static [Families],
    /// The hooks that are needed to see all of it.
    pub hooks: &'static [Hook],
    /// The hooks that are needed beside for an event of what failed before any of
    /// those saw it, when the selection asks for plain events.
    pub failures: &'static [Hook],
    /// The ways that are judged.
    pub ways: &'static str,
    /// What is not judged, and why; empty when there is nothing to say.
    pub not: &'static str,
}

use Families::{Ip, Other, Sctp, Tcp, Udp, Unix};

/// Every row. A pair of group and operation stands in at most one.
pub const ROWS: &[Row] = &[
    Row {
        operation: CONNECT,
        families: &[Unix],
        hooks: &[Hook::UnixStreamConnect, Hook::UnixMaySend],
        failures: &[
            Hook::SocketConnect,
            Hook::UnixStreamConnectExit,
            Hook::UnixDgramConnectExit,
        ],
        ways: "connect(2) and `io_uring`'s; every datagram, on connected and inherited sockets too",
        not: "streams and packets on a socket that is connected already: what was connected stays so",
    },
    Row {
        operation: CONNECT,
        families: &[Tcp],
        hooks: &[Hook::SocketConnect, Hook::SocketSendmsg],
        failures: &[],
        ways: "connect(2) and `io_uring`'s; TCP Fast Open by any send; MPTCP, SMC and its fallback",
        not: "MPTCP's further subflows, which the kernel opens to addresses that the peer announces; connections that the kernel opens for itself (NFS, SMB, NBD)",
    },
    Row {
        operation: CONNECT,
        families: &[Udp],
        hooks: &[Hook::SocketConnect, Hook::SocketSendmsg],
        failures: &[],
        ways: "connect(2) and `io_uring`'s; every send that carries an address",
        not: "sends on a connected socket, which connect(2) was judged for",
    },
    Row {
        operation: CONNECT,
        families: &[Sctp],
        hooks: &[
            Hook::SocketConnect,
            Hook::SctpBindConnect,
            Hook::SocketSendmsg,
        ],
        failures: &[],
        ways: "connect(2) and `io_uring`'s; `sctp_connectx(3)`, address by address; a send that opens an association, its `SCTP_DSTADDRV4` and `SCTP_DSTADDRV6` included",
        not: "sends to an association that is there; further addresses that the peer announces for itself; of a list, what comes after its eighth address or a message's eighth header: it is unreadable, which deny rules match",
    },
    Row {
        operation: CONNECT,
        families: &[Ip, Other],
        hooks: &[Hook::SocketConnect, Hook::SocketSendmsg],
        failures: &[],
        ways: "connect(2) and `io_uring`'s; every send that carries an address",
        not: "sends without an address, to a peer that the family takes for granted (`netlink`: the kernel) or that bind(2) chose (`packet`); a destination inside what is sent (`packet`, `xdp`, `raw` with `IP_HDRINCL`): deny `create`; what the kernel's own sockets do for a family (`rds`, `rxrpc`, `kcm`)",
    },
    Row {
        operation: BIND,
        families: &[Unix],
        hooks: &[Hook::PathMknod, Hook::SocketBind],
        failures: &[],
        ways: "bind(2) and `io_uring`'s (6.11): paths where their file is made, which mknod(2) of a socket counts as (it has no type and no protocol), abstract names before they are taken; a name that the kernel will choose is unnamed",
        not: "renames and hard links of a socket's file: connects go by where it was bound",
    },
    Row {
        operation: BIND,
        families: &[Tcp],
        hooks: &[Hook::SocketBind, Hook::SocketListen, Hook::SocketAccept],
        failures: &[],
        ways: "bind(2) and `io_uring`'s (6.11); a port that was never given, by the listen or accept that first shows it",
        not: "the local port of a socket that only connects; `smc`'s port when the kernel chose it: the address is then unreadable, which deny rules match",
    },
    Row {
        operation: BIND,
        families: &[Sctp],
        hooks: &[
            Hook::SocketBind,
            Hook::SctpBindConnect,
            Hook::SocketListen,
            Hook::SocketAccept,
        ],
        failures: &[],
        ways: "bind(2) and `io_uring`'s (6.11); `sctp_bindx(3)`, address by address; a port that was never given, by the listen or accept that first shows it",
        not: "the local port of a socket that only connects; of a list, what comes after its eighth address: it is unreadable, which deny rules match",
    },
    Row {
        operation: BIND,
        families: &[Udp, Ip, Other],
        hooks: &[Hook::SocketBind],
        failures: &[],
        ways: "bind(2) and `io_uring`'s (6.11)",
        not: "a port that the kernel chooses, at a bind to port 0 or at the first send",
    },
    Row {
        operation: LISTEN,
        families: &[Unix],
        hooks: &[Hook::SocketListen, Hook::SocketAccept],
        failures: &[],
        ways: "listen(2) and `io_uring`'s (6.11), on the local address; on one that another thread has given the socket meanwhile, the accept that first shows it",
        not: "",
    },
    Row {
        operation: LISTEN,
        families: &[Tcp],
        hooks: &[Hook::SocketListen, Hook::SocketAccept],
        failures: &[],
        ways: "listen(2) and `io_uring`'s (6.11), on the local address, whose port is 0 without bind(2); on the port that the kernel chose then, or on an address that another thread has given the socket meanwhile, the accept that first shows it",
        not: "a socket that peers reach at an address which no listen was judged on, until one of them is accepted",
    },
    Row {
        operation: LISTEN,
        families: &[Sctp, Ip],
        hooks: &[Hook::SocketListen, Hook::SocketAccept],
        failures: &[],
        ways: "as for `tcp`",
        not: "as for `tcp`; a one-to-many socket of SCTP never accepts: of it listen(2) alone is judged",
    },
    Row {
        operation: LISTEN,
        families: &[Udp, Other],
        hooks: &[Hook::SocketListen],
        failures: &[],
        ways: "listen(2) and `io_uring`'s (6.11), on the local address",
        not: "",
    },
    Row {
        operation: ACCEPT,
        families: &GROUPS,
        hooks: &[Hook::SocketAccept],
        failures: &[],
        ways: "accept(2), accept4(2) and `io_uring`'s, on the local address",
        not: "the peer's address: it is not known yet",
    },
    Row {
        operation: SETSOCKOPT,
        families: &GROUPS,
        hooks: &[Hook::SocketSetsockopt],
        failures: &[],
        ways: "setsockopt(2) and `io_uring`'s (6.7), by level and name",
        not: "the value; options that a BPF program or the kernel sets",
    },
    Row {
        operation: CREATE,
        families: &GROUPS,
        hooks: &[Hook::SocketCreate],
        failures: &[],
        ways: "socket(2), both sockets of socketpair(2), `io_uring`'s `SOCKET` (5.19)",
        not: "sockets that the kernel makes for itself; those that accept(2) gives",
    },
];

/// The row of a pair, `None` when no hook sees it.
#[must_use]
pub fn row(family: u16, operation: u16) -> Option<&'static Row> {
    let group = Families::of(family);
    ROWS.iter()
        .find(|row| row.operation == operation && row.families.contains(&group))
}

/// The hooks that are needed to see all of a pair; none when it is not mediated.
#[must_use]
pub fn hooks(family: u16, operation: u16) -> &'static [Hook] {
    row(family, operation).map_or(&[], |row| row.hooks)
}

/// The hooks that are needed beside to see a pair's operations fail.
#[must_use]
pub fn failures(family: u16, operation: u16) -> &'static [Hook] {
    row(family, operation).map_or(&[], |row| row.failures)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::family::OPERATIONS;
    use crate::hooks::HOOKS;

    #[test]
    fn a_pair_stands_in_one_row() {
        for operation in 0..OPERATIONS {
            for group in GROUPS {
                let rows = ROWS
                    .iter()
                    .filter(|row| row.operation == operation && row.families.contains(&group));
                assert!(rows.count() < 2, "{operation} {group:?}");
            }
        }
    }

    #[test]
    fn every_hook_that_decides_or_tells_is_in_a_row() {
        for desc in HOOKS {
            let used = ROWS.iter().any(|row| row.hooks.contains(&desc.hook));
            assert_eq!(used, desc.role.decides(), "{}", desc.name);
            let used = ROWS.iter().any(|row| row.failures.contains(&desc.hook));
            assert!(used || !desc.role.tells(), "{}", desc.name);
        }
    }
}
