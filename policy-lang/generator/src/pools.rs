//! Values as they are written: few, so that rules and requests meet, and odd ones.

use crate::World;
use crate::model::Sort;
use policy_lang::words::attribute::{Attribute, Kind, NAMESPACE_WORDS, TYPE_WORDS};

/// Files of programs in the world of the kernel.
pub const EXES: &[&str] = &["/usr/bin/a", "/usr/bin/b", "/usr/bin/c", "/usr/bin/d"];
/// Paths of sockets in the world of the kernel.
pub const PATHS: &[&str] = &["/run/a", "/run/b", "/run/c", "/run/d"];
/// Abstract names in the world of the kernel.
pub const NAMES: &[&str] = &["@x", "@y", "@", "\"@odd name\"", "@\\x00z"];

/// What rules of that world say of programs: patterns beside the paths.
const KERNEL_FILES: &[&str] = &[
    "/usr/bin/a",
    "/usr/bin/b",
    "/usr/bin/c",
    "/usr/bin/d",
    "/usr/bin/*",
    "/usr/bin/[ab]",
    "/usr/**",
    "/**/bin/?",
    "/usr/bin/o*r",
    "/opt/*",
];
/// What they say of sockets.
const KERNEL_PATHS: &[&str] = &[
    "/run/a",
    "/run/b",
    "/run/c",
    "/run/d",
    "/run/*",
    "\"/run/[!a]*\"",
    "/run/o**",
    "/r*/a",
    "/**/b",
    "/srv/**",
];
/// What they say of abstract names.
const KERNEL_NAMES: &[&str] = &[
    "@x",
    "@y",
    "@",
    "\"@odd name\"",
    "@\\x00z",
    "@*",
    "@?",
    "@[x-z]",
    "\"@*na*\"",
    "@\\x00*",
];

/// Accounts of that world's host, as /etc/passwd and /etc/group would have them.
pub const USER_IDS: &[(&str, u32)] = &[("root", 0), ("alice", 1000), ("bob", 1999)];
/// Groups of it.
pub const GROUP_IDS: &[(&str, u32)] = &[("root", 0), ("docker", 998), ("wheel", 1000)];
/// What rules of that world say of accounts: one of each is nobody's.
const KERNEL_USERS: &[&str] = &["root", "alice", "bob", "nobody"];
const KERNEL_GROUPS: &[&str] = &["root", "docker", "wheel", "nobody"];
/// Units of that world.
pub(crate) const UNITS: &[&str] = &[
    "nginx.service",
    "user@1000.service",
    "init.scope",
    "_x.socket",
];
/// What rules say of them.
const KERNEL_UNITS: &[&str] = &[
    "nginx.service",
    "user@1000.service",
    "init.scope",
    "_x.socket",
    "*",
    "*.service",
    "user@*",
    "?ginx.s*",
    "\"[!n]*.[a-s]*\"",
    // No name of a unit, of which only some are.
    "n*x",
    "*i*i*",
];
/// Cgroups of that world.
pub(crate) const CGROUPS_THERE: &[&str] =
    &["/", "/system.slice", "/system.slice/nginx.service", "/a-b"];
/// What rules say of them.
const KERNEL_CGROUPS: &[&str] = &[
    "/",
    "/system.slice",
    "/system.slice/nginx.service",
    "/a-b",
    "/*",
    "/**",
    "/system.slice/**",
    "/system.slice/*",
    "/**/nginx.service",
    "/*-?",
    "\"/[!a]*\"",
    "/*/n*",
];

const COMMS: &[&str] = &[
    "a",
    "dockerd",
    "\"two words\"",
    "123456789012345",
    "1234567890123456",
    "deny",
    "d*",
    "?",
    "\"[!d]*\"",
    "\"two *\"",
    "*5",
];
const IDS: &[&str] = &[
    "0",
    "1",
    "1000",
    "65534",
    "0-999",
    "1000-4294967294",
    "4294967294",
];
const ADDRESSES: &[&str] = &[
    "10.0.0.1",
    "10.0.0.0/8",
    "10.0.0.0-10.0.0.9",
    "0.0.0.0/0",
    "127.0.0.1",
    "fd00::1",
    "fd00::/8",
    "::/0",
    "::1",
    "255.255.255.255",
    "::ffff:10.0.0.1",
    "::fffe:0:0/95",
    "FD00::A-fd00::f",
];
const PORTS: &[&str] = &["80", "443", "0", "65535", "1-1023", "443-8443"];
/// Numbers that are ports and ids, and ranges of them.
const NUMBERS: &[&str] = &["80", "443", "0", "65534", "1-1023", "443-8443"];

/// Built-in address sets.
pub(crate) const BUILT_IN: &[&str] = &[
    "loopback",
    "private",
    "linklocal",
    "multicast",
    "unspecified",
    "public",
];

