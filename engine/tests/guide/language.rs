//! `docs/language.md`, the reference: its examples are checked and judged, its
//! tables hold the words that the code's tables hold, and its lists are made
//! from them.

use crate::grammar;
use crate::pages::{Page, blocks, first_column};
use crate::repository;
use policy_lang::diag::codes::CODES;
use policy_lang::diag::{Severity, Style, render_all};
use policy_lang::source::Sources;
use policy_lang::words::attribute::ATTRIBUTES;
use policy_lang::words::operation::OPERATIONS;
use policy_lang::words::{capability, errno, family, reserved};
use policy_lang::{limits, load};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

const PAGE: &str = "docs/language.md";
/// Points that the section on settled points has.
const POINTS: u32 = 120;

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
    let mut seen = 0;
    for block in blocks(&page.text) {
        let Some(expected) = block.info.strip_prefix("policy") else {
            continue;
        };
        seen += 1;
        let expected: Vec<&str> = expected.split_whitespace().collect();
        let (codes, said) = said(&block.text);
        assert_eq!(codes, expected, "{PAGE}:{}\n{said}", block.line);
    }
    assert!(seen > 30, "only {seen} examples");
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
    for (word, _) in errno::MISLEADING.iter().chain(errno::SPINNING).map(|word| (word, ())) {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
}

/// Families that go by address family, with its number.
fn families() -> String {
    let by_number = family::WORDS.iter().filter(|(_, number)| (2..256).contains(number));
    let words: Vec<String> = by_number.map(|(word, number)| format!("{word} {number}")).collect();
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
        ("addresses, networks and ranges in a policy", limits::ADDRESSES),
        ("literal paths in a policy", limits::PATHS),
        ("patterns with wildcards in a policy", limits::GLOBS),
        ("alternatives (after `or` is multiplied out) of one family and operation", limits::TERMS_PER_PAIR),
        ("alternatives in a policy", limits::TERMS),
        ("scopes, parentheses and `not` within each other", limits::NESTING),
        ("bytes of a file", limits::FILE_BYTES),
        ("bytes of a policy", limits::POLICY_BYTES),
        ("files of a policy", limits::FILES),
        ("bytes of a `because`, a `tag` or a test's name", limits::TEXT_BYTES),
        ("bytes of a path, name or other pattern, as written", limits::PATTERN_BYTES),
        ("bytes of a name or an id", limits::NAME_BYTES),
        ("comparisons in one rule, after names are written out", limits::TESTS_PER_RULE),
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
    for code in CODES.iter().filter(|code| code.severity() == Severity::Warning) {
        let id = code.id();
        writeln!(out, "| [{id}](diagnostics/{id}.md) | {} |", code.summary()).unwrap();
    }
    out
}

/// Tests of the sources whose names begin with `notes_`, by the points in them.
fn shown_by() -> BTreeMap<u32, Vec<String>> {
    let mut by_point: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for folder in ["policy-lang/src", "engine/src"] {
        each_source(&repository(folder), &mut |text| {
            for (_, rest) in text.match_indices("fn notes_").map(|(at, mark)| text.split_at(at + mark.len())) {
                let name = rest.split('(').next().unwrap();
                for point in points(name) {
                    by_point.entry(point).or_default().push(format!("notes_{name}"));
                }
            }
        });
    }
    for names in by_point.values_mut() {
        names.sort();
        names.dedup();
    }
    by_point
}

/// `22_23_expectations` is about 22 and 23, `38_to_44_one` about 38 to 44.
fn points(name: &str) -> Vec<u32> {
    let mut all: Vec<u32> = Vec::new();
    let mut through = false;
    for part in name.split('_') {
        match (part.parse::<u32>(), all.last()) {
            (Ok(last), Some(first)) if through => all.extend(first + 1..=last),
            (Ok(point), _) => all.push(point),
            (Err(_), Some(_)) if part == "to" => {
                through = true;
                continue;
            }
            (Err(_), _) => break,
        }
        through = false;
    }
    all
}

fn each_source(folder: &Path, look: &mut dyn FnMut(&str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_source(&path, look);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            look(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn settled(shown_by: &BTreeMap<u32, Vec<String>>) -> String {
    let mut out = String::from("| point | tests |\n|---|---|\n");
    for (point, names) in shown_by {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        writeln!(out, "| {point} | {} |", names.join(", ")).unwrap();
    }
    out
}

#[test]
fn each_settled_point_is_shown() {
    let page = Page::read(PAGE).text;
    let (_, section) = page.split_once("## Settled points").unwrap();
    let shown_by = shown_by();
    let mut point = 0;
    let mut shown = true;
    for line in section.lines() {
        let number = line.split_once(". **").and_then(|(number, _)| number.parse::<u32>().ok());
        if let Some(number) = number {
            assert!(shown, "nothing shows point {point}");
            point += 1;
            assert_eq!(number, point);
            shown = shown_by.contains_key(&number);
        }
        shown |= line.trim_start().starts_with("```policy") || line.contains("    `a_directory_stands");
    }
    assert!(shown, "nothing shows point {point}");
    assert_eq!(point, POINTS);
    let last = shown_by.keys().last().copied();
    assert!(last <= Some(POINTS), "{last:?} is no point of the page");
}

#[test]
fn lists_are_those_of_the_program() {
    let mut page = Page::read(PAGE);
    page.generated("families", &families());
    page.generated("errnos", &list(errno::NAMES.iter().map(|(name, _)| *name)));
    page.generated("capabilities", &list(capability::WORDS.iter().copied()));
    page.generated("warnings", &warnings());
    page.generated("limits", &limits());
    page.generated("reserved", &reserved());
    page.generated("settled", &settled(&shown_by()));
    let grammar = std::fs::read_to_string(repository("policy-lang/src/grammar.pest")).unwrap();
    page.generated("grammar", &format!("```text\n{}```\n", grammar::ebnf(&grammar)));
    page.end();
}
