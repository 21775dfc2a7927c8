//! `interdict doctor`: can this host enforce?

use crate::error::{Exit, ExpectedError};
use crate::kernel::preflight::{Finding, examine};
use clap::ValueEnum;
use std::io::{self, Write as _};

/// What `doctor` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How the findings are written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A line a finding, and what to do about it
    Human,
    /// One JSON object
    Json,
}

pub(super) fn run(args: &Args) -> Result<Exit, ExpectedError> {
    let findings = examine();
    let able = findings.iter().all(|finding| finding.fix.is_none());
    let mut out = io::stdout().lock();
    match args.format {
        Format::Human => {
            for finding in &findings {
                writeln!(out, "{}", line(finding))?;
            }
            let verdict = if able {
                "this host can enforce"
            } else {
                "this host cannot enforce"
            };
            writeln!(out, "{verdict}")?;
        }
        Format::Json => {
            let report =
                serde_json::json!({ "schema": 1, "can_enforce": able, "findings": findings });
            writeln!(out, "{report}")?;
        }
    }
    Ok(if able { Exit::Yes } else { Exit::HostCannot })
}

fn line(finding: &Finding) -> String {
    let Finding { what, found, fix } = finding;
    match fix {
        None => format!("ok       {what}: {found}"),
        Some(fix) => format!("missing  {what}: {found}\n         {fix}"),
    }
}
