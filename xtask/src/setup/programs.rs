//! Servers and tools that tests run in guests, as they are, and that this
//! machine need not have.
//!
//! What the machine lacks of them comes from Debian's packages, with what these
//! need and the machine lacks as well. They are unpacked into the user's cache and
//! never installed: a database that is installed starts, and a test is no reason
//! for that. A guest gets copies in its `/usr`.

mod database;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::paths;
use crate::process::{filter, output, run, say};
use crate::vm::Add;

/// A package of Debian's, and the file below `/usr` that it is wanted for.
struct Program {
    package: &'static str,
    file: &'static str,
}

/// What the tests in `tests/tests/kernel/servers` run. Add one HERE.
const PROGRAMS: [Program; 9] = [
    Program {
        package: "btrfs-progs",
        file: "sbin/mkfs.btrfs",
    },
    Program {
        package: "curl",
        file: "bin/curl",
    },
    Program {
        package: "dbus-bin",
        file: "bin/dbus-send",
    },
    Program {
        package: "dbus-daemon",
        file: "bin/dbus-daemon",
    },
    Program {
        package: "dnsmasq-base",
        file: "sbin/dnsmasq",
    },
    Program {
        package: "nginx",
        file: "sbin/nginx",
    },
    Program {
        package: "postgresql-15",
        file: "lib/postgresql/15/bin/postgres",
    },
    Program {
        package: "redis-server",
        file: "bin/redis-server",
    },
    Program {
        package: "systemd",
        file: "lib/systemd/systemd",
    },
];

/// What is not unpacked, as tar's patterns: what belongs to an installed package,
/// and what is large and of no use to these programs. (The database compiles
/// nothing, and none of them is written in Perl.)
const LEFT_OUT: [&str; 12] = [
    "./etc",
    "./var",
    "./usr/share/doc",
    "./usr/share/i18n",
    "./usr/share/info",
    "./usr/share/locale",
    "./usr/share/man",
    "*/bitcode",
    "*/libLLVM*",
    "*/libz3*",
    "*/llvmjit*",
    "*/perl*",
];

/// Where Debian keeps the lists of packages that it has fetched.
const LISTS: &str = "/var/lib/apt/lists";

/// Fetches what neither the machine nor the cache has; what a guest must get
/// copies of.
///
/// # Errors
/// When a program cannot be had, with its package.
pub(super) fn ensure() -> Result<Vec<Add>> {
    let home = paths::cache()?;
    let kept = home.join("programs");
    let missing: Vec<&Program> = PROGRAMS.iter().filter(|one| !one.is_installed()).collect();
    let complete = || {
        let database = kept.join("usr").join(database::FILE);
        database.exists() && missing.iter().all(|one| one.is_below(&kept))
    };
    if !complete() {
        fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
        // Two commands that start together fetch once: the second waits here.
        let lock = File::create(home.join("programs.lock"))?;
        lock.lock().context("cannot lock the cache of programs")?;
        if !complete() {
            fetch(&missing, &kept)?;
        }
    }
    Ok(vec![Add {
        host: kept.join("usr"),
        guest: PathBuf::from("/usr"),
    }])
}

/// What loads a profile into `AppArmor`, for the benchmark alone.
const PARSER: Program = Program {
    package: "apparmor",
    file: "sbin/apparmor_parser",
};

/// `apparmor_parser`: the machine's, or from the cache, where it comes when it is
/// not there.
///
/// # Errors
/// When it cannot be had, with its package.
pub(super) fn apparmor_parser() -> Result<PathBuf> {
    let home = paths::cache()?;
    let kept = home.join("benchmark");
    if PARSER.is_installed() {
        return Ok(Path::new("/usr").join(PARSER.file));
    }
    if !PARSER.is_below(&kept) {
        fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
        let lock = File::create(home.join("benchmark.lock"))?;
        lock.lock().context("cannot lock the cache of programs")?;
        if !PARSER.is_below(&kept) {
            let scratch = kept.with_extension("unfinished");
            let root = unpacked(&[&PARSER], &scratch)?;
            remove_if_present(&kept)?;
            fs::rename(&root, &kept)?;
            remove_if_present(&scratch)?;
        }
    }
    Ok(kept.join("usr").join(PARSER.file))
}

