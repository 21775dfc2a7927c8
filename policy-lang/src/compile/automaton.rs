//! Patterns with wildcards as one automaton: states are sets of places in the
//! patterns, made as far as texts can lead to them.
//!
//! Bytes that no pattern tells apart are one *group*. A union of patterns can
//! need a number of states that doubles with each of them, so there is a bound.

use super::pairs::SetId;
use crate::types::pattern::{Piece, Syntax};
use policy_abi::image::{STATE_DEAD, STATE_FIRST, STATES};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A pattern from some place in it on, for a text from its start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fragment {
    /// What must come.
    pub(super) pieces: Vec<Piece>,
    /// Whether `/` parts components.
    pub(super) syntax: Syntax,
    /// The set that texts it matches are in.
    pub(super) set: SetId,
}

/// Where a state leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By one byte to a state, by any other nowhere.
    Single(u8, u32),
    /// By each group to a state.
    Row(Vec<u32>),
}

/// A state: the sets that texts ending there are in, and where it leads.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) accepts: BTreeSet<SetId>,
    pub(super) way: Way,
}

/// An automaton. States are numbered from [`STATE_FIRST`].
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    /// The group of each byte.
    pub(super) groups: [u8; 256],
    /// Where texts of a domain begin.
    pub(super) starts: BTreeMap<u64, u32>,
    pub(super) states: Vec<State>,
}

/// The places of a pattern at which bytes can have led from its start.
pub(super) fn past<'b>(
    pieces: &[Piece],
    syntax: Syntax,
    bytes: impl Iterator<Item = &'b u8>,
) -> BTreeSet<usize> {
    let mut net = Net { places: Vec::new() };
    let mut places = BTreeSet::new();
    let begin = net.add(pieces, syntax, 0);
    net.enter(&mut places, begin);
    for byte in bytes {
        places = net.after(&places, *byte);
    }
    places
}

/// More than [`STATES`] states would be needed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// Fragments, one after the other: a place is an index into their pieces.
struct Net {
    /// The piece at a place; at a fragment's end, its set.
    places: Vec<Result<(Piece, Syntax), SetId>>,
}

impl Automaton {
    /// The automaton of the fragments of each domain; `None` without any.
    pub(super) fn new(
        domains: &BTreeMap<u64, BTreeSet<Fragment>>,
    ) -> Result<Option<Self>, TooMany> {
        if domains.values().all(BTreeSet::is_empty) {
            return Ok(None);
        }
        let mut net = Net { places: Vec::new() };
        let mut begins: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
        for (domain, fragments) in domains {
            let begin = begins.entry(*domain).or_default();
            for fragment in fragments {
                let place = net.add(&fragment.pieces, fragment.syntax, fragment.set);
                net.enter(begin, place);
            }
        }
        let (groups, samples) = net.groups();
        let mut found = Found::default();
        let mut starts = BTreeMap::new();
        for (domain, begin) in begins {
            starts.insert(domain, found.state(begin)?);
        }
        let mut states = Vec::new();
        while let Some(places) = found.places.get(states.len()).cloned() {
            states.push(State {
                accepts: net.accepts(&places),
                way: net.way(&places, &groups, &samples, &mut found)?,
            });
        }
        Ok(Some(Self {
            groups,
            starts,
            states,
        }))
    }

    /// The sets that a text of a domain is in.
    pub(super) fn read(&self, domain: u64, text: &[u8]) -> BTreeSet<SetId> {
        let mut state = self.starts.get(&domain).copied().unwrap_or(STATE_DEAD);
        for byte in text {
            state = match self.state(state).map(|state| &state.way) {
                None => return BTreeSet::new(),
                Some(Way::Single(wanted, next)) if wanted == byte => *next,
                Some(Way::Single(..)) => STATE_DEAD,
                Some(Way::Row(row)) => {
                    let group = self.groups.get(usize::from(*byte)).copied().unwrap_or(0);
                    row.get(usize::from(group)).copied().unwrap_or(STATE_DEAD)
                }
            };
        }
        self.state(state)
            .map(|state| state.accepts.clone())
            .unwrap_or_default()
    }

    fn state(&self, number: u32) -> Option<&State> {
        self.states.get(number.checked_sub(STATE_FIRST)? as usize)
    }
}

/// States by the places that they are.
#[derive(Default)]
struct Found {
    numbers: HashMap<BTreeSet<usize>, u32>,
    places: Vec<BTreeSet<usize>>,
}

