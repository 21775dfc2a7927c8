//! The description of the host that this runs on.
//!
//! What PID 1 sees, where this process may look; else what it sees itself.

use super::paths::Host;
use super::profile::{MountPoint, Profile, SCHEMA};
use super::{accounts, units};
use crate::mounts;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// PID 1's root, which only the privileged may enter.
const ROOT: &str = "/proc/1/root";

/// Folders whose symbolic links are described: paths in policies go through them.
const LINK_FOLDERS: [&str; 7] = [
    "/",
    "/usr",
    "/var",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
];

/// Describes this host.
#[must_use]
pub fn describe() -> Host {
    let (root, mountinfo) = if Path::new(ROOT).join("proc").exists() {
        (PathBuf::from(ROOT), "/proc/1/mountinfo")
    } else {
        (PathBuf::from("/"), "/proc/self/mountinfo")
    };
    let mut profile = of_root(&root);
    profile.kernel = line("/proc/sys/kernel/osrelease");
    profile.security_modules =
        line("/sys/kernel/security/lsm").map(|list| list.split(',').map(str::to_owned).collect());
    profile.mounts = fs::read(mountinfo)
        .ok()
        .and_then(|text| mount_points(&text));
    profile.hooks = hooks();
    Host::live(profile, root)
}

/// What the files under a root say.
pub(super) fn of_root(root: &Path) -> Profile {
    let (units, unit_aliases) = match units::read(root) {
        Some(found) => (Some(found.names.into_iter().collect()), found.aliases),
        None => (None, BTreeMap::new()),
    };
    Profile {
        schema: SCHEMA,
        users: accounts::users(root),
        groups: accounts::groups(root),
        units,
        unit_aliases,
        links: links(root),
        ..Profile::default()
    }
}

fn line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

/// Mounts as a description has them; one whose place is not UTF-8 is left out.
pub(super) fn mount_points(mountinfo: &[u8]) -> Option<Vec<MountPoint>> {
    let all = mounts::parse(mountinfo).ok()?;
    let points = all.into_iter().filter_map(|mount| {
        Some(MountPoint {
            point: String::from_utf8(mount.point).ok()?,
            kind: String::from_utf8(mount.kind).ok()?,
            device: mounts::device(mount.device),
            root: String::from_utf8(mount.root).ok()?,
        })
    });
    Some(points.collect())
}

fn links(root: &Path) -> BTreeMap<String, String> {
    let mut links = BTreeMap::new();
    for folder in LINK_FOLDERS {
        let Ok(entries) = fs::read_dir(root.join(folder.trim_start_matches('/'))) else {
            continue;
        };
        for entry in entries.flatten() {
            let target = fs::read_link(entry.path()).ok();
            let target = target.and_then(|target| target.into_os_string().into_string().ok());
            if let (Ok(name), Some(target)) = (entry.file_name().into_string(), target) {
                links.insert(format!("{}/{name}", folder.trim_end_matches('/')), target);
            }
        }
    }
    links
}

/// The hooks of the running kernel, by its BTF.
#[cfg(feature = "daemon")]
fn hooks() -> Option<Vec<String>> {
    crate::kernel::btf::Btf::of_kernel()
        .ok()
        .map(|btf| btf.hooks())
}

/// The checker alone reads no BTF.
#[cfg(not(feature = "daemon"))]
const fn hooks() -> Option<Vec<String>> {
    None
}
