//! Random requests, and the facts that the kernel would have of them.

use super::policies::{EXES, NAMES, PATHS};
use policy_abi::ask::{NO_NUMBER, Subject};
use policy_abi::facts::{
    ABSTRACT_TAG, Facts, OBJECT_ABSTRACT, OBJECT_IPV4, OBJECT_IPV6, OBJECT_NONE, OBJECT_PATH,
    OBJECT_UNNAMED, OBJECT_UNREADABLE, SUBJECT_EXE,
};
use policy_abi::fields::Dimension;
use policy_abi::traits;
use policy_lang::request::{Namespace, Object, Request};
use policy_lang::words::family::Family;
use policy_lang::words::operation::Operation;
use proptest::prelude::*;
use proptest::sample::select;
use std::net::IpAddr;

fn ip() -> impl Strategy<Value = Object> {
    let near = select(
        &[
            "10.0.0.1",
            "10.0.0.9",
            "10.0.0.10",
            "127.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "8.8.8.8",
            "fd00::1",
            "::1",
            "::",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "::ffff:0.0.0.0",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ][..],
    )
    .prop_map(|text| text.parse::<IpAddr>().unwrap());
    let addr = prop_oneof![
        4 => near,
        1 => any::<u32>().prop_map(|n| IpAddr::V4(n.into())),
        1 => any::<u128>().prop_map(|n| IpAddr::V6(n.into())),
    ];
    let port = prop_oneof![
        select(&[80_u16, 443, 0, 65_535, 1, 1023, 1024, 8443][..]),
        any::<u16>()
    ];
    (addr, port).prop_map(|(addr, port)| Object::Ip {
        addr: Some(addr),
        port: Some(port),
    })
}

fn unix() -> impl Strategy<Value = Object> {
    prop_oneof![
        select(PATHS).prop_map(|path| Object::Path(path.as_bytes().to_vec())),
        select(NAMES).prop_map(|name| Object::Abstract(bare(name))),
        Just(Object::Unnamed),
        Just(Object::Path(b"/run/other".to_vec())),
        Just(Object::Abstract(b"other".to_vec())),
        Just(Object::Unreadable),
    ]
}

/// The bytes of a name as the policy writes it.
fn bare(name: &str) -> Vec<u8> {
    match name {
        "@\\x00z" => b"\0z".to_vec(),
        _ => name
            .trim_matches('"')
            .trim_start_matches('@')
            .as_bytes()
            .to_vec(),
    }
}

pub(crate) fn request() -> BoxedStrategy<Request> {
    let pair = prop_oneof![
        (Just(Family::UNIX), unix()),
        (
            select(&[Family::TCP, Family::UDP, Family::SMC][..]),
            prop_oneof![6 => ip(), 1 => Just(Object::Unreadable), 1 => Just(Object::None)]
        ),
    ];
    let exe = prop::option::weighted(
        0.8,
        prop_oneof![4 => select(EXES), 1 => Just("/usr/bin/other")],
    );
    let comm = select(
        &[
            "a",
            "dockerd",
            "two words",
            "123456789012345",
            "deny",
            "",
            "other",
        ][..],
    );
    let id = || select(&[0_u32, 1, 999, 1000, 1999, 2000, 65_534, u32::MAX - 1][..]);
    (pair, exe, comm, id(), id(), rare())
        .prop_map(|((family, object), exe, comm, uid, gid, rare)| {
            let mut request = Request::new(family, Operation::Connect, object);
            request.subject.exe = exe.map(|exe| exe.as_bytes().to_vec());
            request.subject.comm = Some(comm.as_bytes().to_vec());
            request.subject.uid = Some(uid);
            request.subject.gid = Some(gid);
            request.subject.ruid = rare.ruid;
            request.subject.rgid = rare.rgid;
            request.subject.loginuid = rare.loginuid;
            request.subject.cap = rare.cap;
            [
                request.subject.userns,
                request.subject.netns,
                request.subject.pidns,
                request.subject.mntns,
                request.subject.cgroupns,
            ] = rare.namespaces;
            request.socket_type = rare.socket_type;
            request.protocol = rare.protocol;
            request
        })
        .boxed()
}

/// What few policies ask.
#[derive(Clone, Debug)]
struct Rare {
    ruid: Option<u32>,
    rgid: Option<u32>,
    loginuid: Option<u32>,
    cap: Vec<u8>,
    namespaces: [Option<Namespace>; 5],
    socket_type: Option<u8>,
    protocol: Option<u32>,
}

