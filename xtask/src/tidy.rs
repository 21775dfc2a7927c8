//! `cargo xtask tidy`: the house's rules that neither the compiler nor a lint
//! sees. Each check is a row; a finding says where, and what to do.

mod code;
mod docs;
mod examples;
mod tree;

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use tree::Tree;

/// Something that is not as the house wants it.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// From the workspace's root.
    path: PathBuf,
    /// From 1; 0 for the file as a whole.
    line: usize,
    message: String,
}

/// A rule of the house.
struct Check {
    name: &'static str,
    run: fn(&Tree) -> Result<Vec<Finding>>,
}

/// Every check. Add one HERE.
const CHECKS: &[Check] = &[
    Check {
        name: "files say their job",
        run: |tree| Ok(code::headers(tree)),
    },
    Check {
        name: "files are short",
        run: |tree| Ok(code::lengths(tree)),
    },
    Check {
        name: "hooks are named once",
        run: code::hook_names,
    },
    Check {
        name: "no path of one machine",
        run: |tree| Ok(code::machine_paths(tree)),
    },
    Check {
        name: "links and paths in pages lead somewhere",
        run: |tree| Ok(docs::links(tree)),
    },
    Check {
        name: "examples say what they are for, and are clean",
        run: examples::clean,
    },
];

/// Runs every check.
///
/// # Errors
/// When one finds something, or cannot be made.
pub(crate) fn main() -> Result<()> {
    let tree = Tree::read().context("cannot read the sources")?;
    let mut findings = 0;
    for check in CHECKS {
        for finding in (check.run)(&tree).with_context(|| check.name.to_owned())? {
            findings += 1;
            writeln!(io::stderr(), "{finding}  [{}]", check.name).ok();
        }
    }
    match findings {
        0 => Ok(()),
        1 => bail!("one thing is not tidy"),
        many => bail!("{many} things are not tidy"),
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        write!(f, " {}", self.message)
    }
}
