//! A test that a kernel cannot run says so, and is counted as skipped: the
//! suite's last line knows it from one that passed.

use std::io::{self, Write};
use std::thread;

/// Says that the test that calls it cannot run here, and what is missing. The
/// caller returns.
///
/// The line goes past libtest, which keeps what passing tests print; the suite
/// takes one test from the passed tests for each (`xtask/src/test/counts.rs`).
pub fn skipped(missing: &str) {
    let current = thread::current();
    let name = current.name().unwrap_or("a test without a name");
    let line = format!("\nskipped: {name}: {missing}\n");
    io::stdout().write_all(line.as_bytes()).unwrap();
}