fn rare() -> impl Strategy<Value = Rare> {
    let id = || prop::option::of(select(&[0_u32, 1, 999, 1000, 65_534, u32::MAX - 1][..]));
    let socket_type = prop::option::of(0..4_u8);
    let protocol = prop::option::of(select(&[0_u32, 6, 17, 256, 262, 263, 65_535][..]));
    let cap = prop::collection::vec(select(&[0_u8, 1, 12, 13, 40][..]), 0..3);
    let namespace = prop::option::weighted(0.8, select(&[Namespace::Host, Namespace::Other][..]));
    let namespaces = prop::collection::vec(namespace, 5);
    (id(), id(), id(), cap, namespaces, socket_type, protocol).prop_map(
        |(ruid, rgid, loginuid, cap, namespaces, socket_type, protocol)| Rare {
            ruid,
            rgid,
            loginuid,
            cap,
            namespaces: namespaces.try_into().unwrap(),
            socket_type,
            protocol,
        },
    )
}

/// What the kernel side has of a request beyond [`Facts`].
pub(crate) struct Known<'r>(pub(crate) &'r Request);

impl Subject for Known<'_> {
    fn number(&self, dimension: Dimension) -> u32 {
        let (request, subject) = (self.0, &self.0.subject);
        let numbers = [
            (Dimension::Ruid, subject.ruid),
            (Dimension::Rgid, subject.rgid),
            (Dimension::Loginuid, subject.loginuid),
            (Dimension::Protocol, request.protocol),
        ];
        let found = numbers.iter().find(|(one, _)| *one == dimension);
        let (_, number) = found.expect("a dimension of numbers");
        number.unwrap_or(NO_NUMBER)
    }

    fn key(&self, dimension: Dimension) -> Option<[u64; 2]> {
        panic!("{dimension:?} is no key")
    }

    fn traits(&self) -> u64 {
        let subject = &self.0.subject;
        let namespaces = [
            (traits::USERNS, subject.userns),
            (traits::NETNS, subject.netns),
            (traits::PIDNS, subject.pidns),
            (traits::MNTNS, subject.mntns),
            (traits::CGROUPNS, subject.cgroupns),
        ];
        let namespaces = namespaces.map(|(field, found)| match found {
            Some(Namespace::Host) => field.one(0),
            Some(Namespace::Other) => field.one(1),
            None => 0,
        });
        // By the numbers that the kernel has.
        let socket = self
            .0
            .socket_type
            .map_or(0, |at| [1, 2, 5, 3][usize::from(at)]);
        let caps = subject.cap.iter().map(|cap| 1_u64 << cap);
        let caps = traits::CAPABILITIES.set(caps.fold(0, |all, one| all | one));
        caps | namespaces.iter().fold(0, |all, one| all | one) | traits::of_type(socket)
    }
}

/// The request as the definition is asked it: paths are places.
pub(crate) fn at_places(request: &mut Request, place: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let nowhere = || b"/nowhere/at/all".to_vec();
    if let Some(exe) = &mut request.subject.exe {
        *exe = place(exe).unwrap_or_else(nowhere);
    }
    if let Object::Path(path) = &mut request.object {
        *path = place(path).unwrap_or_else(nowhere);
    }
}

/// The facts of a request; `key` is where a path lies.
pub(crate) fn facts(request: &Request, key: impl Fn(&[u8]) -> [u64; 2]) -> Facts {
    let mut facts = Facts {
        family: request.family.number(),
        operation: request.operation.number(),
        uid: request.subject.uid.unwrap(),
        gid: request.subject.gid.unwrap(),
        ..Facts::default()
    };
    if let Some(exe) = &request.subject.exe {
        facts.subject = SUBJECT_EXE;
        facts.exe = key(exe);
    }
    let mut comm = [0_u8; 16];
    let name = request.subject.comm.as_deref().unwrap();
    comm[..name.len()].copy_from_slice(name);
    facts.comm = [0, 8].map(|at| u64::from_le_bytes(comm[at..at + 8].try_into().unwrap()));
    (facts.object_kind, facts.object) = match request.canonical_object() {
        Object::Ip {
            addr: Some(IpAddr::V4(addr)),
            port,
        } => {
            facts.port = port.unwrap().into();
            (OBJECT_IPV4, [u32::from(addr).into(), 0])
        }
        Object::Ip {
            addr: Some(IpAddr::V6(addr)),
            port,
        } => {
            facts.port = port.unwrap().into();
            let number = u128::from(addr);
            (
                OBJECT_IPV6,
                [number >> 64, number & u128::from(u64::MAX)].map(|half| half.try_into().unwrap()),
            )
        }
        Object::Path(path) => (OBJECT_PATH, key(&path)),
        Object::Abstract(name) => (
            OBJECT_ABSTRACT,
            [
                policy_abi::hash::name(super::KEY, &name),
                ABSTRACT_TAG | name.len() as u64,
            ],
        ),
        Object::Unnamed => (OBJECT_UNNAMED, [0; 2]),
        Object::Unreadable => (OBJECT_UNREADABLE, [0; 2]),
        Object::None | Object::Ip { .. } | Object::Option(_) => (OBJECT_NONE, [0; 2]),
    };
    facts
}
