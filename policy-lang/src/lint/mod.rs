//! Warnings about the use of rules: a policy that has them loads (notes 17).
//!
//! One file a lint. A lint sees rules that are valid, names written out.

mod faked;

use crate::checked::Rule;
use crate::diag::Diagnostic;

/// Everything that is to be said about valid rules.
pub(crate) fn lint(rules: &[Rule]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in rules {
        found.extend(faked::lint(rule));
    }
    found
}
