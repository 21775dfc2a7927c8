//! Units of systemd, by their files: those kinds that can have processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Where unit files lie, those that win first: `systemd.unit(5)`.
const FOLDERS: [&str; 11] = [
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    "etc/systemd/system",
    "run/systemd/system",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
    "run/systemd/generator.late",
];

/// Kinds of units that have processes and a file.
const KINDS: [&str; 4] = [".service", ".socket", ".mount", ".swap"];

/// Unit files, and names that are links to others.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Units {
    pub(super) names: BTreeSet<String>,
    pub(super) aliases: BTreeMap<String, String>,
}

/// The units of a root; `None` where systemd has no folder.
pub(super) fn read(root: &Path) -> Option<Units> {
    let mut units = Units::default();
    let mut found = false;
    for folder in FOLDERS {
        let Ok(entries) = fs::read_dir(root.join(folder)) else {
            continue;
        };
        found = true;
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if KINDS.iter().any(|kind| name.ends_with(kind)) {
                units.add(name, fs::read_link(entry.path()).ok().as_deref());
            }
        }
    }
    found.then_some(units)
}

impl Units {
    /// A file, or a link and its target; the first of a name wins.
    fn add(&mut self, name: String, target: Option<&Path>) {
        let target = target
            .and_then(Path::file_name)
            .and_then(|one| one.to_str());
        let same_kind = |target: &&str| KINDS.iter().any(|kind| target.ends_with(kind));
        if self.names.contains(&name) {
            return;
        }
        // An instance of a template keeps its own name; a link to /dev/null is a
        // unit that is not to be started.
        if let Some(target) = target.filter(same_kind) {
            let template = name.split_once('@').map(|(stem, _)| format!("{stem}@"));
            let instance = template.is_some_and(|stem| target.starts_with(&stem));
            if target != name && !instance {
                self.aliases.insert(name.clone(), target.to_owned());
            }
        }
        self.names.insert(name);
    }
}
