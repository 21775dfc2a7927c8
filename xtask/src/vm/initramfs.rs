//! What the guest starts from: busybox, the modules that mount its root, the
//! two scripts, and what they are told about this run.
//!
//! A few megabytes, put together in milliseconds for each run; there is
//! nothing worth keeping between runs.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::cpio::Archive;
use super::run::Request;
use crate::kernels::Image;

const INIT: &str = include_str!("init.sh");
const ROOT: &str = include_str!("root.sh");

const GUEST_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The initramfs of one run.
///
/// # Errors
/// When `busybox` or a module cannot be read.
pub(super) fn build(request: &Request, image: &Image, busybox: &Path) -> Result<Vec<u8>> {
    let mut archive = Archive::new();
    for directory in [
        "bin", "dev", "host", "modules", "new", "proc", "root", "sys", "upper", "vm",
    ] {
        archive.directory(directory);
    }
    archive.file("init", INIT.as_bytes());
    archive.file("bin/busybox", &read(busybox)?);
    let mut order = String::new();
    for module in &image.boot_modules {
        let name = module.file_name().unwrap_or_default().to_string_lossy();
        archive.file(&format!("modules/{name}"), &read(module)?);
        order.push_str(&name);
        order.push('\n');
    }
    archive.file("modules/order", order.as_bytes());
    archive.file("vm/root.sh", ROOT.as_bytes());
    archive.file("vm/config", &config(request, image));
    archive.file("vm/adds", &adds(request));
    archive.file("vm/command", &command(request));
    Ok(archive.finish())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Shell assignments that the scripts read.
fn config(request: &Request, image: &Image) -> Vec<u8> {
    let terminal = std::env::var_os("TERM").unwrap_or_else(|| "dumb".into());
    let kernel = request.kernel.to_string();
    let mut script = Vec::new();
    for (name, value) in [
        ("KERNEL", OsStr::new(&kernel)),
        ("MODULES", image.modules.as_os_str()),
        ("CWD", request.directory.as_os_str()),
        ("GUEST_PATH", OsStr::new(GUEST_PATH)),
        ("GUEST_TERM", &terminal),
    ] {
        script.extend_from_slice(name.as_bytes());
        script.push(b'=');
        script.extend(quoted(value));
        script.push(b'\n');
    }
    script
}

/// Calls of `add` and `see` in root.sh.
fn adds(request: &Request) -> Vec<u8> {
    let mut script = Vec::new();
    for directory in &request.visible {
        line(&mut script, "see", &[directory.as_os_str()]);
    }
    for add in &request.adds {
        line(
            &mut script,
            "add",
            &[add.host.as_os_str(), add.guest.as_os_str()],
        );
    }
    script
}

fn command(request: &Request) -> Vec<u8> {
    let words: Vec<&OsStr> = request.command.iter().map(AsRef::as_ref).collect();
    let mut script = Vec::new();
    line(&mut script, "set --", &words);
    script
}

fn line(script: &mut Vec<u8>, command: &str, words: &[&OsStr]) {
    script.extend_from_slice(command.as_bytes());
    for word in words {
        script.push(b' ');
        script.extend(quoted(word));
    }
    script.push(b'\n');
}

/// A word as the shell reads it back, byte for byte.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for &byte in word.as_bytes() {
        if byte == b'\'' {
            quoted.extend_from_slice(br"'\''");
        } else {
            quoted.push(byte);
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_survive_quoting() {
        assert_eq!(quoted("a'b $c".as_ref()), br"'a'\''b $c'");
    }
}
