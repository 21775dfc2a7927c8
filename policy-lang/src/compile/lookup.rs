//! The words of lookups, as [`policy_abi::image`] lays them out.

use super::keys::Key;
use policy_abi::image::{FAR_STEPS, PROBES, slot};
use std::collections::BTreeMap;

/// A lookup's words, log2 of its length, and its seed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Built {
    pub(super) words: Vec<u64>,
    pub(super) bits: u32,
    pub(super) seed: u64,
}

/// Seeds that are tried before a table is made larger.
const SEEDS: u64 = 16;

/// An open-addressing table, half full at most; `None` when `limit` words are not enough.
pub(super) fn pairs(keys: &BTreeMap<Key, u32>, limit: usize) -> Option<Built> {
    let mut bits = (keys.len() * 2).max(1).next_power_of_two().trailing_zeros();
    while (3_usize << bits) <= limit {
        // VERIFIER: the kernel's mask has at most 31 bits; `limit` keeps far below.
        for seed in 0..SEEDS {
            if let Some(words) = place(keys, bits, seed) {
                return Some(Built { words, bits, seed });
            }
        }
        bits += 1;
    }
    None
}

/// The table with one seed; `None` when a key would stand too far from its home.
fn place(keys: &BTreeMap<Key, u32>, bits: u32, seed: u64) -> Option<Vec<u64>> {
    let length = 1_usize << bits;
    let mut words = vec![0_u64; length * 3];
    for (key, class) in keys {
        let home = slot(*key, seed);
        let free = (0..u64::from(PROBES)).find_map(|step| {
            let at = usize::try_from(home.wrapping_add(step) & (length as u64 - 1)).ok()?;
            let entry = words.get(at * 3..at * 3 + 3)?;
            (entry.last() == Some(&0)).then_some(at)
        })?;
        let [first, second] = *key;
        let entry = words.get_mut(free * 3..free * 3 + 3)?;
        entry.copy_from_slice(&[first, second, u64::from(*class)]);
    }
    Some(words)
}

/// Sorted intervals over 32-bit numbers; `None` when there are more than a search can tell apart.
pub(super) fn narrow(parts: &[(u128, u32)]) -> Option<Built> {
    let words = parts.iter().map(|(start, class)| {
        let start = u64::try_from(*start).unwrap_or(u64::MAX);
        start << 32 | u64::from(*class)
    });
    padded(words.map(|word| vec![word]).collect())
}

/// As [`narrow`], over 128-bit numbers.
pub(super) fn wide(parts: &[(u128, u32)]) -> Option<Built> {
    let halves = |start: u128| {
        let high = u64::try_from(start >> 64).unwrap_or(u64::MAX);
        let low = u64::try_from(start & u128::from(u64::MAX)).unwrap_or(u64::MAX);
        [high, low]
    };
    padded(
        parts
            .iter()
            .map(|(start, class)| {
                let [high, low] = halves(*start);
                vec![high, low, u64::from(*class)]
            })
            .collect(),
    )
}

/// Entries padded to a power of two by repeating the last one.
fn padded(mut entries: Vec<Vec<u64>>) -> Option<Built> {
    let length = entries.len().next_power_of_two();
    let last = entries.last()?.clone();
    entries.resize(length, last);
    let bits = length.trailing_zeros();
    (bits <= FAR_STEPS).then(|| Built {
        words: entries.concat(),
        bits,
        seed: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_within_its_probes() {
        let keys: BTreeMap<Key, u32> = (0..3000_u64).map(|n| ([n * 7919, n % 3], 5)).collect();
        let built = pairs(&keys, 1 << 16).unwrap();
        let mask = (1_u64 << built.bits) - 1;
        for key in keys.keys() {
            let home = slot(*key, built.seed);
            let found = (0..u64::from(PROBES)).any(|step| {
                let at = usize::try_from(home.wrapping_add(step) & mask).unwrap() * 3;
                built.words[at..at + 2] == key[..] && built.words[at + 2] == 5
            });
            assert!(found, "{key:?}");
        }
        assert_eq!(pairs(&keys, 1 << 10), None);
    }

    #[test]
    fn intervals_are_padded_with_their_last() {
        let built = narrow(&[(0, 1), (10, 5), (20, 1)]).unwrap();
        assert_eq!(built.words, [1, 10 << 32 | 5, 20 << 32 | 1, 20 << 32 | 1]);
        assert_eq!(built.bits, 2);
        let many: Vec<(u128, u32)> = (0..=1 << 18).map(|n| (n, 1)).collect();
        assert_eq!(narrow(&many), None);
    }
}
