//! Paths of a policy as places inside file systems, and back.
//!
//! A path names an object in PID 1's mount namespace. Its symbolic links are
//! followed now; the place is the device (`s_dev`, as mountinfo has it) and the
//! path from the root of the file system, which is what the kernel walks to from
//! the object's side. What does not exist yet is anchored below the deepest
//! folder that does.

use crate::mounts::{self, Mount};
use policy_lang::compile::{Host, Place, PlaceUse};
use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, open, readlinkat, statx};
use rustix::io::Errno;
use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

/// PID 1's root directory and mounts.
const ROOT: &str = "/proc/1/root";
const MOUNTINFO: &str = "/proc/1/mountinfo";
/// Symbolic links that are followed at most, as the kernel does.
const MAX_LINKS: u32 = 40;

/// The mounts of PID 1 at one moment.
#[derive(Debug)]
pub struct Anchors {
    root: OwnedFd,
    mounts: Vec<Mount>,
    key: [u64; 2],
    /// Paths that were asked for and lie nowhere: a rule about one would match nothing.
    lost: RefCell<Vec<Vec<u8>>>,
}

impl Anchors {
    /// Reads the mounts that PID 1 sees now.
    ///
    /// # Errors
    ///
    /// When /proc does not show PID 1: another pid namespace, or no privilege.
    pub fn of_host(key: [u64; 2]) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = open(ROOT, flags, Mode::empty())?;
        let mounts = mounts::parse(&std::fs::read(MOUNTINFO)?)?;
        Ok(Self {
            root,
            mounts,
            key,
            lost: RefCell::default(),
        })
    }

    /// A path that was asked for and could not be anchored.
    #[must_use]
    pub fn lost(&self) -> Option<Vec<u8>> {
        self.lost.borrow().first().cloned()
    }

    /// The path at which PID 1 sees a place; `in_fs` has no leading slash, and
    /// every component is followed by one.
    #[must_use]
    pub fn host_path(&self, device: u32, in_fs: &[u8]) -> Option<Vec<u8>> {
        let mut whole = b"/".to_vec();
        whole.extend_from_slice(in_fs.strip_suffix(b"/").unwrap_or(in_fs));
        let shown = self.mounts.iter().filter(|mount| mount.device == device);
        let (_, best) = shown
            .filter_map(|mount| Some((mount.root.len(), below(&whole, &mount.root)?, mount)))
            .map(|(depth, rest, mount)| (depth, join(&mount.point, rest)))
            .max_by_key(|(depth, path)| (*depth, std::cmp::Reverse(path.len())))?;
        Some(best)
    }

    /// Follows the links of an absolute path as far as it exists. Gives the
    /// canonical path, and the part of it that is there.
    fn canonical(&self, path: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut rest: Vec<Vec<u8>> = components(path).rev().map(<[u8]>::to_vec).collect();
        let mut done: Vec<u8> = Vec::new();
        let mut links = 0;
        while let Some(component) = rest.pop() {
            if component == b".." {
                let parent = done.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                done.truncate(parent);
                continue;
            }
            let mut next = done.clone();
            next.push(b'/');
            next.extend_from_slice(&component);
            let relative = OsStr::from_bytes(next.get(1..)?);
            match readlinkat(&self.root, relative, Vec::new()) {
                Ok(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    let target = target.into_bytes();
                    if target.first() == Some(&b'/') {
                        done.clear();
                    }
                    rest.extend(components(&target).rev().map(<[u8]>::to_vec));
                }
                Err(Errno::INVAL) => done = next,
                Err(_) => {
                    // Not there, or not to be looked into: taken literally.
                    let existing = done.clone();
                    rest.push(component);
                    while let Some(component) = rest.pop() {
                        done.push(b'/');
                        done.extend_from_slice(&component);
                    }
                    return Some((done, existing));
                }
            }
        }
        let existing = done.clone();
        Some((done, existing))
    }

    /// The mount that an existing canonical path lies on.
    fn mount_of(&self, existing: &[u8]) -> Option<&Mount> {
        let relative = match existing.get(1..) {
            Some(relative) if !relative.is_empty() => OsStr::from_bytes(relative),
            Some(_) | None => OsStr::new("."),
        };
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let found = statx(&self.root, relative, flags, StatxFlags::MNT_ID).ok()?;
        self.mounts
            .iter()
            .find(|mount| mount.id == found.stx_mnt_id)
    }
}

