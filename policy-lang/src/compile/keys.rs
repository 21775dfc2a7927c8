//! What the kernel looks values up by: two words for places, names and comms.

use super::{Host, Place, PlaceUse};
use crate::maps::HashMap;
use crate::unit;
use crate::words::sockopt::SocketOption;
use policy_abi::facts::{self, ABSTRACT_TAG};
use policy_abi::fields::Dimension;
use policy_abi::hash;

/// A key of a lookup of shape `Pairs`.
pub(super) type Key = [u64; 2];

/// Bytes of a comm, its closing NUL included.
const COMM_BYTES: usize = 16;

/// Turns values into keys, and asks the host for each path once.
pub(super) struct Keys<'h> {
    host: &'h dyn Host,
    hash_key: hash::Key,
    places: HashMap<(Vec<u8>, PlaceUse), Vec<Place>>,
}

impl<'h> Keys<'h> {
    pub(super) fn new(host: &'h dyn Host) -> Self {
        Self {
            host,
            hash_key: host.hash_key(),
            places: HashMap::default(),
        }
    }

    /// The host.
    pub(super) fn host(&self) -> &dyn Host {
        self.host
    }

    /// A path's places. None when the host finds no place for it: then nothing
    /// that the kernel sees is at that path.
    pub(super) fn places(&mut self, path: &[u8], place_use: PlaceUse) -> Vec<Place> {
        let at = (path.to_vec(), place_use);
        let known = self.places.entry(at);
        let host = self.host;
        known
            .or_insert_with(|| host.places(path, place_use))
            .clone()
    }

    /// The key of a place.
    pub(super) fn place(&self, place: &Place) -> Key {
        let hash = hash::path(self.hash_key, &place.path);
        [hash, u64::from(place.device)]
    }

    /// The key of an abstract name.
    pub(super) fn abstract_name(&self, name: &[u8]) -> Key {
        let length = name.len() as u64;
        [hash::name(self.hash_key, name), ABSTRACT_TAG | length]
    }

    /// The key of a unit or a cgroup; `None` for what is the name of none.
    pub(super) fn grouping(&self, dimension: Dimension, text: &[u8]) -> Option<Key> {
        if dimension == Dimension::Unit {
            self.unit(text)
        } else {
            self.cgroup(text)
        }
    }

    /// The key of a unit; `None` for what is no unit's name, which nobody has.
    fn unit(&self, name: &[u8]) -> Option<Key> {
        let length = name.len() as u64;
        unit::is_unit(name).then(|| [hash::name(self.hash_key, name), length])
    }

    /// The key of a cgroup; `None` for what is no cgroup's path.
    fn cgroup(&self, path: &[u8]) -> Option<Key> {
        let inside = path.strip_prefix(b"/")?;
        let whole = inside
            .split(|byte| *byte == b'/')
            .all(|part| !part.is_empty());
        let is_path = inside.is_empty() || whole;
        is_path.then(|| [hash::descent(self.hash_key, path), 0])
    }
}

/// The key of a socket option.
pub(super) fn option(option: SocketOption) -> Key {
    facts::option(option.level, option.name)
}

/// The key of a comm; `None` for one that no process can have: longer than the
/// kernel keeps, or with a NUL in it. It is never cut (notes 94).
pub(super) fn comm(name: &[u8]) -> Option<Key> {
    if name.len() >= COMM_BYTES || name.contains(&0) {
        return None;
    }
    let mut key = [0_u64; 2];
    for (at, byte) in name.iter().enumerate() {
        if let Some(word) = key.get_mut(at / 8) {
            *word |= u64::from(*byte) << (8 * (at % 8));
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_94_a_comm_is_never_cut() {
        assert_eq!(comm(b"ab"), Some([0x6261, 0]));
        assert_eq!(comm(b"123456789"), Some([0x3837_3635_3433_3231, 0x39]));
        assert!(comm(b"123456789012345").is_some());
        assert_eq!(comm(b"1234567890123456"), None);
        assert_eq!(comm(b"a\0b"), None);
        assert_eq!(comm(b""), Some([0, 0]));
    }
}
