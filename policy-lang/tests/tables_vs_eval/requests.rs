//! What the kernel would know of a request: its facts.

use policy_abi::facts::{
    ABSTRACT_TAG, Facts, OBJECT_ABSTRACT, OBJECT_IPV4, OBJECT_IPV6, OBJECT_NONE, OBJECT_OPTION,
    OBJECT_PATH, OBJECT_UNNAMED, OBJECT_UNREADABLE, SUBJECT_EXE,
};
use policy_lang::request::{Object, Request};
use std::net::IpAddr;

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
