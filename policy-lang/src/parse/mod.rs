//! Text to syntax tree. Never fails: it returns what it understood, and diagnostics.

mod advice;
mod build;
mod lex;
mod recover;

use crate::ast;
use crate::diag::{Code, Diagnostic, show};
use crate::limits;
use crate::source::{SourceFile, Span};
use pest::Parser as _;

/// The generated parser, over the letters of [`lex`].
// The derive writes public items of its own that it does not document.
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar.pest"]
    pub(super) struct Grammar;
}
use grammar::{Grammar, Rule};
pub(crate) use lex::{Lexed, Token, lex};

/// Parses one file.
///
/// Broken statements are reported and left out; the ones around them are kept.
#[must_use]
pub fn parse(file: &SourceFile) -> (ast::File, Vec<Diagnostic>) {
    let mut tree = ast::File {
        source: file.id(),
        text: file.text().clone(),
        statements: Vec::new(),
        comments: Vec::new(),
    };
    let start = Span {
        source: file.id(),
        ..Span::default()
    };
    if file.length() > limits::FILE_BYTES {
        let found = Diagnostic::new(
            Code::TooLarge,
            start,
            format!(
                "the file has {} bytes, more than {}",
                file.length(),
                limits::FILE_BYTES
            ),
        );
        return (tree, vec![found.help("split it into several files")]);
    }
    let mut diagnostics = Vec::new();
    if let Some(at) = file.invalid_at() {
        let span = Span {
            start: at,
            end: at,
            ..start
        };
        let found = Diagnostic::new(Code::NotUtf8, span, "the file is not UTF-8 from here on");
        diagnostics.push(found.help("in a pattern, write odd bytes as `\\xNN`"));
        return (tree, diagnostics);
    }
    if !stem_is_valid(file.stem()) {
        let stem = show(file.stem());
        let found = Diagnostic::new(
            Code::FileName,
            start,
            format!("the file name `{stem}` cannot be part of a rule's id"),
        );
        diagnostics.push(found.help("use letters, digits, `_`, `-` and `.` alone"));
    }
    let lexed = lex(file);
    tree.comments.clone_from(&lexed.comments);
    let broken_brackets = lexed
        .diagnostics
        .iter()
        .any(|one| one.code == Code::Unbalanced);
    diagnostics.extend(lexed.diagnostics.iter().cloned());
    if !lexed.parseable {
        return (tree, diagnostics);
    }
    let mut builder = build::Builder::new(file, &lexed, broken_brackets);
    match Grammar::parse(Rule::file, &lexed.letters) {
        Ok(pairs) => tree.statements = builder.file(pairs),
        // Whatever no statement takes is `stray`; this is for a grammar that changes.
        Err(error) => builder.report(recover::failed(&builder, &error, 0)),
    }
    diagnostics.append(&mut builder.diagnostics);
    (tree, diagnostics)
}

/// How many statements, broken ones included, the grammar finds in a file: what
/// [`parse`] does before it makes a tree, so that the two can be told apart
/// where time is measured.
#[must_use]
pub fn recognise(file: &SourceFile) -> usize {
    let lexed = lex(file);
    let found = Grammar::parse(Rule::file, &lexed.letters);
    let file = found.ok().and_then(|mut pairs| pairs.next());
    file.map_or(0, |file| {
        let inner = file.into_inner();
        inner.filter(|pair| pair.as_rule() != Rule::EOI).count()
    })
}

/// Parses a request as `explain` takes it: `unix connect to /run/x as uid = 0`.
#[must_use]
pub fn parse_question(file: &SourceFile) -> (Option<ast::Question>, Vec<Diagnostic>) {
    let lexed = lex(file);
    let mut diagnostics = lexed.diagnostics.clone();
    if !lexed.parseable || file.invalid_at().is_some() {
        return (None, diagnostics);
    }
    let mut builder = build::Builder::new(file, &lexed, false);
    let question = match Grammar::parse(Rule::request, &lexed.letters) {
        Ok(pairs) => builder.request(pairs),
        Err(error) => {
            let found = recover::failed(&builder, &error, 0);
            builder.report(found);
            None
        }
    };
    diagnostics.append(&mut builder.diagnostics);
    (question, diagnostics)
}

/// Whether a file's stem can stand in an id (notes 84).
fn stem_is_valid(stem: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !stem.is_empty() && stem.bytes().all(allowed)
}
