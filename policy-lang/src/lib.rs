//! The policy language.
#![forbid(unsafe_code)]

pub mod ast;
pub mod diag;
pub mod limits;
mod parse;
pub mod source;

pub use parse::{parse, parse_question};
