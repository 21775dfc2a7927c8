//! IP addresses, networks and ranges (notes 7, 12, 52, 103).

use super::Fault;
use super::number::plain;
use crate::diag::{Code, show};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A set of addresses, as inclusive ranges in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AddressSet {
    /// IPv4 ranges; may overlap.
    pub v4: Vec<(u32, u32)>,
    /// IPv6 ranges; may overlap, none touches the IPv4-mapped block.
    pub v6: Vec<(u128, u128)>,
}

/// First and last IPv4-mapped address.
const MAPPED: (u128, u128) = (0xffff_0000_0000, 0xffff_ffff_ffff);

impl AddressSet {
    /// Whether an address is in the set. An IPv4-mapped address is the IPv4 one.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let number = u32::from(address);
                self.v4.iter().any(|(a, z)| *a <= number && number <= *z)
            }
            IpAddr::V6(address) => {
                let number = u128::from(address);
                self.v6.iter().any(|(a, z)| *a <= number && number <= *z)
            }
        }
    }

    fn add_v6(&mut self, first: u128, last: u128) {
        if last < MAPPED.0 || first > MAPPED.1 {
            self.v6.push((first, last));
            return;
        }
        if first < MAPPED.0 {
            self.v6.push((first, MAPPED.0 - 1));
        }
        if last > MAPPED.1 {
            self.v6.push((MAPPED.1 + 1, last));
        }
    }

    /// Adds an address, a network or a range.
    ///
    /// # Errors
    /// When it is none of them, has host bits set, or ends before it starts.
    pub fn add(&mut self, word: &str) -> Result<(), Fault> {
        if let Some((address, prefix)) = word.split_once('/') {
            return self.add_network(word, address, prefix);
        }
        let Some((first, last)) = word.split_once('-') else {
            match address(word).ok_or_else(|| not_an_address(word))? {
                IpAddr::V4(one) => self.v4.push((one.into(), one.into())),
                IpAddr::V6(one) => self.v6.push((one.into(), one.into())),
            }
            return Ok(());
        };
        let ends = address(first).zip(address(last));
        match ends.ok_or_else(|| not_an_address(word))? {
            (IpAddr::V4(a), IpAddr::V4(z)) if a <= z => self.v4.push((a.into(), z.into())),
            (IpAddr::V6(a), IpAddr::V6(z)) if a <= z => self.add_v6(a.into(), z.into()),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                return Err(Fault::new(
                    Code::WrongValue,
                    format!(
                        "`{}` starts with one version of IP and ends with the other",
                        show(word)
                    ),
                )
                .help("IPv4-mapped addresses are IPv4; write a range for each version"));
            }
            (a, z) => {
                return Err(Fault::new(
                    Code::InvertedRange,
                    format!("the range `{}` ends before it starts", show(word)),
                )
                .help(format!("write `{z}-{a}`")));
            }
        }
        Ok(())
    }

    fn add_network(&mut self, word: &str, text: &str, prefix: &str) -> Result<(), Fault> {
        let raw: IpAddr = text.parse().ok().ok_or_else(|| not_an_address(word))?;
        let width = if raw.is_ipv4() { 32 } else { 128 };
        let prefix = plain(prefix)
            .and_then(|prefix| u32::try_from(prefix).ok())
            .filter(|prefix| *prefix <= width)
            .ok_or_else(|| {
                Fault::new(
                    Code::WrongValue,
                    format!("`{}` is not a network", show(word)),
                )
                .help(format!(
                    "after `/` stands the number of leading bits, 0 to {width}"
                ))
            })?;
        match (raw, raw.to_canonical()) {
            (IpAddr::V4(address), _) => self.add_v4(word, address, prefix),
            (IpAddr::V6(_), IpAddr::V4(address)) if prefix >= 96 => {
                self.add_v4(word, address, prefix - 96)
            }
            (IpAddr::V6(address), _) => {
                let number = u128::from(address);
                let host = u128::MAX.checked_shr(prefix).unwrap_or(0);
                if number & host != 0 {
                    return Err(host_bits(
                        word,
                        Ipv6Addr::from(number & !host).into(),
                        prefix,
                    ));
                }
                self.add_v6(number, number | host);
                Ok(())
            }
        }
    }

    fn add_v4(&mut self, word: &str, address: Ipv4Addr, prefix: u32) -> Result<(), Fault> {
        let number = u32::from(address);
        let host = u32::MAX.checked_shr(prefix).unwrap_or(0);
        if number & host != 0 {
            return Err(host_bits(
                word,
                Ipv4Addr::from(number & !host).into(),
                prefix,
            ));
        }
        self.v4.push((number, number | host));
        Ok(())
    }

    /// Adds a built-in set; false if the name is none of them.
    pub fn add_built_in(&mut self, name: &str) -> bool {
        let words: &[&str] = match name {
            "loopback" => LOOPBACK,
            "private" => PRIVATE,
            "linklocal" => LINKLOCAL,
            "multicast" => MULTICAST,
            "unspecified" => UNSPECIFIED,
            "public" => PUBLIC,
            _ => return false,
        };
        words.iter().all(|word| self.add(word).is_ok())
    }
}

