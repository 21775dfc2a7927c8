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
            message: brief(&message.into()),
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
            first.text = brief(&text.into());
        }
        self
    }

    /// Names another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: brief(&text.into()),
        });
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(brief(&text.into()));
        self
    }

    /// Says what to write instead, if there is something.
    #[must_use]
    pub fn maybe_help(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
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

/// Characters of a user's text, between backticks, that are repeated in a sentence.
const QUOTED: usize = 120;
/// Characters of a sentence.
const SENTENCE: usize = 600;

/// A sentence whose quotations are cut to what a reader can take in: a word may
/// be as long as a file.
fn brief(text: &str) -> String {
    if text.len() <= QUOTED {
        return text.to_owned();
    }
    let cut = |part: &str, most: usize| match part.char_indices().nth(most) {
        None => part.to_owned(),
        Some((at, _)) => format!("{}…", part.get(..at).unwrap_or("")),
    };
    // Every other part is a quotation.
    let most = [SENTENCE, QUOTED].into_iter().cycle();
    let parts: Vec<String> = text
        .split('`')
        .zip(most)
        .map(|(part, most)| cut(part, most))
        .collect();
    cut(&parts.join("`"), SENTENCE)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_the_least_and_is_counted() {
        let at = |start: usize| Span {
            start: u32::try_from(start).unwrap(),
            ..Span::default()
        };
        let one = |start: usize, severity| {
            Diagnostic::new(Code::Syntax, at(start), "x").severity(severity)
        };
        let notes = (0..KEPT).map(|n| one(n, Severity::Note));
        let warnings = (0..5).map(|n| one(KEPT + n, Severity::Warning));
        let errors = (0..3).map(|n| one(2 * KEPT + n, Severity::Error));
        let report = Report::new(notes.chain(warnings).chain(errors).collect());
        let kept = |severity| {
            let all = report.diagnostics().iter();
            all.filter(|one| one.severity == severity).count()
        };
        assert_eq!(kept(Severity::Error), 3);
        assert_eq!(kept(Severity::Warning), 5);
        assert_eq!(kept(Severity::Note), KEPT - 8);
        assert_eq!(report.left_out(), 8);
        assert_eq!(report.count(Severity::Note), KEPT);
        let starts = report
            .diagnostics()
            .iter()
            .map(|one| one.span().map(|span| span.start));
        assert!(starts.is_sorted());
    }
}
