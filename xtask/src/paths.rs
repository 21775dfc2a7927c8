//! Where things are: the workspace, its target directory, the user's cache.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the workspace that this program was built from.
pub(crate) fn workspace() -> PathBuf {
    // `cargo run` sets it at run time; a target directory that is shared by
    // two clones may hold the other clone's build.
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .parent()
        .map_or_else(|| manifest.clone(), Path::to_path_buf)
}

/// Cargo's target directory: two levels above this very executable.
pub(crate) fn target() -> Result<PathBuf> {
    let executable = env::current_exe().context("the path of xtask itself")?;
    let target = executable
        .ancestors()
        .nth(2)
        .context("xtask runs outside a target directory")?;
    Ok(target.to_path_buf())
}

/// The user's cache directory for this project, as the XDG base directory
/// specification has it. It need not exist yet.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME").map(PathBuf::from) {
        Some(dir) if dir.is_absolute() => dir,
        _ => {
            let home = env::var_os("HOME").filter(|home| !home.is_empty());
            PathBuf::from(home.context("neither XDG_CACHE_HOME nor HOME is set")?).join(".cache")
        }
    };
    Ok(base.join("interdict"))
}

/// Finds a program on PATH, and in the directories of the superuser, which
/// are not on every user's PATH.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
