//! `docs/language.md`, the reference: its examples are checked and judged, its
//! tables hold the words that the code's tables hold, and its lists are made
//! from them.

use crate::pages::{Page, blocks, first_column};
use crate::repository;
use crate::{grammar, settled};
use policy_lang::diag::codes::CODES;
use policy_lang::diag::{Severity, Style, render_all};
use policy_lang::request::parse_json_line;
use policy_lang::source::Sources;
use policy_lang::words::attribute::ATTRIBUTES;
use policy_lang::words::operation::OPERATIONS;
use policy_lang::words::sockopt::LEVELS;
use policy_lang::words::{capability, errno, family, reserved};
use policy_lang::{eval, limits, load};
use std::fmt::Write as _;

pub(crate) const PAGE: &str = "docs/language.md";

/// Words in backquotes, in one paragraph.
fn list<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    let mut out = String::new();
    let mut column = 0;
    for word in words {
        if column > 0 && column + word.len() > 120 {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
        }
        out += &word;
        column += word.len() + 1;
    }
    out + "\n"
}

/// A policy's codes, and what is said of it; its tests must hold.
fn said(text: &str) -> (Vec<&'static str>, String) {
    let sources = Sources::single("example.policy", text);
    let (policy, report) = load(&sources);
    let found = report.diagnostics().iter();
    let mut codes: Vec<&str> = found.map(|one| one.code.id()).collect();
    codes.sort_unstable();
    codes.dedup();
    let mut said = render_all(&report, &sources, Style::Plain);
    for one in policy.iter().flat_map(|policy| {
        let all = policy.tests().iter().flat_map(|block| &block.expectations);
        all.flat_map(|one| one.judge(policy).failures)
    }) {
        codes.push("failed");
        said += &one;
        said.push('\n');
    }
    (codes, said)
}

