//! An `allow` opens every `default deny` that it meets, wherever that stands.
//!
//! One in the same file, in the same scope or in one around it, is what the
//! author sees before him. Others are named: an `allow` of one file can open
//! what another file closes, and in an audit week it keeps quiet what enforcing
//! that file alone would deny.

use super::context::{Context, Meeting};
use super::covers::Undecided;
use crate::ast::Effect;
use crate::checked::Rule;
use crate::diag::{Code, Diagnostic};
use std::sync::Arc;

/// Steps that all rules may take together.
const STEPS: u64 = 2_000_000;

pub(super) fn lint(context: &mut Context<'_>, found: &mut Vec<Diagnostic>) {
    context.effort.refill(STEPS);
    let defaults = context.index(|rule| rule.effect == Effect::DefaultDeny);
    let rules = context.rules();
    let mut undecided = Undecided::default();
    for (allow, rule) in rules.iter().enumerate() {
        if rule.effect != Effect::Allow || context.order.is_useless(allow) {
            continue;
        }
        let elsewhere = |other: usize| rules.get(other).is_some_and(|one| !is_around(one, rule));
        match context.first_meeting(&defaults, allow, elsewhere) {
            Meeting::With(at) => found.extend(rules.get(at).map(|default| finding(rule, default))),
            Meeting::Unknown => undecided.add(allow),
            Meeting::None => {}
        }
    }
    found.extend(undecided.finding(context, "this `allow` opens a default elsewhere"));
}

/// Whether a default stands in the file and the scope of a rule, or in a scope
/// around that.
fn is_around(default: &Rule, rule: &Rule) -> bool {
    let outer = default.when.iter().take(default.scopes);
    let inner = rule.when.iter().take(rule.scopes);
    default.source == rule.source
        && default.scopes <= rule.scopes
        && outer.zip(inner).all(|(one, other)| Arc::ptr_eq(one, other))
}

fn finding(allow: &Rule, default: &Rule) -> Diagnostic {
    let place = if default.source == allow.source {
        "scope"
    } else {
        "file"
    };
    let (id, other) = (&allow.id, &default.id);
    if allow.enforced || default.enforced {
        let message = format!("`{id}` opens `{other}`, a `default deny` of another {place}");
        return Diagnostic::new(Code::OpensElsewhere, allow.span, message)
            .label("an `allow` stands above every `default deny`, wherever that is")
            .also(default.span, "opened here")
            .help("put the `allow` into the scope of the default, or narrow it with `if`");
    }
    let message =
        format!("`{id}` hides what `{other}`, a `default deny` of another {place}, would deny");
    Diagnostic::new(Code::HiddenDenial, allow.span, message)
        .label("no event says `would-deny` here")
        .also(default.span, "enforced without that `allow`, this denies")
        .help("enforce both together, or put the `allow` beside the default")
}
