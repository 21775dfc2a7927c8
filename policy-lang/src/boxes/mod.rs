//! Rules as sets of operations: unions of boxes, and what lints and `diff` ask
//! about them.
//!
//! A box is a [`Term`]: for each axis a conjunction of memberships in sets and
//! of their complements. Axes are independent of each other, as they are for
//! [`mod@crate::eval`] (notes 8, 9, 99), so a box is empty exactly when one of
//! its axes is. All that is asked (whether a box is empty, lies in others, meets
//! another) comes down to that, and it is decided exactly: numbers and addresses
//! as intervals, words as bits, literal names one by one, patterns as automata.
//! Work is counted; where it runs out, the answer is [`Answer::Unknown`].
//!
//! An axis has one value more than its sets can name: *missing*, which is in no
//! set and in every complement. An object that could not be read (notes 118) is
//! a value of all its axes together: [`Region`] keeps it apart.

mod automaton;
mod cover;
mod index;
pub(crate) mod meet;
mod region;
mod sets;
#[cfg(test)]
mod tests;

pub(crate) use cover::{Found, Piece, meets, within};
pub(crate) use index::{Index, Owner};
pub(crate) use meet::{Meet, Point, holds, sample};
pub(crate) use region::{Part, Plane, Region, Space};
pub(crate) use sets::SetId;

use crate::terms::Axis;
use std::collections::HashMap;

/// Whether something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// The work that was allowed for it did not suffice.
    Unknown,
}

/// A membership in a set, or its complement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Literal {
    pub(crate) axis: Axis,
    pub(crate) negated: bool,
    pub(crate) set: SetId,
}

impl Literal {
    pub(crate) const fn complement(self) -> Self {
        Self {
            negated: !self.negated,
            ..self
        }
    }
}

/// A box: all of these hold. In order, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Term(Vec<Literal>);

impl Term {
    pub(crate) fn new(mut literals: Vec<Literal>) -> Self {
        literals.sort_unstable();
        literals.dedup();
        Self(literals)
    }

    pub(crate) fn literals(&self) -> &[Literal] {
        &self.0
    }

    /// The box and one demand more.
    pub(crate) fn with(&self, literal: Literal) -> Self {
        let mut literals = Vec::with_capacity(self.0.len() + 1);
        let at = self.0.partition_point(|one| *one < literal);
        let (before, after) = self.0.split_at_checked(at).unwrap_or((&self.0, &[]));
        literals.extend_from_slice(before);
        if after.first() != Some(&literal) {
            literals.push(literal);
        }
        literals.extend_from_slice(after);
        Self(literals)
    }

    /// The box's demands, axis by axis.
    pub(crate) fn axes(&self) -> impl Iterator<Item = &[Literal]> {
        self.0.chunk_by(|one, next| one.axis == next.axis)
    }
}

/// Work that may be done, and what was found out about patterns.
#[derive(Debug)]
pub(crate) struct Effort {
    left: u64,
    /// Meets of patterns, which are dear.
    known: HashMap<Vec<Literal>, Meet>,
}

impl Effort {
    /// `steps` are about as long as a comparison of two short names.
    pub(crate) fn new(steps: u64) -> Self {
        Self {
            left: steps,
            known: HashMap::new(),
        }
    }

    /// Takes some steps; false when there are not so many left.
    pub(crate) fn spend(&mut self, steps: usize) -> bool {
        let enough = self.left >= steps as u64;
        self.left = self.left.saturating_sub(steps as u64);
        enough
    }

    pub(crate) const fn is_spent(&self) -> bool {
        self.left == 0
    }

    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    /// Sets what is left, and keeps what is known.
    pub(crate) fn refill(&mut self, steps: u64) {
        self.left = steps;
    }
}