const LOOPBACK: &[&str] = &["127.0.0.0/8", "::1"];
const PRIVATE: &[&str] = &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
const LINKLOCAL: &[&str] = &["169.254.0.0/16", "fe80::/10"];
const MULTICAST: &[&str] = &["224.0.0.0/4", "ff00::/8"];
const UNSPECIFIED: &[&str] = &["0.0.0.0", "::"];
/// Everything between the others (notes 7); a test holds it against them.
const PUBLIC: &[&str] = &[
    "0.0.0.1-9.255.255.255",
    "11.0.0.0-126.255.255.255",
    "128.0.0.0-169.253.255.255",
    "169.255.0.0-172.15.255.255",
    "172.32.0.0-192.167.255.255",
    "192.169.0.0-223.255.255.255",
    "240.0.0.0-255.255.255.255",
    "::2-fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fe00::-fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fec0::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];

/// An address in canonical form: an IPv4-mapped one is IPv4.
#[must_use]
pub fn address(word: &str) -> Option<IpAddr> {
    let parsed: IpAddr = word.parse().ok()?;
    Some(parsed.to_canonical())
}

/// Whether a word looks as if an address, network or range was meant.
#[must_use]
pub fn looks_like(word: &str) -> bool {
    let digit = word.starts_with(|c: char| c.is_ascii_digit());
    word.contains(':') || (digit && word.contains('.'))
}

fn not_an_address(word: &str) -> Fault {
    let fault = Fault::new(
        Code::WrongValue,
        format!("`{}` is not an address", show(word)),
    );
    if word.contains('[') {
        return fault.help("IPv6 addresses are written without brackets");
    }
    if word.contains('%') {
        return fault.help("addresses have no zone here");
    }
    let octets = || word.split(['.', '/', '-']).filter(|part| !part.is_empty());
    let decimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if octets().all(decimal) && octets().any(|part| part.len() > 1 && part.starts_with('0')) {
        return fault
            .help("numbers in an address have no leading zeros: some programs read them as octal");
    }
    if octets().all(decimal)
        && octets().any(|part| part.len() > 3 || part > "255" && part.len() == 3)
    {
        return fault.help("the numbers in an IPv4 address are 0 to 255");
    }
    if word.contains("/255.") {
        return fault.help("write the number of leading bits after `/`");
    }
    fault.help("an address is `10.0.0.1` or `fd00::1`, a network `10.0.0.0/8`, a range `10.0.0.1-10.0.0.9`")
}

fn host_bits(word: &str, network: IpAddr, prefix: u32) -> Fault {
    Fault::new(
        Code::HostBits,
        format!("`{}` has bits set past its prefix", show(word)),
    )
    .help(format!("the network is `{network}/{prefix}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(word: &str) -> Result<AddressSet, Code> {
        let mut set = AddressSet::default();
        set.add(word).map_err(|fault| fault.code)?;
        Ok(set)
    }

    fn holds(word: &str, address: &str) -> bool {
        set(word).unwrap().holds(address.parse().unwrap())
    }

    #[test]
    fn notes_52_spellings() {
        for bad in [
            "10.1",
            "010.0.0.1",
            "[::1]",
            "fe80::1%eth0",
            "10.0.0.0/255.0.0.0",
            "10.0.0.1-9",
            "443",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "a",
        ] {
            assert_eq!(set(bad), Err(Code::WrongValue), "{bad}");
        }
        assert_eq!(set("::ffff:10.0.0.0/104"), set("10.0.0.0/8"));
        assert_eq!(set("10.0.0.1/8"), Err(Code::HostBits));
        assert_eq!(set("::ffff:10.0.0.1/104"), Err(Code::HostBits));
        assert_eq!(set("FD00::/8"), set("fd00::/8"));
        assert_eq!(set("10.0.0.9-10.0.0.1"), Err(Code::InvertedRange));
    }

    #[test]
    fn notes_12_103_versions_never_match_each_other() {
        assert!(!holds("::/0", "10.0.0.1"));
        assert!(!holds("::/0", "::ffff:10.0.0.1"));
        assert!(holds("0.0.0.0/0", "::ffff:10.0.0.1"));
        assert_eq!(set("10.0.0.1-::ffff:10.0.0.9"), set("10.0.0.1-10.0.0.9"));
        assert_eq!(set("::1-::ffff:10.0.0.9"), Err(Code::WrongValue));
        let part = set("::fffe:0:0/95").unwrap();
        assert_eq!((part.v4.len(), part.v6.len()), (0, 1));
        assert!(part.holds("::fffe:0:1".parse().unwrap()));
    }

    #[test]
    fn notes_7_built_in_sets_partition_all_addresses() {
        let names = crate::words::reserved::BUILT_IN;
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for name in names {
            let mut one = AddressSet::default();
            assert!(one.add_built_in(name));
            v4.extend(one.v4);
            v6.extend(one.v6);
        }
        v4.sort_unstable();
        v6.sort_unstable();
        assert!(v4.windows(2).all(|two| two[0].1 + 1 == two[1].0));
        assert_eq!((v4[0].0, v4[v4.len() - 1].1), (0, u32::MAX));
        // The mapped block is the one gap: those addresses are IPv4.
        for two in v6.windows(2) {
            let next = if two[0].1 == MAPPED.0 - 1 {
                MAPPED.1
            } else {
                two[0].1
            };
            assert_eq!(next + 1, two[1].0);
        }
        assert_eq!((v6[0].0, v6[v6.len() - 1].1), (0, u128::MAX));
    }
}
