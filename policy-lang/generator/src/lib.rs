//! Random policies and requests, for the tests of the language and its fuzzer.
//!
//! All that the grammar and the types give, in one place: [`policy()`] makes a
//! [`model::Policy`] out of [`Choices`], which `check` has no errors for, and
//! [`sources`] writes it in any of the ways that must mean the same, with
//! comments in odd places if asked. [`request()`] asks what it is about. A new
//! attribute or family is taken from its table; give it values in `pools.rs`.
#![forbid(unsafe_code)]

mod choices;
mod condition;
mod meaning;
pub mod model;
mod policy;
pub mod pools;
mod request;
mod test;
mod world;
mod write;

pub use choices::{Choices, random_bytes};
pub use meaning::meaning;
pub use policy::{FILES, policy};
pub use request::{address, request};
pub use write::{Style, files, sources};

/// What policies and requests are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// What the kernel decides today, with places that `tables_vs_eval` knows.
    Kernel,
    /// The whole language.
    Whole,
}
