//! What the kernel tells of a process once: its program, and who created it. Events
//! name it by number and start.
//!
//! The book is bounded without being told of ends: when it is full, what it holds
//! becomes the former book and a new one is begun, in a new *epoch*, in which the
//! kernel tells of every process again before its next event. The ring holds less
//! than a book does ([`ROOM`]), so what lies there is still in the former one.

use super::decode::DecodeError;
use super::json::Raw;
use policy_abi::ABI_VERSION;
use policy_abi::event::{
    PROCESS_EXE, PROCESS_PARENT, PROCESS_PARENT_EXE, PROCESS_SEEDED, Process, Task, Text,
};
use policy_abi::identity::TEXT_BYTES;
use policy_abi::maps::RING_BYTES;
use std::cell::RefCell;
use std::collections::HashMap;
use zerocopy::FromBytes as _;

/// Processes that a book holds.
const ROOM: usize = 16 * 1024;
const _: () = assert!(
    RING_BYTES / size_of::<Process>() < ROOM,
    "what lies in the ring is in one of two books"
);

/// Every flag that this version knows.
const FLAGS: u32 = PROCESS_EXE | PROCESS_SEEDED | PROCESS_PARENT | PROCESS_PARENT_EXE;

/// A process for ever: its id in the initial namespace, and its start in
/// nanoseconds since boot.
pub(super) type Key = (u32, u64);

/// A program's file.
#[derive(Clone, Debug)]
pub(super) struct Exe {
    /// The file system's `s_dev`, packed.
    pub(super) device: u32,
    pub(super) inode: u64,
    /// The path inside its file system, `None` when it is longer than the kernel keeps.
    pub(super) in_fs: Option<Box<[u8]>>,
}

/// A process that was told of.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The program, as in [`policy_abi::facts::Facts::exe`].
    program: [u64; 2],
    exe: Option<Exe>,
    /// Older than the engine: its program is what was found then.
    pub(super) seeded: bool,
    parent: Option<(TaskNumbers, Option<Exe>)>,
}

/// [`Task`] without what the wire needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskNumbers {
    pub(super) pid: u32,
    pub(super) ns_pid: u32,
    pub(super) ruid: u32,
    pub(super) start: u64,
    pub(super) comm: [u64; 2],
}

/// A process above another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ancestor<'a> {
    pub(super) task: TaskNumbers,
    pub(super) exe: Option<&'a Exe>,
}

/// The processes above one as they are shown, when all may be.
#[derive(Clone, Debug)]
pub(super) struct Above {
    /// None of none.
    pub(super) json: Option<Raw>,
    /// There are more, or one is not whole.
    pub(super) cut: bool,
}

/// Processes of which what was written of those above is kept. When there are more
/// all are forgotten: it is a few hundred bytes each, and soon made again.
const SHOWN: usize = 1024;

/// The processes that events may speak of.
#[derive(Debug)]
pub struct Processes {
    epoch: u64,
    young: HashMap<Key, Known>,
    former: HashMap<Key, Known>,
    /// True of what is known now.
    shown: RefCell<HashMap<Key, Above>>,
}

impl Default for Processes {
    fn default() -> Self {
        Self {
            epoch: 1,
            young: HashMap::new(),
            former: HashMap::new(),
            shown: RefCell::default(),
        }
    }
}

impl Processes {
    /// The epoch that the kernel is to be in, never 0.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Enters what was told. When the book is full a new epoch begins.
    pub fn enter(&mut self, process: &Process) {
        if self.young.len() >= ROOM {
            self.former = std::mem::take(&mut self.young);
            self.epoch += 1;
        }
        self.forget_shown();
        let key = (process.task.pid, process.task.start);
        self.young.insert(key, known(process));
    }

    /// Has what is shown of processes made anew: paths may lead elsewhere by now.
    pub fn forget_shown(&mut self) {
        self.shown.get_mut().clear();
    }

    /// What was written of the processes above one.
    pub(super) fn shown(&self, key: Key) -> Option<Above> {
        self.shown.borrow().get(&key).cloned()
    }

    /// Keeps what was written of the processes above one.
    pub(super) fn show(&self, key: Key, above: Above) {
        let mut shown = self.shown.borrow_mut();
        if shown.len() >= SHOWN {
            shown.clear();
        }
        shown.insert(key, above);
    }

    /// The process of an id and a start, if it was told of.
    pub(super) fn of(&self, pid: u32, start: u64) -> Option<&Known> {
        let key = (pid, start);
        self.young.get(&key).or_else(|| self.former.get(&key))
    }

    /// The processes above one, its creator first, as far as they were told of.
    pub(super) fn above(&self, pid: u32, start: u64) -> impl Iterator<Item = Ancestor<'_>> {
        let mut below = self.of(pid, start);
        std::iter::from_fn(move || {
            let (task, exe) = below?.parent.as_ref()?;
            below = self.of(task.pid, task.start);
            let exe = exe
                .as_ref()
                .or_else(|| below.and_then(|known| known.exe.as_ref()));
            Some(Ancestor { task: *task, exe })
        })
    }
}

impl Known {
    /// The executable, when it is that of the program with this identity.
    pub(super) fn exe(&self, program: [u64; 2]) -> Option<&Exe> {
        self.exe.as_ref().filter(|_| self.program == program)
    }
}

/// What was told, when `bytes` of the ring are that; `None` when they are of
/// another size, and may be an event.
///
/// # Errors
///
/// As [`super::decode`].
pub fn told(bytes: &[u8]) -> Result<Option<Process>, DecodeError> {
    let Ok(process) = Process::read_from_bytes(bytes) else {
        return Ok(None);
    };
    if process.version != ABI_VERSION {
        return Err(DecodeError::Version {
            found: process.version,
        });
    }
    if process.flags & !FLAGS != 0 {
        return Err(DecodeError::Unknown {
            member: "process.flags",
            found: process.flags,
        });
    }
    Ok(Some(process))
}

fn known(process: &Process) -> Known {
    let has = |flag| process.flags & flag == flag;
    Known {
        program: process.program,
        exe: has(PROCESS_EXE).then(|| exe(&process.exe)),
        seeded: has(PROCESS_SEEDED),
        parent: has(PROCESS_PARENT).then(|| {
            let of_parent = has(PROCESS_PARENT_EXE).then(|| exe(&process.parent_exe));
            (numbers(&process.parent), of_parent)
        }),
    }
}

const fn numbers(task: &Task) -> TaskNumbers {
    TaskNumbers {
        pid: task.pid,
        ns_pid: task.ns_pid,
        ruid: task.ruid,
        start: task.start,
        comm: task.comm,
    }
}

fn exe(text: &Text) -> Exe {
    let length = usize::try_from(text.length).unwrap_or(usize::MAX);
    let whole = (length <= TEXT_BYTES).then_some(text.bytes);
    Exe {
        device: text.device,
        inode: text.inode,
        in_fs: whole
            .as_ref()
            .and_then(|bytes| bytes.get(..length))
            .map(Box::from),
    }
}
