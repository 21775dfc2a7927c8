//! The settled points of `docs/language.md`: that none is missing, and that a
//! test or an example shows each.

use crate::language::PAGE;
use crate::pages::Page;
use crate::repository;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Points that the page has.
const POINTS: u32 = 120;

/// Tests of the sources whose names begin with `notes_`, by the points in them.
fn shown_by() -> BTreeMap<u32, Vec<String>> {
    let mut by_point: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for folder in ["policy-lang/src", "engine/src"] {
        each_source(&repository(folder), &mut |text| {
            for (_, rest) in text
                .match_indices("fn notes_")
                .map(|(at, mark)| text.split_at(at + mark.len()))
            {
                let name = rest.split('(').next().unwrap();
                for point in points(name) {
                    by_point
                        .entry(point)
                        .or_default()
                        .push(format!("notes_{name}"));
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

/// Whether the program's own tests have one of a name.
fn named(test: &str) -> bool {
    let mut found = false;
    each_source(&repository("engine/tests"), &mut |text| {
        found |= text.contains(&format!("fn {test}()"));
    });
    found
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

/// The points, with the tests that are named after them.
pub(crate) fn table() -> String {
    let mut out = String::from("| point | tests |\n|---|---|\n");
    for (point, names) in shown_by() {
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
        let number = line
            .split_once(". **")
            .and_then(|(number, _)| number.parse::<u32>().ok());
        if let Some(number) = number {
            assert!(shown, "nothing shows point {point}");
            point += 1;
            assert_eq!(number, point);
            shown = shown_by.contains_key(&number);
        }
        shown |= line.trim_start().starts_with("```policy");
        if let Some((_, test)) = line.split_once("Test: `") {
            let name = test.split('`').next().unwrap();
            assert!(named(name), "no test is called {name}");
            shown = true;
        }
    }
    assert!(shown, "nothing shows point {point}");
    assert_eq!(point, POINTS);
    let last = shown_by.keys().last().copied();
    assert!(last <= Some(POINTS), "{last:?} is no point of the page");
}
