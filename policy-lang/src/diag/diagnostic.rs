//! A diagnostic: what is wrong, where, and what to write instead.

use super::codes::{Code, Severity};
use crate::source::{Sources, Span};
use std::cmp::Reverse;

/// A place and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// A few words, lower case, may be empty.
    pub text: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of finding.
    pub code: Code,
    /// Whether the policy is refused.
    pub severity: Severity,
    /// One line, lower case, no final stop.
    pub message: String,
    /// The place it is about, first, then others that explain it.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding at a place, with the severity of its code.
    #[must_use]
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            labels: vec![Label {
                span,
                text: String::new(),
            }],
            help: None,
        }
    }

    /// With another severity than its code's.
    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says something about the place itself.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(first) = self.labels.first_mut() {
            first.text = text.into();
        }
        self
    }

    /// Names another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Says what to write instead, if there is something.
    #[must_use]
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        if text.is_some() {
            self.help = text;
        }
        self
    }

    /// The place it is about.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }

    /// `file:line:column`, for a list of one line a finding.
    #[must_use]
    pub fn place(&self, sources: &Sources) -> String {
        let Some((span, file)) = self
            .span()
            .and_then(|span| Some((span, sources.file(span.source)?)))
        else {
            return String::new();
        };
        let position = file.position(span.start);
        format!(
            "{}:{}:{}",
            super::show(file.name()),
            position.line,
            position.column
        )
    }
}

/// Findings of one run that are kept; the others are counted.
pub const KEPT: usize = 1_000;

/// The findings of one run, in order of file and place.
#[derive(Clone, Debug, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    notes: usize,
}

impl Report {
    /// Sorts findings by place; findings at one place keep their order.
    #[must_use]
    pub fn new(mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|one| one.span().map(|span| (span.source, span.start)));
        // What is wrong in a set is found once for each use of it.
        diagnostics.dedup();
        let of = |severity: Severity| {
            let same = |one: &&Diagnostic| one.severity == severity;
            diagnostics.iter().filter(same).count()
        };
        let [errors, warnings, notes] =
            [Severity::Error, Severity::Warning, Severity::Note].map(of);
        if diagnostics.len() > KEPT {
            // The worst first: no warning may push an error out.
            diagnostics.sort_by_key(|one| Reverse(one.severity));
            diagnostics.truncate(KEPT);
            diagnostics.sort_by_key(|one| one.span().map(|span| (span.source, span.start)));
        }
        Self {
            diagnostics,
            errors,
            warnings,
            notes,
        }
    }

    /// The findings, at most [`KEPT`].
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// How many findings are not among [`Self::diagnostics`].
    #[must_use]
    pub fn left_out(&self) -> usize {
        (self.errors + self.warnings + self.notes).saturating_sub(self.diagnostics.len())
    }

    /// How many of a severity there are, those left out included.
    #[must_use]
    pub const fn count(&self, severity: Severity) -> usize {
        match severity {
            Severity::Error => self.errors,
            Severity::Warning => self.warnings,
            Severity::Note => self.notes,
        }
    }

    /// Whether the policy is refused.
    #[must_use]
    pub const fn has_errors(&self) -> bool {
        self.errors > 0
    }
}
