//! Places in the guest's file system that tests use.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The program that rules make an exception for.
pub const GOOD: &str = "/usr/bin/good";

/// A fresh directory that everybody can write to.
#[must_use]
pub fn fresh(name: &str) -> PathBuf {
    let path = Path::new("/tmp/interdict-tests").join(name);
    fs::remove_dir_all(&path).ok();
    fs::create_dir_all(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    path
}

/// Makes a program of that path a copy of `probe`.
pub fn install(path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    fs::remove_file(path).ok();
    fs::copy(probe(), path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_owned()
}

/// Makes [`GOOD`], unless it is there.
pub fn make_good() {
    if !Path::new(GOOD).exists() {
        install(GOOD);
    }
}

/// [`GOOD`], which is there.
#[must_use]
pub fn good() -> PathBuf {
    make_good();
    PathBuf::from(GOOD)
}

/// A program that no rule names.
#[must_use]
pub fn other() -> PathBuf {
    let path = PathBuf::from("/usr/bin/other");
    if !path.exists() {
        install(&path);
    }
    path
}

/// `probe` lies beside the tests, or where cargo has put it.
fn probe() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let beside = tests.with_file_name("probe");
    if beside.exists() {
        return beside;
    }
    // target/debug/deps/kernel-… and target/debug/probe
    let built = tests.ancestors().nth(2).unwrap().join("probe");
    assert!(built.exists(), "no `probe` beside {}", tests.display());
    built
}
