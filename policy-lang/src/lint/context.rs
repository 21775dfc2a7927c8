//! What lints look at: the policy, its rules as sets, and the work they may do.

use super::order::Order;
use crate::ast::Effect;
use crate::boxes::{
    Answer, Effort, Found, Index, Owner, Part, Piece, Plane, Point, Region, Space, holds, meets,
    within,
};
use crate::checked::{CheckedPolicy, Rule};
use crate::words::family::Family;
use crate::words::shape::Shape;
use std::rc::Rc;

/// Whether a rule meets one of several.
pub(super) enum Meeting {
    /// This one.
    With(usize),
    /// None.
    None,
    /// The work that was allowed for it did not suffice.
    Unknown,
}

/// Everything that a lint can ask.
pub(super) struct Context<'p> {
    pub(super) policy: &'p CheckedPolicy,
    pub(super) space: Space,
    /// Rules as sets, by position.
    pub(super) regions: Vec<Region>,
    pub(super) effort: Effort,
    pub(super) order: Order,
    /// All boxes, once they were asked for.
    all: Option<Rc<Index>>,
    /// Those of every `default deny`.
    defaults: Option<Rc<Index>>,
}

impl<'p> Context<'p> {
    pub(super) fn new(policy: &'p CheckedPolicy) -> Self {
        let mut space = Space::for_rules(policy.rules().len());
        let regions = policy.rules().iter().map(|rule| space.region(rule));
        let regions = regions.collect();
        Self {
            policy,
            space,
            regions,
            effort: Effort::new(0),
            order: Order::new(policy),
            all: None,
            defaults: None,
        }
    }

    pub(super) fn rules(&self) -> &'p [Rule] {
        self.policy.rules()
    }

    /// Whether one rule matches all that another matches.
    pub(super) fn covers(&mut self, cover: usize, rule: usize) -> Answer {
        let regions = &self.regions;
        let (Some(by), Some(region)) = (regions.get(cover), regions.get(rule)) else {
            return Answer::No;
        };
        let owners = |plane, shape, _: &Point, each: &mut Each<'_>| {
            let mut terms = 0..by.terms(shape, plane).len();
            terms.any(|term| {
                each(Owner {
                    rule: cover,
                    shape,
                    term,
                })
            });
        };
        covered(
            &self.space,
            regions,
            &mut self.effort,
            region,
            owners,
            |_| {},
        )
    }

    /// The boxes of all rules, to be found.
    pub(super) fn index_of_all(&mut self) -> Rc<Index> {
        if let Some(index) = &self.all {
            return Rc::clone(index);
        }
        let index = Rc::new(self.index(|_| true));
        self.all = Some(Rc::clone(&index));
        index
    }

    /// The boxes of every `default deny`, to be found.
    pub(super) fn index_of_defaults(&mut self) -> Rc<Index> {
        if let Some(index) = &self.defaults {
            return Rc::clone(index);
        }
        let index = Rc::new(self.index(|rule| rule.effect == Effect::DefaultDeny));
        self.defaults = Some(Rc::clone(&index));
        index
    }

    /// The boxes of some rules, to be found.
    pub(super) fn index(&self, of: impl Fn(&Rule) -> bool) -> Index {
        let regions = self.regions.iter().enumerate().zip(self.rules());
        let some = regions.filter(|(_, rule)| of(rule));
        Index::new(&self.space.sets, some.map(|(region, _)| region))
    }

    /// A rule of an index that suits, and that matches an operation that another
    /// rule matches.
    pub(super) fn first_meeting(
        &mut self,
        index: &Index,
        rule: usize,
        suits: impl Fn(usize) -> bool,
    ) -> Meeting {
        let Some(region) = self.regions.get(rule) else {
            return Meeting::None;
        };
        let mut near = Vec::new();
        for part in region.parts() {
            for term in region.terms(part.shape, Plane::Readable) {
                let effort = &mut self.effort;
                index.near(&self.space.sets, term, |owner| {
                    if !effort.spend(1) {
                        return true;
                    }
                    // One box after another of a rule: most of what comes twice.
                    if near.last() != Some(&owner.rule) {
                        near.push(owner.rule);
                    }
                    false
                });
            }
        }
        let mut unknown = false;
        // The first of the policy is named, however they were found.
        near.sort_unstable();
        near.dedup();
        for other in near.into_iter().filter(|other| suits(*other)) {
            match self.meet(rule, other) {
                Answer::Yes => return Meeting::With(other),
                Answer::No => {}
                Answer::Unknown => unknown = true,
            }
        }
        if unknown || self.effort.is_spent() {
            Meeting::Unknown
        } else {
            Meeting::None
        }
    }

    /// Whether two rules match an operation in common.
    pub(super) fn meet(&mut self, one: usize, other: usize) -> Answer {
        let regions = &self.regions;
        let (Some(one), Some(other)) = (regions.get(one), regions.get(other)) else {
            return Answer::No;
        };
        let mut answer = Answer::No;
        for part in one.parts() {
            let shared = other
                .part(part.operation, part.shape)
                .is_some_and(|more| !more.families.intersection(part.families).is_empty());
            for plane in planes(*part).iter().filter(|_| shared) {
                for a in one.terms(part.shape, *plane) {
                    for b in other.terms(part.shape, *plane) {
                        match meets(&self.space.sets, &mut self.effort, a, b, part.connect()) {
                            Answer::Yes => return Answer::Yes,
                            Answer::No => {}
                            Answer::Unknown => answer = Answer::Unknown,
                        }
                    }
                }
            }
        }
        answer
    }
}

