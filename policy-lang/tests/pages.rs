//! The pages of the diagnostic codes: that each has its form, that its example
//! gives its code and nothing else, that what stands under `Instead` does not, and
//! that the index lists them all.
//!
//! Every block of a page is a policy that is read here; there is no other kind.
//! What follows the word `policy` on a block's first line says how it is read:
//! `file=NAME` (quoted, if it has blanks) gives the file's name, `escaped` undoes `\xNN` and `\u{N}`, and
//! `repeat=N` writes each line with `{n}` in it N times, counting from 1.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use policy_lang::compile::{AnyHost, Enforcement};
use policy_lang::diag::codes::CODES;
use policy_lang::diag::{Code, Severity};
use policy_lang::source::Sources;
use policy_lang::{compile, load};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Codes that no text alone gives, and the test that shows them in place of the page's example.
const ELSEWHERE: &[(&str, &str)] = &[];

/// The test that shows what only a host can give, and holds those pages against one.
const ON_A_HOST: &str = "engine/src/host/tests/described.rs";

/// The headings of a page, in order.
const HEADINGS: [&str; 4] = ["What", "Why", "Example", "Instead"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What is found in a policy, and whether it can be loaded. What a build cannot
/// decide in the kernel is its own affair: only the codes about that compile.
fn found(code: Code, sources: &Sources) -> (BTreeSet<Code>, bool) {
    let (policy, report) = load(sources);
    let mut found: BTreeSet<Code> = report.diagnostics().iter().map(|one| one.code).collect();
    let Some(policy) = policy else {
        return (found, false);
    };
    if !code.id().starts_with("P06") {
        return (found, true);
    }
    let made = compile(&policy, &AnyHost::default(), 0, Enforcement::AsWritten);
    let loads = made.is_ok();
    found.extend(made.err().into_iter().flatten().map(|one| one.code));
    (found, loads)
}

/// The title, and the parts under the headings.
fn parts(code: Code) -> (&'static str, [&'static str; 4]) {
    let mut sections = code.page().split("\n## ");
    let title = sections.next().unwrap().trim_end();
    let parts = HEADINGS.map(|heading| {
        let section = sections.next().unwrap_or_default();
        let part = section.strip_prefix(heading).unwrap_or_else(|| {
            panic!(
                "{}: the headings are {HEADINGS:?}, in that order",
                code.id()
            )
        });
        part.trim()
    });
    assert_eq!(sections.next(), None, "{} has one heading more", code.id());
    (title, parts)
}

/// The policies of a part: the files of its blocks.
fn policy(code: Code, part: &str) -> Sources {
    let mut sources = Sources::new();
    let mut rest = part;
    while let Some((_, block)) = rest.split_once("```") {
        let (how, block) = block.split_once('\n').unwrap();
        let (text, after) = block.split_once("```").unwrap();
        rest = after;
        let how = how
            .strip_prefix("policy")
            .unwrap_or_else(|| panic!("{}: a block that is no `policy`", code.id()));
        add(&mut sources, code, how, text);
    }
    assert!(!sources.files().is_empty(), "{} has no policy", code.id());
    sources
}

fn add(sources: &mut Sources, code: Code, how: &str, text: &str) {
    let (mut name, mut bytes) = (
        format!("page{}.policy", sources.files().len()),
        text.as_bytes().to_vec(),
    );
    let mut how = how.trim();
    while !how.is_empty() {
        let quoted = how
            .strip_prefix("file=\"")
            .and_then(|it| it.split_once('"'));
        let (word, after) = quoted.unwrap_or_else(|| how.split_once(' ').unwrap_or((how, "")));
        if quoted.is_some() {
            word.clone_into(&mut name);
        } else if let Some(file) = word.strip_prefix("file=") {
            file.clone_into(&mut name);
        } else if let Some(times) = word.strip_prefix("repeat=") {
            bytes = repeated(text, times.parse().unwrap()).into_bytes();
        } else if word == "escaped" {
            bytes = unescaped(text);
        } else {
            panic!("{}: `{word}` after `policy`", code.id());
        }
        how = after.trim();
    }
    sources.add(name, bytes);
}

fn repeated(text: &str, times: u32) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let times = if line.contains("{n}") { times } else { 1 };
        for n in 1..=times {
            writeln!(out, "{}", line.replace("{n}", &n.to_string())).unwrap();
        }
    }
    out
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.extend(before.as_bytes());
        if let Some(hex) = after.strip_prefix('x') {
            let (byte, after) = hex.split_at(2);
            out.push(u8::from_str_radix(byte, 16).unwrap());
            rest = after;
        } else {
            let (hex, after) = after.strip_prefix("u{").unwrap().split_once('}').unwrap();
            let c = char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap();
            out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            rest = after;
        }
    }
    out.extend(rest.as_bytes());
    out
}

