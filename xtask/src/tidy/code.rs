//! Rules about source files.

use anyhow::{Result, ensure};

use super::Finding;
use super::tree::{SourceFile, Tree};

/// Lines of code, tests apart, at which a file is two.
const MAX_LINES: usize = 600;

/// The table of hooks.
const HOOKS: &str = "policy-lang/abi/src/hooks.rs";

/// Every source file begins by saying its job. Tests that stand in a file of
/// their own beside what they test have that file's.
pub(super) fn headers(tree: &Tree) -> Vec<Finding> {
    tree.with_suffix(".rs")
        .filter(|file| !file.path.ends_with("tests.rs") && !file.text.starts_with("//! "))
        .map(|file| {
            file.finding(
                1,
                "begin the file with `//!` and a sentence that says its job",
            )
        })
        .collect()
}

/// No file is long.
pub(super) fn lengths(tree: &Tree) -> Vec<Finding> {
    tree.with_suffix(".rs")
        .filter(|file| !file.is_test())
        .filter_map(|file| {
            let lines = file.code().count();
            (lines > MAX_LINES).then(|| {
                file.finding(
                    0,
                    format!("{lines} lines without its tests, {MAX_LINES} at most: split it"),
                )
            })
        })
        .collect()
}

/// A hook's name is a string in its row alone.
pub(super) fn hook_names(tree: &Tree) -> Result<Vec<Finding>> {
    let table = tree.files.iter().find(|file| file.path.ends_with(HOOKS));
    let names: Vec<&str> = table
        .into_iter()
        .flat_map(|file| file.text.lines().filter_map(name_in_row))
        .collect();
    ensure!(!names.is_empty(), "{HOOKS} has no rows that can be read");
    let sources = tree.with_suffix(".rs").filter(|file| !file.is_test());
    Ok(sources
        .flat_map(|file| file.code().map(move |(number, line)| (file, number, line)))
        .filter_map(|(file, number, line)| {
            let name = names
                .iter()
                .find(|name| line.contains(&format!("\"{name}\"")))?;
            Some(file.finding(
                number,
                format!("`{name}` stands in {HOOKS}: take it from there"),
            ))
        })
        .collect())
}

/// The hook of a row: `{ id: 0, variant: X, name: x, args: 3, role: Y }`.
fn name_in_row(line: &str) -> Option<&str> {
    let (_, rest) = line
        .trim_start()
        .strip_prefix("{ id: ")?
        .split_once(" name: ")?;
    let (name, _) = rest.split_once(',')?;
    // The macro's own pattern has a row of variables.
    (!name.starts_with('$')).then_some(name)
}

/// No file names where somebody's machine keeps things.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let own = format!("{}/", tree.root.display());
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !file.is_test()) {
        for (number, line) in (1..).zip(file.text.lines()) {
            if line.contains(&own) || home_in(line) {
                findings.push(file.finding(number, "a path of one machine: name none"));
            }
        }
    }
    findings
}

/// Whether a line names something in a home directory.
fn home_in(line: &str) -> bool {
    let word = |rest: &str| rest.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    let after = |start: &'static str| line.split(start).skip(1);
    after(concat!("/root", "/")).any(word)
        || after(concat!("/home", "/"))
            .filter_map(|rest| rest.split_once('/'))
            .any(|(user, rest)| user.chars().all(char::is_alphanumeric) && word(rest))
}

impl SourceFile {
    /// A finding in this file.
    pub(super) fn finding(&self, line: usize, message: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Tree, headers, home_in, hook_names, lengths, name_in_row};
    use crate::tidy::tree::SourceFile;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let file = |(path, text): &(&str, &str)| SourceFile {
            path: path.into(),
            text: (*text).to_owned(),
        };
        Tree {
            root: "/nowhere".into(),
            files: files.iter().map(file).collect(),
        }
    }

    #[test]
    fn a_file_without_a_job_is_found() {
        let tree = tree(&[
            ("a.rs", "//! A job.\n"),
            ("b.rs", "use x;\n"),
            ("c/tests.rs", ""),
        ]);
        assert_eq!(headers(&tree)[0].path.to_str(), Some("b.rs"));
        assert_eq!(headers(&tree).len(), 1);
    }

    #[test]
    fn tests_do_not_make_a_file_long() {
        let code = "x\n".repeat(600);
        let tests = format!("#[cfg(test)]\n{code}");
        let tree = tree(&[
            ("long.rs", &format!("{code}x\n")),
            ("right.rs", &format!("{code}{tests}")),
            ("tests/all.rs", &format!("{code}{code}")),
        ]);
        let found = lengths(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].to_string(),
            "long.rs: 601 lines without its tests, 600 at most: split it"
        );
    }

    #[test]
    fn a_hook_named_twice_is_found() {
        let row =
            "            { id: 0, variant: FileOpen, name: file_open, args: 1, role: Decide }\n";
        assert_eq!(name_in_row(row), Some("file_open"));
        let table = ("policy-lang/abi/src/hooks.rs", row);
        let tree = tree(&[
            table,
            (
                "a.rs",
                "let hook = \"file_open\";\n#[cfg(test)]\n\"file_open\"",
            ),
        ]);
        let found = hook_names(&tree).unwrap();
        assert_eq!((found.len(), found[0].line), (1, 1));
    }

    #[test]
    fn an_unreadable_table_is_no_success() {
        assert!(hook_names(&tree(&[("a.rs", "")])).is_err());
    }

    #[test]
    fn homes_are_found() {
        assert!(home_in(concat!("see /home", "/ann/interdict/x")));
        assert!(home_in(concat!("at /root", "/x.txt")));
        assert!(!home_in("HOME=/root USER=root"));
        assert!(!home_in("/home/user$1:/bin/sh"));
        assert!(!home_in("exe in /home/*/bin"));
    }
}
