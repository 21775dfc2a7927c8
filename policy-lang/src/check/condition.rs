//! Conditions: attributes, operators and names.

use super::Checker;
use super::definitions::{Definitions, Sort};
use super::rule::ShapeBits;
use super::value::{Gathered, only_a_value};
use crate::ast::{self, Form, Operand, Operator, Word};
use crate::checked::{Condition, Test};
use crate::diag::suggest::did_you_mean;
use crate::diag::{Code, Diagnostic, show};
use crate::limits;
use crate::source::Span;
use crate::types::Values;
use crate::types::number::{self, NumberSet};
use crate::words::attribute::{ATTRIBUTES, Attribute, Kind, Owner};
use crate::words::reserved::is_name;
use crate::words::shape::SHAPES;
use std::sync::Arc;

/// A condition, and what a rule must know to take it.
#[derive(Clone)]
pub(super) struct Resolved {
    pub(super) condition: Arc<Condition>,
    /// Tests in it, names written out.
    pub(super) tests: usize,
    /// Parentheses and `not` within each other, names written out.
    depth: usize,
    /// Whether names are in it: then the parser has not counted its depth.
    named: bool,
    /// The first test of each attribute of an object.
    objects: Vec<(Attribute, Span)>,
}

impl Resolved {
    /// An attribute that no object of these shapes has, and where it is asked.
    pub(super) fn impossible(&self, shapes: ShapeBits) -> Option<(Attribute, Span)> {
        let had = |attribute: Attribute| {
            SHAPES
                .iter()
                .any(|shape| shapes >> *shape as u8 & 1 == 1 && shape.can_have(attribute))
        };
        self.objects
            .iter()
            .copied()
            .find(|(attribute, _)| !had(*attribute))
    }
}

impl<'a> Definitions<'a> {
    /// Resolves a condition; `None`, reported, if it is wrong.
    pub(super) fn condition(
        &mut self,
        checker: &mut Checker<'a>,
        condition: &'a ast::Condition,
    ) -> Option<Resolved> {
        match condition {
            ast::Condition::Or(all) => self.joined(checker, all, Condition::Any),
            ast::Condition::And(all) => self.joined(checker, all, Condition::All),
            ast::Condition::Not(inner, span) => {
                let inner = self.condition(checker, inner)?;
                let mut outer = deeper(checker, inner, *span)?;
                outer.condition = Arc::new(Condition::Not(outer.condition));
                Some(outer)
            }
            ast::Condition::Group(inner, span) => {
                let inner = self.condition(checker, inner)?;
                deeper(checker, inner, *span)
            }
            ast::Condition::Name(word) => {
                let name = checker.slice(word.span);
                let mut inner = self.named_condition(checker, name, *word)?;
                inner.named = true;
                deeper(checker, inner, word.span)
            }
            ast::Condition::Test {
                attribute,
                operator,
                operator_span,
                operand,
            } => {
                let known = known_attribute(checker, *attribute)?;
                let values = self.operand(checker, known, (*operator, *operator_span), operand)?;
                let span = condition.span();
                let of_object = known.owner() == Owner::Object;
                Some(Resolved {
                    condition: Arc::new(Condition::Test(Test {
                        attribute: known,
                        negated: matches!(operator, Operator::NotEqual | Operator::NotIn),
                        values,
                        span,
                    })),
                    tests: 1,
                    depth: 0,
                    named: false,
                    objects: if of_object {
                        vec![(known, span)]
                    } else {
                        Vec::new()
                    },
                })
            }
        }
    }

    fn joined(
        &mut self,
        checker: &mut Checker<'a>,
        all: &'a [ast::Condition],
        join: fn(Vec<Arc<Condition>>) -> Condition,
    ) -> Option<Resolved> {
        let (mut tests, mut depth, mut named) = (0_usize, 0, false);
        let mut objects: Vec<(Attribute, Span)> = Vec::new();
        let mut parts = Vec::with_capacity(all.len());
        let mut good = true;
        for one in all {
            let Some(part) = self.condition(checker, one) else {
                good = false;
                continue;
            };
            tests = tests.saturating_add(part.tests);
            depth = depth.max(part.depth);
            named |= part.named;
            for (attribute, span) in part.objects {
                if objects.iter().all(|(seen, _)| *seen != attribute) {
                    objects.push((attribute, span));
                }
            }
            parts.push(part.condition);
        }
        good.then(|| Resolved {
            condition: Arc::new(join(parts)),
            tests,
            depth,
            named,
            objects,
        })
    }

