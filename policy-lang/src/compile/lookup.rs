//! The words of lookups, as [`policy_abi::image`] lays them out.

use super::keys::Key;
use policy_abi::image::{FAR_STEPS, PROBES, slot};
use policy_abi::lookup::{Index, part};
use std::collections::BTreeMap;

/// A lookup's words, log2 of its length (rounded up where there is an index), and its seed
/// or index.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Built {
    pub(super) words: Vec<u64>,
    /// Words before its entries.
    pub(super) before: u32,
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
                return Some(Built {
                    words,
                    before: 0,
                    bits,
                    seed,
                });
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
    let starts: Vec<u32> = parts
        .iter()
        .map(|(start, _)| u32::try_from(*start).unwrap_or(u32::MAX))
        .collect();
    let words = starts
        .iter()
        .zip(parts)
        .map(|(start, (_, class))| u64::from(*start) << 32 | u64::from(*class));
    let words: Vec<u64> = words.collect();
    indexed(&words, &starts).or_else(|| padded(words.into_iter().map(|word| vec![word]).collect()))
}

/// A search of so many steps has no index.
const FEW_STEPS: u32 = 3;

/// A lookup with an index, of intervals that begin at `starts`; `None` when they are too
/// few for one, or more than a search can tell apart.
fn indexed(entries: &[u64], starts: &[u32]) -> Option<Built> {
    let bits = entries.len().next_power_of_two().trailing_zeros();
    if !(FEW_STEPS + 1..=FAR_STEPS).contains(&bits) {
        return None;
    }
    let (first, last) = (starts.get(1)?, starts.last()?);
    let span = last - first;
    let mut shift = 0;
    while span >> shift >= (1 << bits) - 1 {
        shift += 1;
    }
    let index = Index::new(*first, shift, (span >> shift) + 1);
    // Where each part begins, and log2 of how many intervals are searched. Part 0 is
    // below the first.
    let mut parts = vec![(0, 0)];
    let mut from = 0;
    for number in 0..index.last() {
        let begins = first.saturating_add(number << shift);
        from += after(starts, from, begins);
        let ends = if number + 1 == index.last() {
            u32::MAX
        } else {
            begins.saturating_add((1 << shift) - 1)
        };
        let searched = after(starts, from, ends) + 1;
        parts.push((from, searched.next_power_of_two().trailing_zeros()));
    }
    let longest = parts.iter().map(|(_, bits)| 1_usize << bits).max()?;
    let mut entries = entries.to_vec();
    entries.resize(entries.len().max(longest), *entries.last()?);
    let length = u32::try_from(entries.len()).ok()?;
    // A search that would lead behind the end begins before its part.
    let parts: Vec<u64> = parts
        .iter()
        .map(|(from, bits)| part((*from).min(length - (1 << bits)), *bits).into())
        .collect();
    let mut words: Vec<u64> = parts
        .chunks(2)
        .map(|two| two.iter().rev().fold(0, |word, part| word << 32 | part))
        .collect();
    words.extend(entries);
    Some(Built {
        words,
        before: index.words(),
        bits,
        seed: index.0,
    })
}

/// How many of `starts` behind the one at `from` are not above a number.
fn after(starts: &[u32], from: u32, number: u32) -> u32 {
    let behind = starts.iter().skip(from as usize + 1);
    let count = behind.take_while(|start| **start <= number).count();
    u32::try_from(count).unwrap_or(u32::MAX)
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
        before: 0,
        bits,
        seed: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy_abi::lookup::{Stands, class_of_number, parted};
    use proptest::prelude::*;

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

    /// A lookup that is by itself an image's words.
    fn class(built: &Built, value: u32) -> Option<u32> {
        let stands = Stands::new(built.before, built.bits, built.seed);
        class_of_number(&built.words[..], stands, value, FAR_STEPS)
    }

    proptest! {
        #[test]
        fn an_index_leads_to_the_interval(
            starts in prop::collection::btree_set(
                prop_oneof![any::<u32>(), 0..1000_u32, 0x0a00_0000..0x0a00_4000_u32, u32::MAX - 9..],
                0..200,
            ),
            others in prop::collection::vec(any::<u32>(), 20),
        ) {
            let starts: Vec<u32> = [0].into_iter().chain(starts.into_iter().filter(|one| *one != 0)).collect();
            let parts: Vec<_> = starts.iter().zip(6..).map(|(start, class)| (u128::from(*start), class)).collect();
            let built = narrow(&parts).unwrap();
            prop_assert_eq!(built.seed != 0, parts.len() > 1 << FEW_STEPS);
            let near = starts.iter().flat_map(|start| [*start, start.wrapping_sub(1), start.wrapping_add(1)]);
            for value in near.chain(others) {
                let behind = starts.partition_point(|start| *start <= value) - 1;
                prop_assert_eq!(class(&built, value), Some(parts[behind].1), "{}", value);
            }
        }
    }

    #[test]
    fn ports_that_stand_close_are_found_at_once() {
        let parts: Vec<(u128, u32)> = (0..1000)
            .map(|n| (if n == 0 { 0 } else { 8000 + n }, 6))
            .collect();
        let built = narrow(&parts).unwrap();
        let index = Index(built.seed);
        let searched = (0..=index.last()).map(|part| {
            let two = built.words[part as usize / 2];
            let half = two >> (32 * (part % 2)) & 0xffff_ffff;
            parted(u32::try_from(half).unwrap()).1
        });
        assert_eq!(searched.max(), Some(0));
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
