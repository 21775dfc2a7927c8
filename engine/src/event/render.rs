//! An event as one line of JSON.

use super::container;
use super::data::data;
use super::decision::{Named, Whose, decision};
use super::decode::Event;
use super::json::{self, Raw};
use super::legacy::Legacy;
use super::limit::{LADDER, LINE_BYTES, Limits};
use super::place::{self, Place};
use super::processes::{Above, Ancestor, Key, Processes};
use super::record::{self, Executable, Policies, Process, Thread, User};
use super::rules::{Places, Rules};
use super::text::show;
use super::time::rfc3339;
use super::words;
use serde::Deserialize;
use thiserror::Error;

/// Why an event has no line. Neither happens for what `decode` lets through; an
/// event that meets one must be counted as lost.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The JSON could not be written.
    #[error("an event could not be written as json")]
    Json(#[from] serde_json::Error),
    /// The JSON was not UTF-8.
    #[error("an event's json is not utf-8")]
    Text(#[from] std::string::FromUtf8Error),
}

/// Which of Tracee's shapes events have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The current one.
    #[default]
    Tracee,
    /// The released one: flat, with `eventName`, `args` and strings for ids.
    TraceeLegacy,
}

/// Turns events into lines.
#[derive(Clone, Copy)]
pub struct Renderer<'a> {
    rules: &'a dyn Rules,
    places: &'a dyn Places,
    processes: &'a Processes,
    boot_epoch: u64,
    shape: Shape,
}

/// Names of members that are not whole.
pub(super) type Cut = Vec<&'static str>;

impl<'a> Renderer<'a> {
    /// A renderer. `boot_epoch` is the machine's start in nanoseconds since 1970;
    /// it is to be read once and kept, or times move when the clock is set.
    #[must_use]
    pub const fn new(
        rules: &'a dyn Rules,
        places: &'a dyn Places,
        processes: &'a Processes,
        boot_epoch: u64,
    ) -> Self {
        Self {
            rules,
            places,
            processes,
            boot_epoch,
            shape: Shape::Tracee,
        }
    }

    /// The same with lines of another shape.
    #[must_use]
    pub const fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The event's line, without its end and shorter than [`LINE_BYTES`].
    ///
    /// # Errors
    /// When the line cannot be made; see [`RenderError`].
    pub fn line(&self, event: &Event) -> Result<String, RenderError> {
        let mut line = Vec::new();
        self.write(event, &mut line)?;
        Ok(String::from_utf8(line)?)
    }

    /// Writes the event's line in place of what `line` holds.
    ///
    /// # Errors
    /// As [`Renderer::line`].
    pub fn write(&self, event: &Event, line: &mut Vec<u8>) -> Result<(), RenderError> {
        let named = Named::of(self.rules, event);
        for limits in LADDER {
            line.clear();
            let current = self.event(event, &named, limits)?;
            match self.shape {
                Shape::Tracee => json::write(&current, line)?,
                Shape::TraceeLegacy => {
                    json::write(&Legacy::of(event, self.boot_epoch, current), line)?;
                }
            }
            if line.len() < LINE_BYTES {
                break;
            }
        }
        Ok(())
    }

