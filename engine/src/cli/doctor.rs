//! `interdict doctor`: can this host enforce? With `--export`, what is it like?

use super::output;
use crate::error::{Exit, ExpectedError};
use crate::kernel::preflight::{Finding, examine};
use crate::{files, host};
use clap::ValueEnum;
use policy_lang::CheckedPolicy;
use policy_lang::ast::File;
use policy_lang::diag::render_all;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What `doctor` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How the findings are written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Write a description of this host for `check --profile`, and nothing else; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "format")]
    export: Option<PathBuf>,
    /// Describe what lies at the paths of these policies too
    #[arg(long, value_name = "PATH", requires = "export")]
    policy: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A line a finding, and what to do about it
    Human,
    /// One JSON object
    Json,
}

pub(super) fn run(args: &Args) -> Result<Exit, ExpectedError> {
    if let Some(to) = &args.export {
        return export(to, &args.policy);
    }
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

/// Writes the description of this host.
fn export(to: &Path, policies: &[PathBuf]) -> Result<Exit, ExpectedError> {
    let host = host::describe();
    if !policies.is_empty() {
        let sources = files::read(policies)?;
        let lint = |policy: &CheckedPolicy, files: &[File]| {
            // What it looks at is what the description holds then.
            host::lint(policy, &sources, files, &host)
        };
        let (policy, report) = policy_lang::load_on(&sources, Some(&lint));
        if policy.is_none() {
            output::note(&render_all(&report, &sources, output::style(&io::stderr())))?;
            return Ok(Exit::No);
        }
    }
    let text = host.into_profile().to_json();
    if to.as_os_str() == files::STDIN {
        output::answer(&text)?;
    } else {
        std::fs::write(to, text)?;
    }
    Ok(Exit::Yes)
}

fn line(finding: &Finding) -> String {
    let Finding { what, found, fix } = finding;
    match fix {
        None => format!("ok       {what}: {found}"),
        Some(fix) => format!("missing  {what}: {found}\n         {fix}"),
    }
}
