//! Patterns as languages: a text that all of some sets hold and none of others.
//!
//! Where a set has literals alone, they are tried one by one. Else the patterns
//! run side by side, a byte at a time, over all texts at once: a state is the
//! places that they can be in. Bytes that no pattern tells apart are one.

use super::Effort;
use super::sets::Texts;
use crate::types::pattern::{Pattern, Piece, Syntax};
use std::collections::HashSet;

/// What was found.
pub(super) enum Found {
    /// There is none.
    Nothing,
    /// This one.
    Text(Box<[u8]>),
    /// The work that was allowed did not suffice.
    Unknown,
}

/// Steps that one question may take, so that one alone cannot use up all.
const STEPS: usize = 400_000;

/// A text that all of `held` hold, at least one, and none of `others`.
pub(super) fn meet(held: &[&Texts], others: &[&Texts], effort: &mut Effort) -> Found {
    if held.iter().any(|texts| texts.is_empty()) {
        return Found::Nothing;
    }
    let suits = |bytes: &[u8]| {
        held.iter().all(|texts| texts.hold(bytes)) && !others.iter().any(|texts| texts.hold(bytes))
    };
    let globs = |texts: &&&Texts| !texts.globs.is_empty();
    let literals = held.iter().filter(|texts| !globs(texts));
    let Some(fewest) = literals.min_by_key(|texts| texts.literals.len()) else {
        let repeated = |one: &Texts| held.len() == 1 && others.iter().any(|all| has_each(all, one));
        if held.first().is_some_and(|one| repeated(one)) {
            return Found::Nothing;
        }
        return Race::new(held, others).run(effort);
    };
    let cost: usize = held
        .iter()
        .chain(others)
        .map(|one| 1 + one.globs.len())
        .sum();
    for literal in &fewest.literals {
        if !effort.spend(cost) {
            return Found::Unknown;
        }
        if suits(literal) {
            return Found::Text(literal.clone());
        }
    }
    Found::Nothing
}

/// Whether a set is written with all patterns of another.
fn has_each(all: &Texts, some: &Texts) -> bool {
    some.literals.iter().all(|literal| all.hold(literal))
        && some.globs.iter().all(|glob| all.globs.contains(glob))
}

/// One pattern of a set, its places numbered on from others before it.
struct Runner<'p> {
    /// Which set it is of.
    set: usize,
    syntax: Syntax,
    pieces: Vec<&'p Piece>,
    /// Its bytes, if it is literal.
    literal: &'p [u8],
    first: usize,
}

impl Runner<'_> {
    fn length(&self) -> usize {
        self.pieces.len() + self.literal.len()
    }
}

/// Patterns that run side by side.
struct Race<'p> {
    runners: Vec<Runner<'p>>,
    /// The runner of each place.
    owner: Vec<usize>,
    /// How many of the sets must hold the text; the others must not.
    wanted: usize,
    alphabet: Vec<u8>,
}

/// Places, in order.
type State = Vec<u32>;

impl<'p> Race<'p> {
    fn new(held: &[&'p Texts], others: &[&'p Texts]) -> Self {
        let mut race = Self {
            runners: Vec::new(),
            owner: Vec::new(),
            wanted: held.len(),
            alphabet: Vec::new(),
        };
        for (set, texts) in held.iter().chain(others).enumerate() {
            for literal in &texts.literals {
                race.add(set, Syntax::Text, &[], literal);
            }
            for glob in &texts.globs {
                if let Pattern::Glob(syntax, pieces) = glob {
                    race.add(set, *syntax, pieces, &[]);
                }
            }
        }
        race.alphabet = race.told_apart();
        race
    }

    fn add(&mut self, set: usize, syntax: Syntax, pieces: &'p [Piece], literal: &'p [u8]) {
        let runner = Runner {
            set,
            syntax,
            pieces: pieces.iter().collect(),
            literal,
            first: self.owner.len(),
        };
        let places = runner.length() + 1;
        self.owner
            .extend(std::iter::repeat_n(self.runners.len(), places));
        self.runners.push(runner);
    }

    /// One byte of each run of bytes that all patterns take for the same.
    fn told_apart(&self) -> Vec<u8> {
        let mut starts = [false; 257];
        let mut cut = |first: u8, last: u8| {
            for at in [usize::from(first), usize::from(last) + 1] {
                if let Some(start) = starts.get_mut(at) {
                    *start = true;
                }
            }
        };
        cut(0, 255);
        cut(b'/', b'/');
        for runner in &self.runners {
            for byte in runner.literal {
                cut(*byte, *byte);
            }
            for piece in &runner.pieces {
                match piece {
                    Piece::Byte(byte) => cut(*byte, *byte),
                    Piece::Class { ranges, .. } => {
                        for (first, last) in ranges {
                            cut(*first, *last);
                        }
                    }
                    Piece::One | Piece::Run | Piece::Deep | Piece::Directories => {}
                }
            }
        }
        let bytes = (0..=u8::MAX).zip(starts);
        bytes
            .filter(|(_, start)| *start)
            .map(|(byte, _)| byte)
            .collect()
    }

