//! A rule's whole set: for each operation and kind of object, families and boxes.

use super::sets::Sets;
use super::{Literal, Term};
use crate::ast::Effect;
use crate::checked::Rule;
use crate::terms::{self, Axis, normal_form};
use crate::words::attribute::Owner;
use crate::words::family::{Family, FamilySet};
use crate::words::operation::{OPERATIONS, Operation};
use crate::words::shape::{SHAPES, Shape, possible};
use std::sync::LazyLock;

/// Whether an object could be read (notes 118).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plane {
    Readable,
    Unreadable,
}

/// Pairs of a rule that have boxes in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) operation: Operation,
    pub(crate) shape: Shape,
    pub(crate) families: FamilySet,
}

impl Part {
    /// Whether its objects are peers to be reached, which are never unspecified.
    pub(crate) fn connect(self) -> bool {
        self.operation == Operation::Connect
    }

    /// Whether its objects can be unreadable.
    pub(crate) const fn has_objects(self) -> bool {
        matches!(
            self.shape,
            Shape::Unix | Shape::Address | Shape::AddressPort
        )
    }
}

/// The boxes of a rule for one kind of object.
#[derive(Clone, Debug, Default)]
struct Form {
    readable: Vec<Term>,
    unreadable: Vec<Term>,
}

/// What a rule matches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Region {
    parts: Vec<Part>,
    forms: [Form; SHAPES.len()],
}

impl Region {
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(crate) fn terms(&self, shape: Shape, plane: Plane) -> &[Term] {
        let Some(form) = self.forms.get(shape as usize) else {
            return &[];
        };
        match plane {
            Plane::Readable => &form.readable,
            Plane::Unreadable => &form.unreadable,
        }
    }

    /// The region without objects that could not be read.
    pub(crate) fn readable(mut self) -> Self {
        for form in &mut self.forms {
            form.unreadable.clear();
        }
        self
    }

    /// The part for a kind of object in an operation.
    pub(crate) fn part(&self, operation: Operation, shape: Shape) -> Option<Part> {
        let mut parts = self.parts.iter().copied();
        parts.find(|part| part.operation == operation && part.shape == shape)
    }
}

/// Families by operation and shape, the pairs that never occur left out.
static KINDS: LazyLock<Vec<Part>> = LazyLock::new(|| {
    let mut kinds: Vec<Part> = Vec::new();
    for operation in OPERATIONS.iter().copied() {
        for family in Family::all().filter(|one| possible(*one, operation)) {
            let shape = Shape::of(family, operation);
            let families = FamilySet::one(family);
            let known = |one: &&mut Part| one.operation == operation && one.shape == shape;
            match kinds.iter_mut().find(known) {
                Some(kind) => kind.families = kind.families.union(families),
                None => kinds.push(Part {
                    operation,
                    shape,
                    families,
                }),
            }
        }
    }
    kinds
});

/// What all regions of a policy are made with.
#[derive(Debug, Default)]
pub(crate) struct Space {
    pub(crate) sets: Sets,
}

impl Space {
    /// The set of a rule, whose alternatives must have been counted.
    pub(crate) fn region(&mut self, rule: &Rule) -> Region {
        let mut region = Region::default();
        let operations = |kind: &&Part| rule.operations.contains(kind.operation);
        for kind in KINDS.iter().filter(operations) {
            let families = kind.families.intersection(rule.families);
            if !families.is_empty() {
                region.parts.push(Part { families, ..*kind });
            }
        }
        for shape in SHAPES {
            if region.parts.iter().any(|part| part.shape == shape) {
                let form = self.form(rule, shape);
                if let Some(place) = region.forms.get_mut(shape as usize) {
                    *place = form;
                }
            }
        }
        region
    }

    fn form(&mut self, rule: &Rule, shape: Shape) -> Form {
        let readable: Vec<Term> = normal_form(rule, shape)
            .iter()
            .map(|term| self.term(term))
            .collect();
        let favoured = rule.effect != Effect::Allow;
        let unreadable = readable
            .iter()
            .filter(|term| favoured || !term.literals().iter().any(|one| of_object(one.axis)))
            .map(|term| {
                let of_subject = |one: &&Literal| !of_object(one.axis);
                Term(term.literals().iter().filter(of_subject).copied().collect())
            })
            .collect();
        Form {
            readable,
            unreadable,
        }
    }

    /// A box of [`mod@crate::terms`].
    pub(crate) fn term(&mut self, term: &terms::Term) -> Term {
        let literal = |one: &terms::Literal| Literal {
            axis: one.axis,
            negated: one.negated,
            set: self.sets.enter(&one.values),
        };
        Term::new(term.literals.iter().map(literal).collect())
    }
}

/// Whether an axis is of the object, and so unknown when that could not be read.
fn of_object(axis: Axis) -> bool {
    match axis {
        Axis::Unix | Axis::Option => true,
        Axis::Attribute(attribute) => attribute.owner() == Owner::Object,
    }
}
