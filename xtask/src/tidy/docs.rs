//! Rules about pages: what they point to is there.

use std::path::Path;

use super::Finding;
use super::tree::{SourceFile, Tree};

/// Relative links, and paths from the root in backticks, lead to something.
pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in tree.with_suffix(".md") {
        let folder = page.path.parent().unwrap_or(Path::new(""));
        for (number, line) in prose(page) {
            for target in targets(line) {
                if !tree.root.join(folder).join(target).exists() {
                    findings.push(page.finding(number, format!("`{target}` leads nowhere")));
                }
            }
            for path in quoted_paths(tree, line) {
                if !tree.root.join(path).exists() {
                    findings.push(page.finding(number, format!("there is no `{path}`")));
                }
            }
        }
    }
    findings
}

/// A page's lines outside of code blocks, each with its number.
fn prose(page: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    (1..).zip(page.text.lines()).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        !in_block && !fence
    })
}

/// The targets of a line's relative links, without their fragments.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty() && !target.contains(':'))
}

/// Words in backticks that begin with a folder of the root and stand for
/// themselves.
fn quoted_paths<'l>(tree: &Tree, line: &'l str) -> impl Iterator<Item = &'l str> {
    let root = tree.root.clone();
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter(move |word| {
            let folder = word.split_once('/').map(|(folder, _)| folder);
            folder.is_some_and(|folder| !folder.is_empty() && root.join(folder).is_dir())
        })
        // A command, or a name with a part to be filled in.
        .filter(|word| !word.contains([' ', '<', '*', ':']) && !word.starts_with("target/"))
}

#[cfg(test)]
mod tests {
    use super::{links, targets};
    use crate::tidy::tree::{SourceFile, Tree};

    #[test]
    fn links_are_found_in_a_line() {
        let line = "see [a](A.md#part), [b](https://example.org/), [c](#here) and [d](docs/d.md)";
        assert_eq!(targets(line).collect::<Vec<_>>(), ["A.md", "docs/d.md"]);
    }

    #[test]
    fn what_leads_nowhere_is_found() {
        let page = SourceFile {
            path: "README.md".into(),
            text: "[a](Cargo.toml) [b](nowhere.md)\n`src/main.rs` `src/none.rs`\n\
                   ```\n[c](nowhere.md)\n```\n"
                .to_owned(),
        };
        let tree = Tree {
            root: env!("CARGO_MANIFEST_DIR").into(),
            files: vec![page],
        };
        let found: Vec<String> = links(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "README.md:1: `nowhere.md` leads nowhere",
                "README.md:2: there is no `src/none.rs`"
            ]
        );
    }
}
