//! Texts of the record as paths that an administrator knows.

use super::decode::Event;
use super::processes::{Exe, Processes};
use super::rules::Places;
use policy_abi::event::{FLAG_OBJECT, Text};
use policy_abi::facts::{OBJECT_ABSTRACT, OBJECT_PATH, OBJECT_UNREADABLE, SUBJECT_EXE};
use policy_abi::identity::TEXT_BYTES;

/// A file that the record names.
pub(super) struct Place {
    /// The file system's `s_dev`, packed.
    pub(super) device: u32,
    /// 0 when it is not known.
    pub(super) inode: u64,
    /// Its path, `None` when the record has none.
    pub(super) path: Option<Path>,
    /// There is one, longer than a record holds or not told.
    pub(super) too_long: bool,
}

/// The program that a process runs.
pub(super) struct Program {
    pub(super) file: Place,
    /// The process is older than the engine; this is what was found then.
    pub(super) seeded: bool,
}

/// A path as it is shown.
pub(super) struct Path {
    pub(super) bytes: Vec<u8>,
    /// It leads from the root of its file system, not from the host's.
    pub(super) in_fs: bool,
    /// The line has no room for the rest.
    pub(super) cut: bool,
}

/// The subject's executable, `None` when it is not known.
pub(super) fn exe(
    event: &Event,
    processes: &Processes,
    places: &dyn Places,
    limit: usize,
) -> Option<Program> {
    let record = event.record();
    if record.facts.subject & SUBJECT_EXE == 0 {
        return None;
    }
    let program = record.facts.exe;
    let process = processes.of(record.pid, record.process_start);
    let Some((known, exe)) = process.and_then(|known| Some((known, known.exe(program)?))) else {
        // Nobody told: the kernel was interrupted for two epochs before it wrote.
        let file = Place {
            device: u32::try_from(program[1]).unwrap_or_default(),
            inode: 0,
            path: None,
            too_long: true,
        };
        return Some(Program {
            file,
            seeded: false,
        });
    };
    Some(Program {
        file: program_at(exe, places, limit),
        seeded: known.seeded,
    })
}

/// A program's file.
pub(super) fn program_at(exe: &Exe, places: &dyn Places, limit: usize) -> Place {
    named(
        exe.device,
        exe.inode,
        exe.in_fs.as_deref(),
        Some(places),
        limit,
    )
}

/// The file of a unix socket, `None` for every other object.
pub(super) fn object(event: &Event, places: &dyn Places, limit: usize) -> Option<Place> {
    if !event.has(FLAG_OBJECT) {
        return None;
    }
    let record = event.record();
    let text = &record.object;
    match record.facts.object_kind {
        OBJECT_PATH => {
            // A file system that a user mounted has another key than its device:
            // its number can be that of a mount of the host, its path cannot.
            let nameable = record.facts.object[1] == u64::from(text.device);
            Some(place(text, nameable.then_some(places), limit))
        }
        OBJECT_UNREADABLE if text.inode != 0 => Some(Place {
            device: text.device,
            inode: text.inode,
            path: None,
            too_long: false,
        }),
        _ => None,
    }
}

/// The bytes of an abstract name, without the NUL before them.
pub(super) fn name(event: &Event) -> Option<&[u8]> {
    let record = event.record();
    if !event.has(FLAG_OBJECT) || record.facts.object_kind != OBJECT_ABSTRACT {
        return None;
    }
    bytes(&record.object)
}

fn place(text: &Text, places: Option<&dyn Places>, limit: usize) -> Place {
    named(text.device, text.inode, bytes(text), places, limit)
}

/// A file by its path inside its file system, `None` when that is not known.
fn named(
    device: u32,
    inode: u64,
    in_fs: Option<&[u8]>,
    places: Option<&dyn Places>,
    limit: usize,
) -> Place {
    Place {
        device,
        inode,
        path: in_fs
            .filter(|path| !path.is_empty())
            .map(|path| shown(device, path, places, limit)),
        too_long: in_fs.is_none(),
    }
}

fn shown(device: u32, in_fs: &[u8], places: Option<&dyn Places>, limit: usize) -> Path {
    let host = places.and_then(|places| places.host_path(device, in_fs));
    let is_in_fs = host.is_none();
    let mut bytes = host.unwrap_or_else(|| {
        let path = in_fs.strip_suffix(b"/").unwrap_or(in_fs);
        [b"/", path].concat()
    });
    let cut = bytes.len() > limit;
    bytes.truncate(limit);
    Path {
        bytes,
        in_fs: is_in_fs,
        cut,
    }
}

/// The text itself, `None` when it was longer than the record keeps.
fn bytes(text: &Text) -> Option<&[u8]> {
    let length = usize::try_from(text.length).ok()?;
    if length > TEXT_BYTES {
        return None;
    }
    text.bytes.get(..length)
}
