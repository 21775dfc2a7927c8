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

const COMMS: &[&str] = &[
    "a",
    "dockerd",
    "\"two words\"",
    "123456789012345",
    "1234567890123456",
    "deny",
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

const OPTIONS: &[&str] = &["SOL_SOCKET/SO_MARK", "IPPROTO_TCP/TCP_NODELAY", "0/15"];

/// Values of an attribute as they are written after `=`.
pub(crate) fn values(attribute: Attribute, world: World) -> &'static [&'static str] {
    let kernel = world == World::Kernel;
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
        Kind::Option => OPTIONS,
    }
}

const fn files(kernel: bool) -> &'static [&'static str] {
    if kernel { EXES } else { WILD_FILES }
}

pub(crate) const fn paths(kernel: bool) -> &'static [&'static str] {
    if kernel { PATHS } else { WILD_PATHS }
}

pub(crate) const fn names(kernel: bool) -> &'static [&'static str] {
    if kernel { NAMES } else { WILD_NAMES }
}

/// The definitions that an attribute's sets can be named by.
pub(crate) fn sort(attribute: Attribute) -> Option<Sort> {
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
