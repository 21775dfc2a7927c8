//! `check`: what is wrong with a policy.
//!
//! A policy that is valid is compiled too, for a host that stands for any, so
//! that what `run` of this build would refuse is said here and not first on the
//! host. The policy is none the worse for it: that is a note, and an error only
//! for whoever asks with `--kernel`. With `--host` or `--profile` one host is
//! asked about the names and paths too.

use super::{github, output, sarif};
use crate::error::{Exit, ExpectedError};
use crate::files;
use crate::host::{self, Profile};
use clap::ValueEnum;
use policy_lang::CheckedPolicy;
use policy_lang::compile::{AnyHost, Enforcement, compile};
use policy_lang::diag::{Report, Severity, render_all, show, to_json};
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
    /// Hold names and paths against this host too
    #[arg(long, conflicts_with = "profile")]
    host: bool,
    /// Hold names and paths against a host that `doctor --export` described
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
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

/// The host that names and paths are held against, if one is asked for.
fn host(args: &Args) -> Result<Option<host::Host>, ExpectedError> {
    if args.host {
        return Ok(Some(host::describe()));
    }
    let Some(path) = &args.profile else {
        return Ok(None);
    };
    let unreadable = |source| ExpectedError::Input {
        path: path.clone(),
        source,
    };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let profile = Profile::parse(&text)
        .map_err(|why| unreadable(io::Error::new(io::ErrorKind::InvalidData, why)))?;
    Ok(Some(host::Host::described(profile)))
}

/// The policy, if it is valid, and all findings; what the kernel side of this
/// build refuses has the severity `kernel`.
fn load(
    sources: &Sources,
    host: Option<&host::Host>,
    kernel: Severity,
) -> (Option<CheckedPolicy>, Report) {
    let (policy, report) = match host {
        None => policy_lang::load(sources),
        Some(host) => policy_lang::load_on(
            sources,
            Some(&|policy, files| host::lint(policy, sources, files, host)),
        ),
    };
    let refused = policy
        .as_ref()
        .and_then(|policy| compile(policy, &AnyHost::default(), 0, Enforcement::AsWritten).err());
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
    let host = host(args)?;
    let kernel = if args.kernel {
        Severity::Error
    } else {
        Severity::Note
    };
    let (policy, report) = load(&sources, host.as_ref(), kernel);
    let text = match args.format {
        Format::Human => human(&report, &sources, policy.as_ref()),
        Format::Json => format!("{}\n", to_json(&report, &sources)),
        Format::Sarif => format!("{}\n", sarif::log(&report, &sources)),
        Format::Github => github::annotations(&report, &sources),
    };
    output::answer(&text)?;
    let hidden = host.map(|host| host.failed()).unwrap_or_default();
    if let Some(first) = hidden.first() {
        let more = hidden.len() - 1;
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} others")
        };
        let note = format!(
            "note: `{}`{more} could not be looked at; root can\n",
            show(first)
        );
        output::note(&note)?;
    }
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
