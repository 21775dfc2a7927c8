//! Paths of a policy as places inside file systems, and back.
//!
//! A path names an object in PID 1's mount namespace. Its symbolic links are
//! followed now; the place is the device (`s_dev`, as mountinfo has it) and the
//! path from the root of the file system, which is what the kernel walks to from
//! the object's side. What does not exist yet is anchored below the deepest
//! folder that does.

use crate::accounts::Accounts;
use crate::mounts::{Mount, Mounts};
use policy_lang::compile::{Account, Host, Place, PlaceUse, Reach};
use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, open, readlinkat, statx};
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
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
    mounts: Mounts,
    key: [u64; 2],
    /// Paths that were asked for and lie nowhere: a rule about one would match nothing.
    lost: RefCell<Vec<Vec<u8>>>,
    /// Paths that an exemption was to rest on, and the type of the file system that
    /// they lie on, which none can.
    foreign: RefCell<BTreeMap<Vec<u8>, Vec<u8>>>,
    accounts: Accounts,
    /// What was seen at that moment and is asked for again with each path below it.
    seen: RefCell<Seen>,
}

/// Paths below [`ROOT`] that are there.
#[derive(Debug, Default)]
struct Seen {
    /// Those that are no links.
    plain: HashSet<Vec<u8>>,
    /// Numbers of the mounts that they lie on.
    mounts: HashMap<Vec<u8>, u64>,
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
        let mounts = Mounts::parse(&std::fs::read(MOUNTINFO)?)?;
        Ok(Self {
            root,
            mounts,
            key,
            lost: RefCell::default(),
            foreign: RefCell::default(),
            accounts: Accounts::default(),
            seen: RefCell::default(),
        })
    }

    /// A path that was asked for and could not be anchored.
    #[must_use]
    pub fn lost(&self) -> Option<Vec<u8>> {
        self.lost.borrow().first().cloned()
    }

    /// Paths that an exemption was to rest on and cannot, and the type of the file
    /// system that they lie on.
    #[must_use]
    pub fn foreign(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.foreign.borrow().clone()
    }

    /// The names of users and groups that were asked for.
    pub(crate) const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The path at which PID 1 sees a place; `in_fs` has no leading slash, and
    /// every component is followed by one.
    #[must_use]
    pub fn host_path(&self, device: u32, in_fs: &[u8]) -> Option<Vec<u8>> {
        self.mounts.host_path(device, in_fs)
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
            // What a process answers for is not asked: it may never answer.
            if self.mounts.is_fuse(&done) {
                rest.push(component);
                return Some(literally(done, rest));
            }
            let mut next = done.clone();
            next.push(b'/');
            next.extend_from_slice(&component);
            if self.seen.borrow().plain.contains(&next) {
                done = next;
                continue;
            }
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
                Err(Errno::INVAL) => {
                    self.seen.borrow_mut().plain.insert(next.clone());
                    done = next;
                }
                Err(_) => {
                    // Not there, or not to be looked into.
                    rest.push(component);
                    return Some(literally(done, rest));
                }
            }
        }
        let existing = done.clone();
        Some((done, existing))
    }

    /// The canonical path of a path, and the mount that it leads to.
    fn found(&self, path: &[u8], place_use: PlaceUse) -> Option<(Vec<u8>, &Mount)> {
        let (canonical, existing) = self.canonical(path)?;
        let mount = self.mount_of(&existing)?;
        if !mount.serves(place_use) {
            let mut foreign = self.foreign.borrow_mut();
            foreign.insert(path.to_vec(), mount.kind.clone());
        }
        Some((canonical, mount))
    }

    /// The mount that an existing canonical path lies on.
    fn mount_of(&self, existing: &[u8]) -> Option<&Mount> {
        let seen = self.seen.borrow().mounts.get(existing).copied();
        if let Some(id) = seen {
            return self.mounts.by_id(id);
        }
        let relative = match existing.get(1..) {
            Some(relative) if !relative.is_empty() => OsStr::from_bytes(relative),
            Some(_) | None => OsStr::new("."),
        };
        // Without asking whoever answers for a file system.
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
        let found = statx(&self.root, relative, flags, StatxFlags::MNT_ID).ok()?;
        let mut seen = self.seen.borrow_mut();
        seen.mounts.insert(existing.to_vec(), found.stx_mnt_id);
        self.mounts.by_id(found.stx_mnt_id)
    }
}

impl Host for Anchors {
    fn hash_key(&self) -> [u64; 2] {
        self.key
    }

    fn places(&self, path: &[u8], place_use: PlaceUse) -> Vec<Place> {
        let found = self.found(path, place_use);
        let placed = found.and_then(|(canonical, mount)| Some((mount, mount.place(&canonical)?)));
        if placed.is_none() {
            self.lost.borrow_mut().push(path.to_vec());
        }
        let serving = placed.filter(|(mount, _)| mount.serves(place_use));
        serving.into_iter().map(|(_, place)| place).collect()
    }

    fn reaches(&self, folder: &[u8], place_use: PlaceUse) -> Vec<Reach> {
        let found = self.found(folder, place_use);
        let reaches =
            found.and_then(|(canonical, mount)| self.mounts.reaches(&canonical, mount, place_use));
        reaches.unwrap_or_else(|| {
            self.lost.borrow_mut().push(folder.to_vec());
            Vec::new()
        })
    }

    fn account(&self, account: Account, name: &[u8]) -> Option<u32> {
        self.accounts.number(&self.root, account, name)
    }
}

/// A canonical path below which the rest, the last component first, is not looked
/// at; and the part of the whole that was.
fn literally(done: Vec<u8>, rest: Vec<Vec<u8>>) -> (Vec<u8>, Vec<u8>) {
    let mut whole = done.clone();
    for component in rest.into_iter().rev() {
        whole.push(b'/');
        whole.extend_from_slice(&component);
    }
    (whole, done)
}

/// The components of a path, without empty ones and `.`.
fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_and_what_is_missing_is_kept() {
        let folder = std::env::temp_dir().join(format!("anchors-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("real")).unwrap();
        std::os::unix::fs::symlink("real", folder.join("link")).unwrap();
        std::os::unix::fs::symlink("loop", folder.join("loop")).unwrap();
        let root = open(&folder, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let anchors = Anchors {
            root,
            mounts: Mounts::default(),
            key: [0; 2],
            lost: RefCell::default(),
            foreign: RefCell::default(),
            accounts: Accounts::default(),
            seen: RefCell::default(),
        };
        let canonical = |path: &[u8]| anchors.canonical(path);
        let pair = |a: &[u8], b: &[u8]| Some((a.to_vec(), b.to_vec()));
        assert_eq!(canonical(b"/link/a/b"), pair(b"/real/a/b", b"/real"));
        assert_eq!(canonical(b"/link"), pair(b"/real", b"/real"));
        assert_eq!(canonical(b"/none/b"), pair(b"/none/b", b""));
        assert_eq!(canonical(b"/loop/b"), None);
        assert_eq!(anchors.places(b"/loop/b", PlaceUse::Named), []);
        assert_eq!(anchors.lost().as_deref(), Some(&b"/loop/b"[..]));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
