//! What is said about a policy: diagnostics, their codes, their rendering.

pub mod codes;
mod diagnostic;
mod json;
mod render;
mod show;
pub mod suggest;
mod window;

pub use codes::{Code, Severity};
pub use diagnostic::{Diagnostic, KEPT, Label, Report};
pub use json::{JSON_SCHEMA, to_json};
pub use render::{Style, render, render_all};
pub(crate) use show::hides;
pub use show::{show, show_bytes};
