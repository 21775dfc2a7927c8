//! What is said about rules that others make useless.

use super::context::Context;
use crate::ast::Effect;
use crate::boxes::Answer;
use crate::diag::{Code, Diagnostic};

/// Rules of which it is not known.
#[derive(Default)]
pub(super) struct Undecided {
    first: Option<usize>,
    count: usize,
}

impl Undecided {
    pub(super) fn add(&mut self, rule: usize) {
        self.first = Some(self.first.map_or(rule, |first| first.min(rule)));
        self.count += 1;
    }

    pub(super) fn finding(self, context: &Context<'_>, what: &str) -> Option<Diagnostic> {
        let rule = context.rules().get(self.first?)?;
        let others = match self.count - 1 {
            0 => String::new(),
            1 => ", and for one rule after it".to_owned(),
            more => format!(", and for {more} rules after it"),
        };
        let message = format!("not decided: whether {what}{others}");
        Some(
            Diagnostic::new(Code::NotDecided, rule.span, message)
                .label("the work allowed for it did not suffice")
                .help("fewer patterns with `**` or several `*`, and fewer rules about one object, are decided sooner"),
        )
    }
}

/// What is said about a rule and the one that makes it useless.
pub(super) fn pair(context: &mut Context<'_>, rule: usize, cover: usize) -> Option<Diagnostic> {
    let equal = context.covers(rule, cover) == Answer::Yes;
    let (one, other) = (context.rules().get(rule)?, context.rules().get(cover)?);
    let id = &other.id;
    let same = context.order.same_saying(rule, cover);
    if equal && same && one.effect == other.effect {
        let message = format!("the rule `{}` says what `{id}` says", one.id);
        return Some(
            Diagnostic::new(Code::Duplicate, one.span, message)
                .label("matches the same operations and does the same")
                .also(other.span, "the other one")
                .help("remove one of them"),
        );
    }
    let why = if one.effect == other.effect && same {
        "which matches all that it matches and does the same".to_owned()
    } else if one.effect == other.effect {
        "which matches all that it matches, and whose id is the smaller one".to_owned()
    } else {
        format!(
            "a `{}`, which decides first and matches all that it matches",
            other.effect.word()
        )
    };
    let message = format!("the rule `{}` never matters, because of `{id}`", one.id);
    let help = match one.effect {
        Effect::Allow => {
            "`deny` and `kill` stand above `allow`: put the exception into that rule's `unless`, or remove this rule"
        }
        Effect::Kill | Effect::Deny | Effect::DefaultDeny | Effect::Record => {
            "remove it, or narrow the other rule"
        }
    };
    Some(
        Diagnostic::new(Code::Shadowed, one.span, message)
            .label(why)
            .also(other.span, "this one decides in its place")
            .help(help),
    )
}

/// What is said about a rule and those that together make it useless.
pub(super) fn several(context: &Context<'_>, rule: usize, covers: &[usize]) -> Option<Diagnostic> {
    let one = context.rules().get(rule)?;
    let mut covers = covers.to_vec();
    covers.sort_unstable();
    let message = format!(
        "the rule `{}` never matters, because of {} rules together",
        one.id,
        covers.len()
    );
    let mut found = Diagnostic::new(Code::Covered, one.span, message)
        .label("together they match all that it matches, and decide in its place")
        .help("remove it, or narrow one of the others");
    for cover in covers.iter().take(SHOWN) {
        let other = context.rules().get(*cover)?;
        found = found.also(other.span, format!("`{}`", other.effect.word()));
    }
    Some(found)
}

/// Covering rules that a finding shows.
const SHOWN: usize = 4;