/// What is wrong with a page, if the test found something.
fn complain(wrong: &[String]) {
    assert!(wrong.is_empty(), "docs/diagnostics:\n{}", wrong.join("\n"));
}

#[test]
fn every_page_has_its_form() {
    let mut wrong = Vec::new();
    for code in CODES.iter().copied() {
        let (id, page) = (code.id(), code.page());
        let (title, [what, why, example, instead]) = parts(code);
        let (severity, summary) = (code.severity().word(), code.summary());
        let long = |line: &&str| line.chars().count() > 125 && id != "P0006";
        let is_prose = |text: &str| text.ends_with('.') && !text.contains("```");
        let mut must = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("{id}: {what}"));
            }
        };
        let right = format!("# {id} ({severity}): {summary}");
        must(title == right, &format!("the title is `{right}`"));
        must(is_prose(what) && is_prose(why), "What and Why are prose");
        must(example.contains("```policy"), "the example is a policy");
        must(instead.contains("```policy"), "what to write is a policy");
        must(!page.lines().any(|line| long(&line)), "a line is long");
        must(
            page.ends_with('\n') && !page.ends_with("\n\n"),
            "one line end at the end",
        );
    }
    complain(&wrong);
}

#[test]
fn every_example_gives_its_code_and_nothing_else() {
    let mut wrong = Vec::new();
    for code in CODES.iter().copied() {
        let (_, [.., example, _]) = parts(code);
        let sources = policy(code, example);
        let elsewhere = ELSEWHERE.iter().find(|(id, _)| *id == code.id());
        let elsewhere = elsewhere.map(|(_, test)| *test);
        if let Some(test) = elsewhere.or(code.of_host().then_some(ON_A_HOST)) {
            let test = fs::read_to_string(root().join(test)).unwrap();
            assert!(test.contains(code.id()), "no test shows {}", code.id());
            continue;
        }
        let (found, loads) = found(code, &sources);
        if found != BTreeSet::from([code]) {
            wrong.push(format!("{}: the example gives {found:?}", code.id()));
        }
        if loads != (code.severity() == Severity::Warning) {
            wrong.push(format!("{}: whether it loads: {loads}", code.id()));
        }
    }
    complain(&wrong);
}

#[test]
fn what_to_write_instead_does_not_give_the_code_and_loads() {
    let mut wrong = Vec::new();
    for code in CODES.iter().copied() {
        let (_, [.., instead]) = parts(code);
        let (found, loads) = found(code, &policy(code, instead));
        if found.contains(&code) || !loads {
            wrong.push(format!("{}: instead gives {found:?}", code.id()));
        }
    }
    complain(&wrong);
}

const INDEX: &str = "\
# Diagnostics

What `interdict check` finds, by code. An error refuses the policy; a warning does not, but
`check --deny-warnings` answers no. `interdict explain --code P0203` shows a page.

A warning that is meant to be there is silenced by a comment on the line above its statement,
`# allow P0503: why it may be there`. Codes never change their meaning and are never used again.

This list is written by `UPDATE_EXPECT=1 cargo test -p policy-lang --test pages`.
";

/// What the codes of a range are about, by their first three characters.
const RANGES: &[(&str, &str)] = &[
    ("P00", "The text"),
    ("P01", "Sentences"),
    ("P02", "Names"),
    ("P03", "Values"),
    ("P04", "Limits"),
    ("P05", "Usefulness"),
    ("P06", "This build and its kernel side"),
];

#[test]
fn the_index_lists_every_page_and_no_page_is_left_over() {
    let mut index = INDEX.to_owned();
    let mut listed = 0;
    for (range, about) in RANGES {
        write!(index, "\n## {about}\n\n| code | | about |\n|---|---|---|\n").unwrap();
        for code in CODES.iter().filter(|code| code.id().starts_with(range)) {
            let (id, severity, summary) = (code.id(), code.severity().word(), code.summary());
            writeln!(index, "| [{id}]({id}.md) | {severity} | {summary} |").unwrap();
            listed += 1;
        }
    }
    assert_eq!(listed, CODES.len(), "a code belongs to no range");
    let folder = root().join("docs/diagnostics");
    let path = folder.join("README.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &index).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written, index,
        "UPDATE_EXPECT=1 rewrites docs/diagnostics/README.md"
    );
    let mut pages: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    pages.sort();
    let expected: Vec<String> = CODES
        .iter()
        .map(|code| format!("{}.md", code.id()))
        .collect();
    assert_eq!(pages, expected);
}
