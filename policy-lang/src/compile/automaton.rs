//! Patterns with wildcards as one automaton: states are sets of places in the
//! patterns, made as far as texts can lead to them. A union of patterns can
//! need a number of states that doubles with each of them, so there is a bound.

use super::net::{Net, Within};
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

impl Way {
    /// The states that some byte leads to.
    fn leads_to(&self) -> impl Iterator<Item = u32> {
        let (single, row) = match self {
            Self::Single(_, next) => (Some([*next, STATE_DEAD]), &[][..]),
            Self::Row(row) => (None, row.as_slice()),
        };
        single.into_iter().flatten().chain(row.iter().copied())
    }
}

/// A state: the sets that texts ending there are in, and where it leads.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) accepts: BTreeSet<SetId>,
    pub(super) way: Way,
    /// Whether texts that get here are in the same sets whatever comes after.
    pub(super) settled: bool,
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

/// More than [`STATES`] states would be needed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Automaton {
    /// The automaton of the fragments of each domain; `None` without any.
    pub(super) fn new(
        domains: &BTreeMap<u64, BTreeSet<Fragment>>,
        within: Option<&Within>,
    ) -> Result<Option<Self>, TooMany> {
        if domains.values().all(BTreeSet::is_empty) {
            return Ok(None);
        }
        let mut net = Net::default();
        let required = within.map(|within| net.require(within)).unwrap_or_default();
        let mut begins: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
        for (domain, fragments) in domains {
            let begin = begins.entry(*domain).or_default();
            begin.extend(&required);
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
                settled: false,
            });
        }
        settle(&mut states);
        Ok(Some(Self {
            groups,
            starts,
            states,
        }))
    }

    /// The sets that a text of a domain is in.
    pub(super) fn read(&self, domain: u64, text: &[u8]) -> BTreeSet<SetId> {
        let state = self.state(self.end(domain, text));
        state.map(|state| state.accepts.clone()).unwrap_or_default()
    }

    /// The state that a text of a domain comes to.
    fn end(&self, domain: u64, text: &[u8]) -> u32 {
        let mut state = self.starts.get(&domain).copied().unwrap_or(STATE_DEAD);
        for byte in text {
            state = match self.state(state).map(|state| &state.way) {
                None => return STATE_DEAD,
                Some(Way::Single(wanted, next)) if wanted == byte => *next,
                Some(Way::Single(..)) => STATE_DEAD,
                Some(Way::Row(row)) => {
                    let group = self.groups.get(usize::from(*byte)).copied().unwrap_or(0);
                    row.get(usize::from(group)).copied().unwrap_or(STATE_DEAD)
                }
            };
        }
        state
    }

    fn state(&self, number: u32) -> Option<&State> {
        self.states.get(number.checked_sub(STATE_FIRST)? as usize)
    }
}

/// Marks the states from which only states of the same sets can be reached: all
/// but those that lead to others, and those that lead there.
fn settle(states: &mut [State]) {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); states.len()];
    let mut open: Vec<usize> = Vec::new();
    for (number, state) in states.iter().enumerate() {
        for next in state.way.leads_to() {
            let next = next.checked_sub(STATE_FIRST).map(|next| next as usize);
            let sets = next
                .and_then(|next| states.get(next))
                .map(|next| &next.accepts);
            if sets.map_or(!state.accepts.is_empty(), |sets| *sets != state.accepts) {
                open.push(number);
            }
            if let Some(before) = next.and_then(|next| before.get_mut(next)) {
                before.push(number);
            }
        }
    }
    for state in &mut *states {
        state.settled = true;
    }
    while let Some(number) = open.pop() {
        let Some(state) = states.get_mut(number).filter(|state| state.settled) else {
            continue;
        };
        state.settled = false;
        open.extend(before.get(number).into_iter().flatten());
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

/// Where the places of a state lead.
impl Net {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::pattern::{Pattern, parse};
    use crate::unit;
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
        Automaton::new(
            &BTreeMap::from([(7, fragments.into_iter().collect())]),
            None,
        )
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

        /// Where a state is settled, nothing that comes after changes anything.
        #[test]
        fn what_is_settled_stays(
            patterns in prop::collection::vec(prop::collection::vec(piece(), 0..5), 1..4),
            texts in prop::collection::vec(("[abc/]{0,6}", "[abcd/]{0,6}"), 30),
        ) {
            let all = patterns.iter().enumerate();
            let all = all.map(|(set, pieces)| fragment(&pieces.concat(), Syntax::Path, set).1);
            let automaton = made(all).unwrap().unwrap();
            for (text, more) in texts {
                let whole = automaton.read(7, format!("{text}{more}").as_bytes());
                if let Some(state) = automaton.state(automaton.end(7, text.as_bytes())) {
                    prop_assert!(!state.settled || state.accepts == whole, "{}+{}", text, more);
                } else {
                    prop_assert!(whole.is_empty());
                }
            }
        }

        /// A pattern of units matches what it matches of their names, and no other text.
        #[test]
        fn units_are_matched_alone(
            patterns in prop::collection::vec("[a@*?.]{0,3}(\\*|\\.\\*|\\.service|\\.s\\*)", 1..4),
            texts in prop::collection::vec("[a@ .]{0,3}(\\.service|\\.socket|\\.path|\\.slice|\\.servic)?", 40),
        ) {
            let all = patterns.iter().enumerate();
            let all: Vec<_> = all.map(|(set, text)| fragment(text, Syntax::Text, set)).collect();
            let domains = BTreeMap::from([(7, all.iter().map(|one| one.1.clone()).collect())]);
            let automaton = Automaton::new(&domains, Some(&Within::units())).unwrap().unwrap();
            for text in texts {
                let text = text.as_bytes();
                let wanted: BTreeSet<SetId> = all.iter().enumerate()
                    .filter(|(_, (pattern, _))| unit::is_unit(text) && pattern.holds(text))
                    .map(|(set, _)| set)
                    .collect();
                prop_assert_eq!(automaton.read(7, text), wanted, "{:?}", text);
            }
        }
    }

    #[test]
    fn a_folder_is_settled_where_its_own_path_ends() {
        let settled = |patterns: &[&str], text: &str| {
            let all = patterns.iter().enumerate();
            let all = all.map(|(set, text)| fragment(text, Syntax::Path, set).1);
            let automaton = made(all).unwrap().unwrap();
            automaton
                .state(automaton.end(7, text.as_bytes()))
                .unwrap()
                .settled
        };
        assert!(settled(&["usr/**"], "usr/"));
        assert!(!settled(&["usr/**"], "us"));
        assert!(!settled(&["usr/*"], "usr/"));
        assert!(!settled(&["usr/**", "usr/**/x"], "usr/a"));
        assert!(settled(&["usr/**", "usr/x"], "usr/a"));
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