    /// The condition of a name; resolved once.
    pub(super) fn named_condition(
        &mut self,
        checker: &mut Checker<'a>,
        name: &'a str,
        word: Word,
    ) -> Option<Resolved> {
        if let Some(known) = self.conditions.get(name) {
            return known.clone();
        }
        match self.sort(name) {
            Some(Sort::Set) => {
                let defined = self.entries.get(name).map(|entry| entry.word.span);
                let mut found = Diagnostic::new(
                    Code::WrongDefinition,
                    word.span,
                    format!("`{name}` is a set, not a condition"),
                );
                if let Some(defined) = defined {
                    found = found.also(defined, "defined here");
                }
                checker.report(found.help(format!("write `ATTRIBUTE in {name}`")));
                return None;
            }
            None if !self.entries.contains_key(name) => {
                self.not_a_condition(checker, word);
                return None;
            }
            // A chain of names that ends nowhere is found out below.
            Some(Sort::Condition) | None => {}
        }
        self.enter(checker, name, word)?;
        let body = self.entries.get(name).map(|entry| entry.body);
        let resolved = match body {
            Some(ast::Body::Condition(condition)) => self.condition(checker, condition),
            _ => None,
        };
        self.leave(name);
        self.conditions.insert(name, resolved.clone());
        resolved
    }

    fn not_a_condition(&self, checker: &mut Checker<'a>, word: Word) {
        let text = checker.slice(word.span);
        if Attribute::from_word(text).is_some() {
            checker.report(
                Diagnostic::new(
                    Code::Syntax,
                    word.span,
                    format!("nothing says what `{text}` is held against"),
                )
                .help(format!("write `{text} = …` or `{text} in {{ … }}`")),
            );
            return;
        }
        let help = format!(
            "a condition is a test such as `uid = 0`, or a name; to define a set of one word, write `{{ {} }}`",
            show(text)
        );
        self.undefined(checker, word, Some(help));
    }

    /// What an attribute is held against (notes 75 to 79).
    fn operand(
        &mut self,
        checker: &mut Checker<'a>,
        attribute: Attribute,
        operator: (Operator, Span),
        operand: &'a Operand,
    ) -> Option<Arc<Values>> {
        let want = attribute.kind();
        if attribute == Attribute::Unit {
            self.unit_escapes(checker, operator.0, operand);
        }
        match operator.0 {
            Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => {
                ordered(checker, attribute, operator, operand)
            }
            Operator::Equal | Operator::NotEqual => self.equal(checker, want, operator, operand),
            Operator::In | Operator::NotIn => self.within(checker, want, operator, operand),
        }
    }

    /// A warning for `\x2d` in the name of a unit, which systemd writes so itself
    /// (notes 43).
    fn unit_escapes(&self, checker: &mut Checker<'a>, operator: Operator, operand: &'a Operand) {
        let mut operands = vec![operand];
        if let (Operator::In | Operator::NotIn, Operand::Word(word)) = (operator, operand)
            && let Some(entry) = self.entries.get(checker.slice(word.span))
        {
            let bodies = std::iter::once(&entry.body).chain(&entry.extensions);
            operands = bodies
                .filter_map(|body| match body {
                    ast::Body::Operand(operand) => Some(operand),
                    ast::Body::Condition(_) => None,
                })
                .collect();
        }
        while let Some(operand) = operands.pop() {
            match operand {
                Operand::Set(set) => operands.extend(&set.elements),
                Operand::Word(word) if has_escape(checker.inner(*word)) => {
                    let message = "the escape is taken as the byte that it stands for";
                    checker.report(
                        Diagnostic::new(Code::UnitEscape, word.span, message)
                            .label("systemd has the backslash in the name of the unit itself")
                            .help("write `\\\\x2d` for the four bytes `\\x2d`"),
                    );
                }
                Operand::Word(_) => {}
            }
        }
    }

    fn equal(
        &mut self,
        checker: &mut Checker<'a>,
        want: Kind,
        (operator, span): (Operator, Span),
        operand: &'a Operand,
    ) -> Option<Arc<Values>> {
        let instead = if operator == Operator::Equal {
            "in"
        } else {
            "not in"
        };
        let set = match operand {
            Operand::Set(_) => true,
            Operand::Word(word) => {
                let text = checker.slice(word.span);
                let name = word.form == Form::Bare && is_name(text) && !want.takes_words();
                name && self.sort(text) == Some(Sort::Set)
            }
        };
        if set {
            let message = format!("`{}` stands before a set", operator.word());
            checker.report(
                Diagnostic::new(Code::WrongOperator, span, message)
                    .help(format!("write `{instead}`")),
            );
            return None;
        }
        let Operand::Word(word) = operand else {
            return None;
        };
        let mut gathered = Gathered::new(want);
        let good = checker.add_value(&mut gathered, *word);
        good.then(|| Arc::new(gathered.finish()))
    }

