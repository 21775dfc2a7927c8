//! Socket addresses as bytes, the odd ones included.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use std::os::unix::ffi::OsStrExt as _;

/// Bytes of a socket address; its length is theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(pub Vec<u8>);

impl Address {
    /// A unix path with the NUL after it.
    #[must_use]
    pub fn path(path: impl AsRef<Path>) -> Self {
        let mut name = path.as_ref().as_os_str().as_bytes().to_vec();
        name.push(0);
        Self::unix(&name)
    }

    /// An abstract name, without the NUL before it.
    #[must_use]
    pub fn abstract_name(name: &[u8]) -> Self {
        Self::unix(&[b"\0", name].concat())
    }

    /// `AF_UNIX` and these bytes, nothing else.
    #[must_use]
    pub fn unix(bytes: &[u8]) -> Self {
        Self([&family(libc::AF_UNIX), bytes].concat())
    }

    /// An IP address and a port.
    #[must_use]
    pub fn ip(address: impl Into<IpAddr>, port: u16) -> Self {
        match address.into() {
            IpAddr::V4(address) => Self::v4_of_family(libc::AF_INET, address, port),
            IpAddr::V6(address) => Self::v6(address, port),
        }
    }

    /// An IPv4 address in its IPv6 form.
    #[must_use]
    pub fn mapped(address: Ipv4Addr, port: u16) -> Self {
        Self::v6(address.to_ipv6_mapped(), port)
    }

    /// An IPv4 address under another family's number.
    #[must_use]
    pub fn v4_of_family(number: i32, address: Ipv4Addr, port: u16) -> Self {
        let parts: [&[u8]; 4] = [
            &family(number),
            &port.to_be_bytes(),
            &address.octets(),
            &[0; 8],
        ];
        Self(parts.concat())
    }

    /// `AF_UNSPEC`, which dissolves an association.
    #[must_use]
    pub fn none() -> Self {
        Self::v4_of_family(libc::AF_UNSPEC, Ipv4Addr::UNSPECIFIED, 0)
    }

    fn v6(address: Ipv6Addr, port: u16) -> Self {
        let parts: [&[u8]; 5] = [
            &family(libc::AF_INET6),
            &port.to_be_bytes(),
            &[0; 4],
            &address.octets(),
            &[0; 4],
        ];
        Self(parts.concat())
    }

    /// The first bytes alone.
    #[must_use]
    pub fn cut(mut self, length: usize) -> Self {
        self.0.truncate(length);
        self
    }
}

fn family(number: i32) -> [u8; 2] {
    u16::try_from(number).unwrap().to_ne_bytes()
}
