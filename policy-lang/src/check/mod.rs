//! Syntax trees to a [`CheckedPolicy`], or to the reasons why there is none.
//!
//! Errors are about form alone: words, types, names, bounds, and what can never
//! be (notes 17). Whether a rule is of use is for warnings.

mod condition;
mod definitions;
mod expect;
mod limit;
mod names;
mod rule;
mod sets;
mod statements;
mod target;
pub(crate) mod value;

use crate::ast;
use crate::checked::{CheckedPolicy, Rule};
use crate::diag::suggest::did_you_mean;
use crate::diag::{Code, Diagnostic, Report, Severity};
use crate::limits;
use crate::lint::{self, Lints};
use crate::maps::HashMap;
use crate::parse::parse;
use crate::source::{Sources, Span};
use crate::suppress;
use crate::terms;
use crate::words::family::FamilySet;
use crate::words::operation::OperationSet;
use definitions::Definitions;
use names::Ids;
use rule::ShapeBits;

/// Parses and checks a policy: the policy unless there are errors, and all findings.
#[must_use]
pub fn load(sources: &Sources) -> (Option<CheckedPolicy>, Report) {
    load_with(sources, Lints::All, None)
}

/// What is to be said about a policy on one host: the codes of [`Code::of_host`].
pub type HostLint<'h> = &'h dyn Fn(&CheckedPolicy, &[ast::File]) -> Vec<Diagnostic>;

/// As [`load`], with what a host makes of the policy, where there is one to ask.
#[must_use]
pub fn load_on(sources: &Sources, host: Option<HostLint<'_>>) -> (Option<CheckedPolicy>, Report) {
    load_with(sources, Lints::All, host)
}

/// As [`load_on`], looked at for warnings as far as is asked.
#[must_use]
pub fn load_with(
    sources: &Sources,
    lints: Lints,
    host: Option<HostLint<'_>>,
) -> (Option<CheckedPolicy>, Report) {
    let mut diagnostics = limit::sizes(sources);
    if !diagnostics.is_empty() {
        return (None, Report::new(diagnostics));
    }
    let mut files = Vec::with_capacity(sources.files().len());
    for source in sources.files() {
        let (file, found) = parse(source);
        files.push(file);
        diagnostics.extend(found);
    }
    let (policy, found) = check(sources, &files);
    diagnostics.extend(found);
    let complete = diagnostics
        .iter()
        .all(|one| one.severity != Severity::Error);
    // Of a policy that is not whole, nobody knows what its rules are for.
    if let Some(policy) = policy.as_ref().filter(|_| complete) {
        diagnostics.extend(lint::lint(policy, lints));
        diagnostics.extend(host.into_iter().flat_map(|lint| lint(policy, &files)));
    }
    let complete = complete && lints == Lints::All;
    let ran = |code: Code| complete && (host.is_some() || !code.of_host());
    let diagnostics = suppress::apply(sources, &files, diagnostics, ran);
    let report = Report::new(diagnostics);
    let policy = policy.filter(|_| !report.has_errors());
    (policy, report)
}

/// Checks the trees of a policy's files.
///
/// Lints, and comments that silence them, are left to [`load`]. The policy is absent when there is an error; so must the caller act when
/// parsing reported one, since a broken statement is not in the tree.
#[must_use]
pub fn check(sources: &Sources, files: &[ast::File]) -> (Option<CheckedPolicy>, Vec<Diagnostic>) {
    let mut checker = Checker::new(sources);
    let mut definitions = Definitions::collect(&mut checker, files);
    let all = files.iter().map(|file| count_of_rules(&file.statements));
    let mut rules = Vec::with_capacity(all.sum());
    checker.ids.reserve(rules.capacity());
    for file in files {
        checker.file(file, &mut definitions, &mut rules);
    }
    definitions.check_unused(&mut checker);
    checker.ids.report_duplicates(&mut checker.diagnostics);
    checker.count(&rules, &definitions);
    let tests = checker.tests(files, &rules);
    let errors = |one: &Diagnostic| one.severity == Severity::Error;
    if checker.diagnostics.iter().any(errors) {
        return (None, checker.diagnostics);
    }
    let names = sources
        .files()
        .iter()
        .map(|file| (file.name().to_owned(), file.stem().to_owned()))
        .collect();
    (
        Some(CheckedPolicy::new(rules, tests, names)),
        checker.diagnostics,
    )
}

fn count_of_rules(statements: &[ast::Statement]) -> usize {
    let count = |one: &ast::Statement| match one {
        ast::Statement::Rule(_) => 1,
        ast::Statement::Scope(scope) => count_of_rules(&scope.body),
        ast::Statement::Definition(_)
        | ast::Statement::Test(_)
        | ast::Statement::Mode { .. }
        | ast::Statement::Language { .. } => 0,
    };
    statements.iter().map(count).sum()
}

/// What checking keeps.
struct Checker<'a> {
    sources: &'a Sources,
    diagnostics: Vec<Diagnostic>,
    ids: Ids,
    /// Shapes of families and operations that were asked for before.
    shapes: HashMap<(FamilySet, OperationSet), ShapeBits>,
    /// Names that unknown ones were held against.
    guesses: usize,
    /// A text in the making: thousands of ids are.
    text: String,
}

/// Names that unknown ones are held against, in all, before no more "did you
/// mean" is looked for: thousands of one could meet thousands of the other.
const GUESSES: usize = 1 << 17;

impl<'a> Checker<'a> {
    fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            diagnostics: Vec::new(),
            ids: Ids::default(),
            shapes: HashMap::default(),
            guesses: 0,
            text: String::new(),
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// "Did you mean", while there are [`GUESSES`] left. `count` is how many candidates there are.
    fn guess<'w>(
        &mut self,
        text: &str,
        candidates: impl IntoIterator<Item = &'w str>,
        count: usize,
    ) -> Option<String> {
        let may = self.guesses < GUESSES;
        self.guesses = self.guesses.saturating_add(count);
        may.then(|| did_you_mean(text, candidates)).flatten()
    }

    fn slice(&self, span: Span) -> &'a str {
        self.sources.slice(span)
    }

    /// The text of a bare word, or what stands between the quotes of a string.
    fn inner(&self, word: ast::Word) -> &'a str {
        inner(self.slice(word.span), word.form)
    }

    fn count(&mut self, rules: &[Rule], definitions: &Definitions<'_>) {
        if let Some(rule) = rules.get(limits::RULES) {
            self.report(
                Diagnostic::new(
                    Code::TooManyRules,
                    rule.span,
                    format!(
                        "the policy has {} rules and defaults, more than {}",
                        rules.len(),
                        limits::RULES
                    ),
                )
                .label("the first one past the bound")
                .help("rules that differ in one value alone are one rule with a set"),
            );
            return;
        }
        limit::values(self, rules, definitions);
        let found = terms::check_counts(rules);
        self.diagnostics.extend(found);
    }
}

/// What a word says, its quotes off.
pub(crate) fn inner(text: &str, form: ast::Form) -> &str {
    let text = match form {
        ast::Form::Bare => return text,
        ast::Form::Quoted => text,
        ast::Form::AtQuoted => text.strip_prefix('@').unwrap_or(text),
    };
    let text = text.strip_prefix('"').unwrap_or(text);
    text.strip_suffix('"').unwrap_or(text)
}

#[cfg(test)]
mod tests;
