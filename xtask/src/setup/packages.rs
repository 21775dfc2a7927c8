//! Programs that come as packages of the distribution.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::process::{run, say};

/// A package of Debian's and what shows that the machine has its like.
pub(super) struct Package {
    name: &'static str,
    shown_by: Shown,
}

enum Shown {
    /// A program of that name.
    Program(&'static str),
    /// A program of that name that needs no library: it runs in an initramfs.
    StaticProgram(&'static str),
    /// A file.
    File(&'static str),
}

/// What boots a guest, and what unpacks its kernel.
pub(super) const GUEST: &[Package] = &[
    Package {
        name: "qemu-system-x86",
        shown_by: Shown::Program("qemu-system-x86_64"),
    },
    Package {
        name: "busybox-static",
        shown_by: Shown::StaticProgram("busybox"),
    },
    Package {
        name: "util-linux",
        shown_by: Shown::Program("setpriv"),
    },
    Package {
        name: "xz-utils",
        shown_by: Shown::Program("xz"),
    },
    Package {
        name: "zstd",
        shown_by: Shown::Program("zstd"),
    },
];

/// What every build needs beside rustup's toolchain.
pub(super) const BUILD: &[Package] = &[
    Package {
        name: "gcc",
        shown_by: Shown::Program("cc"),
    },
    // The fuzz targets are linked with a library of C++.
    Package {
        name: "g++",
        shown_by: Shown::Program("c++"),
    },
    Package {
        name: "libc6-dev",
        shown_by: Shown::File("/usr/include/stdlib.h"),
    },
    Package {
        name: "ca-certificates",
        shown_by: Shown::File("/etc/ssl/certs/ca-certificates.crt"),
    },
];

/// What tests call, here or in a guest.
pub(super) const TESTS: &[Package] = &[
    Package {
        name: "python3",
        shown_by: Shown::File("/usr/bin/python3"),
    },
    Package {
        name: "iproute2",
        shown_by: Shown::Program("ip"),
    },
    Package {
        name: "util-linux",
        shown_by: Shown::Program("unshare"),
    },
];

/// Installs those of the packages that the machine lacks.
///
/// # Errors
/// When one is missing and this user cannot install it; names them all.
pub(super) fn ensure(packages: &[Package]) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .filter(|package| !package.is_there())
        .map(|package| package.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing)?;
    for package in packages {
        anyhow::ensure!(
            package.is_there(),
            "`{}` is installed, yet what it should bring is not there",
            package.name
        );
    }
    Ok(())
}

/// Installs packages of Debian's, or says which they are.
pub(super) fn install(names: &[&str]) -> Result<()> {
    let names_text = names.join(" ");
    if paths::program("apt-get").is_none() {
        bail!(
            "missing: {names_text} (by Debian's names); install this distribution's like of them"
        );
    }
    // The owner of a process's directory is the user it acts as.
    let user = fs::metadata("/proc/self")
        .context("cannot read /proc")?
        .uid();
    if user != 0 {
        bail!(
            "missing: {names_text}; as root, run `apt-get install --no-install-recommends \
             {names_text}`"
        );
    }
    say(&format!("installing {names_text}"));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("-qq")
            .args(arguments);
        run(&mut command)
    };
    apt(&["update"])?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend_from_slice(names);
    apt(&arguments)
}

impl Package {
    fn is_there(&self) -> bool {
        match self.shown_by {
            Shown::Program(name) => paths::program(name).is_some(),
            Shown::StaticProgram(name) => {
                paths::program(name).is_some_and(|path| is_static(&path).unwrap_or(false))
            }
            Shown::File(path) => Path::new(path).exists(),
        }
    }
}

/// Whether an executable names no dynamic loader: it has no `PT_INTERP`
/// program header. `None` if the file is no 64-bit ELF.
fn is_static(path: &Path) -> Option<bool> {
    const PT_INTERP: u32 = 3;
    let bytes = fs::read(path).ok()?;
    bytes.strip_prefix(b"\x7fELF\x02\x01")?;
    let number = |at: usize, length: usize| -> Option<usize> {
        let field = bytes.get(at..at.checked_add(length)?)?;
        let value = field
            .iter()
            .rev()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        usize::try_from(value).ok()
    };
    let (table, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
    for index in 0..count {
        if number(table + index * size, 4)? == PT_INTERP as usize {
            return Some(false);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::is_static;

    #[test]
    fn this_test_is_not_static() {
        let this = std::env::current_exe().unwrap();
        assert_eq!(is_static(&this), Some(false));
    }

    #[test]
    fn text_is_no_program() {
        assert_eq!(
            is_static(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").as_ref()),
            None
        );
    }
}
