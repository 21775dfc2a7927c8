//! Random policies and requests, for the tests of the language and its fuzzer.
#![forbid(unsafe_code)]

mod meaning;

pub use meaning::meaning;
