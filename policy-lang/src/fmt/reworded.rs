//! What the canonical form takes from whoever reads the file next.
//!
//! `to` before the local address of an accept looks like a mistake, and `check`
//! says so (P0513); in canonical form it is `on`, and looks like what it means.
//! Who formats a file must not lose the finding unseen.

use crate::ast::{File, Rule, Statement, Target};
use crate::diag::{Code, Diagnostic};
use crate::parse::parse;
use crate::source::{SourceFile, Sources};
use crate::suppress;
use std::collections::BTreeSet;

/// The warnings that [`format()`](super::format()) makes go away by writing `on` for `to`, less
/// those that a comment silences.
#[must_use]
pub fn reworded(sources: &Sources) -> Vec<Diagnostic> {
    let mut trees = Vec::with_capacity(sources.files().len());
    let mut found = Vec::new();
    for file in sources.files() {
        let (tree, _) = parse(file);
        for rule in rules(&tree) {
            let target = local_target(file, rule);
            let target = target.filter(|target| file.slice(target.preposition) == "to");
            found.extend(target.map(finding));
        }
        trees.push(tree);
    }
    let mut kept = suppress::apply(sources, &trees, found, |_| false);
    kept.retain(|one| one.code == Code::LocalAddress);
    kept
}

fn finding(target: &Target) -> Diagnostic {
    let message = "the `to` of an `accept` becomes `on`: it is judged by the local address";
    Diagnostic::new(Code::LocalAddress, target.span, message)
        .label("the address and port on which the socket listens")
        .help("if the peer was meant, take the rule out: no rule can ask for it")
}

/// Where rules start whose target is the local address of an accept.
pub(crate) fn local_rules(file: &SourceFile, tree: &File) -> BTreeSet<u32> {
    let rules = rules(tree).into_iter();
    let local = rules.filter(|rule| local_target(file, rule).is_some());
    local.map(|rule| rule.span.start).collect()
}

/// The target of a rule about accepts, and not about connects.
fn local_target<'r>(file: &SourceFile, rule: &'r Rule) -> Option<&'r Target> {
    let words = &rule.operations.words;
    let has = |name| words.iter().any(|word| file.slice(word.span) == name);
    let target = rule.target.as_ref();
    target.filter(|_| has("accept") && !has("connect"))
}

/// The rules of a file, those within scopes included.
fn rules(tree: &File) -> Vec<&Rule> {
    let mut rules: Vec<&Rule> = Vec::new();
    let mut rest: Vec<&Statement> = tree.statements.iter().collect();
    while let Some(one) = rest.pop() {
        match one {
            Statement::Rule(rule) => rules.push(rule),
            Statement::Scope(scope) => rest.extend(&scope.body),
            Statement::Definition(_)
            | Statement::Mode { .. }
            | Statement::Language { .. }
            | Statement::Test(_) => {}
        }
    }
    rules
}