/// Whether objects of a part can be unreadable.
fn planes(part: Part) -> &'static [Plane] {
    if part.has_objects() {
        &[Plane::Readable, Plane::Unreadable]
    } else {
        &[Plane::Readable]
    }
}

/// Is given one box after another, and says when it was the last that is needed.
pub(super) type Each<'e> = dyn FnMut(Owner) -> bool + 'e;

/// Whether all that a region matches is matched by the boxes that `owners` gives
/// for a point; `used` is told of each rule that was needed.
pub(super) fn covered(
    space: &Space,
    regions: &[Region],
    effort: &mut Effort,
    region: &Region,
    mut owners: impl FnMut(Plane, Shape, &Point, &mut Each<'_>),
    mut used: impl FnMut(usize),
) -> Answer {
    let mut answer = Answer::Yes;
    for part in region.parts() {
        for plane in planes(*part) {
            let terms = region.terms(part.shape, *plane).iter();
            let pieces = terms.map(|term| Piece {
                families: part.families,
                term: term.clone(),
            });
            let find = |effort: &mut Effort, family: Family, point: &Point| {
                let mut found = None;
                owners(*plane, part.shape, point, &mut |owner| {
                    if !effort.spend(1) {
                        return true;
                    }
                    let region = regions.get(owner.rule);
                    found = region
                        .and_then(|region| piece(region, *part, *plane, owner, family))
                        .filter(|one| holds(&space.sets, one.term, point));
                    if found.is_some() {
                        used(owner.rule);
                    }
                    found.is_some()
                });
                found
            };
            match within(&space.sets, effort, pieces.collect(), part.connect(), find) {
                Answer::Yes => {}
                Answer::No => return Answer::No,
                Answer::Unknown => answer = Answer::Unknown,
            }
        }
    }
    answer
}

/// A box of a rule, if the rule is about the family in that operation.
fn piece(
    region: &Region,
    part: Part,
    plane: Plane,
    owner: Owner,
    family: Family,
) -> Option<Found<'_>> {
    if owner.shape != part.shape {
        return None;
    }
    let families = region.part(part.operation, part.shape)?.families;
    let term = region.terms(part.shape, plane).get(owner.term)?;
    families
        .contains(family)
        .then_some(Found { families, term })
}
