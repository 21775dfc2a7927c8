//! Requests that meet the policies: most of what is asked is what they name.

use crate::World;
use crate::choices::Choices;
use crate::pools;
use crate::world::concrete;
use policy_lang::request::{Namespace, Object, Request, Subject};
use policy_lang::words::family::{self, Family};
use policy_lang::words::operation::{OPERATIONS, Operation};
use policy_lang::words::shape::Shape;
use policy_lang::words::sockopt::SocketOption;
use std::net::IpAddr;

/// A request.
#[must_use]
pub fn request(choices: &mut Choices<'_>, world: World) -> Request {
    let (family, operation) = match world {
        World::Kernel => in_kernel(choices),
        World::Whole => {
            let (name, operation) = concrete(choices);
            let found = family::WORDS.iter().find(|(known, _)| *known == name);
            let family = found.and_then(|(_, number)| Family::from_number(*number));
            (family.unwrap_or(Family::IP_OTHER), operation)
        }
    };
    let object = match Shape::of(family, operation) {
        _ if choices.one_in(16) => Object::Unreadable,
        _ if choices.one_in(16) => Object::None,
        Shape::Unix => unix(choices, world),
        Shape::Address => ip(choices, false),
        Shape::AddressPort => ip(choices, true),
        Shape::Option => option(choices),
        Shape::Nothing => Object::None,
    };
    let mut request = Request::new(family, operation, object);
    request.subject = match world {
        World::Kernel => kernel_subject(choices),
        World::Whole => subject(choices),
    };
    let typed = match world {
        World::Kernel => !choices.one_in(3),
        World::Whole => choices.one_in(3),
    };
    if typed {
        request.socket_type = Some(choices.pick(&[0, 1, 2, 3]));
        request.protocol = Some(choices.pick(&[0, 6, 17, 262]));
    }
    request
}

/// A pair that the kernel decides.
fn in_kernel(choices: &mut Choices<'_>) -> (Family, Operation) {
    let named = |word| {
        let found = family::WORDS.iter().find(|(known, _)| *known == word);
        found.and_then(|(_, number)| Family::from_number(*number))
    };
    let family = match choices.below(9) {
        8 => named("sctp").unwrap_or(Family::IP_OTHER),
        0 => named("raw").unwrap_or(Family::IP_OTHER),
        1 => named("icmp").unwrap_or(Family::IP_OTHER),
        2 => named("netlink").unwrap_or(Family::IP_OTHER),
        _ => choices.pick(&[Family::UNIX, Family::TCP, Family::UDP, Family::SMC]),
    };
    let operation = match choices.below(2) {
        0 => Operation::Connect,
        _ => choices.pick(OPERATIONS),
    };
    (family, operation)
}

fn option(choices: &mut Choices<'_>) -> Object {
    let texts = ["SOL_SOCKET/SO_MARK", "6/31", "41/75", "999/7", "0/0"];
    SocketOption::parse(choices.pick(&texts)).map_or(Object::None, Object::Option)
}

/// An address near what the policies name, or any.
#[must_use]
pub fn address(choices: &mut Choices<'_>) -> IpAddr {
    let near = [
        "10.0.0.1",
        "10.0.0.9",
        "10.0.0.10",
        "127.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "8.8.8.8",
        "fd00::1",
        "fd00::b",
        "::1",
        "::",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "::ffff:0.0.0.0",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];
    let mut bytes =
        |count: usize| (0..count).fold(0_u128, |n, _| n << 8 | choices.below(256) as u128);
    match bytes(1) % 6 {
        5 => IpAddr::V6(bytes(16).into()),
        4 => IpAddr::V4(u32::try_from(bytes(4)).unwrap_or(0).into()),
        _ => choices.pick(&near).parse().unwrap_or(IpAddr::V4(0.into())),
    }
}

fn ip(choices: &mut Choices<'_>, port: bool) -> Object {
    let addr = address(choices);
    let number = match choices.below(3) {
        2 => u16::try_from(choices.below(65_536)).unwrap_or(0),
        _ => choices.pick(&[80, 443, 0, 65_535, 1, 1023, 1024, 8443]),
    };
    Object::Ip {
        addr: Some(addr),
        port: port.then_some(number),
    }
}

fn unix(choices: &mut Choices<'_>, world: World) -> Object {
    const KERNEL: [&[u8]; 5] = [b"/run/a", b"/run/b", b"/run/c", b"/run/d", b"/run/other"];
    const WHOLE: [&[u8]; 6] = [
        b"/run/a",
        b"/run/x.sock",
        b"/run/a/b/s.sock",
        b"/run/my socket",
        b"/run/\"quoted\"",
        b"/run/.hidden",
    ];
    const NAMES: [&[u8]; 8] = [
        b"x",
        b"y",
        b"",
        b"odd name",
        b"\0z",
        b"other",
        b"a,b\"c",
        b"/tmp/.X11-unix/X0",
    ];
    match choices.below(5) {
        0 => Object::Unnamed,
        1 | 2 => Object::Abstract(choices.pick(&NAMES).to_vec()),
        _ => Object::Path(match world {
            World::Kernel => choices.pick(&KERNEL).to_vec(),
            World::Whole => choices.pick(&WHOLE).to_vec(),
        }),
    }
}

