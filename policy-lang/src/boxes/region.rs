//! A rule's whole set: for each operation and kind of object, families and boxes.

use super::sets::Sets;
use super::{Literal, Term};
use crate::ast::Effect;
use crate::checked::{Condition, Rule};
use crate::maps::HashMap;
use crate::terms::{self, Axis, Sign};
use crate::types::Values;
use crate::words::attribute::Owner;
use crate::words::family::{Family, FamilySet};
use crate::words::operation::{OPERATIONS, Operation, OperationSet};
use crate::words::shape::{SHAPES, Shape, possible};
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

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
#[derive(Clone, Debug)]
struct Form {
    shape: Shape,
    readable: Vec<Term>,
    /// Few are asked for.
    unreadable: OnceCell<Vec<Term>>,
    /// Whether a demand on an object counts as met when that could not be read.
    favoured: bool,
}

impl Form {
    fn unreadable(&self) -> &[Term] {
        self.unreadable.get_or_init(|| {
            let terms = self.readable.iter();
            let of_others = |one: &Literal| !of_object(one.axis);
            let met = |term: &&Term| self.favoured || term.literals().iter().all(of_others);
            let less = |term: &Term| {
                let literals = term.literals().iter().copied();
                Term(literals.filter(of_others).collect())
            };
            terms.filter(met).map(less).collect()
        })
    }
}

/// What a rule matches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Region {
    /// Many rules are about the same families and operations.
    parts: Rc<[Part]>,
    forms: Vec<Form>,
}

impl Region {
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(crate) fn terms(&self, shape: Shape, plane: Plane) -> &[Term] {
        let Some(form) = self.forms.iter().find(|form| form.shape == shape) else {
            return &[];
        };
        match plane {
            Plane::Readable => &form.readable,
            Plane::Unreadable => form.unreadable(),
        }
    }

    /// The region without objects that could not be read.
    pub(crate) fn readable(mut self) -> Self {
        for form in &mut self.forms {
            form.unreadable = OnceCell::from(Vec::new());
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
    /// Parts by what rules are about.
    parts: HashMap<(FamilySet, OperationSet), Rc<[Part]>>,
}

fn parts_of(families: FamilySet, operations: OperationSet) -> Rc<[Part]> {
    let about = |kind: &&Part| operations.contains(kind.operation);
    let part = |kind: &Part| Part {
        families: kind.families.intersection(families),
        ..*kind
    };
    let parts = KINDS.iter().filter(about).map(part);
    parts.filter(|part| !part.families.is_empty()).collect()
}

impl Space {
    /// One with room for what some rules ask for.
    pub(crate) fn for_rules(rules: usize) -> Self {
        Self {
            sets: Sets::for_rules(rules),
            parts: HashMap::default(),
        }
    }

    /// The set of a rule, whose alternatives must have been counted.
    pub(crate) fn region(&mut self, rule: &Rule) -> Region {
        let about = (rule.families, rule.operations);
        let parts = self.parts.entry(about);
        let parts = Rc::clone(parts.or_insert_with(|| parts_of(about.0, about.1)));
        let of_shape = |shape: &Shape| parts.iter().any(|part| part.shape == *shape);
        let shapes = SHAPES.into_iter().filter(of_shape);
        let forms = shapes.map(|shape| self.form(rule, shape)).collect();
        Region { parts, forms }
    }

    fn form(&mut self, rule: &Rule, shape: Shape) -> Form {
        let terms = terms::normal_form_of(rule, shape, &mut self.literals());
        Form {
            shape,
            readable: terms.into_iter().map(Term::new).collect(),
            unreadable: OnceCell::new(),
            favoured: rule.effect != Effect::Allow,
        }
    }

    /// The boxes of a condition, or of its complement, whose alternatives must
    /// have been counted.
    pub(crate) fn boxes(&mut self, condition: &Condition, sign: Sign, shape: Shape) -> Vec<Term> {
        let terms = terms::of_condition(condition, sign, shape, &mut self.literals());
        terms.into_iter().map(Term::new).collect()
    }

    /// Enters sets as they come up in terms.
    fn literals(&mut self) -> impl FnMut(Axis, bool, &Arc<Values>) -> Literal {
        |axis, negated, values| Literal {
            axis,
            negated,
            set: self.sets.enter(values),
        }
    }
}

/// Whether an axis is of the object, and so unknown when that could not be read.
fn of_object(axis: Axis) -> bool {
    match axis {
        Axis::Unix | Axis::Option => true,
        Axis::Attribute(attribute) => attribute.owner() == Owner::Object,
    }
}
