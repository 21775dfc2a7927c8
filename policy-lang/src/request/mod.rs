//! One operation by one process: what a policy is asked.

mod json;
mod text;

pub use json::{RequestError, parse_json_line};
pub use text::{parse_request, question};

use crate::words::family::Family;
use crate::words::operation::Operation;
use crate::words::sockopt::SocketOption;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// User and group id of a subject that gives none.
pub const NOBODY: u32 = 65_534;

/// What an operation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// Nothing that a target could name.
    None,
    /// An IP address and a port, either of which may be absent.
    Ip {
        /// The address.
        addr: Option<IpAddr>,
        /// The port.
        port: Option<u16>,
    },
    /// A unix path: the anchored place.
    Path(Vec<u8>),
    /// An abstract unix name, without `@`.
    Abstract(Vec<u8>),
    /// A unix socket without a name.
    Unnamed,
    /// A socket option.
    Option(SocketOption),
    /// One that could not be read (notes 118). Only a host has it.
    Unreadable,
}

/// A namespace, as a subject sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// That of PID 1.
    Host,
    /// Another.
    Other,
}

/// The process. `None` and an empty list say that it does not have the
/// attribute, or that it could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the language's attributes")]
pub struct Subject {
    pub exe: Option<Vec<u8>>,
    pub comm: Option<Vec<u8>>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub ruid: Option<u32>,
    pub rgid: Option<u32>,
    pub loginuid: Option<u32>,
    pub user: Option<Vec<u8>>,
    pub group: Vec<Vec<u8>>,
    pub unit: Option<Vec<u8>>,
    pub cgroup: Option<Vec<u8>>,
    /// Indices into [`crate::words::capability::WORDS`].
    pub cap: Vec<u8>,
    pub userns: Option<Namespace>,
    pub netns: Option<Namespace>,
    pub pidns: Option<Namespace>,
    pub mntns: Option<Namespace>,
    pub cgroupns: Option<Namespace>,
    pub parent_comm: Option<Vec<u8>>,
    pub parent_exe: Option<Vec<u8>>,
    pub parent_uid: Option<u32>,
}

impl Default for Subject {
    /// `uid` and `gid` are 65534, namespaces `host`, everything else is absent (notes 1).
    fn default() -> Self {
        let host = Some(Namespace::Host);
        Self {
            exe: None,
            comm: None,
            uid: Some(NOBODY),
            gid: Some(NOBODY),
            ruid: None,
            rgid: None,
            loginuid: None,
            user: None,
            group: Vec::new(),
            unit: None,
            cgroup: None,
            cap: Vec::new(),
            userns: host,
            netns: host,
            pidns: host,
            mntns: host,
            cgroupns: host,
            parent_comm: None,
            parent_exe: None,
            parent_uid: None,
        }
    }
}

/// What a policy is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The socket's family: a concrete one.
    pub family: Family,
    /// The operation.
    pub operation: Operation,
    /// What it is about.
    pub object: Object,
    /// The socket's type, an index into [`crate::words::attribute::TYPE_WORDS`].
    pub socket_type: Option<u8>,
    /// The socket's protocol.
    pub protocol: Option<u32>,
    /// The process.
    pub subject: Subject,
}

impl Request {
    /// A request by a subject of which nothing is known.
    #[must_use]
    pub fn new(family: Family, operation: Operation, object: Object) -> Self {
        Self {
            family,
            operation,
            object,
            socket_type: None,
            protocol: None,
            subject: Subject::default(),
        }
    }

    /// The object in canonical form: an IPv4-mapped address is IPv4, and a
    /// connect to an unspecified address is one to loopback (notes 34, 111).
    #[must_use]
    pub fn canonical_object(&self) -> Object {
        let Object::Ip {
            addr: Some(addr),
            port,
        } = self.object
        else {
            return self.object.clone();
        };
        let canonical = addr.to_canonical();
        let addr = match canonical {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) if self.operation == Operation::Connect => {
                Ipv4Addr::LOCALHOST.into()
            }
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) if self.operation == Operation::Connect => {
                Ipv6Addr::LOCALHOST.into()
            }
            IpAddr::V4(_) | IpAddr::V6(_) => canonical,
        };
        Object::Ip {
            addr: Some(addr),
            port,
        }
    }
}
