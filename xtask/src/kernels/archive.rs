//! Debian's archive, through apt but beside the machine's own configuration.
//!
//! apt checks the archive's signature and every package's checksum. The
//! mirrors are the machine's own, asked of apt; the lists, the cache and the
//! sources are private to one fetch, so that no privilege is needed and
//! nothing of the machine's changes. Nothing is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Suite;
use crate::process::{output_text, run};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// An open, private view of the archive; its directory is the caller's to
/// remove.
pub(super) struct Archive {
    directory: PathBuf,
}

/// The machine's mirrors: base addresses of Debian and of its security
/// updates.
struct Mirrors {
    main: String,
    security: String,
}

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Self::BookwormSecurity => "bookworm-security",
            Self::TrixieBackports => "trixie-backports",
        }
    }

    fn mirror(self, mirrors: &Mirrors) -> &str {
        match self {
            Self::BookwormSecurity => &mirrors.security,
            Self::TrixieBackports => &mirrors.main,
        }
    }
}

impl Archive {
    /// Makes the private configuration under `directory` and fetches the
    /// lists of packages.
    pub(super) fn open(directory: &Path) -> Result<Self> {
        check_machine()?;
        let mirrors = Mirrors::of_this_machine()?;
        for part in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(directory.join(part))?;
        }
        let sources = [Suite::BookwormSecurity, Suite::TrixieBackports].map(|suite| {
            let (name, mirror) = (suite.name(), suite.mirror(&mirrors));
            format!("deb [arch=amd64 target=Packages signed-by={KEYRING}] {mirror} {name} main\n")
        });
        fs::write(directory.join("sources.list"), sources.concat())?;
        let archive = Self {
            directory: directory.to_path_buf(),
        };
        run(archive.apt("apt-get").args(["-qq", "update"]))
            .context("cannot read Debian's lists of packages")?;
        Ok(archive)
    }

    /// The newest package whose name is `start`, a version, `end`.
    pub(super) fn newest(&self, suite: Suite, start: &str, end: &str) -> Result<String> {
        let names = output_text(self.apt("apt-cache").args(["pkgnames", start]))?;
        let newest = names
            .lines()
            .filter_map(|name| {
                let version = name.strip_prefix(start)?.strip_suffix(end)?;
                Some((version_numbers(version)?, name))
            })
            .max();
        let Some((_, name)) = newest else {
            bail!(
                "Debian's `{}` has no package `{start}*{end}` any more",
                suite.name()
            );
        };
        Ok(name.to_owned())
    }

    /// Downloads packages and unpacks them, all into one directory.
    pub(super) fn unpack(&self, packages: &[String], into: &Path) -> Result<()> {
        let downloads = into.with_extension("downloads");
        fs::create_dir_all(&downloads)?;
        fs::create_dir_all(into)?;
        run(self
            .apt("apt-get")
            .args(["-qq", "download"])
            .args(packages.iter().map(|name| format!("{name}:amd64")))
            .current_dir(&downloads))?;
        for entry in fs::read_dir(&downloads)? {
            run(Command::new("dpkg").arg("-x").arg(entry?.path()).arg(into))?;
        }
        fs::remove_dir_all(&downloads)?;
        Ok(())
    }

    fn apt(&self, program: &str) -> Command {
        let at = |part: &str| self.directory.join(part).display().to_string();
        let mut command = Command::new(program);
        for option in [
            format!("Dir::Etc::SourceList={}", at("sources.list")),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            format!("Dir::State::Lists={}", at("lists")),
            format!("Dir::Cache={}", self.directory.display()),
            format!("Dir::Cache::Archives={}", at("archives")),
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=3".to_owned(),
            // The user whom apt downloads as may not enter a home directory;
            // signatures and checksums are verified all the same.
            "APT::Sandbox::User=root".to_owned(),
        ] {
            command.arg("-o").arg(option);
        }
        command
    }
}

impl Mirrors {
    fn of_this_machine() -> Result<Self> {
        // Without release information, so that a machine whose lists were
        // never fetched answers as well.
        let targets = output_text(Command::new("apt-get").args([
            "indextargets",
            "--no-release-info",
            "--format",
            "$(CREATED_BY) $(COMPONENT) $(RELEASE) $(REPO_URI)",
        ]))?;
        let mut main = None;
        let mut security = None;
        for line in targets.lines() {
            let mut words = line.split_whitespace();
            if words.next() != Some("Packages") || words.next() != Some("main") {
                continue;
            }
            let (Some(release), Some(address)) = (words.next(), words.next()) else {
                continue;
            };
            if release.ends_with("-security") {
                security.get_or_insert_with(|| address.to_owned());
            } else if release.ends_with("-updates") {
                // The same mirror as the release proper.
                main.get_or_insert_with(|| address.to_owned());
            } else if is_debian_release(release) {
                main = Some(address.to_owned());
            }
        }
        let missing = "apt's sources name no mirror of";
        Ok(Self {
            main: main.with_context(|| format!("{missing} Debian's `main`"))?,
            security: security.with_context(|| format!("{missing} Debian's security updates"))?,
        })
    }
}

fn is_debian_release(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "bookworm",
        "trixie",
        "forky",
        "sid",
        "testing",
        "stable",
        "oldstable",
    ];
    NAMES.contains(&name)
}

/// The kernels are Debian's packages: says in one message what this machine
/// lacks to fetch them.
fn check_machine() -> Result<()> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !release.lines().any(|line| line == "ID=debian") {
        bail!(
            "the kernels are fetched from Debian's archive with the machine's own apt; this is not \
             a Debian: run it on Debian 12 or later, or copy `{}` from one",
            crate::paths::cache()?.join("kernels").display()
        );
    }
    if !Path::new(KEYRING).exists() {
        bail!("{KEYRING} is missing: apt-get install debian-archive-keyring");
    }
    Ok(())
}

/// `0-56` and `12.117` as numbers, to compare; `None` if anything but digits,
/// dots and hyphens stands in it.
fn version_numbers(version: &str) -> Option<Vec<u32>> {
    version
        .split(['.', '-'])
        .map(|number| number.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::version_numbers;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version_numbers("0-56") > version_numbers("0-9"));
        assert!(version_numbers("117") > version_numbers("99"));
    }

    #[test]
    fn flavours_are_no_versions() {
        assert_eq!(version_numbers("0-56-cloud"), None);
        assert_eq!(version_numbers("0-56-rt"), None);
        assert_eq!(version_numbers(""), None);
    }
}
