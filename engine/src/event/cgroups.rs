//! Cgroup (v2) ids as paths.
//!
//! The id that a record carries is the inode number of the cgroup's directory,
//! which never comes again while the machine runs. A directory that is gone when
//! its event is read has no path any more; one that was ever seen keeps it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Cgroups that are remembered. More are forgotten all at once and read again.
const MOST: usize = 1 << 16;
/// Levels that are read; the kernel's own default bound is far higher, people's use far lower.
const DEPTH: usize = 32;
/// Time between two readings of the tree, however many ids are unknown.
const PAUSE: Duration = Duration::from_secs(1);

/// The cgroups of this host.
#[derive(Debug)]
pub struct Cgroups {
    root: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    paths: HashMap<u64, Vec<u8>>,
    read: Option<Instant>,
}

impl Cgroups {
    /// The cgroups below `root`, where the cgroup (v2) file system is mounted.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            known: Mutex::default(),
        }
    }

    /// The path of a cgroup from the root of the hierarchy, which is `/`.
    pub fn path(&self, id: u64) -> Option<Vec<u8>> {
        // A panic while the map was changed leaves entries that are each true.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = known.paths.get(&id) {
            return Some(path.clone());
        }
        if known.read.is_some_and(|read| read.elapsed() < PAUSE) {
            return None;
        }
        if known.paths.len() > MOST {
            known.paths.clear();
        }
        // What cannot be read has no path; the rest of the tree still has.
        if let Ok(root) = fs::metadata(&self.root) {
            known.paths.insert(root.ino(), b"/".to_vec());
        }
        walk(&self.root, b"", DEPTH, &mut known.paths).ok();
        known.read = Some(Instant::now());
        known.paths.get(&id).cloned()
    }
}

/// Adds the directories below `folder`, whose path is `path`.
fn walk(
    folder: &Path,
    path: &[u8],
    depth: usize,
    found: &mut HashMap<u64, Vec<u8>>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || found.len() > MOST {
            continue;
        }
        let path = [path, b"/", entry.file_name().as_bytes()].concat();
        found.insert(entry.ino(), path.clone());
        if depth > 1 {
            // It may be gone by now.
            walk(&entry.path(), &path, depth - 1, found).ok();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Cgroups;
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn a_directory_s_number_is_its_id() {
        let root = std::env::temp_dir().join(format!("interdict-cgroups-{}", std::process::id()));
        let unit = root.join("system.slice/nginx.service");
        fs::create_dir_all(&unit).unwrap();
        let id = |path: &std::path::Path| fs::metadata(path).unwrap().ino();
        let (unit_id, root_id) = (id(&unit), id(&root));
        let cgroups = Cgroups::new(&root);
        let path = |id| {
            cgroups
                .path(id)
                .map(|path| String::from_utf8(path).unwrap())
        };
        assert_eq!(
            path(unit_id).as_deref(),
            Some("/system.slice/nginx.service")
        );
        assert_eq!(path(root_id).as_deref(), Some("/"));
        assert_eq!(path(u64::MAX), None);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(
            path(unit_id).as_deref(),
            Some("/system.slice/nginx.service")
        );
    }
}