const IDS: [u32; 8] = [0, 1, 999, 1000, 1999, 2000, 65_534, u32::MAX - 1];

fn kernel_subject(choices: &mut Choices<'_>) -> Subject {
    let exes: [&[u8]; 5] = [
        b"/usr/bin/a",
        b"/usr/bin/b",
        b"/usr/bin/c",
        b"/usr/bin/d",
        b"/usr/bin/other",
    ];
    let comms: [&[u8]; 7] = [
        b"a",
        b"dockerd",
        b"two words",
        b"123456789012345",
        b"deny",
        b"",
        b"other",
    ];
    let (uid, gid) = (choices.pick(&IDS), choices.pick(&IDS));
    let exe =
        |choices: &mut Choices<'_>| (!choices.one_in(5)).then(|| choices.pick(&exes).to_vec());
    let text = |choices: &mut Choices<'_>, all: &[&str]| {
        (!choices.one_in(3)).then(|| choices.pick(all).as_bytes().to_vec())
    };
    let mut groups = vec![gid];
    groups.extend((0..choices.below(4)).map(|_| choices.pick(&[0, 5, 998, 999, 1000])));
    let [userns, netns, pidns, mntns, cgroupns] = [(); 5].map(|()| namespace(choices));
    Subject {
        exe: exe(choices),
        comm: Some(choices.pick(&comms).to_vec()),
        uid: Some(uid),
        gid: Some(gid),
        ruid: id(choices),
        rgid: id(choices),
        loginuid: id(choices),
        // What the host looks up, the definition is told.
        user: named(pools::USER_IDS, uid),
        group: groups
            .iter()
            .filter_map(|gid| named(pools::GROUP_IDS, *gid))
            .collect(),
        unit: text(choices, pools::UNITS),
        cgroup: text(choices, pools::CGROUPS_THERE),
        cap: (0..choices.below(3))
            .map(|_| choices.pick(&[0, 5, 12, 13, 21, 40]))
            .collect(),
        userns,
        netns,
        pidns,
        mntns,
        cgroupns,
        parent_comm: text(choices, &["a", "dockerd", "other", "two words", ""]),
        parent_exe: exe(choices),
        parent_uid: id(choices),
    }
}

/// The name of an account by its number.
fn named(accounts: &[(&str, u32)], number: u32) -> Option<Vec<u8>> {
    let found = accounts.iter().find(|(_, known)| *known == number);
    found.map(|(name, _)| name.as_bytes().to_vec())
}

/// An id that is seldom missing.
fn id(choices: &mut Choices<'_>) -> Option<u32> {
    (!choices.one_in(4)).then(|| choices.pick(&IDS))
}

fn namespace(choices: &mut Choices<'_>) -> Option<Namespace> {
    choices.pick(&[Some(Namespace::Host), Some(Namespace::Other), None])
}

fn subject(choices: &mut Choices<'_>) -> Subject {
    const EXES: [&[u8]; 7] = [
        b"/usr/bin/a",
        b"/usr/bin/b",
        b"/usr/bin/x",
        b"/usr/bin/*",
        b"/opt/a",
        b"/opt/my app/x.bin",
        "/usr/bin/é".as_bytes(),
    ];
    const TEXTS: [&[u8]; 8] = [
        b"a",
        b"b",
        b"bcd",
        b"kworker/0:1",
        b"two words",
        b"nginx.service",
        b"user@1000.service",
        b"if",
    ];
    const NAMES: [&[u8]; 5] = [b"root", b"docker", b"odd user", b"0", b"a\\b"];
    const CGROUPS: [&[u8]; 3] = [b"/", b"/system.slice/a.service", b"/a/b/x"];
    let one_of = |choices: &mut Choices<'_>, all: &[&[u8]]| {
        (!choices.one_in(3)).then(|| choices.pick(all).to_vec())
    };
    Subject {
        exe: one_of(choices, &EXES),
        comm: one_of(choices, &TEXTS),
        uid: id(choices),
        gid: id(choices),
        ruid: id(choices),
        rgid: id(choices),
        loginuid: id(choices),
        user: one_of(choices, &NAMES),
        group: (0..choices.below(3))
            .map(|_| choices.pick(&NAMES).to_vec())
            .collect(),
        unit: one_of(choices, &TEXTS),
        cgroup: one_of(choices, &CGROUPS),
        cap: (0..choices.below(3))
            .map(|_| choices.pick(&[0, 5, 12, 13, 21]))
            .collect(),
        userns: namespace(choices),
        netns: namespace(choices),
        pidns: namespace(choices),
        mntns: namespace(choices),
        cgroupns: namespace(choices),
        parent_comm: one_of(choices, &TEXTS),
        parent_exe: one_of(choices, &EXES),
        parent_uid: id(choices),
    }
}
