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
    accounts: Accounts,
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
            accounts: Accounts::default(),
        })
    }

    /// A path that was asked for and could not be anchored.
    #[must_use]
    pub fn lost(&self) -> Option<Vec<u8>> {
        self.lost.borrow().first().cloned()
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

    /// The canonical path of a path, and the mount that it leads to.
    fn found(&self, path: &[u8]) -> Option<(Vec<u8>, &Mount)> {
        let (canonical, existing) = self.canonical(path)?;
        Some((canonical, self.mount_of(&existing)?))
    }

    /// The mount that an existing canonical path lies on.
    fn mount_of(&self, existing: &[u8]) -> Option<&Mount> {
        let relative = match existing.get(1..) {
            Some(relative) if !relative.is_empty() => OsStr::from_bytes(relative),
            Some(_) | None => OsStr::new("."),
        };
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let found = statx(&self.root, relative, flags, StatxFlags::MNT_ID).ok()?;
        self.mounts.by_id(found.stx_mnt_id)
    }
}

impl Host for Anchors {
    fn hash_key(&self) -> [u64; 2] {
        self.key
    }

    fn places(&self, path: &[u8], _use: PlaceUse) -> Vec<Place> {
        let found = self.found(path);
        let found = found.and_then(|(canonical, mount)| mount.place(&canonical));
        if found.is_none() {
            self.lost.borrow_mut().push(path.to_vec());
        }
        found.into_iter().collect()
    }

    fn reaches(&self, folder: &[u8], _use: PlaceUse) -> Vec<Reach> {
        let found = self.found(folder);
        let reaches = found.and_then(|(canonical, mount)| self.mounts.reaches(&canonical, mount));
        reaches.unwrap_or_else(|| {
            self.lost.borrow_mut().push(folder.to_vec());
            Vec::new()
        })
    }

    fn account(&self, account: Account, name: &[u8]) -> Option<u32> {
        self.accounts.number(&self.root, account, name)
    }
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
            accounts: Accounts::default(),
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
