//! An `AppArmor` profile of the process that is measured, which allows what is
//! measured: rules about families and types of sockets, and about files. Debian's
//! kernels know no rule about an address, a port or a unix path to connect to.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Outcome;

/// The profile's name.
const NAME: &str = "interdict-bench";
/// Where it is written for the program that loads it.
const SOURCE: &str = "/run/interdict-bench.profile";
/// What the kernel says of the process that reads it.
const CURRENT: &str = "/proc/self/attr/current";

/// Loads the profile, for whatever executes this very program from now on.
pub(crate) fn load(folder: &Path) -> Outcome<()> {
    let program = std::env::current_exe()?;
    let text = format!(
        "profile {NAME} {} {{\n\
         network unix stream,\nnetwork unix dgram,\n\
         network inet stream,\nnetwork inet dgram,\n\
         unix,\nsignal,\nptrace,\ncapability,\nfile,\n}}\n",
        program.display()
    );
    fs::write(SOURCE, text)?;
    let loaded = Command::new(folder.join("apparmor_parser"))
        .args(["--replace", "--skip-cache", SOURCE])
        .stdin(Stdio::null())
        .output()?;
    if loaded.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&loaded.stderr);
    Err(format!("the profile was not loaded: {}", said.trim()).into())
}

/// That this process is confined by the profile.
pub(crate) fn confined() -> Outcome<()> {
    let current = fs::read_to_string(CURRENT)?;
    if current.trim_end_matches(['\n', '\0']) == format!("{NAME} (enforce)") {
        Ok(())
    } else {
        Err(format!("`{}` confines this process", current.trim()).into())
    }
}
