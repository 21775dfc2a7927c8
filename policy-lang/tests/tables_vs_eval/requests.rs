//! Random requests, and the facts that the kernel would have of them.

use super::policies::{CGROUPS, EXES, NAMES, PATHS, UNITS};
use policy_abi::ask::{Member, NO_NUMBER, Subject};
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
            // What the host looks up, the definition is told.
            let named = |accounts: &[(&str, u32)], number: u32| {
                let found = accounts.iter().find(|(_, known)| *known == number);
                found.map(|(name, _)| name.as_bytes().to_vec())
            };
            request.subject.user = named(USERS, uid);
            let groups = rare.groups.iter().chain([&gid]);
            request.subject.group = groups.filter_map(|gid| named(GROUPS, *gid)).collect();
            request.subject.ruid = rare.ruid;
            request.subject.rgid = rare.rgid;
            request.subject.loginuid = rare.loginuid;
            request.subject.cap = rare.cap;
            request.subject.parent_uid = rare.parent.0;
            request.subject.parent_comm = rare.parent.1;
            request.subject.parent_exe = rare.parent.2;
            request.subject.unit = rare.cgroup.0;
            request.subject.cgroup = rare.cgroup.1;
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

/// Accounts of the test's host, as /etc/passwd and /etc/group would have them.
pub(crate) const USERS: &[(&str, u32)] = &[("root", 0), ("alice", 1000), ("bob", 1999)];
pub(crate) const GROUPS: &[(&str, u32)] = &[("root", 0), ("docker", 998), ("wheel", 1000)];

/// What few policies ask.
#[derive(Clone, Debug)]
struct Rare {
    ruid: Option<u32>,
    rgid: Option<u32>,
    loginuid: Option<u32>,
    /// Its user, name and program.
    parent: (Option<u32>, Option<Vec<u8>>, Option<Vec<u8>>),
    /// The unit and the cgroup.
    cgroup: (Option<Vec<u8>>, Option<Vec<u8>>),
    groups: Vec<u32>,
    cap: Vec<u8>,
    namespaces: [Option<Namespace>; 5],
    socket_type: Option<u8>,
    protocol: Option<u32>,
}

fn rare() -> impl Strategy<Value = Rare> {
    let id = || prop::option::of(select(&[0_u32, 1, 999, 1000, 65_534, u32::MAX - 1][..]));
    let socket_type = prop::option::of(0..4_u8);
    let protocol = prop::option::of(select(&[0_u32, 6, 17, 256, 262, 263, 65_535][..]));
    let some = |all: &'static [&'static str]| {
        prop::option::of(select(all).prop_map(|text| text.as_bytes().to_vec()))
    };
    let parent = (id(), some(&["a", "dockerd", "other"]), some(EXES));
    let cgroup = (some(UNITS), some(CGROUPS));
    let groups = prop::collection::vec(select(&[0_u32, 5, 998, 999, 1000][..]), 0..4);
    let cap = prop::collection::vec(select(&[0_u8, 1, 12, 13, 40][..]), 0..3);
    let namespace = prop::option::weighted(0.8, select(&[Namespace::Host, Namespace::Other][..]));
    let namespaces = prop::collection::vec(namespace, 5);
    (
        id(),
        id(),
        id(),
        (parent, cgroup),
        groups,
        cap,
        namespaces,
        socket_type,
        protocol,
    )
        .prop_map(
            |(
                ruid,
                rgid,
                loginuid,
                (parent, cgroup),
                groups,
                cap,
                namespaces,
                socket_type,
                protocol,
            )| Rare {
                ruid,
                rgid,
                loginuid,
                parent,
                cgroup,
                groups,
                cap,
                namespaces: namespaces.try_into().unwrap(),
                socket_type,
                protocol,
            },
        )
}

/// What the kernel side has of a request beyond [`Facts`].
pub(crate) struct Known<'r> {
    pub(crate) request: &'r Request,
    /// Where a path lies.
    pub(crate) place: &'r dyn Fn(&[u8]) -> [u64; 2],
}

impl Subject for Known<'_> {
    fn number(&self, dimension: Dimension) -> u32 {
        let (request, subject) = (self.request, &self.request.subject);
        let numbers = [
            (Dimension::Ruid, subject.ruid),
            (Dimension::Rgid, subject.rgid),
            (Dimension::Loginuid, subject.loginuid),
            (Dimension::Protocol, request.protocol),
            (Dimension::ParentUid, subject.parent_uid),
        ];
        let found = numbers.iter().find(|(one, _)| *one == dimension);
        let (_, number) = found.expect("a dimension of numbers");
        number.unwrap_or(NO_NUMBER)
    }

    fn key(&self, dimension: Dimension) -> Option<[u64; 2]> {
        let subject = &self.request.subject;
        if dimension == Dimension::ParentComm {
            return subject.parent_comm.as_deref().map(comm_words);
        }
        if dimension == Dimension::ParentExe {
            return subject.parent_exe.as_deref().map(self.place);
        }
        if dimension == Dimension::Unit {
            let unit = subject.unit.as_deref()?;
            return Some([policy_abi::hash::name(super::KEY, unit), unit.len() as u64]);
        }
        assert_eq!(dimension, Dimension::Cgroup);
        let cgroup = subject.cgroup.as_deref()?;
        Some([policy_abi::hash::path(super::KEY, cgroup), 0])
    }
}

/// The request as the definition is asked it: paths are places.
pub(crate) fn at_places(request: &mut Request, place: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let nowhere = || b"/nowhere/at/all".to_vec();
    let subject = &mut request.subject;
    for exe in [&mut subject.exe, &mut subject.parent_exe]
        .into_iter()
        .flatten()
    {
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
    facts.comm = comm_words(request.subject.comm.as_deref().unwrap());
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

impl Member for Known<'_> {
    fn traits(&self) -> u64 {
        let subject = &self.request.subject;
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
            .request
            .socket_type
            .map_or(0, |at| [1, 2, 5, 3][usize::from(at)]);
        let caps = subject.cap.iter().map(|cap| 1_u64 << cap);
        let caps = traits::CAPABILITIES.set(caps.fold(0, |all, one| all | one));
        caps | namespaces.iter().fold(0, |all, one| all | one) | traits::of_type(socket)
    }

    fn in_group(&self, group: u32) -> bool {
        let named = GROUPS.iter().find(|(_, number)| *number == group);
        let name = named.expect("a group of the policy's").0.as_bytes();
        self.request.subject.group.iter().any(|one| one == name)
    }
}

/// A name as the kernel side has it.
fn comm_words(name: &[u8]) -> [u64; 2] {
    let mut comm = [0_u8; 16];
    comm[..name.len()].copy_from_slice(name);
    [0, 8].map(|at| u64::from_le_bytes(comm[at..at + 8].try_into().unwrap()))
}
