//! Which events are made: what the `[events]` of a configuration says, checked.
//!
//! An event that is not chosen is as by default: of what a rule denied, would have
//! denied or recorded. A filter's condition is that of a rule, and is compiled into
//! the same tables ([`crate::compile::compile_with`]).

use crate::ast::Effect;
use crate::checked::{CheckedPolicy, Condition, Rule};
use crate::diag::Report;
use crate::source::{Sources, Span};
use crate::terms::{Sign, count_of, each_test};
use crate::words::attribute::Owner;
use crate::words::family::FamilySet;
use crate::words::shape::Shape;
use crate::{Lints, load_with};
use policy_abi::select::Event;
use std::ops::Range;
use std::sync::Arc;

/// Alternatives that the filters of one event can have together: an `or` makes
/// one more.
pub const MAX_TERMS: usize = 64;
/// Comparisons that they can have together.
pub const MAX_TESTS: usize = 256;

/// What stands before a condition to make a rule of it.
const PREFIX: &str = "record any any if ";

/// Which operations an event is made of, in a part of the whole.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Also of those that no rule denied or recorded.
    pub plain: bool,
    /// Of sockets of these families.
    pub families: FamilySet,
    /// By these processes; by all without.
    pub subject: Option<Filter>,
}

/// A condition on the acting process.
#[derive(Clone, Debug)]
pub struct Filter(Arc<Condition>);

impl Filter {
    pub(crate) fn condition(&self) -> &Condition {
        &self.0
    }

    /// How many alternatives it has, and how many comparisons.
    fn size(&self) -> (usize, usize) {
        let mut tests = 0;
        each_test(&self.0, &mut |_| tests += 1);
        (count_of(&self.0, Sign::Plain, Shape::Nothing), tests)
    }
}

/// Why a text is no filter. Places are in the text that it was read from.
#[derive(Debug)]
pub enum FilterError {
    /// It is no condition of the language.
    Condition(Box<Report>),
    /// It says more than a filter does.
    Meaning {
        /// What is wrong.
        message: String,
        /// Where.
        at: Range<usize>,
    },
}

/// Reads the condition that stands at some bytes of a text, such as a
/// configuration's: `unit = nginx.service and uid != 0`. Places are exact where as
/// much stands before it as before the condition of a rule.
///
/// # Errors
/// When it is not one condition of the language, or asks for something else than
/// the acting process.
pub fn filter(text: &str, at: Range<usize>) -> Result<Filter, FilterError> {
    let condition = text.get(at.clone()).unwrap_or("");
    // What comes before is blank, so that places are those of the whole text.
    let blank = at.start.saturating_sub(PREFIX.len());
    let sources = Sources::single(
        "filter",
        format!("{}{PREFIX}{condition}", " ".repeat(blank)),
    );
    let (policy, report) = load_with(&sources, Lints::None, None);
    let Some(policy) = policy else {
        return Err(FilterError::Condition(Box::new(report)));
    };
    let refused = |message: &str, at| {
        let message = message.to_owned();
        Err(FilterError::Meaning { message, at })
    };
    let Some(condition) = single(&policy) else {
        return refused("a filter is one condition, as it stands after `if`", at);
    };
    let mut foreign = None;
    each_test(&condition, &mut |test| {
        if test.attribute.owner() != Owner::Subject {
            foreign.get_or_insert((test.attribute.word(), test.span));
        }
    });
    if let Some((word, Span { start, end, .. })) = foreign {
        let message = format!("`{word}` is not of the process that acts, which a filter asks for");
        return refused(&message, start as usize..end as usize);
    }
    Ok(Filter(condition))
}

/// The condition of a policy that is [`PREFIX`] and a condition, and nothing else.
fn single(policy: &CheckedPolicy) -> Option<Arc<Condition>> {
    let [rule] = policy.rules() else {
        return None;
    };
    let Rule {
        named: false,
        effect: Effect::Record,
        because: None,
        severity: None,
        unless: None,
        when,
        tags,
        ..
    } = rule
    else {
        return None;
    };
    match (&**when, tags.is_empty(), policy.tests().is_empty()) {
        ([condition], true, true) => Some(Arc::clone(condition)),
        _ => None,
    }
}

