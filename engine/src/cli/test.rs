//! `test`: whether a policy does what its `test` blocks expect.

use super::patience::patiently;
use super::{junit, output, refused};
use crate::error::{Exit, ExpectedError};
use crate::files;
use clap::ValueEnum;
use policy_lang::diag::{Report, render_all, show};
use policy_lang::source::{Sources, Span};
use policy_lang::testing::{Block, not_covered};
use policy_lang::{CheckedPolicy, RuleIndex, load};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// Run test blocks.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Policy files, and directories of `.policy` files; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// List the rules that no test makes decide
    #[arg(long)]
    coverage: bool,
    /// How to write the results
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One object
    Json,
    /// `JUnit` XML, which CI services take
    Junit,
}

/// Version of the JSON that this command writes. It only grows within a version.
const SCHEMA: u32 = 1;

/// What came of a test block.
pub(super) struct Outcome<'p> {
    pub(super) name: &'p str,
    pub(super) file: &'p str,
    pub(super) line: u32,
    pub(super) expectations: usize,
    pub(super) failures: Vec<Failure>,
}

/// An expectation that does not hold.
pub(super) struct Failure {
    pub(super) line: u32,
    /// The expectation as written.
    pub(super) text: String,
    pub(super) reasons: Vec<String>,
}

/// Runs the tests. The answer is no when one fails or the policy is refused.
pub(super) fn run(args: &Args) -> Result<Exit, ExpectedError> {
    let sources = files::read(&args.paths)?;
    let (policy, report) = patiently("checking", || load(&sources));
    let Some(policy) = policy else {
        no_results(args.format, &report, &sources)?;
        return Ok(Exit::No);
    };
    let (outcomes, bare) = patiently("testing", || {
        let blocks = policy.tests().iter();
        let outcomes = blocks.map(|block| outcome(&policy, &sources, block));
        let outcomes: Vec<Outcome<'_>> = outcomes.collect();
        (outcomes, args.coverage.then(|| not_covered(&policy)))
    });
    output::answer(&match args.format {
        Format::Human => human(&policy, &outcomes, bare.as_deref()),
        Format::Json => format!("{}\n", to_json(&policy, &outcomes, bare.as_deref())),
        Format::Junit => junit::report(&outcomes),
    })?;
    if args.format == Format::Junit
        && let Some(bare) = &bare
    {
        output::note(&coverage(&policy, bare))?;
    }
    let failed = outcomes.iter().any(|one| !one.failures.is_empty());
    Ok(if failed { Exit::No } else { Exit::Yes })
}

/// Says why a policy is refused, in the format of the results.
fn no_results(format: Format, report: &Report, sources: &Sources) -> Result<(), ExpectedError> {
    match format {
        Format::Human => output::note(&render_all(report, sources, output::style(&io::stderr()))),
        Format::Json => {
            let all = json!({
                "schema": SCHEMA,
                "tests": [],
                "passed": 0,
                "failed": 0,
                "error": refused::error(report, sources),
            });
            output::answer(&format!("{all}\n"))
        }
        Format::Junit => output::answer(&junit::refusal(report, sources)),
    }
}

fn outcome<'p>(policy: &'p CheckedPolicy, sources: &Sources, block: &'p Block) -> Outcome<'p> {
    let line = |span: Span| {
        let file = sources.file(span.source);
        file.map_or(0, |file| file.line(span.start))
    };
    let failures = block.expectations.iter().filter_map(|one| {
        let reasons = one.judge(policy).failures;
        let words: Vec<&str> = sources.slice(one.span).split_whitespace().collect();
        (!reasons.is_empty()).then(|| Failure {
            line: line(one.span),
            text: words.join(" "),
            reasons,
        })
    });
    Outcome {
        name: &block.name,
        file: policy.file_name(block.span.source),
        line: line(block.span),
        expectations: block.expectations.len(),
        failures: failures.collect(),
    }
}

fn human(policy: &CheckedPolicy, outcomes: &[Outcome<'_>], bare: Option<&[RuleIndex]>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    for one in outcomes {
        let end = if one.failures.is_empty() {
            "ok"
        } else {
            "FAILED"
        };
        writeln!(out, "test {} ... {end}", show(one.name)).ok();
        for failure in &one.failures {
            writeln!(
                out,
                "  {}:{}: {}",
                show(one.file),
                failure.line,
                show(&failure.text)
            )
            .ok();
            for reason in &failure.reasons {
                writeln!(out, "    {reason}").ok();
            }
        }
    }
    let expectations: usize = outcomes.iter().map(|one| one.expectations).sum();
    let failed: usize = outcomes.iter().map(|one| one.failures.len()).sum();
    writeln!(
        out,
        "{} in {}: {} hold, {failed} fail",
        count(expectations, "expectation"),
        count(outcomes.len(), "test"),
        expectations - failed,
    )
    .ok();
    if let Some(bare) = bare {
        out += &coverage(policy, bare);
    }
    out
}

/// The rules that no test makes decide, a line each.
fn coverage(policy: &CheckedPolicy, bare: &[RuleIndex]) -> String {
    let all = policy.rules().len();
    let mut out = format!(
        "{} of {} decide in a test",
        all - bare.len(),
        count(all, "rule")
    );
    out += if bare.is_empty() {
        "\n"
    } else {
        "; these do not:\n"
    };
    for rule in bare.iter().filter_map(|index| policy.rule(*index)) {
        let file = show(policy.file_name(rule.source));
        // Writing to a string cannot fail.
        writeln!(out, "  {} ({file}:{})", rule.id, rule.line).ok();
    }
    out
}

fn to_json(policy: &CheckedPolicy, outcomes: &[Outcome<'_>], bare: Option<&[RuleIndex]>) -> Value {
    let tests: Vec<Value> = outcomes
        .iter()
        .map(|one| {
            let failures = one.failures.iter().map(|failure| {
                json!({ "line": failure.line, "expectation": failure.text, "reasons": failure.reasons })
            });
            json!({
                "name": one.name,
                "file": one.file,
                "line": one.line,
                "expectations": one.expectations,
                "failures": failures.collect::<Vec<_>>(),
            })
        })
        .collect();
    let failed = outcomes
        .iter()
        .filter(|one| !one.failures.is_empty())
        .count();
    let mut all = json!({
        "schema": SCHEMA,
        "tests": tests,
        "passed": outcomes.len() - failed,
        "failed": failed,
    });
    if let (Some(bare), Some(object)) = (bare, all.as_object_mut()) {
        let rules = bare.iter().filter_map(|index| policy.rule(*index));
        let rules = rules.map(|rule| {
            json!({ "rule": &*rule.id, "file": policy.file_name(rule.source), "line": rule.line })
        });
        let coverage = json!({
            "rules": policy.rules().len(),
            "not_covered": rules.collect::<Vec<_>>(),
        });
        object.insert("coverage".to_owned(), coverage);
    }
    all
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
