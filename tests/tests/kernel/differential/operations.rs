//! What is done: everything that the kernel decides, about what the policies name.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use interdict_tests::address::Address;
use interdict_tests::calls::{self, IPPROTO_MPTCP};
use interdict_tests::protocol::Request as Call;
use interdict_tests::service::Service;
use policy_generator::{Choices, address};
use policy_lang::request::{Namespace, Object, Request, Subject};
use policy_lang::words::family::{Family, WORDS};
use policy_lang::words::operation::Operation as Word;
use policy_lang::words::sockopt::SocketOption;
use rustix::net::{AddressFamily, SocketType, ipproto, socket};

const NONBLOCK: i32 = libc::SOCK_NONBLOCK;
const STREAM: i32 = libc::SOCK_STREAM;
const DGRAM: i32 = libc::SOCK_DGRAM;
const PACKETS: i32 = libc::SOCK_SEQPACKET;
const RAW: i32 = libc::SOCK_RAW;
/// `AF_NETLINK`.
const NETLINK: u16 = 16;
/// `CAP_NET_RAW`.
const CAP_NET_RAW: u8 = 13;
/// A port such as the kernel chooses: no policy knows one of them from another.
const CHOSEN: u16 = 40_000;

/// Paths of sockets, and what they take.
const PATHS: [(&str, i32); 5] = [
    ("/run/a", STREAM),
    ("/run/b", DGRAM),
    ("/run/c", PACKETS),
    ("/run/d", STREAM),
    ("/run/other", DGRAM),
];
/// Abstract names, and what they take.
const NAMES: [(&[u8], i32); 6] = [
    (b"x", STREAM),
    (b"y", DGRAM),
    (b"", STREAM),
    (b"odd name", PACKETS),
    (b"\0z", DGRAM),
    (b"other", STREAM),
];

/// All sockets that are connected to, in this process.
pub(super) struct Services {
    _all: Vec<Service>,
}

