//! Rules that can change nothing, and ids that move.

use super::context::{Context, Meeting};
use super::covers::Undecided;
use crate::ast::Effect;
use crate::checked::{Rule, Target};
use crate::diag::{Code, Diagnostic};
use crate::types::Values;
use crate::words::errno::EPERM;
use crate::words::operation::Operation;

/// Steps that looking for defaults may take.
const STEPS: u64 = 2_000_000;

/// A warning for each `allow` that has no default to open: none matches an
/// operation that it matches. Where the work does not suffice, that is said.
pub(super) fn idle(context: &mut Context<'_>, found: &mut Vec<Diagnostic>) {
    context.effort.refill(STEPS);
    let defaults = context.index(|rule| rule.effect == Effect::DefaultDeny);
    let mut undecided = Undecided::default();
    for (allow, rule) in context.rules().iter().enumerate() {
        if rule.effect != Effect::Allow || context.order.is_useless(allow) {
            continue;
        }
        match context.first_meeting(&defaults, allow, |_| true) {
            Meeting::With(_) => continue,
            Meeting::Unknown => {
                undecided.add(allow);
                continue;
            }
            Meeting::None => {}
        }
        context.order.set_useless(allow);
        let message = "the rule allows what no `default deny` closes";
        found.push(
            Diagnostic::new(Code::IdleAllow, rule.span, message)
                .label("allowed without it too; `deny` and `kill` stand above it")
                .help("add a `default deny` for the same family and operation, or remove the rule"),
        );
    }
    found.extend(undecided.finding(context, "this `allow` opens a `default deny`"));
}

/// A warning for an errno that goes with an id that no one chose.
pub(super) fn implicit_id(rule: &Rule) -> Option<Diagnostic> {
    if rule.named || rule.errno == EPERM {
        return None;
    }
    let message = format!("the rule has `with` and no `id`: it is `{}` today", rule.id);
    Some(
        Diagnostic::new(Code::ImplicitId, rule.span, message)
            .label("where several rules deny, the smallest id gives the errno")
            .help("add `id NAME`: the implicit one changes when a rule is put before it"),
    )
}

/// A warning for connects to an unspecified address, which are judged as ones
/// to loopback (notes 111).
pub(super) fn unspecified(rule: &Rule) -> Option<Diagnostic> {
    let mut operations = rule.operations.iter();
    let connect_alone = operations.all(|operation| operation == Operation::Connect);
    let Some(Target::Address {
        addresses: Some(values),
        ..
    }) = &rule.target
    else {
        return None;
    };
    let Values::Addresses(set) = &**values else {
        return None;
    };
    let empty =
        set.v4.iter().all(|range| *range == (0, 0)) && set.v6.iter().all(|range| *range == (0, 0));
    (connect_alone && empty).then(|| {
        let message = "no connect is to an unspecified address: the rule never matches";
        Diagnostic::new(Code::NeverMatches, rule.span, message)
            .label("the kernel takes loopback for it, and so does a policy")
            .help("write `loopback`")
    })
}