impl Found {
    /// The number of a set of places.
    fn state(&mut self, places: BTreeSet<usize>) -> Result<u32, TooMany> {
        if places.is_empty() {
            return Ok(STATE_DEAD);
        }
        if let Some(known) = self.numbers.get(&places) {
            return Ok(*known);
        }
        let count = u32::try_from(self.places.len()).unwrap_or(STATES);
        if count >= STATES {
            return Err(TooMany);
        }
        let number = STATE_FIRST + count;
        self.numbers.insert(places.clone(), number);
        self.places.push(places);
        Ok(number)
    }
}

impl Net {
    /// Adds a pattern of a set and says where it begins.
    fn add(&mut self, pieces: &[Piece], syntax: Syntax, set: SetId) -> usize {
        let begin = self.places.len();
        let pieces = pieces.iter().cloned();
        self.places.extend(pieces.map(|piece| Ok((piece, syntax))));
        self.places.push(Err(set));
        begin
    }

    /// Goes to a place, and on past what can match nothing.
    fn enter(&self, places: &mut BTreeSet<usize>, mut place: usize) {
        loop {
            places.insert(place);
            match self.places.get(place) {
                Some(Ok((Piece::Run | Piece::Deep | Piece::Directories, _))) => place += 1,
                _ => return,
            }
        }
    }

    fn accepts(&self, places: &BTreeSet<usize>) -> BTreeSet<SetId> {
        let ends = places.iter().filter_map(|place| self.places.get(*place));
        ends.filter_map(|one| one.as_ref().err().copied()).collect()
    }

    /// The places that one byte leads to.
    fn after(&self, places: &BTreeSet<usize>, byte: u8) -> BTreeSet<usize> {
        let mut next = BTreeSet::new();
        for place in places {
            let Some(Ok((piece, syntax))) = self.places.get(*place) else {
                continue;
            };
            if !takes(piece, *syntax, byte) {
                continue;
            }
            match piece {
                Piece::Byte(_) | Piece::One | Piece::Class { .. } => {
                    self.enter(&mut next, place + 1);
                }
                Piece::Run | Piece::Deep => self.enter(&mut next, *place),
                Piece::Directories => {
                    next.insert(*place);
                    if byte == b'/' {
                        self.enter(&mut next, place + 1);
                    }
                }
            }
        }
        next
    }

    fn way(
        &self,
        places: &BTreeSet<usize>,
        groups: &[u8; 256],
        samples: &[u8],
        found: &mut Found,
    ) -> Result<Way, TooMany> {
        let mut single: BTreeSet<u8> = BTreeSet::new();
        let mut wide = false;
        for place in places {
            match self.places.get(*place) {
                Some(Ok((Piece::Byte(byte), _))) => {
                    single.insert(*byte);
                }
                Some(Ok(_)) => wide = true,
                Some(Err(_)) | None => {}
            }
        }
        if let (false, true, Some(byte)) = (wide, single.len() <= 1, single.first()) {
            let next = found.state(self.after(places, *byte))?;
            return Ok(Way::Single(*byte, next));
        }
        if !wide && single.is_empty() {
            return Ok(Way::Single(0, STATE_DEAD));
        }
        let mut row = vec![STATE_DEAD; samples.len()];
        // Without wildcards only the bytes that are named lead anywhere.
        let bytes: Vec<u8> = if wide {
            samples.to_vec()
        } else {
            single.into_iter().collect()
        };
        for byte in bytes {
            let next = found.state(self.after(places, byte))?;
            let group = groups.get(usize::from(byte)).copied().unwrap_or(0);
            if let Some(place) = row.get_mut(usize::from(group)) {
                *place = next;
            }
        }
        Ok(Way::Row(row))
    }

    /// The group of each byte, and a byte of each group.
    fn groups(&self) -> ([u8; 256], Vec<u8>) {
        let mut groups = [0_u8; 256];
        let mut samples = vec![0_u8];
        let mut seen: Vec<&(Piece, Syntax)> = Vec::new();
        for one in self.places.iter().flatten() {
            if seen.contains(&one) {
                continue;
            }
            seen.push(one);
            let (piece, syntax) = one;
            let slash = *piece == Piece::Directories;
            split(&mut groups, &mut samples, |byte| {
                takes(piece, *syntax, byte) && (!slash || byte == b'/')
            });
        }
        (groups, samples)
    }
}

