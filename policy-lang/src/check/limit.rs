//! Sizes of a policy (notes 119).

use super::Checker;
use super::definitions::Definitions;
use crate::checked::{Rule, Target};
use crate::diag::{Code, Diagnostic};
use crate::limits;
use crate::source::{Sources, Span};
use crate::types::Values;
use crate::types::pattern::Pattern;
use std::collections::HashSet;
use std::sync::Arc;

/// Files and bytes of a policy.
pub(super) fn sizes(sources: &Sources) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let nowhere = |index: usize| {
        sources
            .files()
            .get(index)
            .map_or_else(Span::default, |file| Span {
                source: file.id(),
                ..Span::default()
            })
    };
    let files = sources.files().len();
    if files > limits::FILES {
        let message = format!("the policy has {files} files, more than {}", limits::FILES);
        found.push(
            Diagnostic::new(Code::TooLarge, nowhere(limits::FILES), message)
                .help("join some of them"),
        );
    }
    let bytes: usize = sources
        .files()
        .iter()
        .map(crate::source::SourceFile::length)
        .sum();
    if bytes > limits::POLICY_BYTES {
        let message = format!(
            "the policy has {bytes} bytes, more than {}",
            limits::POLICY_BYTES
        );
        found.push(
            Diagnostic::new(Code::TooLarge, nowhere(0), message)
                .help("use networks, ranges and patterns in place of single values"),
        );
    }
    found
}

/// Distinct elements of all sets of a policy.
#[derive(Default)]
struct Elements<'p> {
    v4: HashSet<(u32, u32)>,
    v6: HashSet<(u128, u128)>,
    paths: HashSet<&'p [u8]>,
    globs: HashSet<&'p Pattern>,
    seen: HashSet<*const Values>,
}

impl<'p> Elements<'p> {
    fn add(&mut self, values: &'p Arc<Values>) {
        if !self.seen.insert(Arc::as_ptr(values)) {
            return;
        }
        match &**values {
            Values::Addresses(set) => {
                self.v4.extend(&set.v4);
                self.v6.extend(&set.v6);
            }
            Values::Patterns(patterns) => self.patterns(patterns, false),
            Values::Unix(set) => {
                self.patterns(&set.paths, true);
                self.patterns(&set.names, false);
            }
            Values::Numbers(_) | Values::Names(_) | Values::Words(_) | Values::Options(_) => {}
        }
    }

    fn patterns(&mut self, patterns: &'p [Pattern], paths: bool) {
        for pattern in patterns {
            match pattern {
                Pattern::Literal(bytes) if paths || bytes.starts_with(b"/") => {
                    self.paths.insert(bytes);
                }
                Pattern::Literal(_) => {}
                Pattern::Glob(..) => {
                    self.globs.insert(pattern);
                }
            }
        }
    }
}

/// Addresses, paths and patterns of a policy.
pub(super) fn values(checker: &mut Checker<'_>, rules: &[Rule], definitions: &Definitions<'_>) {
    let mut elements = Elements::default();
    for rule in rules {
        match &rule.target {
            Some(
                Target::Unix(values)
                | Target::Address {
                    addresses: Some(values),
                    ..
                },
            ) => elements.add(values),
            Some(Target::Address { .. } | Target::Option(_)) | None => {}
        }
        for condition in rule.when.iter().chain(&rule.unless) {
            crate::terms::each_test(condition, &mut |test| elements.add(&test.values));
        }
    }
    for values in definitions.resolved_sets() {
        elements.add(values);
    }
    let counts = [
        (
            elements.v4.len() + elements.v6.len(),
            limits::ADDRESSES,
            "addresses and ranges",
        ),
        (elements.paths.len(), limits::PATHS, "literal paths"),
        (
            elements.globs.len(),
            limits::GLOBS,
            "patterns with wildcards",
        ),
    ];
    let span = rules.first().map(|rule| rule.span).unwrap_or_default();
    for (count, limit, what) in counts {
        if count > limit {
            let message = format!("the policy has {count} {what}, more than {limit}");
            checker.report(
                Diagnostic::new(Code::TooManyValues, span, message)
                    .help("say what they have in common: a network, a range, a pattern"),
            );
        }
    }
}
