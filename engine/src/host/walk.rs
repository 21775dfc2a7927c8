//! What there is at a path of this host, and who can change it.
//!
//! Follows symbolic links within a root, as the engine does when it anchors a
//! path, and looks at every folder on the way: whoever can write to one can put
//! something else there.

use super::profile::{By, Changeable, Kind, PathFacts};
use policy_lang::diag::suggest::nearest;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Symbolic links that are followed at most, as the kernel does.
const MAX_LINKS: u32 = 40;
/// Bytes of a script's first line that the kernel reads.
const SCRIPT_BYTES: u64 = 256;
const WORLD: u32 = 0o002;
const GROUP: u32 = 0o020;
/// In such a folder only an entry's owner can take it away.
const STICKY: u32 = 0o1000;

/// Looks at an absolute path; `None` where something on the way cannot be looked
/// at, or is not UTF-8.
pub(super) fn look(root: &Path, path: &str) -> Option<PathFacts> {
    let mut walk = Walk {
        root,
        done: Vec::new(),
        rest: components(path.as_bytes()),
        links: 0,
        changeable: Vec::new(),
    };
    let end = walk.run().ok()?;
    let text = |bytes: &[u8]| {
        let shown = if bytes.is_empty() { b"/" } else { bytes };
        String::from_utf8(shown.to_vec()).ok()
    };
    let existing = text(&walk.done)?;
    let mut facts = PathFacts {
        path: path.to_owned(),
        real: existing.clone(),
        existing,
        kind: None,
        script: None,
        changeable: Vec::new(),
        near: None,
    };
    match end {
        End::There(meta) => {
            facts.kind = Some(kind(&meta));
            if meta.is_file() {
                walk.add(by_mode(Node::of(&meta)));
                facts.script = script(&walk.place(&walk.done));
            }
        }
        End::Missing => {
            facts.near = walk.near();
            let missing = walk.rest.iter().rev();
            let whole = missing.fold(walk.done.clone(), |mut whole, component| {
                whole.push(b'/');
                whole.extend_from_slice(component);
                whole
            });
            facts.real = text(&whole)?;
        }
        End::Circle => {
            facts.kind = Some(Kind::Circle);
            path.clone_into(&mut facts.real);
        }
    }
    facts.changeable = walk.changeable;
    Some(facts)
}

/// Where a walk ends.
enum End {
    There(Metadata),
    Missing,
    Circle,
}

struct Walk<'r> {
    root: &'r Path,
    /// The canonical path so far, empty for the root.
    done: Vec<u8>,
    /// Components still to come, the next one last.
    rest: Vec<Vec<u8>>,
    links: u32,
    changeable: Vec<Changeable>,
}

impl Walk<'_> {
    fn place(&self, path: &[u8]) -> PathBuf {
        let relative = path.strip_prefix(b"/").unwrap_or(path);
        self.root.join(OsStr::from_bytes(relative))
    }

    fn run(&mut self) -> io::Result<End> {
        let mut here = fs::metadata(self.root)?;
        while let Some(component) = self.rest.pop() {
            if component == b".." {
                let parent = self.done.iter().rposition(|byte| *byte == b'/');
                self.done.truncate(parent.unwrap_or(0));
                here = fs::symlink_metadata(self.place(&self.done))?;
                continue;
            }
            let mut next = self.done.clone();
            next.push(b'/');
            next.extend_from_slice(&component);
            let entry = match fs::symlink_metadata(self.place(&next)) {
                Ok(entry) => Some(entry),
                Err(error) if is_absent(&error) => None,
                Err(error) => return Err(error),
            };
            self.add(by_folder(Node::of(&here), entry.as_ref().map(Node::of)));
            let Some(entry) = entry else {
                self.rest.push(component);
                return Ok(End::Missing);
            };
            if !entry.is_symlink() {
                self.done = next;
                here = entry;
                continue;
            }
            self.links += 1;
            if self.links > MAX_LINKS {
                return Ok(End::Circle);
            }
            let target = fs::read_link(self.place(&next))?;
            let target = target.as_os_str().as_bytes();
            if target.first() == Some(&b'/') {
                self.done.clear();
                here = fs::metadata(self.root)?;
            }
            self.rest.extend(components(target));
        }
        Ok(End::There(here))
    }

    /// Adds who can change what the walk is at.
    fn add(&mut self, by: Option<By>) {
        let Some(by) = by else {
            return;
        };
        let path = if self.done.is_empty() {
            b"/"
        } else {
            &self.done[..]
        };
        let path = String::from_utf8_lossy(path).into_owned();
        let found = Changeable { path, by };
        if !self.changeable.contains(&found) {
            self.changeable.push(found);
        }
    }

    /// A name of the folder at which the walk ended like the one that it lacks.
    fn near(&self) -> Option<String> {
        let wanted = std::str::from_utf8(self.rest.last()?).ok()?;
        let entries = fs::read_dir(self.place(&self.done)).ok()?;
        let names: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        nearest(wanted, names.iter().map(String::as_str)).map(str::to_owned)
    }
}