/// Whether a piece goes with a byte.
fn takes(piece: &Piece, syntax: Syntax, byte: u8) -> bool {
    let component = syntax == Syntax::Text || byte != b'/';
    match piece {
        Piece::Byte(wanted) => *wanted == byte,
        Piece::One | Piece::Run => component,
        Piece::Class { negated, ranges } => {
            let within = ranges.iter().any(|(a, z)| *a <= byte && byte <= *z);
            component && within != *negated
        }
        Piece::Deep | Piece::Directories => true,
    }
}

/// Parts each group into those bytes for which something is so, and the others.
fn split(groups: &mut [u8; 256], samples: &mut Vec<u8>, so: impl Fn(u8) -> bool) {
    let mut parted: HashMap<(u8, bool), u8> = HashMap::new();
    for (group, sample) in (0_u8..).zip(samples.iter()) {
        parted.insert((group, so(*sample)), group);
    }
    for (byte, group) in (0_u8..=255).zip(groups.iter_mut()) {
        let key = (*group, so(byte));
        // INVARIANT: 256 bytes make 256 groups at most.
        let fresh = u8::try_from(samples.len()).unwrap_or(u8::MAX);
        *group = *parted.entry(key).or_insert_with(|| {
            samples.push(byte);
            fresh
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::pattern::{Pattern, parse};
    use proptest::prelude::*;

    fn fragment(text: &str, syntax: Syntax, set: SetId) -> (Pattern, Fragment) {
        let pattern = parse(text, syntax).unwrap();
        let pieces = match &pattern {
            Pattern::Literal(bytes) => bytes.iter().map(|byte| Piece::Byte(*byte)).collect(),
            Pattern::Glob(_, pieces) => pieces.to_vec(),
        };
        (
            pattern,
            Fragment {
                pieces,
                syntax,
                set,
            },
        )
    }

    fn made(fragments: impl IntoIterator<Item = Fragment>) -> Result<Option<Automaton>, TooMany> {
        Automaton::new(&BTreeMap::from([(7, fragments.into_iter().collect())]))
    }

    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            6 => "[ab/]",
            2 => Just("*".to_owned()),
            1 => Just("**".to_owned()),
            1 => Just("/**/".to_owned()),
            2 => Just("?".to_owned()),
            1 => Just("[a-c]".to_owned()),
            1 => Just("[!b]".to_owned()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        /// Every pattern says of every text what the automaton of all of them says.
        #[test]
        fn it_matches_what_its_patterns_match(
            patterns in prop::collection::vec(
                (prop::collection::vec(piece(), 0..8), any::<bool>()), 1..6),
            texts in prop::collection::vec("[abcd/]{0,10}", 30),
        ) {
            let all: Vec<_> = patterns.iter().enumerate().map(|(set, (pieces, path))| {
                let syntax = if *path { Syntax::Path } else { Syntax::Text };
                fragment(&pieces.concat(), syntax, set)
            }).collect();
            let automaton = made(all.iter().map(|one| one.1.clone())).unwrap().unwrap();
            for text in texts {
                let wanted: BTreeSet<SetId> = all.iter().enumerate()
                    .filter(|(_, (pattern, _))| pattern.holds(text.as_bytes()))
                    .map(|(set, _)| set)
                    .collect();
                prop_assert_eq!(automaton.read(7, text.as_bytes()), wanted, "{}", text);
                prop_assert!(automaton.read(8, text.as_bytes()).is_empty());
            }
        }
    }

    #[test]
    fn states_are_bounded() {
        // `a` at the n-th place from the end: a state for each set of places.
        let tail = |n: usize| {
            let text = format!("*a{}", "?".repeat(n));
            made([fragment(&text, Syntax::Text, 0).1]).map(drop)
        };
        assert_eq!(tail(9), Ok(()));
        assert_eq!(tail(20), Err(TooMany));
        assert!(made([]).unwrap().is_none());
    }

    #[test]
    fn a_text_that_only_one_byte_continues_takes_one_word() {
        let (_, fragment) = fragment("a/long/prefix/*", Syntax::Path, 0);
        let automaton = made([fragment]).unwrap().unwrap();
        let rows = automaton
            .states
            .iter()
            .filter(|state| matches!(state.way, Way::Row(_)));
        assert_eq!(rows.count(), 1);
    }
}
