//! The kernels that interdict is tested on: which they are, where they lie.
//!
//! Each is kept in the user's cache, reduced to what a guest needs, and
//! fetched when it is not there. The directory of a kernel appears by one
//! rename of a complete one, so that a fetch that was cut short leaves
//! nothing that looks like a kernel.

mod archive;
mod modules;
mod vmlinux;

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::paths;
use crate::process::say;

/// A kernel that interdict is tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kernel {
    /// The oldest that interdict supports.
    #[value(name = "6.1")]
    V6_1,
    /// The long-term kernel in between.
    #[value(name = "6.12")]
    V6_12,
    /// The newest; its default preemption is lazy.
    #[value(name = "7.3")]
    V7_3,
}

/// Where a kernel comes from.
struct Origin {
    /// The name that users give it: `6.1`.
    name: &'static str,
    suite: Suite,
    /// Its binary packages, each the beginning and the end of a name; between
    /// them stand a version's digits, dots and hyphens only, which leaves out
    /// the cloud and real-time flavours. (The cloud kernels have no 9P.)
    packages: &'static [(&'static str, &'static str)],
}

/// A part of Debian's archive.
#[derive(Clone, Copy)]
enum Suite {
    BookwormSecurity,
    TrixieBackports,
}

/// A kernel in the cache, ready to boot.
pub(crate) struct Image {
    /// The kernel proper, as QEMU takes it.
    pub(crate) kernel: PathBuf,
    /// The directory that a guest sees as its modules,
    /// `/lib/modules/<release>`.
    pub(crate) modules: PathBuf,
    /// The modules that mount the guest's root, in the order of loading.
    pub(crate) boot_modules: Vec<PathBuf>,
}

/// Counts up when what is kept of a kernel changes; a cache that says
/// otherwise is fetched anew.
const LAYOUT: &str = "2";

/// In a kernel's directory: the kernel proper.
const KERNEL: &str = "kernel";

/// In a kernel's directory: the layout's number.
const COMPLETE: &str = "complete";

impl Kernel {
    /// Every kernel, oldest first.
    pub(crate) const ALL: [Self; 3] = [Self::V6_1, Self::V6_12, Self::V7_3];

    fn origin(self) -> Origin {
        match self {
            Self::V6_1 => Origin {
                name: "6.1",
                suite: Suite::BookwormSecurity,
                packages: &[("linux-image-6.1.", "-amd64-unsigned")],
            },
            Self::V6_12 => Origin {
                name: "6.12",
                suite: Suite::BookwormSecurity,
                packages: &[("linux-image-6.12.", "+deb12-amd64-unsigned")],
            },
            Self::V7_3 => Origin {
                name: "7.3",
                suite: Suite::TrixieBackports,
                packages: &[
                    ("linux-binary-7.3.", "+deb13-amd64"),
                    ("linux-modules-7.3.", "+deb13-amd64"),
                ],
            },
        }
    }

    fn directory(self) -> Result<PathBuf> {
        Ok(paths::cache()?.join("kernels").join(self.origin().name))
    }

    /// Whether the cache holds this kernel, whole.
    pub(crate) fn is_cached(self) -> bool {
        let marker = self
            .directory()
            .and_then(|dir| Ok(fs::read_to_string(dir.join(COMPLETE))?));
        marker.is_ok_and(|layout| layout.trim() == LAYOUT)
    }

    /// The kernel from the cache, where [`ensure`] has put it.
    ///
    /// # Errors
    /// When it is not there.
    pub(crate) fn image(self) -> Result<Image> {
        Image::open(&self.directory()?)
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.origin().name)
    }
}

impl Image {
    fn open(directory: &Path) -> Result<Self> {
        let all = directory.join("lib/modules");
        let mut releases = fs::read_dir(&all).with_context(|| format!("{}", all.display()))?;
        let entry = releases
            .next()
            .with_context(|| format!("{} is empty", all.display()))??;
        let modules = entry.path();
        let boot_modules = modules::load_order(&modules)?;
        Ok(Self {
            kernel: directory.join(KERNEL),
            modules,
            boot_modules,
        })
    }
}

/// Fetches those of the kernels that the cache does not hold.
///
/// # Errors
/// When one cannot be fetched, with what is missing for that.
pub(crate) fn ensure(kernels: &[Kernel]) -> Result<()> {
    if kernels.iter().all(|kernel| kernel.is_cached()) {
        return Ok(());
    }
    let home = paths::cache()?.join("kernels");
    fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
    // Two commands that start together fetch once: the second waits here.
    let lock = File::create(home.join("lock"))?;
    lock.lock().context("cannot lock the kernel cache")?;
    let missing: Vec<Kernel> = kernels.iter().copied().filter(|k| !k.is_cached()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let scratch = home.join("unfinished");
    remove_if_present(&scratch)?;
    let result = fetch(&missing, &scratch);
    remove_if_present(&scratch)?;
    result
}

fn fetch(kernels: &[Kernel], scratch: &Path) -> Result<()> {
    let archive = archive::Archive::open(&scratch.join("apt"))?;
    for &kernel in kernels {
        let origin = kernel.origin();
        let mut packages = Vec::new();
        for &(start, end) in origin.packages {
            packages.push(archive.newest(origin.suite, start, end)?);
        }
        say(&format!(
            "fetching kernel {kernel}: {}",
            packages.join(", ")
        ));
        let unpacked = scratch.join(format!("unpacked-{kernel}"));
        archive.unpack(&packages, &unpacked)?;
        let kept = scratch.join(format!("kept-{kernel}"));
        keep(&unpacked, &kept).with_context(|| format!("kernel {kernel}"))?;
        fs::remove_dir_all(&unpacked)?;
        let directory = kernel.directory()?;
        remove_if_present(&directory)?;
        fs::rename(&kept, &directory)?;
    }
    Ok(())
}

/// Takes from unpacked packages what a guest needs: the kernel proper, and of
/// several thousand modules those that can matter here, uncompressed.
fn keep(unpacked: &Path, kept: &Path) -> Result<()> {
    let all = ["lib/modules", "usr/lib/modules"]
        .map(|dir| unpacked.join(dir))
        .into_iter()
        .find(|dir| dir.is_dir())
        .context("the package holds no modules")?;
    let entry = fs::read_dir(&all)?
        .next()
        .context("the package holds no modules")??;
    let release = entry.file_name().to_string_lossy().into_owned();
    let vmlinuz = [
        unpacked.join(format!("boot/vmlinuz-{release}")),
        entry.path().join("vmlinuz"),
    ]
    .into_iter()
    .find(|file| file.is_file())
    .context("the package holds no vmlinuz")?;
    fs::create_dir_all(kept)?;
    fs::write(kept.join(KERNEL), vmlinux::unpacked(&vmlinuz)?)?;
    modules::keep(&entry.path(), kept, &release)?;
    fs::write(kept.join(COMPLETE), LAYOUT)?;
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
