//! `check`: what is wrong with a policy.
//!
//! A policy that is valid is compiled too, for a host that stands for any, so
//! that what `run` of this build would refuse is said here and not first on the
//! host. The policy is none the worse for it: that is a note, and an error only
//! for whoever asks with `--kernel`.

use super::{github, output, sarif};
use crate::error::{Exit, ExpectedError};
use crate::files;
use clap::ValueEnum;
use policy_lang::CheckedPolicy;
use policy_lang::compile::{Enforcement, Host, Place, PlaceUse, compile};
use policy_lang::diag::{Report, Severity, render_all, to_json};
use policy_lang::source::Sources;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// Check policies.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Policy files, and directories of `.policy` files; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to write the findings
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// End with 1 for warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// Refuse what `run` of this version cannot decide in the kernel; else that is a note
    #[arg(long)]
    kernel: bool,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: the line, what is wrong, what to write instead
    Human,
    /// One object with all findings
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// Annotations of a GitHub workflow
    Github,
}

/// A host on which every path is one place.
struct AnyHost;

impl Host for AnyHost {
    fn hash_key(&self) -> [u64; 2] {
        [0; 2]
    }

    fn places(&self, path: &[u8], _: PlaceUse) -> Vec<Place> {
        vec![Place {
            device: 1,
            path: path.to_vec(),
        }]
    }
}

/// The policy, if it is valid, and all findings; what the kernel side of this
/// build refuses has the severity `kernel`.
fn load(sources: &Sources, kernel: Severity) -> (Option<CheckedPolicy>, Report) {
    let (policy, report) = policy_lang::load(sources);
    let refused = policy
        .as_ref()
        .and_then(|policy| compile(policy, &AnyHost, 0, Enforcement::AsWritten).err());
    let Some(refused) = refused else {
        return (policy, report);
    };
    let refused = refused.into_iter().map(|one| one.severity(kernel));
    let all = report.diagnostics().iter().cloned().chain(refused);
    (policy, Report::new(all.collect()))
}

/// Writes the findings. The answer is no when one of them refuses the policy.
pub(super) fn run(args: &Args) -> Result<Exit, ExpectedError> {
    let sources = files::read(&args.paths)?;
    let kernel = if args.kernel {
        Severity::Error
    } else {
        Severity::Note
    };
    let (policy, report) = load(&sources, kernel);
    let text = match args.format {
        Format::Human => human(&report, &sources, policy.as_ref()),
        Format::Json => format!("{}\n", to_json(&report, &sources)),
        Format::Sarif => format!("{}\n", sarif::log(&report, &sources)),
        Format::Github => github::annotations(&report, &sources),
    };
    output::answer(&text)?;
    let warned = args.deny_warnings && report.count(Severity::Warning) > 0;
    if report.has_errors() || policy.is_none() || warned {
        return Ok(Exit::No);
    }
    Ok(Exit::Yes)
}

fn human(report: &Report, sources: &Sources, policy: Option<&CheckedPolicy>) -> String {
    let mut text = render_all(report, sources, output::style(&io::stdout()));
    // The first of the worst: of several, the last one is taken.
    let found = report.diagnostics().iter().rev();
    // Writing to a string cannot fail.
    if let Some(worst) = found.max_by_key(|one| one.severity) {
        let code = worst.code.id();
        writeln!(text, "more about a code: interdict explain --code {code}").ok();
    }
    let said = if report.diagnostics().is_empty() {
        "nothing to say"
    } else if !report.has_errors() && report.count(Severity::Note) > 0 {
        "valid, but `run` of this version refuses what the notes name"
    } else {
        return text;
    };
    let rules = policy.map_or(0, |policy| policy.rules().len());
    let files = sources.files().len();
    writeln!(
        text,
        "{} in {}: {said}",
        count(rules, "rule"),
        count(files, "file")
    )
    .ok();
    text
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
