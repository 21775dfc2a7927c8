//! Socket addresses as events show them: as the caller typed them, and as the
//! object that was judged.

use super::record::SockAddr;
use super::text::{Shown, hex, show};
use policy_abi::facts::{Facts, OBJECT_IPV4, OBJECT_IPV6};
use std::net::{Ipv4Addr, Ipv6Addr};

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// The address in `bytes`, a socket address as the caller gave it to the system
/// call and no longer than he said. `None` when it is of a family that has no
/// form here or too short for its own: the kernel then takes it otherwise or not
/// at all, and the object says what came of it.
pub(super) fn typed(bytes: &[u8]) -> Option<SockAddr> {
    let (family, rest) = bytes.split_first_chunk::<2>()?;
    match u16::from_ne_bytes(*family) {
        AF_UNIX => Some(typed_unix(rest)),
        AF_INET => typed_ipv4(rest),
        AF_INET6 => typed_ipv6(rest),
        _ => None,
    }
}

/// `sun_path`: nothing, an abstract name of exactly the given length, or a path
/// up to its first NUL.
fn typed_unix(path: &[u8]) -> SockAddr {
    match path.split_first() {
        None => SockAddr::unix(None),
        Some((0, name)) => of_name(name),
        Some(_) => {
            let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
            of_path(path)
        }
    }
}

fn typed_ipv4(rest: &[u8]) -> Option<SockAddr> {
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let (addr, _) = rest.split_first_chunk::<4>()?;
    Some(of_ipv4(Ipv4Addr::from(*addr), u16::from_be_bytes(*port)))
}

fn typed_ipv6(rest: &[u8]) -> Option<SockAddr> {
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let (flowinfo, rest) = rest.split_first_chunk::<4>()?;
    let (addr, rest) = rest.split_first_chunk::<16>()?;
    // Linux takes an address without its scope (`SIN6_LEN_RFC2133`).
    let scope = rest.first_chunk::<4>().copied().unwrap_or_default();
    let mut address = of_ipv6(Ipv6Addr::from(*addr), u16::from_be_bytes(*port));
    address.sin6_flowinfo = u32::from_be_bytes(*flowinfo);
    address.sin6_scopeid = u32::from_ne_bytes(scope);
    Some(address)
}

/// A unix path. One that begins with `@` looks like an abstract name, so its
/// bytes stand beside it.
pub(super) fn of_path(path: &[u8]) -> SockAddr {
    let mut shown = show(path);
    if path.first() == Some(&b'@') {
        shown.hex = Some(hex(path));
    }
    SockAddr::unix(Some(shown))
}

/// An abstract unix name.
pub(super) fn of_name(name: &[u8]) -> SockAddr {
    let Shown {
        text,
        hex: replaced,
    } = show(name);
    SockAddr::unix(Some(Shown {
        text: format!("@{text}"),
        hex: replaced.map(|name| format!("00{name}")),
    }))
}

/// A unix socket without a name, or one whose name could not be read.
pub(super) fn of_unix() -> SockAddr {
    SockAddr::unix(None)
}

/// The address of an IP object, `None` for any other.
pub(super) fn of_object(facts: &Facts) -> Option<SockAddr> {
    let port = port(facts)?;
    match facts.object_kind {
        OBJECT_IPV4 => Some(of_ipv4(ipv4(facts), port)),
        OBJECT_IPV6 => Some(of_ipv6(ipv6(facts), port)),
        _ => None,
    }
}

/// The canonical address of an IP object as text, and its port.
pub(super) fn canonical(facts: &Facts) -> Option<(String, u16)> {
    let port = port(facts)?;
    match facts.object_kind {
        OBJECT_IPV4 => Some((ipv4(facts).to_string(), port)),
        OBJECT_IPV6 => Some((ipv6(facts).to_string(), port)),
        _ => None,
    }
}

fn port(facts: &Facts) -> Option<u16> {
    u16::try_from(facts.port).ok()
}

fn ipv4(facts: &Facts) -> Ipv4Addr {
    let [_, _, _, _, a, b, c, d] = facts.object[0].to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

fn ipv6(facts: &Facts) -> Ipv6Addr {
    let [high, low] = facts.object;
    Ipv6Addr::from(u128::from(high) << 64 | u128::from(low))
}

fn of_ipv4(addr: Ipv4Addr, port: u16) -> SockAddr {
    SockAddr {
        sa_family: "AF_INET",
        sin_addr: Some(addr.to_string()),
        sin_port: port,
        ..SockAddr::default()
    }
}

fn of_ipv6(addr: Ipv6Addr, port: u16) -> SockAddr {
    SockAddr {
        sa_family: "AF_INET6",
        sin6_addr: Some(addr.to_string()),
        sin6_port: port,
        ..SockAddr::default()
    }
}