    fn within(
        &mut self,
        checker: &mut Checker<'a>,
        want: Kind,
        (operator, span): (Operator, Span),
        operand: &'a Operand,
    ) -> Option<Arc<Values>> {
        let word = match operand {
            Operand::Set(set) => return self.set(checker, set, want),
            Operand::Word(word) => *word,
        };
        let text = checker.slice(word.span);
        if word.form == Form::Bare && is_name(text) {
            return self.named_set(checker, word, want);
        }
        let range = match want {
            Kind::Number(_) => number::is_range(text),
            Kind::Address => only_a_value(text) && text.contains(['/', '-']),
            Kind::Path(_)
            | Kind::Text
            | Kind::Name
            | Kind::Word(_)
            | Kind::UnixPath
            | Kind::Abstract
            | Kind::UnixTarget
            | Kind::Option => false,
        };
        if word.form != Form::Bare || !range {
            let instead = if operator == Operator::In { "=" } else { "!=" };
            checker.report(
                Diagnostic::new(
                    Code::WrongOperator,
                    span,
                    format!("`{}` stands before a single value", operator.word()),
                )
                .help(format!("write `{instead}`, or put the value in braces")),
            );
            return None;
        }
        let mut gathered = Gathered::new(want);
        let good = checker.add_value(&mut gathered, word);
        good.then(|| Arc::new(gathered.finish()))
    }
}

/// Whether a pattern has `\xNN`, the backslash not quoted itself.
fn has_escape(pattern: &str) -> bool {
    let mut bytes = pattern.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.next() == Some(b'x') {
            return true;
        }
    }
    false
}

fn known_attribute(checker: &mut Checker<'_>, word: Word) -> Option<Attribute> {
    let text = checker.slice(word.span);
    let known = Attribute::from_word(text);
    if known.is_none() {
        let help = match text {
            "euid" => Some("the effective user id is `uid`".to_owned()),
            "egid" => Some("the effective group id is `gid`".to_owned()),
            "capability" | "capabilities" => Some("write `cap`".to_owned()),
            "pid" | "process" => {
                Some("a process is known by `exe`, `comm`, `unit` or its ids".to_owned())
            }
            "cmdline" | "args" => {
                Some("what a process was called with is its own to say; use `exe`".to_owned())
            }
            "host" | "domain" => {
                Some("names of hosts are none of the kernel's; use `addr`".to_owned())
            }
            _ => did_you_mean(text, ATTRIBUTES.iter().map(|one| one.word())).or_else(|| {
                let all: Vec<&str> = ATTRIBUTES.iter().map(|one| one.word()).collect();
                Some(format!("attributes are `{}`", all.join("`, `")))
            }),
        };
        checker.report(
            Diagnostic::new(
                Code::UnknownAttribute,
                word.span,
                format!("unknown attribute `{}`", show(text)),
            )
            .maybe_help(help),
        );
    }
    known
}

/// One level deeper; `None`, reported, past the bound.
fn deeper(checker: &mut Checker<'_>, mut inner: Resolved, span: Span) -> Option<Resolved> {
    inner.depth += 1;
    if inner.depth > limits::NESTING && !inner.named {
        // The parser has reported it.
        return None;
    }
    if inner.depth > limits::NESTING {
        let message = format!(
            "parentheses, `not` and names are nested more than {} deep",
            limits::NESTING
        );
        checker.report(
            Diagnostic::new(Code::TooDeep, span, message)
                .help("write what the names stand for, as flat as it is"),
        );
        return None;
    }
    Some(inner)
}

/// `<`, `<=`, `>`, `>=`: numbers and a single number alone (notes 78).
fn ordered(
    checker: &mut Checker<'_>,
    attribute: Attribute,
    (operator, span): (Operator, Span),
    operand: &Operand,
) -> Option<Arc<Values>> {
    let Kind::Number(largest) = attribute.kind() else {
        let message = format!("`{}` has no order", attribute.word());
        checker.report(
            Diagnostic::new(Code::WrongOperator, span, message)
                .help("write `=`, `!=`, `in` or `not in`"),
        );
        return None;
    };
    let word = match operand {
        Operand::Word(word) if !number::is_range(checker.slice(word.span)) => *word,
        Operand::Word(_) | Operand::Set(_) => {
            let message = format!("`{}` needs a single number", operator.word());
            checker.report(
                Diagnostic::new(Code::WrongOperator, operand.span(), message)
                    .help("for a range or a set, write `in`"),
            );
            return None;
        }
    };
    let text = checker.slice(word.span);
    let number = match number::parse(text, largest) {
        Ok((number, _)) => number,
        Err(fault) => {
            checker.fault(word.span, fault);
            return None;
        }
    };
    let range = match operator {
        Operator::Less => number.checked_sub(1).map(|last| (0, last)),
        Operator::LessEqual => Some((0, number)),
        Operator::Greater => Some((number + 1, largest)).filter(|(first, last)| first <= last),
        Operator::GreaterEqual
        | Operator::Equal
        | Operator::NotEqual
        | Operator::In
        | Operator::NotIn => Some((number, largest)),
    };
    Some(Arc::new(Values::Numbers(NumberSet {
        ranges: range.into_iter().collect(),
    })))
}
