//! Whether a box lies in other boxes together, and whether boxes meet.
//!
//! A point of what is left is taken, a box that has it is looked for, and what
//! is outside of that box is left. So a box that has nothing to do with the
//! question is never cut by, and a question whose answer is no mostly ends with
//! the first point.

use super::meet::{Meet, Point, sample};
use super::sets::Sets;
use super::{Answer, Effort, Term};
use crate::words::family::{Family, FamilySet};

/// A box of some families.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) families: FamilySet,
    pub(crate) term: Term,
}

/// A box that has what was looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'r> {
    pub(crate) families: FamilySet,
    pub(crate) term: &'r Term,
}

/// Whether pieces lie in boxes that `find` gives: one that has the family and
/// the point, and all families for which it stands.
pub(crate) fn within<'r>(
    sets: &Sets,
    effort: &mut Effort,
    pieces: Vec<Piece>,
    connect: bool,
    mut find: impl FnMut(&mut Effort, Family, &Point) -> Option<Found<'r>>,
) -> Answer {
    let mut left = pieces;
    let mut answer = Answer::Yes;
    while let Some(Piece { families, term }) = left.pop() {
        let Some(family) = families.iter().next() else {
            continue;
        };
        let point = match sample(sets, effort, &term, connect) {
            Ok(point) => point,
            Err(Meet::Empty) => continue,
            Err(_) => {
                answer = Answer::Unknown;
                if effort.is_spent() {
                    return answer;
                }
                continue;
            }
        };
        let Some(cover) = find(effort, family, &point) else {
            let spent = effort.is_spent();
            return if spent { Answer::Unknown } else { Answer::No };
        };
        let others = families.without(cover.families);
        if !others.is_empty() {
            left.push(Piece {
                families: others,
                term: term.clone(),
            });
        }
        let families = families.intersection(cover.families);
        let mut inside = term;
        for literal in cover.term.literals() {
            if inside.literals().binary_search(literal).is_ok() {
                continue;
            }
            if !effort.spend(inside.literals().len() + 1) {
                return Answer::Unknown;
            }
            let term = inside.with(literal.complement());
            left.push(Piece { families, term });
            inside = inside.with(*literal);
        }
    }
    answer
}

/// Whether two boxes have an operation in common.
pub(crate) fn meets(
    sets: &Sets,
    effort: &mut Effort,
    one: &Term,
    other: &Term,
    connect: bool,
) -> Answer {
    let literals = one.literals().iter().chain(other.literals());
    let both = Term::new(literals.copied().collect());
    match sample(sets, effort, &both, connect) {
        Ok(_) => Answer::Yes,
        Err(Meet::Empty) => Answer::No,
        Err(_) => Answer::Unknown,
    }
}
