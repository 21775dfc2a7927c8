//! A policy that is refused, told to a program: what it reads is as well formed
//! as an answer, and says why there is none.

use policy_lang::diag::{Report, Severity, to_json};
use policy_lang::source::Sources;
use serde_json::{Value, json};

/// Why there is no answer: one line, and the findings as `check --format json` writes them.
pub(super) fn error(report: &Report, sources: &Sources) -> Value {
    let errors = report.count(Severity::Error);
    let s = if errors == 1 { "" } else { "s" };
    json!({
        "message": format!("the policy is refused: {errors} error{s}"),
        "report": to_json(report, sources),
    })
}
