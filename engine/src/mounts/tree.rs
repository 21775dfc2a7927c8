//! The mounts as a tree: which of them a path leads to, and which names a place has.

use super::{Mount, parse};
use policy_lang::compile::{Place, Reach};
use std::io;

impl Mount {
    /// The place of a canonical path that leads to this mount.
    pub(crate) fn place(&self, canonical: &[u8]) -> Option<Place> {
        Some(Place {
            device: self.device,
            path: join(&self.root, below(canonical, &self.point)?),
        })
    }
}

/// All mounts at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mounts {
    all: Vec<Mount>,
    /// For each, whether a path leads to what is mounted.
    seen: Vec<bool>,
}

impl Mounts {
    /// From the text of a mountinfo file.
    ///
    /// # Errors
    /// When a line is not as the kernel writes it.
    pub(crate) fn parse(text: &[u8]) -> io::Result<Self> {
        Ok(Self::new(parse(text)?))
    }

    fn new(all: Vec<Mount>) -> Self {
        let seen = all
            .iter()
            .map(|mount| {
                let over = |other: &Mount| {
                    other.parent == mount.id && other.id != mount.id && other.point == mount.point
                };
                entered(&all, mount, all.len()) && !all.iter().any(over)
            })
            .collect();
        Self { all, seen }
    }

    /// The mount of an id.
    pub(crate) fn by_id(&self, id: u64) -> Option<&Mount> {
        self.all.iter().find(|mount| mount.id == id)
    }

    /// Those that some path leads to.
    fn seen(&self) -> impl Iterator<Item = &Mount> {
        let both = self.all.iter().zip(&self.seen);
        both.filter_map(|(mount, seen)| seen.then_some(mount))
    }

    /// Those that some path below a canonical folder leads to, with their points
    /// from the folder on.
    fn below(&self, folder: &[u8]) -> impl Iterator<Item = (&[u8], &Mount)> {
        self.seen().filter_map(move |mount| {
            let rest = below(&mount.point, folder)?.strip_prefix(b"/")?;
            (!rest.is_empty()).then_some((rest, mount))
        })
    }

    /// The place of a canonical folder on the mount `home`, and whatever is
    /// mounted below it.
    pub(crate) fn reaches(&self, folder: &[u8], home: &Mount) -> Option<Vec<Reach>> {
        let own = Reach {
            below: Vec::new(),
            place: home.place(folder)?,
        };
        let mounted = self.below(folder).map(|(below, mount)| Reach {
            below: below.to_vec(),
            place: Place {
                device: mount.device,
                path: mount.root.clone(),
            },
        });
        Some(std::iter::once(own).chain(mounted).collect())
    }

    /// The path at which a place is seen; `in_fs` has no leading slash, and
    /// every component is followed by one.
    pub(crate) fn host_path(&self, device: u32, in_fs: &[u8]) -> Option<Vec<u8>> {
        let mut whole = b"/".to_vec();
        whole.extend_from_slice(in_fs.strip_suffix(b"/").unwrap_or(in_fs));
        let shown = self.all.iter().filter(|mount| mount.device == device);
        let (_, best) = shown
            .filter_map(|mount| Some((mount.root.len(), below(&whole, &mount.root)?, mount)))
            .map(|(depth, rest, mount)| (depth, join(&mount.point, rest)))
            .max_by_key(|(depth, path)| (*depth, std::cmp::Reverse(path.len())))?;
        Some(best)
    }
}

/// Whether the path of a mount's point leads there: nothing is mounted over a
/// folder on the way.
fn entered(all: &[Mount], mount: &Mount, depth: usize) -> bool {
    let Some(parent) = all
        .iter()
        .find(|one| one.id == mount.parent && one.id != mount.id)
    else {
        return true;
    };
    let covers = |other: &Mount| {
        other.parent == parent.id
            && other.id != mount.id
            && below(&mount.point, &other.point)
                .is_some_and(|rest| !rest.is_empty() && rest != b"/")
    };
    // Parents never go in a circle; a text that says so is not believed.
    depth > 0 && entered(all, parent, depth - 1) && !all.iter().any(covers)
}

/// What of `path` lies below `prefix`, with its leading slash; empty for the
/// prefix itself.
fn below<'a>(path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let prefix = prefix.strip_suffix(b"/").unwrap_or(prefix);
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.first() == Some(&b'/')).then_some(rest)
}

/// A prefix and what lies below it; `/` when there is nothing.
fn join(prefix: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut whole = prefix.strip_suffix(b"/").unwrap_or(prefix).to_vec();
    whole.extend_from_slice(rest.strip_suffix(b"/").unwrap_or(rest));
    if whole.is_empty() {
        whole.push(b'/');
    }
    whole
}

#[cfg(test)]
mod tests;
