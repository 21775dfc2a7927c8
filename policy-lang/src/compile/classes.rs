//! Classes: values that no set of a dimension tells apart share one.
//!
//! A class is known by its signature, the sets that its values are in. Paths
//! become keys before classes are made, since two paths of a policy can be
//! anchored at one place. What is known by its key is known to match patterns or
//! not, so the kernel reads other texts alone.

use super::automaton::{Automaton, TooMany};
use super::keys::{Key, Keys};
use super::net::Within;
use super::pairs::{SetId, Sets};
use super::texts::Texts;
use super::{Anchor, Host, PlaceUse};
use crate::maps::HashMap;
use crate::types::Values;
use policy_abi::fields::{DIMENSIONS, Dimension};
use policy_abi::image::{CLASS_FIRST, CLASS_OTHER, CLASS_UNNAMED};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The sets that the values of a class are in.
pub(super) type Signature = BTreeSet<SetId>;

/// Classes of one dimension.
#[derive(Debug, Default)]
pub(super) struct Dimensioned {
    /// Signatures of the classes from [`CLASS_FIRST`] on.
    signatures: Vec<Signature>,
    ids: HashMap<Signature, u32>,
    /// Sets that have sockets without a name.
    pub(super) unnamed: Signature,
    /// Sets that have patterns with wildcards.
    pub(super) globbed: Signature,
    /// Where the paths of each set lie.
    pub(super) anchors: BTreeMap<SetId, Arc<[Anchor]>>,
    /// Keys and their classes, for lookups of shape `Pairs`.
    pub(super) keys: BTreeMap<Key, u32>,
    /// What reads the texts that are no key, and the class of each of its states.
    pub(super) automaton: Option<(Automaton, Vec<u32>)>,
    /// Starts of intervals and their classes, for the other lookups: IPv4 and plain numbers.
    pub(super) narrow: Vec<(u128, u32)>,
    /// As `narrow`, for IPv6.
    pub(super) wide: Vec<(u128, u32)>,
}

impl Dimensioned {
    /// One past the largest class.
    pub(super) fn end(&self) -> u32 {
        let named = u32::try_from(self.signatures.len()).unwrap_or(u32::MAX);
        CLASS_FIRST.saturating_add(named)
    }

    /// Whether values of a class are in a set. [`CLASS_OTHER`] and
    /// [`CLASS_MISSING`](policy_abi::image::CLASS_MISSING) are in none.
    pub(super) fn contains(&self, class: u32, set: SetId) -> bool {
        if class == CLASS_UNNAMED {
            return self.unnamed.contains(&set);
        }
        self.signature(class)
            .is_some_and(|signature| signature.contains(&set))
    }

    /// The sets that values of a class are in, from [`CLASS_FIRST`] on.
    pub(super) fn signature(&self, class: u32) -> Option<&Signature> {
        let at = class.checked_sub(CLASS_FIRST)?;
        self.signatures.get(at as usize)
    }

    fn class(&mut self, signature: Signature) -> u32 {
        if signature.is_empty() {
            return CLASS_OTHER;
        }
        if let Some(known) = self.ids.get(&signature) {
            return *known;
        }
        let class = self.end();
        self.signatures.push(signature.clone());
        self.ids.insert(signature, class);
        class
    }

    /// Takes texts by key and by pattern.
    fn take_texts(&mut self, dimension: Dimension, texts: Texts) -> Result<(), TooMany> {
        let within = (dimension == Dimension::Unit).then(Within::units);
        let automaton = Automaton::new(&texts.fragments, within.as_ref())?;
        for (key, known) in texts.known {
            let mut signature = known.sets;
            if let Some(automaton) = &automaton {
                signature.extend(automaton.read(known.domain, &known.text));
            }
            let class = self.class(signature);
            self.keys.insert(key, class);
        }
        let fragments = texts.fragments.values().flatten();
        self.globbed = fragments.map(|fragment| fragment.set).collect();
        self.unnamed = texts.unnamed;
        let anchors = texts.anchors.into_iter();
        self.anchors = anchors.map(|(set, of)| (set, of.into())).collect();
        self.automaton = automaton.map(|automaton| {
            let states = automaton.states.iter();
            let classes = states.map(|state| self.class(state.accepts.clone()));
            let classes = classes.collect();
            (automaton, classes)
        });
        Ok(())
    }