impl Host for Anchors {
    fn hash_key(&self) -> [u64; 2] {
        self.key
    }

    fn places(&self, path: &[u8], _use: PlaceUse) -> Vec<Place> {
        let place = || {
            let (canonical, existing) = self.canonical(path)?;
            let mount = self.mount_of(&existing)?;
            let inside = below(&canonical, &mount.point)?;
            Some(Place {
                device: mount.device,
                path: join(&mount.root, inside),
            })
        };
        let found = place();
        if found.is_none() {
            self.lost.borrow_mut().push(path.to_vec());
        }
        found.into_iter().collect()
    }
}

/// The components of a path, without empty ones and `.`.
fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
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
mod tests {
    use super::*;

    fn mount(device: u32, root: &str, point: &str) -> Mount {
        Mount {
            id: 1,
            device,
            root: root.into(),
            point: point.into(),
            kind: b"tmpfs".to_vec(),
        }
    }

    #[test]
    fn prefixes_end_at_a_component() {
        assert_eq!(below(b"/run/a", b"/run"), Some(&b"/a"[..]));
        assert_eq!(below(b"/run", b"/run"), Some(&b""[..]));
        assert_eq!(below(b"/running", b"/run"), None);
        assert_eq!(below(b"/a", b"/"), Some(&b"/a"[..]));
        assert_eq!(join(b"/", b""), b"/");
        assert_eq!(join(b"/sub", b"/a"), b"/sub/a");
    }

    #[test]
    fn a_place_is_shown_where_most_of_it_is_mounted() {
        let root = open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let mounts = vec![
            mount(1, "/", "/"),
            mount(1, "/data/a", "/srv/deep"),
            mount(2, "/", "/run"),
        ];
        let anchors = Anchors {
            root,
            mounts,
            key: [0; 2],
            lost: RefCell::default(),
        };
        let path = |device, text: &str| {
            anchors
                .host_path(device, text.as_bytes())
                .map(|path| String::from_utf8(path).unwrap())
        };
        assert_eq!(path(2, "docker.sock/").as_deref(), Some("/run/docker.sock"));
        assert_eq!(path(1, "data/a/x/").as_deref(), Some("/srv/deep/x"));
        assert_eq!(path(1, "data/b/").as_deref(), Some("/data/b"));
        assert_eq!(path(3, "x/"), None);
    }

    #[test]
    fn links_are_followed_and_what_is_missing_is_kept() {
        let folder = std::env::temp_dir().join(format!("anchors-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("real")).unwrap();
        std::os::unix::fs::symlink("real", folder.join("link")).unwrap();
        std::os::unix::fs::symlink("loop", folder.join("loop")).unwrap();
        let root = open(&folder, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let anchors = Anchors {
            root,
            mounts: vec![],
            key: [0; 2],
            lost: RefCell::default(),
        };
        let canonical = |path: &[u8]| anchors.canonical(path);
        let pair = |a: &[u8], b: &[u8]| Some((a.to_vec(), b.to_vec()));
        assert_eq!(canonical(b"/link/a/b"), pair(b"/real/a/b", b"/real"));
        assert_eq!(canonical(b"/link"), pair(b"/real", b"/real"));
        assert_eq!(canonical(b"/none/b"), pair(b"/none/b", b""));
        assert_eq!(canonical(b"/loop/b"), None);
        assert_eq!(anchors.places(b"/loop/b", PlaceUse::Unix), []);
        assert_eq!(anchors.lost().as_deref(), Some(&b"/loop/b"[..]));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
