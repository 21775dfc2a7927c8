//! What the kernel looks values up by: two words for places, names and comms.

use super::{Host, PlaceUse};
use crate::unit;
use policy_abi::facts::ABSTRACT_TAG;
use policy_abi::fields::Dimension;
use policy_abi::hash;
use std::collections::HashMap;

/// A key of a lookup of shape `Pairs`.
pub(super) type Key = [u64; 2];

/// Bytes of a comm, its closing NUL included.
const COMM_BYTES: usize = 16;

/// Turns values into keys, and asks the host for each path once.
pub(super) struct Keys<'h> {
    host: &'h dyn Host,
    hash_key: hash::Key,
    places: HashMap<(Vec<u8>, PlaceUse), Vec<Key>>,
}

impl<'h> Keys<'h> {
    pub(super) fn new(host: &'h dyn Host) -> Self {
        Self {
            host,
            hash_key: host.hash_key(),
            places: HashMap::new(),
        }
    }

    /// The keys of a path's places. None when the host finds no place for it:
    /// then nothing that the kernel sees is at that path.
    pub(super) fn path(&mut self, path: &[u8], place_use: PlaceUse) -> Vec<Key> {
        let at = (path.to_vec(), place_use);
        let known = self.places.entry(at).or_insert_with(|| {
            self.host
                .places(path, place_use)
                .iter()
                .map(|place| {
                    [
                        hash::path(self.hash_key, &place.path),
                        u64::from(place.device),
                    ]
                })
                .collect()
        });
        known.clone()
    }

    /// The key of an abstract name.
    pub(super) fn abstract_name(&self, name: &[u8]) -> Key {
        let length = name.len() as u64;
        [hash::name(self.hash_key, name), ABSTRACT_TAG | length]
    }
}

impl Keys<'_> {
    /// The keys of a literal pattern of a dimension.
    pub(super) fn of_pattern(&mut self, dimension: Dimension, bytes: &[u8]) -> Vec<Key> {
        if matches!(dimension, Dimension::Comm | Dimension::ParentComm) {
            comm(bytes).into_iter().collect()
        } else if dimension == Dimension::Unit {
            self.unit(bytes).into_iter().collect()
        } else if dimension == Dimension::Cgroup {
            self.cgroup(bytes).into_iter().collect()
        } else {
            self.path(bytes, PlaceUse::Exe)
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
        is_path.then(|| [hash::path(self.hash_key, path), 0])
    }
}

/// The key of a comm; `None` for one that no process can have: longer than the
/// kernel keeps, or with a NUL in it. It is never cut (notes 94).
fn comm(name: &[u8]) -> Option<Key> {
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
