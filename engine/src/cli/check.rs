//! `check`: what is wrong with a policy.
//!
//! A policy that is valid is compiled too, for a host that stands for any: what
//! this build cannot decide in the kernel is an error here, not one on the host
//! that the policy was meant for.

use super::{github, output, sarif};
use crate::error::{Exit, ExpectedError};
use crate::files;
use clap::ValueEnum;
use policy_lang::CheckedPolicy;
use policy_lang::compile::{Account, Enforcement, Host, Place, PlaceUse, compile};
use policy_lang::diag::{Report, Severity, render_all, to_json};
use policy_lang::source::Sources;
use std::cell::RefCell;
use std::collections::HashMap;
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

/// A host on which every path is one place, and every name somebody's.
#[derive(Default)]
struct AnyHost {
    accounts: RefCell<HashMap<(Account, Vec<u8>), u32>>,
}

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

    fn account(&self, account: Account, name: &[u8]) -> Option<u32> {
        let mut all = self.accounts.borrow_mut();
        let next = u32::try_from(all.len()).ok()?;
        Some(*all.entry((account, name.to_vec())).or_insert(next))
    }
}

/// The policy that can be loaded, and all findings.
fn load(sources: &Sources) -> (Option<CheckedPolicy>, Report) {
    let (policy, report) = policy_lang::load(sources);
    let Some(policy) = policy else {
        return (None, report);
    };
    match compile(&policy, &AnyHost::default(), 0, Enforcement::AsWritten) {
        Ok(_) => (Some(policy), report),
        Err(found) => {
            let all = report.diagnostics().iter().cloned().chain(found);
            (None, Report::new(all.collect()))
        }
    }
}

/// Writes the findings. The answer is no when one of them refuses the policy.
pub(super) fn run(args: &Args) -> Result<Exit, ExpectedError> {
    let sources = files::read(&args.paths)?;
    let (policy, report) = load(&sources);
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
    if report.diagnostics().is_empty() {
        let rules = policy.map_or(0, |policy| policy.rules().len());
        let files = sources.files().len();
        text = format!(
            "{} in {}: nothing to say\n",
            count(rules, "rule"),
            count(files, "file")
        );
    }
    text
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
