//! Targets (notes 13, 14, 45, 46, 65, 80, 81, 105).

use super::Checker;
use super::definitions::Definitions;
use super::rule::ShapeBits;
use super::value::only_a_value;
use crate::ast::{self, Form, Object, Operand, Words};
use crate::checked::Target;
use crate::diag::{Code, Diagnostic, show};
use crate::source::Span;
use crate::words::attribute::{Kind, LAST_PORT};
use crate::words::family::{FamilySet, Named, named};
use crate::words::operation::OPERATIONS;
use crate::words::reserved::is_name;
use crate::words::shape::Shape;

/// What a target demands of the object.
pub(super) enum Demand {
    /// Nothing, not even that there is one (notes 14).
    Nothing,
    /// This.
    Of(Target),
}

impl Demand {
    pub(super) fn target(self) -> Option<Target> {
        match self {
            Self::Nothing => None,
            Self::Of(target) => Some(target),
        }
    }
}

const fn bit(shape: Shape) -> ShapeBits {
    1 << shape as u8
}

/// Shapes that have addresses.
const ADDRESSES: ShapeBits = bit(Shape::Address) | bit(Shape::AddressPort);

impl<'a> Checker<'a> {
    /// What a target demands; `None`, reported, for one that is wrong.
    pub(super) fn target(
        &mut self,
        target: &'a ast::Target,
        shapes: ShapeBits,
        families: &Words,
        definitions: &mut Definitions<'a>,
    ) -> Option<Demand> {
        let (place, ports) = match &target.object {
            Object::Option(operand) => {
                return self.option_target(target, operand, (shapes, families), definitions);
            }
            Object::Place { place, ports } => (place.as_ref(), ports.as_ref()),
        };
        let place = place.filter(|place| !self.is_any(place));
        let ports = ports.filter(|ports| !self.is_any(ports));
        let unix = place.is_some_and(|place| {
            definitions.looks_unix(self, place)
                || (shapes & ADDRESSES == 0 && self.is_no_address(place))
        });
        let (need, what) = match (place, ports) {
            (None, None) => return Some(Demand::Nothing),
            (Some(_), None) if unix => (bit(Shape::Unix), "a unix path or name"),
            (_, None) => (ADDRESSES, "an IP address"),
            (_, Some(_)) => (bit(Shape::AddressPort), "a port"),
        };
        if shapes & need == 0 || (unix && ports.is_some()) {
            self.impossible_target(
                target.span,
                (shapes, families),
                what,
                unix && ports.is_some(),
            );
            return None;
        }
        self.useless_families(target, families, need);
        let ports = match ports {
            None => None,
            Some(operand) => {
                let want = Kind::Number(LAST_PORT);
                Some(definitions.target_values(self, operand, want)?)
            }
        };
        let place = match place {
            None => None,
            Some(operand) => {
                let want = if unix {
                    Kind::UnixTarget
                } else {
                    Kind::Address
                };
                Some(definitions.target_values(self, operand, want)?)
            }
        };
        Some(Demand::Of(match place {
            Some(values) if unix => Target::Unix(values),
            addresses => Target::Address { addresses, ports },
        }))
    }

    /// What `option …` demands (notes 81).
    fn option_target(
        &mut self,
        target: &'a ast::Target,
        operand: &'a Operand,
        (shapes, families): (ShapeBits, &Words),
        definitions: &mut Definitions<'a>,
    ) -> Option<Demand> {
        if shapes & bit(Shape::Option) == 0 {
            let family = show(self.slice(families.span));
            self.report(
                Diagnostic::new(
                    Code::ImpossibleTarget,
                    target.span,
                    "nothing that the rule is about has a socket option",
                )
                .also(families.span, format!("sockets of the family `{family}`"))
                .help("`option` belongs to the operation `setsockopt`"),
            );
            return None;
        }
        if self.is_any(operand) {
            self.report(
                Diagnostic::new(Code::WrongValue, operand.span(), "`any` is not an option")
                    .help("for all options, leave the target out or write `on any`"),
            );
            return None;
        }
        let values = definitions.target_values(self, operand, Kind::Option)?;
        Some(Demand::Of(Target::Option(values)))
    }

    /// Whether an operand is the bare word `any`.
    pub(super) fn is_any(&self, operand: &Operand) -> bool {
        matches!(operand, Operand::Word(word) if word.form == Form::Bare && self.slice(word.span) == "any")
    }

    /// Whether an operand is a value that is surely no address, and no name.
    fn is_no_address(&self, operand: &Operand) -> bool {
        let Operand::Word(word) = operand else {
            return false;
        };
        let text = self.slice(word.span);
        !is_name(text) && !only_a_value(text)
    }

    fn impossible_target(
        &mut self,
        span: Span,
        (shapes, families): (ShapeBits, &Words),
        what: &str,
        both: bool,
    ) {
        let family = show(self.slice(families.span));
        let found = if both {
            Diagnostic::new(Code::ImpossibleTarget, span, "a unix socket has no port")
                .help("remove `port`, or write addresses before it")
        } else {
            Diagnostic::new(
                Code::ImpossibleTarget,
                span,
                format!("nothing that the rule is about has {what}"),
            )
            .also(families.span, format!("sockets of the family `{family}`"))
            .help(if shapes == bit(Shape::Option) {
                "`setsockopt` takes `on option LEVEL/NAME`"
            } else {
                "paths and `@names` belong to `unix`; addresses to IP families; ports to `tcp`, `udp` and `sctp`"
            })
        };
        self.report(found);
    }

    /// Families listed by name that cannot have the target, whatever the operation (notes 13).
    fn useless_families(&mut self, target: &ast::Target, families: &Words, need: ShapeBits) {
        if families.words.len() < 2 {
            return;
        }
        for word in &families.words {
            let text = self.slice(word.span);
            let set: FamilySet = match named(text) {
                Named::Families(set) | Named::Numbered(set, _) => set,
                Named::Refused(_) => continue,
            };
            let useful = set.iter().any(|family| {
                OPERATIONS
                    .iter()
                    .any(|operation| need & bit(Shape::of(family, *operation)) != 0)
            });
            if !useful {
                self.report(
                    Diagnostic::new(
                        Code::UselessFamily,
                        word.span,
                        format!("`{}` sockets never have such a target", show(text)),
                    )
                    .also(target.span, "the target")
                    .help("remove the family, or give it a rule of its own"),
                );
            }
        }
    }
}
