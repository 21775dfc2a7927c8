//! Values that are not what they look like.

use crate::ast::Effect;
use crate::checked::{Condition, Rule, Test};
use crate::diag::{Code, Diagnostic, show_bytes};
use crate::terms::each_test;
use crate::types::Values;
use crate::types::pattern::{Pattern, Piece};
use crate::words::attribute::Attribute;
use crate::words::interpreter::{USUAL, is_interpreter};
use crate::words::operation::Operation;
use std::borrow::Cow;

/// Bytes of a `comm` in the kernel.
const COMM_BYTES: usize = 15;

fn first(rule: &Rule, suits: impl Fn(&Test) -> bool) -> Option<&Test> {
    let mut first = None;
    for condition in rule.when.iter().chain(&rule.unless) {
        each_test(condition, &mut |test| {
            if first.is_none() && suits(test) {
                first = Some(test);
            }
        });
    }
    first
}

/// A finding at a test, or at the rule that takes it from elsewhere.
fn at(test: &Test, rule: &Rule, code: Code, message: String, label: &str) -> Diagnostic {
    if super::within(test.span, rule) {
        return Diagnostic::new(code, test.span, message).label(label);
    }
    Diagnostic::new(code, rule.span, message).also(test.span, label)
}

fn patterns(test: &Test) -> &[Pattern] {
    match &*test.values {
        Values::Patterns(all) => all,
        Values::Numbers(_)
        | Values::Addresses(_)
        | Values::Names(_)
        | Values::Words(_)
        | Values::Unix(_)
        | Values::Options(_) => &[],
    }
}

/// A warning for a `comm` that no process has (notes 94).
pub(super) fn long_comm(rule: &Rule) -> Option<Diagnostic> {
    let long = |test: &Test| {
        let comm = matches!(test.attribute, Attribute::Comm | Attribute::ParentComm);
        comm && patterns(test).iter().any(|one| shortest(one) > COMM_BYTES)
    };
    let test = first(rule, long)?;
    let word = test.attribute.word();
    let message = format!("no `{word}` is that long: the kernel keeps {COMM_BYTES} bytes");
    let found = at(test, rule, Code::LongComm, message, "longer than that");
    Some(found.help("write the first 15 bytes, or ask for the program's file with `exe`"))
}

/// Bytes of the shortest text that a pattern holds.
fn shortest(pattern: &Pattern) -> usize {
    match pattern {
        Pattern::Literal(bytes) => bytes.len(),
        Pattern::Glob(_, pieces) => {
            let run = |one: &&Piece| matches!(one, Piece::Run | Piece::Deep | Piece::Directories);
            pieces.iter().filter(|one| !run(one)).count()
        }
    }
}

/// A warning for an exemption of a program that runs what others wrote.
pub(super) fn interpreter(rule: &Rule) -> Option<Diagnostic> {
    let mut exempt = match rule.effect {
        Effect::Allow => rule.when.iter(),
        Effect::Deny | Effect::Kill | Effect::DefaultDeny => rule.unless.as_slice().iter(),
        // Nothing is refused, so nothing is exempt.
        Effect::Record => return None,
    };
    let (test, name) = exempt.find_map(|one| exempted(one, false))?;
    let message = format!("`{name}` runs what others wrote, and the exemption is theirs too");
    let label = "a script's `exe` is its interpreter";
    let found = at(test, rule, Code::Interpreter, message, label);
    Some(found.help("ask for the service with `unit`, or name a program that is no interpreter"))
}

/// A test that asks for an interpreter, and its name.
fn exempted(condition: &Condition, denied: bool) -> Option<(&Test, String)> {
    match condition {
        Condition::Not(one) => exempted(one, !denied),
        Condition::All(all) | Condition::Any(all) => {
            all.iter().find_map(|one| exempted(one, denied))
        }
        Condition::Test(test) => {
            let asked = test.attribute == Attribute::Exe && test.negated == denied;
            let tested = if asked { patterns(test) } else { &[] };
            let name = tested.iter().find_map(named)?;
            Some((test, show_bytes(&name)))
        }
    }
}

/// The interpreter that a pattern names or takes in.
fn named(pattern: &Pattern) -> Option<Cow<'_, [u8]>> {
    let name = name_of(pattern).filter(|name| is_interpreter(name));
    if pattern.literal().is_some() {
        return name;
    }
    let usual = || USUAL.iter().find(|path| pattern.holds(path));
    name.or_else(|| usual().map(|path| Cow::from(*path)))
}

/// The last component, up to its first wildcard.
fn name_of(pattern: &Pattern) -> Option<Cow<'_, [u8]>> {
    match pattern {
        Pattern::Literal(bytes) => bytes.rsplit(|byte| *byte == b'/').next().map(Cow::from),
        Pattern::Glob(_, pieces) => {
            let slash = pieces.iter().rposition(|one| {
                matches!(one, Piece::Byte(b'/') | Piece::Directories | Piece::Deep)
            })?;
            let mut name = Vec::new();
            for piece in pieces.get(slash.saturating_add(1)..)? {
                let Piece::Byte(byte) = piece else {
                    break;
                };
                name.push(*byte);
            }
            Some(name.into())
        }
    }
}

/// A warning for an accept that seems to ask for the peer's address (notes 92).
pub(super) fn accepted_address(rule: &Rule) -> Option<Diagnostic> {
    let operations = rule.operations;
    let accepts =
        operations.contains(Operation::Accept) && !operations.contains(Operation::Connect);
    if !accepts {
        return None;
    }
    let test = first(rule, |test| test.attribute == Attribute::Addr)?;
    let message = "`addr` of an `accept` is the local address, not the peer's".to_owned();
    let label = "the address on which the socket listens";
    let found = at(test, rule, Code::LocalAddress, message, label);
    Some(
        found.help(
            "if that is meant, write it as the target: `on …`; a rule cannot ask for the peer",
        ),
    )
}
