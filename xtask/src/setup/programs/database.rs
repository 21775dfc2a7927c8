//! An empty database, as a tar file: `initdb` takes a second here,
//! and a minute on an emulated CPU.

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::remove_if_present;
use crate::process::{output, run};

/// Where guests find it, below `/usr`.
pub(super) const FILE: &str = "share/interdict-tests/database.tar";

/// Below a root.
const PROGRAMS: &str = "usr/lib/postgresql/15/bin";

/// The database refuses to run as root; this is nobody.
const USER: u32 = 65534;

/// Makes the file at `to`, with the machine's `initdb` or the one below `kept`.
pub(super) fn make(kept: &Path, to: &Path) -> Result<()> {
    let scratch = env::temp_dir().join(format!("interdict-database-{}", std::process::id()));
    remove_if_present(&scratch)?;
    let made = make_in(&scratch, kept, to).context("cannot make an empty database");
    remove_if_present(&scratch)?;
    made
}

fn make_in(scratch: &Path, kept: &Path, to: &Path) -> Result<()> {
    let data = scratch.join("data");
    fs::create_dir_all(&data)?;
    fs::set_permissions(scratch, fs::Permissions::from_mode(0o755))?;
    let root = if Path::new("/").join(PROGRAMS).join("initdb").exists() {
        PathBuf::from("/")
    } else {
        // Another user may not enter the cache.
        let from = kept.join("usr");
        run(Command::new("cp").arg("-a").arg(from).arg(scratch))?;
        scratch.to_path_buf()
    };
    let initdb = root.join(PROGRAMS).join("initdb");
    let mut command = if fs::metadata(scratch)?.uid() == 0 {
        chown(&data, Some(USER), Some(USER))?;
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={USER}"));
        command.arg(format!("--regid={USER}"));
        command.args(["--clear-groups", "--"]).arg(initdb);
        command
    } else {
        Command::new(initdb)
    };
    if root == scratch {
        command.env("LD_LIBRARY_PATH", root.join("usr/lib/x86_64-linux-gnu"));
    }
    command
        .args([
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
            "--auth=trust",
        ])
        .args(["--username=postgres", "--wal-segsize=1", "--pgdata"])
        .arg(&data)
        .current_dir(scratch);
    // Its output tells how to start it here, which nobody wants.
    output(&mut command)?;
    fs::create_dir_all(to.parent().context("a file without a directory")?)?;
    let beside = to.with_extension("new");
    run(Command::new("tar")
        .args(["-c", "-C"])
        .arg(&data)
        .arg("-f")
        .arg(&beside)
        .arg("."))?;
    fs::rename(&beside, to).with_context(|| format!("cannot write {}", to.display()))
}
