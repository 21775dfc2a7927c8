//! The virtual machine itself: QEMU's command line and process.
//!
//! Emulated (TCG), since a hardware-assisted guest cannot be had everywhere,
//! least of all inside another guest.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use super::channel::{Channels, LINES};
use super::run::Request;
use crate::kernels::Image;
use crate::paths;

const PROGRAM: &str = "qemu-system-x86_64";

/// A running QEMU; dropping it ends it.
pub(super) struct Qemu {
    child: Child,
}

impl Qemu {
    /// Starts the guest. Kernel messages go to `kernel_log`, QEMU's own words
    /// to `qemu_log`.
    ///
    /// # Errors
    /// When QEMU is missing or a log cannot be written.
    pub(super) fn start(
        request: &Request,
        image: &Image,
        initramfs: &Path,
        channels: &Channels,
        kernel_log: &Path,
        qemu_log: &Path,
    ) -> Result<Self> {
        let program = paths::program(PROGRAM).with_context(|| format!("no `{PROGRAM}`"))?;
        // QEMU goes when xtask goes, however that ends.
        let mut command = match paths::program("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        machine(&mut command, request);
        command
            .arg("-kernel")
            .arg(&image.kernel)
            .arg("-initrd")
            .arg(initramfs);
        command.arg("-append").arg(kernel_arguments(request));
        command
            .arg("-chardev")
            .arg(format!("file,id=kernel,path={}", escaped(kernel_log)));
        command.args(["-serial", "chardev:kernel"]);
        command.args([
            "-virtfs",
            "local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap",
        ]);
        command.args(["-device", "virtio-serial-pci"]);
        for (number, line) in (1..).zip(LINES) {
            let socket = escaped(&channels.socket(line));
            command
                .arg("-chardev")
                .arg(format!("socket,id={line},path={socket}"));
            command
                .arg("-device")
                .arg(format!("virtserialport,chardev={line},nr={number}"));
        }
        let log = File::create(qemu_log)
            .with_context(|| format!("cannot write {}", qemu_log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .spawn()
            .with_context(|| format!("cannot start `{PROGRAM}`"))?;
        Ok(Self { child })
    }

    /// Whether QEMU has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // Neither can fail for a child that is ours and not yet waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn machine(command: &mut Command, request: &Request) {
    command.args([
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-no-reboot",
    ]);
    command.args(["-machine", "q35"]);
    command.arg("-m").arg(format!("{}M", request.memory_mib));
    if request.icount {
        // One instruction, one nanosecond; that leaves room for one CPU.
        command.args([
            "-cpu",
            "max",
            "-accel",
            "tcg,thread=single",
            "-icount",
            "shift=0",
            "-smp",
            "1",
        ]);
    } else {
        // Without fast `rep movsb` and `rep stosb`, which are emulated a byte at a time, the
        // kernel copies by words: the verifier copies its states all the time.
        command
            .args([
                "-cpu",
                "max,-erms,-fsrm",
                "-accel",
                "tcg,thread=multi",
                "-smp",
            ])
            .arg(request.cpus.to_string());
    }
}

fn kernel_arguments(request: &Request) -> String {
    let mut arguments = String::from(
        // An oops is a panic and a panic the guest's end, to be seen at once.
        // Warnings go to the log, which is looked through for them. On a busy machine
        // the kernel's test of its timer can take the emulated one for broken.
        "console=ttyS0 loglevel=5 panic=-1 oops=panic no_timer_check \
         lsm=capability,landlock,bpf rdinit=/init",
    );
    for more in &request.append {
        arguments.push(' ');
        arguments.push_str(more);
    }
    arguments
}

/// A path as QEMU's option parser reads it: a comma is doubled.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}
