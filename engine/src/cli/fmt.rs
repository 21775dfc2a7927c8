//! `fmt`: policy files in canonical form.
//!
//! Each file by itself: one that is not well formed is refused and left as it
//! is, and does not keep the others from being formatted.

use super::{line_diff, output};
use crate::error::{Exit, ExpectedError};
use crate::files::{self, Place};
use crate::replace::replace;
use policy_lang::diag::{Report, render_all, show};
use policy_lang::fmt::{Refused, format};
use policy_lang::source::Sources;
use std::io;
use std::path::PathBuf;

/// Format policies.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Policy files, and directories of `.policy` files; `-` is standard input to standard output
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; show what would change, and end with 1 if anything would
    #[arg(long)]
    check: bool,
}

/// Formats. The answer is no when a file is refused or, with `--check`, is not formatted.
pub(super) fn run(args: &Args) -> Result<Exit, ExpectedError> {
    let mut exit = Exit::Yes;
    for place in files::find(&args.paths)? {
        let sources = files::read_one(&place)?;
        let Some(file) = sources.files().first() else {
            continue;
        };
        let text = match format(file) {
            Ok(text) => text,
            Err(Refused::Syntax(found)) => {
                output::note(&render_all(
                    &Report::new(found),
                    &sources,
                    output::style(&io::stderr()),
                ))?;
                exit = Exit::No;
                continue;
            }
            Err(Refused::Defect) => {
                let name = show(file.name());
                let message = format!("the canonical form of `{name}` says something else");
                return Err(ExpectedError::Internal(message));
            }
        };
        let changed = *text != **file.text();
        if args.check && changed {
            exit = Exit::No;
            output::answer(&line_diff::unified(&show(file.name()), file.text(), &text))?;
        } else if !args.check {
            write(&place, &sources, &text, changed)?;
        }
    }
    Ok(exit)
}

fn write(place: &Place, sources: &Sources, text: &str, changed: bool) -> Result<(), ExpectedError> {
    match place {
        Place::Stdin => output::answer(text),
        Place::File(path) if changed => replace(path, text).map_err(|source| {
            let name = sources.files().first().map_or("", |file| file.name());
            ExpectedError::Write {
                name: show(name),
                source,
            }
        }),
        Place::File(_) => Ok(()),
    }
}
