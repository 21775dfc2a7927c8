//! The command line of `cargo xtask vm`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::run::Add;
use crate::kernels::Kernel;

/// Run a command on a real kernel, in a virtual machine.
#[derive(Args)]
pub(crate) struct VmArgs {
    /// The kernel to boot
    #[arg(long, value_enum)]
    pub(super) kernel: Kernel,
    /// Give the guest a copy of a file or directory of this machine; may be repeated
    #[arg(long = "add", value_name = "HOSTPATH:GUESTPATH", value_parser = parse_add)]
    pub(super) adds: Vec<Add>,
    /// More arguments for the kernel, such as `preempt=full`; may be repeated
    #[arg(long, value_name = "ARGUMENTS")]
    pub(super) append: Vec<String>,
    /// Stop the guest after so many seconds, counted from its start
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(super) timeout: u64,
    /// Virtual CPUs
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(super) cpus: u32,
    /// Memory in MiB
    #[arg(long, value_name = "MIB", default_value_t = 2048)]
    pub(super) memory: u32,
    /// Count instructions for time, one a nanosecond, on one CPU
    #[arg(long)]
    pub(super) icount: bool,
    /// Take `interdict` as it was built last
    #[arg(long)]
    pub(super) no_build: bool,
    /// The cargo profile that `interdict` is built with
    #[arg(long, value_name = "NAME", default_value = "release")]
    pub(super) profile: String,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

fn parse_add(value: &str) -> Result<Add, String> {
    let (host, guest) = value
        .split_once(':')
        .ok_or("expected `HOSTPATH:GUESTPATH`, with a colon between")?;
    let guest = PathBuf::from(guest);
    if !guest.is_absolute() {
        return Err(format!("`{}` is not an absolute path", guest.display()));
    }
    let host = PathBuf::from(host)
        .canonicalize()
        .map_err(|error| format!("`{host}`: {}", error.to_string().to_lowercase()))?;
    Ok(Add { host, guest })
}
