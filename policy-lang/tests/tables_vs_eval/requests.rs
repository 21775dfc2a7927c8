//! What the kernel would know of a request: its facts.

use policy_abi::ask::{Member, NO_NUMBER, Subject};
use policy_abi::facts::{
    ABSTRACT_TAG, Facts, OBJECT_ABSTRACT, OBJECT_IPV4, OBJECT_IPV6, OBJECT_NONE, OBJECT_OPTION,
    OBJECT_PATH, OBJECT_UNNAMED, OBJECT_UNREADABLE, SUBJECT_EXE,
};
use policy_abi::fields::Dimension;
use policy_abi::traits;
use policy_generator::pools::GROUP_IDS;
use policy_lang::request::{Namespace, Object, Request};
use std::net::IpAddr;

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
        Some([policy_abi::hash::descent(super::KEY, cgroup), 0])
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
            facts.port = port.unwrap_or(0).into();
            (OBJECT_IPV4, [u32::from(addr).into(), 0])
        }
        Object::Ip {
            addr: Some(IpAddr::V6(addr)),
            port,
        } => {
            facts.port = port.unwrap_or(0).into();
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
        Object::Option(of) => (OBJECT_OPTION, policy_abi::facts::option(of.level, of.name)),
        Object::None | Object::Ip { .. } => (OBJECT_NONE, [0; 2]),
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
        let named = GROUP_IDS.iter().find(|(_, number)| *number == group);
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