/// What decides who can change a file or a folder.
#[derive(Clone, Copy)]
struct Node {
    mode: u32,
    uid: u32,
    gid: u32,
    socket: bool,
}

impl Node {
    fn of(meta: &Metadata) -> Self {
        Self {
            mode: meta.mode(),
            uid: meta.uid(),
            gid: meta.gid(),
            socket: meta.file_type().is_socket(),
        }
    }
}

/// Who beside root can write to a file or a folder.
const fn by_mode(node: Node) -> Option<By> {
    if node.mode & WORLD != 0 {
        Some(By::Everybody)
    } else if node.uid != 0 {
        Some(By::User(node.uid))
    } else if node.mode & GROUP != 0 && node.gid != 0 {
        Some(By::Group(node.gid))
    } else {
        None
    }
}

/// Who beside root can put something else into a folder, in place of an entry
/// or where there is none.
fn by_folder(folder: Node, entry: Option<Node>) -> Option<By> {
    let kept = folder.mode & STICKY != 0 && folder.uid == 0;
    // A socket comes and goes with its server: whoever is first has the name.
    match entry.filter(|entry| kept && !entry.socket) {
        Some(entry) if entry.uid == 0 => None,
        Some(entry) => Some(By::User(entry.uid)),
        None => by_mode(folder),
    }
}

/// Whether an error says that there is nothing.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The components of a path, the first one last.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|byte| *byte == b'/').rev();
    parts
        .filter(|part| !part.is_empty() && *part != b".")
        .map(<[u8]>::to_vec)
        .collect()
}

fn kind(meta: &Metadata) -> Kind {
    let found = meta.file_type();
    if found.is_file() {
        Kind::File
    } else if found.is_dir() {
        Kind::Folder
    } else if found.is_socket() {
        Kind::Socket
    } else {
        Kind::Other
    }
}

/// The interpreter that a script's first line names.
fn script(path: &Path) -> Option<String> {
    let mut first = Vec::new();
    let file = File::open(path).ok()?;
    file.take(SCRIPT_BYTES).read_to_end(&mut first).ok()?;
    let line = first.strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    let text = String::from_utf8_lossy(line);
    Some(text.split_whitespace().next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn node(mode: u32, uid: u32, gid: u32) -> Node {
        Node {
            mode,
            uid,
            gid,
            socket: false,
        }
    }

    #[test]
    fn who_can_put_something_else_there() {
        let root = node(0o755, 0, 0);
        let tmp = node(0o1777, 0, 0);
        let socket = Node {
            socket: true,
            ..root
        };
        assert_eq!(by_mode(root), None);
        assert_eq!(by_mode(node(0o4755, 1000, 0)), Some(By::User(1000)));
        assert_eq!(by_mode(node(0o775, 0, 50)), Some(By::Group(50)));
        assert_eq!(by_mode(node(0o775, 0, 0)), None);
        assert_eq!(by_mode(node(0o777, 1000, 0)), Some(By::Everybody));
        assert_eq!(by_folder(root, None), None);
        assert_eq!(by_folder(root, Some(node(0o777, 1000, 0))), None);
        assert_eq!(by_folder(tmp, None), Some(By::Everybody));
        // Whose it is keeps it, in a sticky folder of root's.
        assert_eq!(by_folder(tmp, Some(root)), None);
        assert_eq!(by_folder(tmp, Some(node(0o600, 7, 7))), Some(By::User(7)));
        assert_eq!(by_folder(tmp, Some(socket)), Some(By::Everybody));
        let own = node(0o1755, 1000, 0);
        assert_eq!(by_folder(own, Some(root)), Some(By::User(1000)));
    }
}
