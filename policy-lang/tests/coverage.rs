//! `docs/coverage.md` says what the table of mediation says; `UPDATE_EXPECT=1`
//! rewrites the part that comes from it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use policy_abi::hooks::HOOKS;
use policy_abi::mediation::{Families, GROUPS, ROWS};
use policy_lang::words::operation::OPERATIONS;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- generated: begin -->\n";
const END: &str = "<!-- generated: end -->\n";

/// The tables of the page.
fn generated() -> String {
    let mut page = String::new();
    for operation in OPERATIONS {
        write!(page, "\n### `{operation}`\n\n").unwrap();
        page.push_str("| families | hooks | judged | not judged, and why |\n");
        page.push_str("|---|---|---|---|\n");
        for row in ROWS
            .iter()
            .filter(|row| row.operation == operation.number())
        {
            let words = |all: &[Families]| {
                let words: Vec<&str> = all.iter().map(|group| group.words()).collect();
                words.join(", ")
            };
            let families = if row.families.len() == GROUPS.len() {
                "all".to_owned()
            } else {
                words(row.families)
            };
            let hooks: Vec<String> = row
                .hooks
                .iter()
                .map(|hook| format!("`{}`", hook.name()))
                .collect();
            let not = if row.not.is_empty() { "-" } else { row.not };
            let hooks = hooks.join(", ");
            writeln!(page, "| {families} | {hooks} | {} | {not} |", row.ways).unwrap();
        }
        for group in GROUPS {
            let seen = ROWS
                .iter()
                .any(|row| row.operation == operation.number() && row.families.contains(&group));
            if !seen {
                let words = group.words();
                writeln!(
                    page,
                    "| {words} | none | nothing yet: such rules are refused | - |"
                )
                .unwrap();
            }
        }
    }
    page.push_str("\n### The hooks\n\n| hook | what it sees | attached |\n|---|---|---|\n");
    for desc in HOOKS {
        let when = if desc.role.always() {
            "always"
        } else if desc.role.tells() {
            "when plain events are selected"
        } else {
            "when a rule needs it"
        };
        let what = desc.doc.trim();
        writeln!(page, "| `{}` | {what} | {when} |", desc.name).unwrap();
    }
    page.push('\n');
    page
}

#[test]
fn the_page_says_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/coverage.md");
    let page = fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let wanted = format!("{head}{BEGIN}{}{END}{tail}", generated());
    if page == wanted {
        return;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, wanted).unwrap();
        return;
    }
    panic!("docs/coverage.md is not what the table says; `UPDATE_EXPECT=1` rewrites it");
}
