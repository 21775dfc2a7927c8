//! Where answers go, and whether they may be coloured.

use crate::error::ExpectedError;
use policy_lang::diag::Style;
use std::env;
use std::io::{self, IsTerminal, Write as _};

/// Writes an answer to standard output, all of it.
pub(super) fn answer(text: &str) -> Result<(), ExpectedError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes what explains an answer to standard error.
pub(super) fn note(text: &str) -> Result<(), ExpectedError> {
    io::stderr().write_all(text.as_bytes())?;
    Ok(())
}

/// A file's name as services that know a repository's files have it: without `./`.
pub(super) fn from_here(name: &str) -> &str {
    name.strip_prefix("./").unwrap_or(name)
}

/// Colours for a reader at a terminal who has not refused them.
pub(super) fn style(stream: &impl IsTerminal) -> Style {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    if stream.is_terminal() && !set("NO_COLOR") && !dumb {
        Style::Coloured
    } else {
        Style::Plain
    }
}
