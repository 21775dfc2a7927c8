//! `explain`: what a policy decides and why, and what a diagnostic means.

use super::patience::patiently;
use super::{batch, code, event, output, refused};
use crate::error::{Exit, ExpectedError};
use crate::files::{self, DEFAULT_POLICIES};
use clap::ValueEnum;
use policy_lang::diag::{Report, render_all};
use policy_lang::request::parse_request;
use policy_lang::source::Sources;
use policy_lang::{CheckedPolicy, Explanation, explain, load};
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};

/// Explain a decision or a code.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  interdict explain /etc/interdict/policies -- 'unix connect to /run/docker.sock as exe=/usr/bin/nc, uid=1000'
  interdict explain web.policy --batch requests.jsonl
  interdict explain /etc/interdict/policies --event events.jsonl
  interdict explain --code P0203")]
pub(super) struct Args {
    /// Policy files, and directories of `.policy` files; `-` is standard input
    #[arg(
        value_name = "PATH",
        required_unless_present_any = ["code", "event"],
        conflicts_with = "code",
        help = format!("Policy files, and directories of `.policy` files; `-` is standard input \
                        [default with `--event`: {DEFAULT_POLICIES}]")
    )]
    paths: Vec<PathBuf>,
    /// An operation and who does it, as a test of the language writes them
    #[arg(
        value_name = "QUESTION",
        last = true,
        conflicts_with_all = ["code", "batch", "event"],
        required_unless_present_any = ["code", "batch", "event"]
    )]
    question: Vec<String>,
    /// Judge one JSON request a line; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "code")]
    batch: Option<PathBuf>,
    /// Say why of the events of a log, one a line; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["code", "batch"])]
    event: Option<PathBuf>,
    /// Show the page of a diagnostic
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// How to write the answer; a batch is always JSON
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One object
    Json,
}

/// Version of the JSON that this command writes. It only grows within a version.
pub(super) const SCHEMA: u32 = 1;

/// Writes the answer. It is no when the policy is refused.
pub(super) fn run(args: &Args) -> Result<Exit, ExpectedError> {
    if let Some(id) = &args.code {
        return code::run(id, args.format == Format::Json, SCHEMA);
    }
    one_reader_of_stdin(args)?;
    let sources = if args.paths.is_empty() {
        files::read(&[DEFAULT_POLICIES.into()])?
    } else {
        files::read(&args.paths)?
    };
    let (policy, report) = patiently("checking", || load(&sources));
    let Some(policy) = policy else {
        no_answer(args, &report, &sources)?;
        return Ok(Exit::No);
    };
    match (&args.batch, &args.event) {
        (Some(path), _) => batch::run(&policy, path)?,
        (None, Some(path)) => event::run(&policy, &sources, path, args.format == Format::Json)?,
        (None, None) => answer(&policy, &sources, &args.question.join(" "), args.format)?,
    }
    Ok(Exit::Yes)
}

/// Says why a policy is refused: as the answer, where a program reads that, and to people otherwise.
fn no_answer(args: &Args, report: &Report, sources: &Sources) -> Result<(), ExpectedError> {
    if args.format == Format::Human {
        output::note(&render_all(report, sources, output::style(&io::stderr())))?;
    }
    let error = refused::error(report, sources);
    if args.batch.is_some() {
        return output::answer(&batch::refused(error));
    }
    match args.format {
        Format::Human => Ok(()),
        Format::Json => {
            let answer = json!({ "schema": SCHEMA, "error": error });
            output::answer(&format!("{answer}\n"))
        }
    }
}

/// Refuses to read a policy and what is asked of it from the same standard input.
fn one_reader_of_stdin(args: &Args) -> Result<(), ExpectedError> {
    let is_stdin = |path: &Path| path.as_os_str() == files::STDIN;
    let policy = args.paths.iter().any(|path| is_stdin(path));
    let asked = args.batch.as_deref().or(args.event.as_deref());
    if policy && asked.is_some_and(is_stdin) {
        let other = if args.batch.is_some() {
            "batch"
        } else {
            "events"
        };
        return Err(ExpectedError::Usage {
            message: format!("`-` cannot be the policy and the {other} at once"),
            hint: "put one of them in a file".to_owned(),
        });
    }
    Ok(())
}

/// Answers one question.
fn answer(
    policy: &CheckedPolicy,
    sources: &Sources,
    question: &str,
    format: Format,
) -> Result<(), ExpectedError> {
    let asked = Sources::single("question", question);
    let (request, found) = match asked.files().first() {
        Some(file) => parse_request(file),
        None => (None, Vec::new()),
    };
    let Some(request) = request else {
        let style = output::style(&io::stderr());
        output::note(&render_all(&Report::new(found), &asked, style))?;
        return Err(ExpectedError::Usage {
            message: "the question is not one that a policy can answer".to_owned(),
            hint: "write it as in `unix connect to /run/x.sock as exe=/usr/bin/nc, uid=1000`"
                .to_owned(),
        });
    };
    let explanation = explain(policy, sources, &request);
    output::answer(&match format {
        Format::Human => explanation.to_text(policy),
        Format::Json => format!("{}\n", to_json(&explanation, policy)?),
    })
}

/// The answer of a batch, with the reasons beside it.
pub(super) fn to_json(
    explanation: &Explanation,
    policy: &CheckedPolicy,
) -> Result<Value, ExpectedError> {
    let answer = explanation.decision.to_json(policy);
    let mut answer: Value = serde_json::from_str(&answer)
        .map_err(|error| ExpectedError::Internal(format!("an answer is no JSON: {error}")))?;
    let reasons: Vec<Value> = explanation
        .reasons
        .iter()
        .filter_map(|reason| {
            let rule = policy.rule(reason.rule)?;
            Some(json!({
                "rule": &*rule.id,
                "effect": rule.effect.word(),
                "mode": if rule.enforced { "enforce" } else { "audit" },
                "file": policy.file_name(rule.source),
                "line": rule.line,
                "matches": reason.matches,
                "because": rule.because,
                "reasons": reason.lines,
            }))
        })
        .collect();
    if let Some(object) = answer.as_object_mut() {
        object.insert("schema".to_owned(), json!(SCHEMA));
        object.insert("rules".to_owned(), json!(reasons));
    }
    Ok(answer)
}