    /// Parts the numbers up to `last` where a range of a set starts or ends.
    fn intervals(&mut self, ranges: &[(SetId, u128, u128)], last: u128) -> Vec<(u128, u32)> {
        let mut borders: BTreeMap<u128, Vec<(SetId, bool)>> = BTreeMap::from([(0, Vec::new())]);
        for (set, first, end) in ranges {
            borders.entry(*first).or_default().push((*set, true));
            if *end < last {
                borders.entry(end + 1).or_default().push((*set, false));
            }
        }
        let mut open: BTreeMap<SetId, usize> = BTreeMap::new();
        let mut parts: Vec<(u128, u32)> = Vec::new();
        for (start, changes) in borders {
            for (set, opens) in changes {
                let count = open.entry(set).or_default();
                *count = if opens {
                    *count + 1
                } else {
                    count.saturating_sub(1)
                };
            }
            open.retain(|_, count| *count > 0);
            let class = self.class(open.keys().copied().collect());
            if parts.last().is_none_or(|(_, before)| *before != class) {
                parts.push((start, class));
            }
        }
        parts
    }
}

/// Classes of all dimensions.
pub(super) struct Classes {
    by_dimension: BTreeMap<Dimension, Dimensioned>,
}

impl Classes {
    /// The classes of all sets; or the dimension whose patterns need too many states.
    pub(super) fn new(sets: &Sets, host: &dyn Host) -> Result<Self, Dimension> {
        let mut keys = Keys::new(host);
        let mut by_dimension = BTreeMap::new();
        for dimension in DIMENSIONS.iter().filter(|one| !one.is_bits()) {
            let of = sets.of(*dimension);
            if !of.is_empty() {
                let made = dimensioned(*dimension, of, &mut keys);
                by_dimension.insert(*dimension, made.map_err(|TooMany| *dimension)?);
            }
        }
        Ok(Self { by_dimension })
    }

    /// The classes of a dimension that some term asks for.
    pub(super) fn of(&self, dimension: Dimension) -> Option<&Dimensioned> {
        self.by_dimension.get(&dimension)
    }
}

fn dimensioned(
    dimension: Dimension,
    sets: &[(Arc<Values>, PlaceUse)],
    keys: &mut Keys<'_>,
) -> Result<Dimensioned, TooMany> {
    let mut made = Dimensioned::default();
    let mut texts = Texts::default();
    let (mut numbers, mut wide) = (Vec::new(), Vec::new());
    for (set, (values, place_use)) in sets.iter().enumerate() {
        match &**values {
            Values::Patterns(patterns) => {
                texts.patterns((set, *place_use), dimension, patterns, keys);
            }
            Values::Unix(unix) => texts.unix((set, *place_use), unix, keys),
            Values::Options(options) => texts.options(set, options),
            Values::Numbers(of) => {
                let ranges = of.ranges.iter();
                numbers.extend(ranges.map(|(a, z)| (set, u128::from(*a), u128::from(*z))));
            }
            Values::Addresses(of) => {
                let ranges = of.v4.iter();
                numbers.extend(ranges.map(|(a, z)| (set, u128::from(*a), u128::from(*z))));
                wide.extend(of.v6.iter().map(|(a, z)| (set, *a, *z)));
            }
            // INVARIANT: words are bits, which have no classes, and names are
            // numbers by now.
            Values::Names(_) | Values::Words(_) => {}
        }
    }
    made.take_texts(dimension, texts)?;
    made.narrow = made.intervals(&numbers, u128::from(u32::MAX));
    made.wide = made.intervals(&wide, u128::MAX);
    Ok(made)
}