#[test]
fn examples_are_what_the_page_says() {
    let page = Page::read(PAGE);
    let mut wrong = Vec::new();
    let mut seen = 0;
    for block in blocks(&page.text) {
        let Some(expected) = block.info.strip_prefix("policy") else {
            continue;
        };
        seen += 1;
        let expected: Vec<&str> = expected.split_whitespace().collect();
        let (codes, said) = said(&block.text);
        if codes != expected {
            wrong.push(format!("{PAGE}:{}: {codes:?}\n{said}", block.line));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 30, "only {seen} examples");
}

#[test]
fn requests_have_the_answers_that_the_page_gives() {
    let mut page = Page::read(PAGE);
    let blocks = blocks(&page.text);
    let at = blocks
        .iter()
        .position(|block| block.info == "jsonl")
        .unwrap();
    let [policy, requests, answers] = blocks.get(at - 1..=at + 1).unwrap() else {
        unreachable!("three were taken");
    };
    assert_eq!((&*policy.info, &*answers.info), ("policy", "jsonl"));
    let (policy, _) = load(&Sources::single("example.policy", policy.text.as_str()));
    let policy = policy.unwrap();
    let given: String = requests
        .text
        .lines()
        .map(|line| match parse_json_line(line) {
            Ok(request) => eval(&policy, &request.unwrap()).to_json(&policy) + "\n",
            Err(error) => error.to_json() + "\n",
        })
        .collect();
    page.block(answers.line, &answers.text, &given);
    page.end();
}

#[test]
fn tables_hold_the_words_of_the_language() {
    let page = Page::read(PAGE).text;
    let words = |name| first_column(&page, name);
    assert_eq!(words("statements"), reserved::STATEMENTS);
    assert_eq!(words("clauses"), reserved::CLAUSES);
    assert_eq!(words("built-in"), reserved::BUILT_IN);
    let operations: Vec<&str> = OPERATIONS.iter().map(|one| one.word()).collect();
    assert_eq!(words("operations"), operations);
    let attributes: Vec<&str> = ATTRIBUTES.iter().map(|one| one.word()).collect();
    assert_eq!(words("attributes"), attributes);
    // Whose an attribute is, and what values it has.
    for attribute in ATTRIBUTES {
        let owner = format!("{:?}", attribute.owner()).to_lowercase();
        let start = format!(
            "| `{}` | {owner} | {}",
            attribute.word(),
            attribute.kind().noun()
        );
        assert!(page.contains(&start), "no row {start}");
    }
    for word in errno::MISLEADING.iter().chain(errno::SPINNING) {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
}

/// Families that go by address family, with its number.
fn families() -> String {
    let by_number = family::WORDS
        .iter()
        .filter(|(_, number)| (2..256).contains(number));
    let words: Vec<String> = by_number
        .map(|(word, number)| format!("{word} {number}"))
        .collect();
    let mut out = String::from("| word | number | | word | number | | word | number |\n");
    out += "|---|---|---|---|---|---|---|---|\n";
    for row in words.chunks(3) {
        let cells: Vec<String> = row
            .iter()
            .filter_map(|one| one.split_once(' '))
            .map(|(word, number)| format!("`{word}` | {number}"))
            .collect();
        writeln!(out, "| {} |", cells.join(" | | ")).unwrap();
    }
    out += "\nRefused, with what to write instead:\n\n| word | instead |\n|---|---|\n";
    for (word, instead) in family::REFUSED {
        writeln!(out, "| `{word}` | {instead} |").unwrap();
    }
    out
}

fn limits() -> String {
    let rows: &[(&str, usize)] = &[
        ("rules and defaults in a policy", limits::RULES),
        (
            "addresses, networks and ranges in a policy",
            limits::ADDRESSES,
        ),
        ("literal paths in a policy", limits::PATHS),
        ("patterns with wildcards in a policy", limits::GLOBS),
        (
            "alternatives (after `or` is multiplied out) of one family and operation",
            limits::TERMS_PER_PAIR,
        ),
        ("alternatives in a policy", limits::TERMS),
        (
            "scopes, parentheses and `not` within each other",
            limits::NESTING,
        ),
        ("bytes of a file", limits::FILE_BYTES),
        ("bytes of a policy", limits::POLICY_BYTES),
        ("files of a policy", limits::FILES),
        (
            "bytes of a `because`, a `tag` or a test's name",
            limits::TEXT_BYTES,
        ),
        (
            "bytes of a path, name or other pattern, as written",
            limits::PATTERN_BYTES,
        ),
        ("bytes of a name or an id", limits::NAME_BYTES),
        (
            "comparisons in one rule, after names are written out",
            limits::TESTS_PER_RULE,
        ),
    ];
    let mut out = String::from("| of | at most |\n|---|---|\n");
    for (what, most) in rows {
        writeln!(out, "| {what} | {most} |").unwrap();
    }
    out
}

fn reserved() -> String {
    let operations = OPERATIONS.iter().map(|one| one.word());
    let attributes = ATTRIBUTES.iter().map(|one| one.word());
    let parts: [(&str, Vec<&str>); 7] = [
        ("Start a statement:", reserved::STATEMENTS.to_vec()),
        ("Start a clause:", reserved::CLAUSES.to_vec()),
        ("Kept for later versions:", reserved::LATER.to_vec()),
        ("Other keywords:", reserved::KEYWORDS.to_vec()),
        ("Built-in sets:", reserved::BUILT_IN.to_vec()),
        ("Operations:", operations.collect()),
        ("Attributes:", attributes.collect()),
    ];
    let mut out = String::new();
    for (what, words) in parts {
        writeln!(out, "{what}\n{}", list(words)).unwrap();
    }
    out += "Families:\n";
    out + &list(family::words())
}

fn warnings() -> String {
    let mut out = String::from("| code | warns that |\n|---|---|\n");
    for code in CODES
        .iter()
        .filter(|code| code.severity() == Severity::Warning)
    {
        let id = code.id();
        writeln!(out, "| [{id}](diagnostics/{id}.md) | {} |", code.summary()).unwrap();
    }
    out
}

#[test]
fn lists_are_those_of_the_program() {
    let mut page = Page::read(PAGE);
    page.generated("families", &families());
    page.generated(
        "levels",
        &list(LEVELS.iter().flat_map(|one| one.words).copied()),
    );
    page.generated("errnos", &list(errno::NAMES.iter().map(|(name, _)| *name)));
    page.generated("capabilities", &list(capability::WORDS.iter().copied()));
    page.generated("warnings", &warnings());
    page.generated("limits", &limits());
    page.generated("reserved", &reserved());
    page.generated("settled", &settled::table());
    let grammar = std::fs::read_to_string(repository("policy-lang/src/grammar.pest")).unwrap();
    page.generated(
        "grammar",
        &format!("```text\n{}```\n", grammar::ebnf(&grammar)),
    );
    page.end();
}