impl Services {
    pub(super) fn new() -> Self {
        // Anyone may ping.
        fs::write("/proc/sys/net/ipv4/ping_group_range", "0 4294967294").unwrap();
        let paths = PATHS.iter().map(|(path, kind)| match *kind {
            STREAM => Service::stream(path).accepting(),
            DGRAM => Service::datagrams(path).draining(),
            _ => Service::packets(path).accepting(),
        });
        let names = NAMES.iter().map(|(name, kind)| match *kind {
            STREAM => Service::named(name, SocketType::STREAM).accepting(),
            DGRAM => Service::named(name, SocketType::DGRAM).draining(),
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

/// SCTP, where the kernel has it.
static HAS_SCTP: LazyLock<bool> = LazyLock::new(|| {
    let protocol = Some(ipproto::SCTP);
    socket(AddressFamily::INET, SocketType::SEQPACKET, protocol).is_ok()
});

/// A system call, and what the definition is asked about it, in that order; of
/// none when the call before was refused, the latter.
pub(super) struct Step {
    pub(super) call: Call,
    pub(super) asks: Vec<Request>,
    /// Instead, when the step before was denied.
    pub(super) otherwise: Option<Vec<Request>>,
    /// Nothing after it is judged when it is denied: there is no socket.
    pub(super) makes: bool,
}

/// One operation, on a socket of its own.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    family: i32,
    kind: i32,
    protocol: i32,
    word: Family,
    deed: Deed,
}

/// What is done with the socket.
#[derive(Clone, Debug)]
enum Deed {
    /// To be made is all.
    Nothing,
    /// It is one of a pair, and sends to the other.
    Pair,
    Connect(Address, Object),
    Send(Address, Object),
    Bind(Address, Object),
    /// It waits where the kernel chooses, and takes who has come.
    Wait(Object, Object),
    Option(i32, i32),
}

impl Operation {
    /// One that nothing but a policy keeps this subject from beginning.
    pub(super) fn random(choices: &mut Choices<'_>, subject: &Subject) -> Self {
        match choices.below(12) {
            0 => Self::new(libc::AF_UNIX, DGRAM, 0, Family::UNIX, Deed::Pair),
            // Abstract names are a network namespace's own: nothing listens there.
            1 if subject.netns != Some(Namespace::Other) => {
                let (name, kind) = choices.pick(&NAMES);
                let object = Object::Abstract(name.to_vec());
                Self::to_unix(choices, kind, Address::abstract_name(name), object)
            }
            1 | 2 => {
                let (path, kind) = choices.pick(&PATHS);
                let object = Object::Path(path.as_bytes().to_vec());
                Self::to_unix(choices, kind, Address::path(path), object)
            }
            3 => Self::unix(choices),
            4 => Self::netlink(choices),
            5 | 6 => Self::waits(choices),
            7 => Self::option(choices),
            _ => Self::ip(choices, subject),
        }
    }

    const fn new(family: i32, kind: i32, protocol: i32, word: Family, deed: Deed) -> Self {
        Self {
            family,
            kind,
            protocol,
            word,
            deed,
        }
    }

    fn to_unix(choices: &mut Choices<'_>, kind: i32, to: Address, object: Object) -> Self {
        let sends = kind == DGRAM && choices.one_in(2);
        let deed = if sends { Deed::Send } else { Deed::Connect };
        Self::new(libc::AF_UNIX, kind, 0, Family::UNIX, deed(to, object))
    }

    /// Of a unix socket without a name.
    fn unix(choices: &mut Choices<'_>) -> Self {
        let kind = choices.pick(&[STREAM, DGRAM, PACKETS]);
        let deed = match choices.below(2) {
            0 => Deed::Nothing,
            _ => Deed::Wait(Object::Unnamed, Object::Unnamed),
        };
        Self::new(libc::AF_UNIX, kind, 0, Family::UNIX, deed)
    }

    fn netlink(choices: &mut Choices<'_>) -> Self {
        // `struct sockaddr_nl` of the kernel.
        let mut address = [0_u8; 12];
        address[..2].copy_from_slice(&NETLINK.to_ne_bytes());
        let address = Address(address.to_vec());
        let deed = match choices.below(4) {
            0 => Deed::Nothing,
            1 => Deed::Bind(address, Object::None),
            2 => Deed::Send(address, Object::None),
            _ => Deed::Connect(address, Object::None),
        };
        let word = named("netlink");
        Self::new(NETLINK.into(), RAW, 0, word, deed)
    }

    /// Listens and accepts at an address that nobody gave.
    fn waits(choices: &mut Choices<'_>) -> Self {
        let protocol = choices.pick(&[libc::IPPROTO_TCP, IPPROTO_MPTCP]);
        let (family, any): (i32, IpAddr) = if choices.one_in(2) {
            (libc::AF_INET, Ipv4Addr::UNSPECIFIED.into())
        } else {
            (libc::AF_INET6, Ipv6Addr::UNSPECIFIED.into())
        };
        let at = |port| Object::Ip {
            addr: Some(any),
            port: Some(port),
        };
        Self::new(
            family,
            STREAM,
            protocol,
            Family::TCP,
            Deed::Wait(at(0), at(CHOSEN)),
        )
    }

    fn option(choices: &mut Choices<'_>) -> Self {
        let (family, kind, protocol, word) = choices.pick(&[
            (libc::AF_INET, STREAM, libc::IPPROTO_TCP, Family::TCP),
            (libc::AF_INET6, DGRAM, libc::IPPROTO_UDP, Family::UDP),
            (libc::AF_UNIX, STREAM, 0, Family::UNIX),
        ]);
        let (level, name) = choices.pick(&[(1, 36), (6, 31), (41, 75), (999, 7), (0, 0)]);
        Self::new(family, kind, protocol, word, Deed::Option(level, name))
    }

    fn ip(choices: &mut Choices<'_>, subject: &Subject) -> Self {
        let mut kinds = vec![
            (STREAM, libc::IPPROTO_TCP, Family::TCP),
            (STREAM, IPPROTO_MPTCP, Family::TCP),
            (DGRAM, libc::IPPROTO_UDP, Family::UDP),
            (DGRAM, libc::IPPROTO_UDP, Family::UDP),
            (DGRAM, *UDP_LITE, Family::UDP),
        ];
        let address = address(choices);
        let icmp = if address.is_ipv4() {
            libc::IPPROTO_ICMP
        } else {
            libc::IPPROTO_ICMPV6
        };
        if *HAS_SCTP {
            kinds.push((PACKETS, libc::IPPROTO_SCTP, named("sctp")));
        }
        if subject.netns == Some(Namespace::Host) {
            kinds.push((DGRAM, icmp, named("icmp")));
        }
        if subject.cap.contains(&CAP_NET_RAW) {
            kinds.push((RAW, icmp, named("raw")));
        }
        let (kind, protocol, word) = choices.pick(&kinds);
        let port = choices.pick(&[80, 443, 0, 65_535, 1, 1023, 1024, 8443]);
        let (canonical, local) = (canonical(address), address.to_canonical());
        let has_port = kind != RAW && protocol != icmp;
        let object = |addr| Object::Ip {
            addr: Some(addr),
            port: has_port.then_some(port),
        };
        let to = Address::ip(address, port);
        let deed = match choices.below(4) {
            0 => Deed::Bind(to, object(local)),
            1 if matches!(kind, DGRAM | RAW) || (kind == PACKETS && associates(local)) => {
                Deed::Send(to, object(canonical))
            }
            _ => Deed::Connect(to, object(canonical)),
        };
        let family = if address.is_ipv4() {
            libc::AF_INET
        } else {
            libc::AF_INET6
        };
        Self::new(family, kind, protocol, word, deed)
    }

    /// What the definition is asked, by this subject.
    fn ask(&self, subject: &Subject, operation: Word, object: Object) -> Request {
        let mut request = Request::new(self.word, operation, object);
        let kinds = [STREAM, DGRAM, PACKETS, RAW];
        let kind = kinds.iter().position(|kind| *kind == self.kind);
        request.socket_type = kind.and_then(|kind| u8::try_from(kind).ok());
        request.protocol = u32::try_from(self.protocol).ok();
        request.subject = subject.clone();
        request
    }

    /// What a process does, which has files of that number and the next.
    pub(super) fn steps(&self, file: i64, subject: &Subject) -> Vec<Step> {
        let ask = |operation, object: &Object| self.ask(subject, operation, object.clone());
        let create = ask(Word::Create, &Object::None);
        let made = |call, asks| Step {
            makes: true,
            ..Step::new(call, asks)
        };
        let mut steps = vec![Step::new(calls::close(file), vec![])];
        if matches!(self.deed, Deed::Pair) {
            steps.push(Step::new(calls::close(file + 1), vec![]));
            let pair = calls::socketpair(self.kind | NONBLOCK);
            steps.push(made(pair, vec![create.clone(), create]));
            let send = calls::sendto(file, b"x", libc::MSG_NOSIGNAL, None);
            steps.push(Step::new(send, vec![ask(Word::Connect, &Object::Unnamed)]));
            return steps;
        }
        let socket = calls::socket(self.family, self.kind | NONBLOCK, self.protocol);
        steps.push(made(socket, vec![create]));
        steps.extend(self.deeds(file, ask));
        steps
    }
}

impl Operation {
    /// What is done with a socket once it is made.
    fn deeds(&self, file: i64, ask: impl Fn(Word, &Object) -> Request) -> Vec<Step> {
        let one = |call, operation, object| vec![Step::new(call, vec![ask(operation, object)])];
        match &self.deed {
            Deed::Nothing | Deed::Pair => Vec::new(),
            Deed::Connect(to, object) => one(calls::connect(file, to), Word::Connect, object),
            Deed::Send(to, object) => {
                let send = calls::sendto(file, b"x", libc::MSG_NOSIGNAL, Some(to));
                one(send, Word::Connect, object)
            }
            Deed::Bind(own, object) => one(calls::bind(file, own), Word::Bind, object),
            Deed::Wait(unbound, bound) => {
                let mut asks = vec![ask(Word::Accept, bound)];
                if unbound != bound {
                    // The port that the kernel chose is seen for the first time.
                    asks.insert(0, ask(Word::Bind, bound));
                    asks.insert(1, ask(Word::Listen, bound));
                }
                let accept = Step {
                    otherwise: Some(vec![ask(Word::Accept, unbound)]),
                    ..Step::new(calls::accept(file), asks)
                };
                let mut steps = one(calls::listen(file), Word::Listen, unbound);
                steps.push(accept);
                steps
            }
            Deed::Option(level, name) => {
                let option = SocketOption::parse(&format!("{level}/{name}")).unwrap();
                let set = calls::set_option(file, *level, *name, 1);
                one(set, Word::Setsockopt, &Object::Option(option))
            }
        }
    }
}

impl Step {
    const fn new(call: Call, asks: Vec<Request>) -> Self {
        Self {
            call,
            asks,
            otherwise: None,
            makes: false,
        }
    }
}

/// The family of a word.
fn named(word: &str) -> Family {
    let found = WORDS.iter().find(|(known, _)| *known == word);
    Family::from_number(found.unwrap().1).unwrap()
}

/// Whether SCTP gets as far with a send to an address as to the hook: others it
/// refuses before. Linux, `sctp_v4_addr_valid`, `sctp_v6_addr_valid` and
/// `sctp_inet6_send_verify`.
fn associates(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            let tested = first == 198 && second & 0xfe == 18;
            let anycast = [first, second, third] == [192, 88, 99];
            let unusable = first == 0 || address.is_multicast() || address.is_broadcast();
            !(unusable || tested || anycast)
        }
        IpAddr::V6(address) => !address.is_multicast() && !address.is_unicast_link_local(),
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
