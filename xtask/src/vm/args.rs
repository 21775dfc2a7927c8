//! The command line of `cargo xtask vm`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::run::Add;
use crate::kernels::Kernel;

/// Run a command on a real kernel, in a virtual machine
#[derive(Args)]
#[command(long_about = LONG_ABOUT, after_long_help = AFTER_HELP)]
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

const LONG_ABOUT: &str = "\
Run a command on a real kernel, in a virtual machine.

Boots the kernel in QEMU, with `bpf` among its security modules, and runs the
command there as root. Its output is shown as it comes, standard output and
standard error apart and byte for byte; its exit code is that of `cargo xtask
vm`. Its standard input is empty. What it leaves running ends with it.

This interface is kept stable, for other programs to drive interdict through.";

const AFTER_HELP: &str = "\
What the guest is:
  - This machine's own root file system, read-only, under a writable layer in
    memory: whatever is installed here runs there, whatever is written there is
    gone afterwards. /dev, /proc, /run, /sys and /tmp are the guest's own, the
    last two empty; so a file in this machine's /tmp needs `--add`. This
    project's own directory is visible wherever it lies.
  - `interdict`, freshly built, as /usr/bin/interdict.
  - Mounted: bpf on /sys/fs/bpf, securityfs, tracefs on /sys/kernel/tracing,
    debugfs, cgroup v2 alone on /sys/fs/cgroup.
  - Users 0, 1000 and 1001, each with a home; unprivileged user namespaces are
    allowed. The interface lo is up, there is no other.
  - `modprobe` loads what the kernel has of sctp, smc (not in 7.3), vsock, tls,
    veth, the socket listings and more; the kernel does so by itself.
  - The command starts in this very directory if the guest has it, else in /,
    with PATH, HOME, USER, SHELL, TERM and LANG set, and INTERDICT_VM=1 and
    INTERDICT_KERNEL=<the name given>.

Copies (`--add`) are the guest's own to write, with owner and mode kept; what
was at GUESTPATH is replaced, but a directory is added to a directory.

Exit codes:
  the command's own; 128 and the signal's number if a signal ended it;
  127 if there is no such command, 126 if it cannot be run
  2    these arguments were wrong
  123  the guest ended before the command: a panic, an oops, a shutdown
  124  the time was over
  125  the guest or the command could not be started
For 123 to 125, standard error gets the end of the kernel's log.

Examples:
  cargo xtask vm --kernel 6.1 -- interdict --help
  cargo xtask vm --kernel 7.3 --append preempt=full --cpus 1 -- python3 \
      -c 'import socket; print(socket.create_server((\"127.0.0.1\", 0)))'
  cargo xtask vm --kernel 6.12 --add ./my.policy:/etc/interdict/my.policy -- \\
      cat /etc/interdict/my.policy";

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
