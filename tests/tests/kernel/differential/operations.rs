//! What is done: connects and sends to what the policies name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use interdict_tests::address::Address;
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::protocol::Request as Call;
use interdict_tests::service::Service;
use policy_generator::{Choices, address};
use policy_lang::request::{Object, Request};
use policy_lang::words::family::Family;
use policy_lang::words::operation::Operation as Word;
use rustix::net::{AddressFamily, SocketType, ipproto, socket};

const NONBLOCK: i32 = libc::SOCK_NONBLOCK;

/// Paths of sockets, and what they take.
const PATHS: [(&str, i32); 5] = [
    ("/run/a", libc::SOCK_STREAM),
    ("/run/b", libc::SOCK_DGRAM),
    ("/run/c", libc::SOCK_SEQPACKET),
    ("/run/d", libc::SOCK_STREAM),
    ("/run/other", libc::SOCK_DGRAM),
];
/// Abstract names, and what they take.
const NAMES: [(&[u8], i32); 6] = [
    (b"x", libc::SOCK_STREAM),
    (b"y", libc::SOCK_DGRAM),
    (b"", libc::SOCK_STREAM),
    (b"odd name", libc::SOCK_SEQPACKET),
    (b"\0z", libc::SOCK_DGRAM),
    (b"other", libc::SOCK_STREAM),
];

/// All sockets that are connected to, in this process.
pub(super) struct Services {
    _all: Vec<Service>,
}

impl Services {
    pub(super) fn new() -> Self {
        let paths = PATHS.iter().map(|(path, kind)| match *kind {
            libc::SOCK_STREAM => Service::stream(path).accepting(),
            libc::SOCK_DGRAM => Service::datagrams(path).draining(),
            _ => Service::packets(path).accepting(),
        });
        let names = NAMES.iter().map(|(name, kind)| match *kind {
            libc::SOCK_STREAM => Service::named(name, SocketType::STREAM).accepting(),
            libc::SOCK_DGRAM => Service::named(name, SocketType::DGRAM).draining(),
            _ => Service::named(name, SocketType::SEQPACKET).accepting(),
        });
        Self {
            _all: paths.chain(names).collect(),
        }
    }
}

/// UDP-Lite, or plain UDP where the kernel has it no more (7.1 and newer).
static UDP_LITE: LazyLock<i32> = LazyLock::new(|| {
    let protocol = Some(ipproto::UDPLITE);
    match socket(AddressFamily::INET, SocketType::DGRAM, protocol) {
        Ok(_) => libc::IPPROTO_UDPLITE,
        Err(_) => libc::IPPROTO_UDP,
    }
});

/// How a process goes about it.
#[derive(Clone, Copy, Debug)]
enum Way {
    Connect,
    /// sendto(2) with an address.
    Send,
}

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    family: i32,
    kind: i32,
    protocol: i32,
    /// As it is written; `None` for the peer of a pair.
    to: Option<Address>,
    way: Way,
    word: Family,
    /// As the definition is asked.
    object: Object,
}

impl Operation {
    pub(super) fn random(choices: &mut Choices<'_>) -> Self {
        match choices.below(8) {
            0 => Self::pair(),
            1 | 2 => {
                let (name, kind) = choices.pick(&NAMES);
                let object = Object::Abstract(name.to_vec());
                Self::unix(choices, kind, Address::abstract_name(name), object)
            }
            3 | 4 => {
                let (path, kind) = choices.pick(&PATHS);
                let object = Object::Path(path.as_bytes().to_vec());
                Self::unix(choices, kind, Address::path(path), object)
            }
            _ => Self::ip(choices),
        }
    }

    /// Whether it is to an abstract name.
    pub(super) const fn is_named(&self) -> bool {
        matches!(self.object, Object::Abstract(_))
    }

    /// To the other end of a pair of datagram sockets, which has no name.
    fn pair() -> Self {
        Self {
            family: libc::AF_UNIX,
            kind: libc::SOCK_DGRAM,
            protocol: 0,
            to: None,
            way: Way::Send,
            word: Family::UNIX,
            object: Object::Unnamed,
        }
    }

    fn unix(choices: &mut Choices<'_>, kind: i32, to: Address, object: Object) -> Self {
        let sends = kind == libc::SOCK_DGRAM && choices.one_in(2);
        Self {
            family: libc::AF_UNIX,
            kind,
            protocol: 0,
            to: Some(to),
            way: if sends { Way::Send } else { Way::Connect },
            word: Family::UNIX,
            object,
        }
    }

    fn ip(choices: &mut Choices<'_>) -> Self {
        let (kind, protocol, word) = choices.pick(&[
            (libc::SOCK_STREAM, libc::IPPROTO_TCP, Family::TCP),
            (libc::SOCK_STREAM, IPPROTO_MPTCP, Family::TCP),
            (libc::SOCK_DGRAM, libc::IPPROTO_UDP, Family::UDP),
            (libc::SOCK_DGRAM, libc::IPPROTO_UDP, Family::UDP),
            (libc::SOCK_DGRAM, *UDP_LITE, Family::UDP),
        ]);
        let address = address(choices);
        let port = choices.pick(&[80, 443, 0, 65_535, 1, 1023, 1024, 8443]);
        let sends = kind == libc::SOCK_DGRAM && choices.one_in(2);
        Self {
            family: if address.is_ipv4() {
                libc::AF_INET
            } else {
                libc::AF_INET6
            },
            kind,
            protocol,
            to: Some(Address::ip(address, port)),
            way: if sends { Way::Send } else { Way::Connect },
            word,
            object: Object::Ip {
                addr: Some(canonical(address)),
                port: Some(port),
            },
        }
    }

    /// What the definition is asked, by nobody yet.
    pub(super) fn request(&self) -> Request {
        let mut request = Request::new(self.word, Word::Connect, self.object.clone());
        let kinds = [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_SEQPACKET];
        let kind = kinds.iter().position(|kind| *kind == self.kind);
        request.socket_type = kind.and_then(|kind| u8::try_from(kind).ok());
        request.protocol = u32::try_from(self.protocol).ok();
        request
    }

    /// What a process is asked, which has sockets of that number and the next.
    pub(super) fn call(&self, socket: i64) -> Call {
        let Some(to) = &self.to else {
            return Call::Sequence(vec![
                calls::close(socket),
                calls::close(socket + 1),
                calls::socketpair(self.kind | NONBLOCK),
                calls::sendto(socket, b"x", libc::MSG_NOSIGNAL, None),
            ]);
        };
        let done = match self.way {
            Way::Connect => calls::connect(socket, to),
            Way::Send => calls::sendto(socket, b"x", libc::MSG_NOSIGNAL, Some(to)),
        };
        Call::Sequence(vec![
            calls::close(socket),
            calls::socket(self.family, self.kind | NONBLOCK, self.protocol),
            done,
        ])
    }
}

/// The address that the kernel goes to (notes 111).
fn canonical(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other @ (IpAddr::V4(_) | IpAddr::V6(_)) => other,
    }
}
