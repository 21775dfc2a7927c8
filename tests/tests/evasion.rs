//! The ledger of evasions, `docs/evasion.md`, against the tests that it names.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Cells of a row: the case, what is done, by whom, the verdict, the rule, the
/// control, the kernels.
const CELLS: usize = 7;
/// The cell that says the verdict, and what it may say.
const VERDICT: usize = 3;
const VERDICTS: [&str; 5] = ["denied", "allowed", "kernel", "limit", "gap"];
/// The cell that says the kernels, and what it may say.
const KERNELS: usize = 6;
const ON: [&str; 1] = ["all"];

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(here().join("../docs/evasion.md")).unwrap()
}

/// The rows of all tables whose first cell is a case, without the ticks around it.
fn rows(page: &str) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<String> = line
            .trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect();
        assert_eq!(cells.len(), CELLS, "{line}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{line}");
        let case = cells.first().unwrap().trim_matches('`').to_owned();
        assert!(
            rows.insert(case.clone(), cells).is_none(),
            "{case} has two rows"
        );
    }
    rows
}

/// The tests of a file.
fn tests(file: &Path) -> BTreeSet<String> {
    let text =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut parts = text.split("#[test]\n");
    parts.next();
    let names = parts.map(|part| {
        let (_, function) = part.split_once("fn ").unwrap();
        function.split_once('(').unwrap().0.to_owned()
    });
    names.collect()
}

/// Every test of the folder of evasions, as a row names it.
fn evasions() -> BTreeSet<String> {
    let folder = here().join("tests/kernel/evasion");
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap();
        let named = tests(&path)
            .into_iter()
            .map(|test| format!("evasion::{module}::{test}"));
        all.extend(named);
    }
    all
}

#[test]
fn every_row_names_a_test() {
    let rows = rows(&page());
    for case in rows.keys() {
        let (module, test) = case.rsplit_once("::").unwrap();
        let file = format!("tests/kernel/{}.rs", module.replace("::", "/"));
        assert!(
            tests(&here().join(file)).contains(test),
            "no test is called {case}"
        );
    }
}

#[test]
fn every_evasion_has_a_row() {
    let rows = rows(&page());
    let without: Vec<String> = evasions()
        .into_iter()
        .filter(|test| !rows.contains_key(test))
        .collect();
    assert!(without.is_empty(), "no row for {without:#?}");
}

#[test]
fn rows_say_what_they_may() {
    for (case, cells) in rows(&page()) {
        let first = |cell: usize| {
            let text = cells.get(cell).unwrap();
            text.split([',', ' ', ':', ';']).next().unwrap().to_owned()
        };
        let verdict = first(VERDICT);
        assert!(VERDICTS.contains(&verdict.as_str()), "{case}: {verdict}");
        let on = first(KERNELS);
        assert!(ON.contains(&on.as_str()), "{case}: {on}");
    }
}

#[test]
fn the_page_counts_its_cases() {
    let page = page();
    let rows = rows(&page).len();
    assert!(rows >= 50, "{rows} cases are too few");
    let said = format!("{rows} cases");
    assert!(page.contains(&said), "the page does not say `{said}`");
}