    fn event<'n>(
        &self,
        event: &Event,
        named: &'n Named<'_>,
        limits: &Limits,
    ) -> Result<record::Event<'n>, RenderError> {
        let mut cut = Cut::new();
        let cgroup = self.places.cgroup(event.record().cgroup);
        let exe = place::exe(event, self.processes, self.places, limits.path);
        let (id, name) = words::name(event);
        Ok(record::Event {
            timestamp: self.time(event.record().boottime),
            id,
            name,
            policies: policies(named, limits, &mut cut),
            workload: record::Workload {
                process: self.process(
                    event,
                    exe.as_ref().map(|exe| &exe.file),
                    limits,
                    &mut cut,
                )?,
                container: cgroup.as_deref().and_then(container),
            },
            data: data(event, self.places, limits, &mut cut),
            decision: decision(
                event,
                named,
                self.places,
                &Whose {
                    exe: exe.as_ref(),
                    cgroup: cgroup.as_deref(),
                },
                limits,
                cut,
            ),
        })
    }

    fn process(
        &self,
        event: &Event,
        exe: Option<&Place>,
        limits: &Limits,
        cut: &mut Cut,
    ) -> Result<Process, RenderError> {
        let record = event.record();
        let thread = show(before_nul(&comm_bytes(record.thread_comm)));
        Ok(Process {
            executable: executable(exe, limits, cut),
            unique_id: unique_id(record.pid, record.process_start),
            host_pid: record.pid,
            pid: record.ns_pid,
            real_user: User { id: record.ruid },
            thread: Thread {
                start_time: self.time(record.thread_start),
                name: thread.text,
                name_hex: thread.hex,
                unique_id: unique_id(record.tid, record.thread_start),
                host_tid: record.tid,
                tid: record.ns_tid,
            },
            ancestors: self.ancestors(event, limits, cut)?,
        })
    }

    /// The processes above, the creator first. They are the same in all events of a
    /// process, and written once.
    fn ancestors(
        &self,
        event: &Event,
        limits: &Limits,
        cut: &mut Cut,
    ) -> Result<Option<Raw>, RenderError> {
        let record = event.record();
        let key = (record.pid, record.process_start);
        let whole = limits.is_whole();
        let kept = whole.then(|| self.processes.shown(key)).flatten();
        let above = if let Some(above) = kept {
            above
        } else {
            let above = self.above(key, limits)?;
            if whole {
                self.processes.show(key, above.clone());
            }
            above
        };
        if above.cut {
            cut.push("workload.process.ancestors");
        }
        Ok(above.json)
    }

    fn above(&self, key: Key, limits: &Limits) -> Result<Above, RenderError> {
        let (pid, start) = key;
        let mut above = self.processes.above(pid, start);
        let mut whole = true;
        let ancestors: Vec<Process> = above
            .by_ref()
            .take(limits.ancestors)
            .map(|ancestor| self.ancestor(&ancestor, limits, &mut whole))
            .collect();
        let cut = !whole || above.next().is_some();
        if ancestors.is_empty() {
            return Ok(Above { json: None, cut });
        }
        let json = Some(Raw::of(&ancestors)?);
        Ok(Above { json, cut })
    }

    fn ancestor(&self, ancestor: &Ancestor<'_>, limits: &Limits, whole: &mut bool) -> Process {
        let task = ancestor.task;
        let name = show(before_nul(&comm_bytes(task.comm)));
        let exe = ancestor
            .exe
            .map(|exe| place::program_at(exe, self.places, limits.path));
        let mut lost = Cut::new();
        let executable = executable(exe.as_ref(), limits, &mut lost);
        *whole &= lost.is_empty() && exe.is_none_or(|exe| !exe.too_long);
        Process {
            executable,
            unique_id: unique_id(task.pid, task.start),
            host_pid: task.pid,
            pid: task.ns_pid,
            real_user: User { id: task.ruid },
            thread: Thread {
                start_time: self.time(task.start),
                name: name.text,
                name_hex: name.hex,
                unique_id: unique_id(task.pid, task.start),
                host_tid: task.pid,
                tid: task.ns_pid,
            },
            ancestors: None,
        }
    }

    fn time(&self, since_boot: u64) -> String {
        rfc3339(self.boot_epoch.saturating_add(since_boot))
    }
}

/// The container of a cgroup, if it is one's.
fn container(cgroup: &[u8]) -> Option<record::Container> {
    let id = container::of_cgroup(cgroup)?.to_owned();
    Some(record::Container { id })
}

/// The files of the rules concerned, absent when there are none.
fn policies<'n>(named: &'n Named<'_>, limits: &Limits, cut: &mut Cut) -> Option<Policies<'n>> {
    let mut matched = named.policies();
    if matched.len() > limits.names {
        matched.truncate(limits.names);
        cut.push("policies.matched");
    }
    (!matched.is_empty()).then_some(Policies { matched })
}

/// Tracee's `executable`, absent when the program or its path is not known.
fn executable(exe: Option<&Place>, limits: &Limits, cut: &mut Cut) -> Option<Executable> {
    let path = exe?.path.as_ref()?;
    let mut shown = show(&path.bytes);
    if path.cut {
        cut.push("workload.process.executable.path");
    }
    if limits.once() && shown.hex.take().is_some() {
        cut.push("workload.process.executable.path_hex");
    }
    Some(Executable {
        path: shown.text,
        path_hex: shown.hex,
    })
}

/// The bytes of a kernel's name given as two words in memory order.
pub(super) const fn comm_bytes(words: [u64; 2]) -> [u8; 16] {
    let [low, high] = words;
    ((high as u128) << 64 | low as u128).to_le_bytes()
}

/// What stands before the first NUL.
pub(super) fn before_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number for the life of a process or thread; the module's page says how it is made.
fn unique_id(id: u32, start: u64) -> u32 {
    let mut mixed = start ^ u64::from(id) << 32;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    let [a, b, c, d, ..] = (mixed ^ mixed >> 31).to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}
