//! What the cases over IP have in common: one policy, and services on the ports
//! that it guards and on those beside.

use std::net::Ipv4Addr;

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::case::{Case, merge_or_full};
use interdict_tests::engine::Policy;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::protocol::Request;
use interdict_tests::service::{Tcp, Udp};
use rustix::io::Errno;

pub(super) const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
pub(super) const ANYWHERE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
/// What `exact` guards beside an interface's own address.
pub(super) const EXACT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
pub(super) const INET: i32 = libc::AF_INET;
pub(super) const INET6: i32 = libc::AF_INET6;
pub(super) const STREAM: i32 = libc::SOCK_STREAM;
pub(super) const DGRAM: i32 = libc::SOCK_DGRAM;
pub(super) const RAW: i32 = libc::SOCK_RAW;

/// Whose chosen ports, options and rare sockets are closed.
pub(super) const WATCHED: u32 = 1004;

/// The policy. A rule is about one port or family, so that none meets another.
const POLICY: &Policy<'_> = &[("network", TEXT)];
const TEXT: &str = r"
deny { tcp, smc } connect to { 127.0.0.0/8, ::1 } port 8080 unless exe = /usr/bin/good id web
deny udp connect to { 127.0.0.0/8, ::1, fe80::/10 } port 5353 unless exe = /usr/bin/good id names
deny { tcp, udp, smc } connect to { 127.0.0.9, 10.9.9.9 } port 4444 unless exe = /usr/bin/good id exact
deny tcp connect to 127.0.0.1 port 7072 unless uid = 0 id person
deny { raw, icmp, ip } connect to 127.0.0.2 if uid = 0 and exe = /usr/bin/other id bare
deny { tcp, udp, smc } bind on any port { 777, 44444 } unless exe = /usr/bin/good id low
deny tcp bind on any port 1024-65535 if uid = 1004 id chosen
deny tcp listen on any port 7070 unless exe = /usr/bin/good id wait
deny tcp accept on any port 7071 unless exe = /usr/bin/good id take
deny any setsockopt on option { SOL_SOCKET/SO_KEEPALIVE, 0/4, 0/15, 0/19, 41/57, 270/1 } if uid = 1004 id option
deny { netlink, raw, packet, alg, vsock, xdp, kcm, qipcrtr, sctp } create if uid = 1004 id rare
deny netlink { connect, bind } if uid = 1005 id kernel
deny { packet, vsock } { connect, bind } if exe = /usr/bin/other id frames
";

/// The policy in force, and services on the guarded ports and on those beside.
pub(super) struct Net {
    pub(super) case: Case,
    pub(super) web: Tcp,
    pub(super) beside: Tcp,
    pub(super) names: Udp,
    pub(super) open: Udp,
}

impl Net {
    pub(super) fn new() -> Self {
        Self {
            case: bare(),
            web: Tcp::on("0.0.0.0:8080"),
            beside: Tcp::on("0.0.0.0:8081"),
            names: Udp::on("0.0.0.0:5353"),
            open: Udp::on("0.0.0.0:5354"),
        }
    }

    /// A send to the guarded UDP port is refused, and one to the port beside
    /// arrives; at the guarded one nothing has.
    #[track_caller]
    pub(super) fn sends(
        &mut self,
        actor: &mut Actor,
        socket: i64,
        send: impl Fn(i64, u16) -> Request,
    ) {
        self.case
            .denies(actor, &send(socket, 5353), &names_by_send());
        self.case.allows(actor, &send(socket, 5354));
        assert_eq!((self.names.received(), self.open.received()), (0, 1));
    }

    /// A request to reach the guarded TCP port is refused, and one to reach the
    /// port beside is not.
    #[track_caller]
    pub(super) fn reaches(
        &mut self,
        actor: &mut Actor,
        decided: &Decided,
        request: impl Fn(u16) -> Request,
    ) {
        self.case.denies(actor, &request(8080), decided);
        self.case.allows(actor, &request(8081));
    }
}

/// The policy alone.
pub(super) fn bare() -> Case {
    place::make_good();
    Case::under(POLICY)
}

/// Lengths of an address that needs at least so many bytes: those around which
/// the kernel's answer changes, or with `--full` every one.
pub(super) fn lengths(least: usize) -> Vec<usize> {
    let few = [0, 1, 2, 8, least - 1, least, least + 1, 28, 127, 128, 129];
    merge_or_full(few.to_vec(), (0..=131).collect())
}

pub(super) fn home(port: u16) -> Address {
    Address::ip(HOME, port)
}

pub(super) fn web_by_connect() -> Decided {
    Decided::connect("web", Object::ip("127.0.0.1", 8080))
}

pub(super) fn web_by_send() -> Decided {
    Decided::send("web", Object::ip("127.0.0.1", 8080))
}

pub(super) fn names_by_connect() -> Decided {
    Decided::connect("names", Object::ip("127.0.0.1", 5353))
}

pub(super) fn names_by_send() -> Decided {
    Decided::send("names", Object::ip("127.0.0.1", 5353))
}

/// A request ends by the kernel's own errno, whichever that is here, and has no
/// event: the next one asked for, or the case's end, would find it.
#[track_caller]
pub(super) fn kernel_refuses(case: &mut Case, actor: &mut Actor, request: &Request) -> Errno {
    case.no_event_yet(request);
    let errno = outcome(&actor.ask(request)).unwrap_err();
    assert_ne!(errno, Errno::PERM, "{request:?}");
    errno
}

/// A request is refused by a rule, about an address that nobody can tell: every
/// rule that denies such connects could be about it, whatever its port.
#[track_caller]
pub(super) fn refuses_unread(case: &mut Case, actor: &mut Actor, request: &Request, rule: &str) {
    let reply = actor.ask(request);
    assert_eq!(outcome(&reply), Err(Errno::PERM), "{request:?}");
    case.event()
        .says("/decision/rule", rule)
        .says("/decision/object/unreadable", true)
        .says("/workload/process/host_pid", reply.pid);
}
