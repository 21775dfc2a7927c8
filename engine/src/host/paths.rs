//! A host, and where paths lead on it.

use super::profile::{Kind, MountPoint, PathFacts, Profile};
use super::walk;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Symbolic links that are followed at most, as the kernel does.
const MAX_LINKS: usize = 40;

/// A host: its description, and the root of its files if they can be looked at.
#[derive(Debug)]
pub struct Host {
    profile: Profile,
    root: Option<PathBuf>,
    seen: RefCell<BTreeMap<String, Look>>,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Symbolic links followed as far as they are known.
    pub real: String,
    /// What there is, if that is known.
    pub facts: Option<PathFacts>,
    /// Whether it should have been looked at and could not be.
    pub failed: bool,
}

impl Look {
    /// Whether it is known that there is nothing.
    #[must_use]
    pub fn missing(&self) -> Option<&PathFacts> {
        let nothing = |facts: &&PathFacts| matches!(facts.kind, None | Some(Kind::Circle));
        self.facts.as_ref().filter(nothing)
    }
}

impl Host {
    /// A host by its description alone.
    #[must_use]
    pub fn described(profile: Profile) -> Self {
        Self {
            profile,
            root: None,
            seen: RefCell::default(),
        }
    }

    /// This host.
    pub(super) fn live(profile: Profile, root: PathBuf) -> Self {
        Self {
            root: Some(root),
            ..Self::described(profile)
        }
    }

    /// The description.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Where an absolute path leads.
    #[must_use]
    pub fn look(&self, path: &str) -> Look {
        if let Some(known) = self.seen.borrow().get(path) {
            return known.clone();
        }
        let found = self.look_anew(path);
        self.seen
            .borrow_mut()
            .insert(path.to_owned(), found.clone());
        found
    }

    fn look_anew(&self, path: &str) -> Look {
        let held = || self.profile.paths.iter().find(|held| held.path == path);
        let facts = match &self.root {
            Some(root) => walk::look(root, path),
            None => held().cloned(),
        };
        let real = match &facts {
            Some(facts) => facts.real.clone(),
            None => self.by_links(path),
        };
        Look {
            real,
            failed: facts.is_none() && self.root.is_some(),
            facts,
        }
    }

    /// Follows the links that the description holds.
    fn by_links(&self, path: &str) -> String {
        let mut rest: Vec<String> = components(path);
        let mut done = String::new();
        let mut links = 0;
        while let Some(component) = rest.pop() {
            if component == ".." {
                let parent = done.rfind('/').unwrap_or(0);
                done.truncate(parent);
                continue;
            }
            let next = format!("{done}/{component}");
            let link = self.profile.links.get(&next);
            let Some(target) = link.filter(|_| links < MAX_LINKS) else {
                done = next;
                continue;
            };
            links += 1;
            if target.starts_with('/') {
                done.clear();
            }
            rest.extend(components(target));
        }
        if done.is_empty() {
            "/".to_owned()
        } else {
            done
        }
    }

    /// The mount that a real path lies on, by the text of its point. The last
    /// one on a point hides those before it.
    #[must_use]
    pub fn mount(&self, real: &str) -> Option<&MountPoint> {
        let mounts = self.profile.mounts.as_ref()?;
        let covers = |mount: &&MountPoint| {
            let point = mount.point.trim_end_matches('/');
            let rest = real.strip_prefix(point);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        mounts
            .iter()
            .filter(covers)
            .max_by_key(|mount| mount.point.trim_end_matches('/').len())
    }

    /// Paths that could not be looked at so far.
    #[must_use]
    pub fn failed(&self) -> Vec<String> {
        let seen = self.seen.borrow();
        let failed = seen.iter().filter(|(_, look)| look.failed);
        failed.map(|(path, _)| path.clone()).collect()
    }

    /// The description, with all that was looked at so far.
    #[must_use]
    pub fn into_profile(self) -> Profile {
        let mut profile = self.profile;
        let seen = self.seen.into_inner().into_values();
        profile.paths = seen.filter_map(|look| look.facts).collect();
        profile
    }
}

/// The components of a path, the first one last.
fn components(path: &str) -> Vec<String> {
    let parts = path.split('/').rev();
    parts
        .filter(|part| !part.is_empty() && *part != ".")
        .map(str::to_owned)
        .collect()
}