const WILD_FILES: &[&str] = &[
    "/usr/bin/a",
    "/usr/bin/*",
    "/usr/**",
    "/opt/**/a",
    "/usr/bin/?",
    "/usr/bin/[a-c]",
    "\"/usr/bin/[!a]\"",
    "/usr/bin/[]x-]",
    "\"/opt/my app/*.bin\"",
    "\"/opt/a,b{c}\"",
    "/usr/bin/\\*",
    "/usr/\\x62in/a",
    "/usr/bin/\\[a\\]",
    "/usr/bin/é",
];
const WILD_PATHS: &[&str] = &[
    "/run/a",
    "/run/*.sock",
    "/run/**",
    "/run/**/s.sock",
    "\"/run/my socket\"",
    "/run/\\x61",
    "\"/run/\\\"quoted\\\"\"",
    "\"/run/[!.]*\"",
];
const WILD_NAMES: &[&str] = &[
    "@x",
    "@",
    "@*",
    "\"@odd name\"",
    "@\"odd name\"",
    "@\"\"",
    "@\\x00z",
    "@/tmp/.X11-unix/X?",
    "\"@a,b\\\"c\"",
    "@\"\\@x\"",
];
const WILD_TEXTS: &[&str] = &[
    "a",
    "b*",
    "[a-z]?",
    "kworker/**",
    "\"two words\"",
    "7z",
    "\\x61",
    "\"#\"",
    "if",
    "to",
    "nginx.service",
    "user@*.service",
    "é",
];
const USERS: &[&str] = &[
    "root",
    "docker",
    "\"odd user\"",
    "0",
    "any",
    "a\\b",
    "\"\\x61\"",
];
const CGROUPS: &[&str] = &["/", "/system.slice/a.service", "/system.slice/*", "/**/x"];
const CAPABILITIES: &[&str] = &["net_admin", "net_raw", "sys_admin", "chown", "kill"];
const PROTOCOLS: &[&str] = &["6", "17", "0", "262", "1-255", "65535"];

/// Targets of `setsockopt`.
pub(crate) const OPTIONS: &[&str] = &[
    "option SOL_SOCKET/SO_MARK",
    "option 1/36",
    "option IPPROTO_TCP/31",
    "option { SOL_SOCKET/SO_MARK, 41/IPV6_TRANSPARENT, 999/7, }",
    "option 6/TCP_ULP",
];

/// Attributes of which the kernel's world has values of its own.
const KERNEL_OWN: &[(Attribute, &[&str])] = &[
    (Attribute::Unit, KERNEL_UNITS),
    (Attribute::Cgroup, KERNEL_CGROUPS),
    (Attribute::User, KERNEL_USERS),
    (Attribute::Group, KERNEL_GROUPS),
];

/// Values of an attribute as they are written after `=`.
pub(crate) fn values(attribute: Attribute, world: World) -> &'static [&'static str] {
    let kernel = world == World::Kernel;
    let own = KERNEL_OWN.iter().find(|(one, _)| *one == attribute);
    if let Some((_, values)) = own.filter(|_| kernel) {
        return values;
    }
    match attribute.kind() {
        Kind::Path(_) if attribute == Attribute::Cgroup => CGROUPS,
        Kind::Path(_) => files(kernel),
        Kind::Text if kernel => COMMS,
        Kind::Text => WILD_TEXTS,
        Kind::Number(_) if attribute == Attribute::Port => PORTS,
        Kind::Number(_) if attribute == Attribute::Protocol => PROTOCOLS,
        Kind::Number(_) => IDS,
        Kind::Name => USERS,
        Kind::Word(NAMESPACE_WORDS) => NAMESPACE_WORDS,
        Kind::Word(TYPE_WORDS) => TYPE_WORDS,
        Kind::Word(_) => CAPABILITIES,
        Kind::Address => ADDRESSES,
        Kind::UnixPath => paths(kernel),
        Kind::Abstract | Kind::UnixTarget => names(kernel),
        // No condition asks for one: it stands in targets alone.
        Kind::Option => &[],
    }
}

const fn files(kernel: bool) -> &'static [&'static str] {
    if kernel { KERNEL_FILES } else { WILD_FILES }
}

pub(crate) const fn paths(kernel: bool) -> &'static [&'static str] {
    if kernel { KERNEL_PATHS } else { WILD_PATHS }
}

pub(crate) const fn names(kernel: bool) -> &'static [&'static str] {
    if kernel { KERNEL_NAMES } else { WILD_NAMES }
}

/// The definitions that an attribute's sets can be named by.
pub(crate) fn sort(attribute: Attribute, world: World) -> Option<Sort> {
    // The sets of the kernel's world name neither units nor cgroups.
    if world == World::Kernel && matches!(attribute, Attribute::Unit | Attribute::Cgroup) {
        return None;
    }
    match attribute.kind() {
        Kind::Path(_) => Some(Sort::Files),
        Kind::Text => Some(Sort::Texts),
        Kind::Number(_) => Some(Sort::Numbers),
        Kind::Address => Some(Sort::Addresses),
        Kind::Name
        | Kind::Word(_)
        | Kind::UnixPath
        | Kind::Abstract
        | Kind::UnixTarget
        | Kind::Option => None,
    }
}

/// Values of a definition's set.
pub(crate) const fn of_sort(sort: Sort, kernel: bool) -> &'static [&'static str] {
    match sort {
        Sort::Addresses => ADDRESSES,
        Sort::Numbers => NUMBERS,
        Sort::Files | Sort::Condition(_) => files(kernel),
        Sort::Unix => paths(kernel),
        Sort::Texts if kernel => COMMS,
        Sort::Texts => WILD_TEXTS,
    }
}
