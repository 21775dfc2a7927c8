//! Rules about `policies/examples`.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::Finding;
use super::tree::Tree;
use crate::cargo;

/// Where the examples lie.
const FOLDER: &str = "policies/examples";

/// What an example's first lines say, and by which word.
const SAID: [&str; 5] = [
    "# Prevents:",
    "# Not covered:",
    "# Adapt:",
    "# See it work:",
    "# Costs:",
];

/// Every example says what it prevents and what not, how to make it one's own,
/// how to see it work and what it costs, and `interdict check` has no warning
/// for it.
pub(super) fn clean(tree: &Tree) -> Result<Vec<Finding>> {
    let interdict = cargo::build_for_checks()?;
    let mut findings = Vec::new();
    let mut examples = 0;
    for file in tree
        .with_suffix(".policy")
        .filter(|file| file.path.starts_with(FOLDER))
    {
        examples += 1;
        for said in SAID.iter().filter(|said| !file.text.contains(*said)) {
            findings.push(file.finding(1, format!("its first lines have no `{said}`")));
        }
        let checked = Command::new(&interdict)
            .args(["check", "--deny-warnings"])
            .arg(tree.root.join(&file.path))
            .stdin(Stdio::null())
            .output()
            .context("cannot start `interdict check`")?;
        match checked.status.code() {
            Some(0) => {}
            Some(1) => {
                let said = String::from_utf8_lossy(&checked.stdout);
                findings.push(file.finding(0, format!("`interdict check` says:\n{said}")));
            }
            _ => bail!(
                "`interdict check` ended with {}: {}",
                checked.status,
                String::from_utf8_lossy(&checked.stderr).trim_end()
            ),
        }
    }
    ensure!(examples > 0, "there are no examples in {FOLDER}");
    Ok(findings)
}
