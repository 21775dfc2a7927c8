//! The policy language of interdict: from text to what a policy means, and to
//! the tables that the kernel decides by.
//!
//! ```
//! use policy_lang::request::parse_json_line;
//! use policy_lang::{eval, load, source::Sources};
//!
//! let text = "deny unix connect to /run/docker.sock unless comm = dockerd id docker";
//! let sources = Sources::single("docker.policy", text);
//! let (policy, report) = load(&sources);
//! assert!(!report.has_errors());
//! let policy = policy.ok_or("a policy without errors is there")?;
//!
//! let line = r#"{"family":"unix","operation":"connect","path":"/run/docker.sock","subject":{"comm":"nc"}}"#;
//! let request = parse_json_line(line)?.ok_or("the line is not blank")?;
//! assert_eq!(
//!     eval(&policy, &request).to_json(&policy),
//!     r#"{"verdict":"deny","rule":"docker","errno":"EPERM","hypothetical":{"verdict":"deny","rule":"docker"},"recorded":[]}"#
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The way of a policy: [`parse`] (never fails) to [`ast`], [`check`] to
//! [`CheckedPolicy`], then [`eval`] for the meaning and [`compile`] for the
//! words of a table image. [`load`] does the first two.
//!
//! This crate reads no file, knows no clock and no kernel.
#![forbid(unsafe_code)]

pub mod ast;
mod boxes;
mod check;
mod checked;
pub mod compile;
mod decision;
pub mod diag;
mod eval;
mod explain;
pub mod fmt;
pub mod lifelines;
pub mod limits;
mod lint;
mod maps;
mod parse;
pub mod request;
pub mod selection;
pub mod source;
mod suppress;
pub mod terms;
pub mod testing;
pub mod types;
pub mod unit;
pub mod words;

pub use check::{HostLint, check, load, load_on, load_with};
pub use checked::{
    CheckedPolicy, Condition, IMPORTANCE_WORDS, Importance, Rule, RuleIndex, Target, Test,
};
pub use compile::compile;
pub use decision::{Decision, Outcome, Verdict};
pub use eval::eval;
pub use explain::{Explanation, Reason, explain};
pub use lint::Lints;
pub use parse::{parse, parse_question, recognise};