    /// Goes to a place of a runner, and on past what can match nothing.
    fn enter(runner: &Runner<'_>, mut place: usize, into: &mut State) {
        loop {
            into.push(u32::try_from(runner.first + place).unwrap_or(u32::MAX));
            match runner.pieces.get(place) {
                Some(Piece::Run | Piece::Deep | Piece::Directories) => place += 1,
                _ => return,
            }
        }
    }

    fn step(&self, state: &State, byte: u8) -> State {
        let mut next = State::new();
        for at in state {
            let at = *at as usize;
            let owner = self
                .owner
                .get(at)
                .and_then(|owner| self.runners.get(*owner));
            let Some(runner) = owner else {
                continue;
            };
            let place = at - runner.first;
            if runner.literal.get(place) == Some(&byte) {
                Self::enter(runner, place + 1, &mut next);
            }
            let Some(piece) = runner.pieces.get(place) else {
                continue;
            };
            let component = runner.syntax == Syntax::Text || byte != b'/';
            match piece {
                Piece::Byte(wanted) if *wanted == byte => Self::enter(runner, place + 1, &mut next),
                Piece::One if component => Self::enter(runner, place + 1, &mut next),
                Piece::Class { negated, ranges } if component => {
                    let within = ranges.iter().any(|(a, z)| *a <= byte && byte <= *z);
                    if within != *negated {
                        Self::enter(runner, place + 1, &mut next);
                    }
                }
                Piece::Run if component => Self::enter(runner, place, &mut next),
                Piece::Deep => Self::enter(runner, place, &mut next),
                Piece::Directories => {
                    next.push(u32::try_from(at).unwrap_or(u32::MAX));
                    if byte == b'/' {
                        Self::enter(runner, place + 1, &mut next);
                    }
                }
                Piece::Byte(_) | Piece::One | Piece::Class { .. } | Piece::Run => {}
            }
        }
        next.sort_unstable();
        next.dedup();
        next
    }

    /// Which sets hold the text that led here, and which still can hold a longer one.
    fn sets(&self, state: &State) -> (u128, u128) {
        let (mut ended, mut alive) = (0_u128, 0_u128);
        for at in state {
            let at = *at as usize;
            let owner = self
                .owner
                .get(at)
                .and_then(|owner| self.runners.get(*owner));
            if let Some(runner) = owner {
                let bit = 1_u128.checked_shl(u32::try_from(runner.set).unwrap_or(u32::MAX));
                let bit = bit.unwrap_or(0);
                alive |= bit;
                if at - runner.first == runner.length() {
                    ended |= bit;
                }
            }
        }
        (ended, alive)
    }

    /// Goes through all texts, shortest first.
    fn run(&self, effort: &mut Effort) -> Found {
        // More sets than there are bits to tell them by.
        if self.runners.iter().any(|runner| runner.set >= 128) {
            return Found::Unknown;
        }
        let wanted = 1_u128
            .checked_shl(u32::try_from(self.wanted).unwrap_or(u32::MAX))
            .map_or(u128::MAX, |bit| bit - 1);
        let mut start = State::new();
        for runner in &self.runners {
            Self::enter(runner, 0, &mut start);
        }
        start.sort_unstable();
        start.dedup();
        let mut steps = 0_usize;
        // Each state with how it was come by.
        let mut reached: Vec<(State, usize, u8)> = vec![(start.clone(), 0, 0)];
        let mut seen = HashSet::from([start]);
        let mut at = 0;
        while let Some((state, ..)) = reached.get(at) {
            let state = state.clone();
            if self.sets(&state).0 == wanted {
                return Found::Text(spelled(&reached, at));
            }
            for byte in &self.alphabet {
                let cost = state.len() + 1;
                steps += cost;
                if steps > STEPS || !effort.spend(cost) {
                    return Found::Unknown;
                }
                let next = self.step(&state, *byte);
                if self.sets(&next).1 & wanted == wanted && seen.insert(next.clone()) {
                    reached.push((next, at, *byte));
                }
            }
            at += 1;
        }
        Found::Nothing
    }
}

/// The text that led to a state.
fn spelled(reached: &[(State, usize, u8)], mut at: usize) -> Box<[u8]> {
    let mut bytes = Vec::new();
    while at != 0 {
        let Some((_, before, byte)) = reached.get(at) else {
            break;
        };
        bytes.push(*byte);
        at = *before;
    }
    bytes.reverse();
    bytes.into()
}
