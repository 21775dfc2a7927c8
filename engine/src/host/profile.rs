//! The description of a host as JSON: what `doctor --export` writes and
//! `check --profile` reads. `docs/host-profile.md` has every member.
//!
//! It only grows; a break raises [`SCHEMA`]. A member that is absent or null is
//! not known.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the description that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// A host, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "a description of a host")]
pub struct Profile {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The kernel's release, as `uname -r` has it.
    #[serde(default)]
    pub kernel: Option<String>,
    /// Active security modules, in order.
    #[serde(default)]
    pub security_modules: Option<Vec<String>>,
    /// LSM hooks that BPF programs can attach to, sorted.
    #[serde(default)]
    pub hooks: Option<Vec<String>>,
    /// Users of /etc/passwd, in its order.
    #[serde(default)]
    pub users: Option<Vec<Account>>,
    /// Groups of /etc/group, in its order.
    #[serde(default)]
    pub groups: Option<Vec<Account>>,
    /// Mounts of PID 1, in their order.
    #[serde(default)]
    pub mounts: Option<Vec<MountPoint>>,
    /// Unit files of systemd that can have processes, sorted.
    #[serde(default)]
    pub units: Option<Vec<String>>,
    /// Names of units that are links to others, and the others' names.
    #[serde(default)]
    pub unit_aliases: BTreeMap<String, String>,
    /// Symbolic links in the folders that most paths of policies go through.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
    /// Paths that were looked at.
    #[serde(default)]
    pub paths: Vec<PathFacts>,
}

/// A user or a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its number.
    pub id: u32,
}

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountPoint {
    /// Where.
    pub point: String,
    /// The file system's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `major:minor`.
    pub device: String,
    /// What of the file system is mounted, `/` for all of it.
    pub root: String,
}

/// What there is at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathFacts {
    /// The path as a policy writes it; of a pattern, its folder.
    pub path: String,
    /// Where it leads, symbolic links followed as far as it exists.
    pub real: String,
    /// The part of `real` that exists.
    pub existing: String,
    /// What is there; absent when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Of a script, the interpreter that its first line names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// Files and folders by which others than root can put something else there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changeable: Vec<Changeable>,
    /// A name like that of the first part which does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<String>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A unix socket.
    Socket,
    /// Anything else.
    Other,
    /// Nothing: its symbolic links go in a circle.
    Circle,
}

/// A file or folder that others than root can change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changeable {
    /// Which.
    pub path: String,
    /// Who can.
    pub by: By,
}

/// Who can change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Anybody.
    Everybody,
    /// The user of this number.
    User(u32),
    /// The members of the group of this number.
    Group(u32),
}

impl Profile {
    /// Reads a description.
    ///
    /// # Errors
    /// When it is no JSON of this form, or of another version; the text says which.
    pub fn parse(text: &str) -> Result<Self, String> {
        let profile: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if profile.schema != SCHEMA {
            return Err(format!(
                "its schema is {}, this program reads {SCHEMA}",
                profile.schema
            ));
        }
        Ok(profile)
    }

    /// The description as it is written out, with a line's end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, lists and maps of strings: there is nothing that cannot be written.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
