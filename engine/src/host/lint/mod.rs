//! What is to be said about a policy on a host. Reads nothing but the [`Host`].

mod kernel;

pub use kernel::unenforced;

mod names;
mod paths;
mod programs;

use super::Host;
use super::uses::{self, Named, Use};
use super::written::Written;
use policy_lang::CheckedPolicy;
use policy_lang::ast::File;
use policy_lang::diag::{Code, Diagnostic, show, show_bytes};
use policy_lang::source::{Sources, Span};
use policy_lang::types::pattern::Pattern;
use std::collections::HashSet;

/// All findings about a valid policy, each value's once.
#[must_use]
pub fn lint(
    policy: &CheckedPolicy,
    sources: &Sources,
    files: &[File],
    host: &Host,
) -> Vec<Diagnostic> {
    let mut lints = Lints {
        host,
        written: Written::of(sources, files),
        found: Vec::new(),
        seen: HashSet::new(),
    };
    for one in uses::of(policy) {
        match one.named {
            Named::User | Named::Group => names::accounts(&mut lints, &one),
            Named::Unit => names::units(&mut lints, &one),
            Named::Socket | Named::Program => paths::look(&mut lints, &one),
        }
    }
    let mut found = lints.found;
    found.extend(kernel::lint(policy, host));
    found
}

/// Findings in the making.
struct Lints<'l> {
    host: &'l Host,
    written: Written<'l>,
    found: Vec<Diagnostic>,
    /// One value in one place is told about once, however often it is used.
    seen: HashSet<(Code, Span, String)>,
}

impl Lints<'_> {
    /// Where a name is written.
    fn name(&self, name: &str, used: &Use<'_>) -> Spot {
        let written = self.written.value(name, used.span);
        self.spot(written, name.as_bytes(), used)
    }

    /// Where a pattern, or a literal value, is written.
    fn pattern(&self, pattern: &Pattern, used: &Use<'_>) -> Spot {
        let written = self.written.pattern(pattern, used.span);
        self.spot(written, &pattern.start(), used)
    }

    fn spot(&self, written: Option<Span>, bytes: &[u8], used: &Use<'_>) -> Spot {
        Spot {
            span: written.unwrap_or(used.span),
            text: match written {
                Some(span) => show(self.written.text(span)),
                None => show_bytes(bytes),
            },
            used: used.span,
        }
    }

    /// Reports something about a value, where it is written.
    fn report(&mut self, code: Code, spot: &Spot, said: Said) {
        let span = spot.span;
        let key = (code, span, said.message.clone());
        if !self.seen.insert(key) {
            return;
        }
        let used = spot.used;
        let mut found = Diagnostic::new(code, span, said.message).label(said.label);
        let within = span.source == used.source && (used.start..=used.end).contains(&span.start);
        if !within {
            found = found.also(used, "used here");
        }
        self.found.push(found.maybe_help(said.help));
    }
}

/// A value in the text.
struct Spot {
    span: Span,
    /// As it is written, for people.
    text: String,
    /// The test or the rule that uses it.
    used: Span,
}

/// A finding's words.
struct Said {
    message: String,
    label: String,
    help: Option<String>,
}

impl Said {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            label: String::new(),
            help: None,
        }
    }

    fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}