/// Which events are made.
#[derive(Clone, Debug, Default)]
pub struct Selection(Vec<Choice>);

/// Of which operations one event is made: of those that some wish is about.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) event: &'static Event,
    pub(crate) wishes: Vec<Wish>,
}

/// Filters of one event that have more alternatives than [`MAX_TERMS`], or more
/// comparisons than [`MAX_TESTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    terms: usize,
    tests: usize,
}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { terms, tests } = self;
        write!(
            out,
            "the filters of one event may have {MAX_TERMS} alternatives and {MAX_TESTS} comparisons, \
             these have {terms} and {tests}"
        )
    }
}

impl std::error::Error for TooLarge {}

impl Selection {
    /// Chooses of which operations an event is made: of none without a wish.
    ///
    /// # Errors
    /// When the filters are too large together.
    pub fn choose(&mut self, event: &'static Event, wishes: Vec<Wish>) -> Result<(), TooLarge> {
        let filters = wishes.iter().filter_map(|wish| wish.subject.as_ref());
        let (terms, tests) =
            filters
                .map(Filter::size)
                .fold((0_usize, 0_usize), |(terms, tests), (more, others)| {
                    (terms.saturating_add(more), tests.saturating_add(others))
                });
        if terms > MAX_TERMS || tests > MAX_TESTS {
            return Err(TooLarge { terms, tests });
        }
        self.0.retain(|choice| choice.event != event);
        self.0.push(Choice { event, wishes });
        Ok(())
    }

    pub(crate) fn choices(&self) -> &[Choice] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(condition: &str) -> Result<(), String> {
        let text = format!("[events]\nsecurity_socket_connect = '{condition}' # more");
        let start = text.find('\'').unwrap() + 1;
        let place = |at: &Range<usize>| text.get(at.clone()).unwrap_or("?").to_owned();
        match filter(&text, start..start + condition.len()) {
            Ok(_) => Ok(()),
            Err(FilterError::Condition(report)) => {
                let first = &report.diagnostics()[0];
                let span = first.span().unwrap();
                let at = span.start as usize..span.end as usize;
                Err(format!("{} at {}", first.code.id(), place(&at)))
            }
            Err(FilterError::Meaning { message, at }) => Err(format!("{message}: {}", place(&at))),
        }
    }

    #[test]
    fn a_filter_is_a_condition_on_the_process() {
        for good in [
            "uid = 0",
            "unit = nginx.service and not (exe = /usr/bin/* or group = wheel)",
            "cap = net_raw or parent.comm in { sh, bash }",
        ] {
            assert_eq!(said(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_at_its_place() {
        for (bad, wanted) in [
            ("uid = bob", "P0"),
            ("uuid = 0", "P0"),
            ("", "P0"),
            ("uid = 0 or port = 80", "`port` is not of the process"),
            ("type = stream", "`type` is not of the process"),
            ("uid = 0 unless gid = 0", "a filter is one condition"),
            ("uid = 0 id mine", "a filter is one condition"),
            ("uid = 0 tag \"x\"", "a filter is one condition"),
            ("uid = 0 deny tcp connect", "a filter is one condition"),
        ] {
            let found = said(bad).unwrap_err();
            assert!(found.contains(wanted), "{bad}: {found}");
        }
        assert!(
            said("uid = 0 or port = 80")
                .unwrap_err()
                .ends_with(": port = 80")
        );
        assert!(said("uuid = 0").unwrap_err().ends_with(" at uuid"));
    }

    #[test]
    fn filters_have_a_bound() {
        let event = Event::named("security_socket_bind").unwrap();
        let wish = |condition: &str| Wish {
            plain: true,
            families: FamilySet::ANY,
            subject: Some(filter(condition, 0..condition.len()).unwrap()),
        };
        let mut selection = Selection::default();
        let small = wish("(uid = 1 or uid = 2) and (gid = 1 or gid = 2)");
        selection.choose(event, vec![small.clone(); 16]).unwrap();
        let found = selection.choose(event, vec![small; 17]);
        assert_eq!(
            found,
            Err(TooLarge {
                terms: 68,
                tests: 68
            })
        );
        assert_eq!(selection.choices().len(), 1);
    }
}
