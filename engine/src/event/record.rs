//! The JSON of an event: every member's name stands here and only here. Members
//! are added, never renamed or taken away; a change that breaks a reader raises
//! [`SCHEMA`].

use super::json::Raw;
use super::text::Shown;
use serde::Serialize;

/// Version of the `decision` object.
pub(super) const SCHEMA: u32 = 1;

/// One event: Tracee's members, and `decision`.
#[derive(Serialize)]
pub(super) struct Event<'a> {
    pub(super) timestamp: String,
    pub(super) id: u32,
    pub(super) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policies: Option<Policies<'a>>,
    pub(super) workload: Workload,
    pub(super) data: Vec<Datum>,
    pub(super) decision: Decision<'a>,
}

#[derive(Serialize)]
pub(super) struct Policies<'a> {
    pub(super) matched: Vec<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Workload {
    pub(super) process: Process,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) container: Option<Container>,
}

#[derive(Serialize)]
pub(super) struct Container {
    pub(super) id: String,
}

#[derive(Serialize)]
pub(super) struct Process {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) executable: Option<Executable>,
    pub(super) unique_id: u32,
    pub(super) host_pid: u32,
    pub(super) pid: u32,
    pub(super) real_user: User,
    pub(super) thread: Thread,
    /// Who created it, who created that one, and so on; of each its main thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ancestors: Option<Raw>,
}

#[derive(Serialize)]
pub(super) struct Executable {
    pub(super) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path_hex: Option<String>,
}

#[derive(Serialize)]
pub(super) struct User {
    pub(super) id: u32,
}

#[derive(Serialize)]
pub(super) struct Thread {
    pub(super) start_time: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name_hex: Option<String>,
    pub(super) unique_id: u32,
    pub(super) host_tid: u32,
    pub(super) tid: u32,
}

/// One member of `data`: a name and a typed value.
#[derive(Serialize)]
pub(super) struct Datum {
    pub(super) name: &'static str,
    #[serde(flatten)]
    pub(super) value: Value,
}

#[derive(Serialize)]
pub(super) enum Value {
    #[serde(rename = "int32")]
    Int32(i32),
    #[serde(rename = "sockaddr")]
    SockAddr(SockAddr),
}

/// A socket address. Members that are zero or do not belong to the family are
/// left out.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct SockAddr {
    pub(super) sa_family: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sun_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sun_path_hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sin_addr: Option<String>,
    #[serde(skip_serializing_if = "is_zero_16")]
    pub(super) sin_port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sin6_addr: Option<String>,
    #[serde(skip_serializing_if = "is_zero_16")]
    pub(super) sin6_port: u16,
    #[serde(skip_serializing_if = "is_zero_32")]
    pub(super) sin6_flowinfo: u32,
    #[serde(skip_serializing_if = "is_zero_32")]
    pub(super) sin6_scopeid: u32,
}

impl SockAddr {
    /// A unix address with its `sun_path`, without one for a socket that has no name.
    pub(super) fn unix(path: Option<Shown>) -> Self {
        let (sun_path, sun_path_hex) = match path {
            Some(shown) => (Some(shown.text), shown.hex),
            None => (None, None),
        };
        Self {
            sa_family: "AF_UNIX",
            sun_path,
            sun_path_hex,
            ..Self::default()
        }
    }
}

/// What was decided, by which rule, about what and for whom. Most members are
/// always there, and `null` says that there is none.
#[derive(Serialize)]
pub(super) struct Decision<'a> {
    pub(super) schema: u32,
    pub(super) action: &'static str,
    pub(super) rule: Option<&'a str>,
    /// Ids of the record rules that matched, in byte order.
    pub(super) recorded: Vec<&'a str>,
    pub(super) policy: Option<&'a str>,
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<u32>,
    pub(super) because: Option<&'a str>,
    pub(super) severity: Option<&'a str>,
    pub(super) tags: Vec<&'a str>,
    pub(super) mode: Option<&'a str>,
    pub(super) generation: u64,
    /// Name of the errno that the caller got, `null` when the operation went on.
    pub(super) errno: Option<String>,
    pub(super) hook: &'static str,
    pub(super) family: String,
    pub(super) operation: String,
    pub(super) object: Object,
    pub(super) subject: Subject,
    /// Number of the rule, when its generation is not known any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule_index: Option<u32>,
    /// How many record rules matched that cannot be named for the same reason, or
    /// since the record had no room for them.
    #[serde(skip_serializing_if = "is_zero_32")]
    pub(super) recorded_unknown: u32,
    /// The policy's tables could not be read; this is what `on_error` says.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) failed: bool,
    /// Members that are not whole, by their paths in this object's event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cut: Vec<&'static str>,
}

/// The object as it was judged.
#[derive(Default, Serialize)]
pub(super) struct Object {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) addr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path_hex: Option<String>,
    /// `path` is the path inside the file system: no place on the host is known for it.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) path_in_fs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inode: Option<u64>,
    /// An abstract name, with `@` before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// The bytes of the abstract name itself, always there with `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name_hex: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) unnamed: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) unreadable: bool,
}

/// The process as it was judged. Ids are effective, as the initial namespace counts.
#[derive(Serialize)]
pub(super) struct Subject {
    pub(super) exe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exe_hex: Option<String>,
    /// As in an object.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) exe_in_fs: bool,
    pub(super) exe_device: Option<String>,
    pub(super) exe_inode: Option<u64>,
    /// The process is older than the engine; its `exe` is what was found then.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) exe_seeded: bool,
    /// Name of the main thread.
    pub(super) comm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comm_hex: Option<String>,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) cgroup: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cgroup_hex: Option<String>,
    pub(super) cgroup_id: u64,
    pub(super) unit: Option<String>,
    pub(super) loginuid: Option<u32>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
const fn is_zero_16(number: &u16) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
const fn is_zero_32(number: &u32) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
const fn is_false(fact: &bool) -> bool {
    !*fact
}