/// Puts these programs in place of what was kept before, in one step.
fn fetch(programs: &[&Program], kept: &Path) -> Result<()> {
    let scratch = kept.with_extension("unfinished");
    let root = unpacked(programs, &scratch)?;
    database::make(&root, &root.join("usr").join(database::FILE))?;
    remove_if_present(kept)?;
    fs::rename(&root, kept)?;
    remove_if_present(&scratch)
}

/// Downloads and unpacks these programs below an empty folder; where their root is.
fn unpacked(programs: &[&Program], scratch: &Path) -> Result<PathBuf> {
    let names: Vec<&str> = programs.iter().map(|program| program.package).collect();
    remove_if_present(scratch)?;
    let root = scratch.join("root");
    if !names.is_empty() {
        say(&format!("fetching {} for the guests", names.join(" ")));
        unpack(&download(&names, scratch)?, &root)?;
    }
    for program in programs {
        ensure!(
            program.is_below(&root),
            "the package `{}` has no `/usr/{}`",
            program.package,
            program.file
        );
    }
    Ok(root)
}

/// Downloads packages, and all that they need and the machine lacks; where they lie.
fn download(names: &[&str], scratch: &Path) -> Result<PathBuf> {
    ensure!(
        paths::program("apt-get").is_some(),
        "missing: {} (by Debian's names); install this distribution's like of them",
        names.join(" ")
    );
    let downloads = scratch.join("archives");
    for part in ["archives/partial", "lists/partial"] {
        fs::create_dir_all(scratch.join(part))?;
    }
    let own = scratch.join("lists");
    let fetch = |lists: &Path| {
        run(apt(scratch, lists)
            .args(["--yes", "--no-install-recommends", "--download-only"])
            .arg("install")
            .args(names))
    };
    // The machine's lists may name versions that the mirror no longer has.
    if fetch(Path::new(LISTS)).is_err() {
        run(apt(scratch, &own).arg("update")).context("cannot read Debian's lists of packages")?;
        fetch(&own)?;
    }
    Ok(downloads)
}

/// The machine's apt with its own sources, which changes nothing of the machine's.
fn apt(scratch: &Path, lists: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.arg("-qq");
    for option in [
        format!("Dir::Cache={}", scratch.display()),
        format!(
            "Dir::Cache::Archives={}",
            scratch.join("archives").display()
        ),
        format!("Dir::State::Lists={}", lists.display()),
        "Acquire::Languages=none".to_owned(),
        "Acquire::Retries=3".to_owned(),
        // Nothing of the machine's is written, so nothing needs a lock of its.
        "Debug::NoLocking=1".to_owned(),
        // The user whom apt downloads as may not enter a home directory;
        // signatures and checksums are verified all the same.
        "APT::Sandbox::User=root".to_owned(),
    ] {
        command.arg("-o").arg(option);
    }
    command
}

/// Unpacks every package of a directory into one, as if all lay in `/usr`.
fn unpack(downloads: &Path, root: &Path) -> Result<()> {
    for name in ["bin", "lib", "lib64", "sbin"] {
        fs::create_dir_all(root.join("usr").join(name))?;
        std::os::unix::fs::symlink(Path::new("usr").join(name), root.join(name))?;
    }
    for entry in fs::read_dir(downloads)? {
        let package = entry?.path();
        if package.extension().is_none_or(|ending| ending != "deb") {
            continue;
        }
        let files = output(Command::new("dpkg-deb").arg("--fsys-tarfile").arg(&package))?;
        let mut tar = Command::new("tar");
        tar.args(["-x", "--keep-directory-symlink", "--no-same-owner", "-C"])
            .arg(root)
            .args(LEFT_OUT.map(|pattern| format!("--exclude={pattern}")));
        filter(&mut tar, files).with_context(|| format!("cannot unpack {}", package.display()))?;
    }
    Ok(())
}

fn remove_if_present(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}

impl Program {
    fn is_installed(&self) -> bool {
        self.is_below(Path::new("/"))
    }

    /// A link may lead to where it leads in a guest alone.
    fn is_below(&self, root: &Path) -> bool {
        root.join("usr").join(self.file).symlink_metadata().is_ok()
    }
}
