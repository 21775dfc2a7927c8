//! What people read first, held against the program: the examples, the
//! reference of the language and the tutorial.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod events;
mod examples;
mod grammar;
mod language;
mod pages;
mod settled;
mod tutorial;

use std::path::{Path, PathBuf};

/// A file or folder of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
