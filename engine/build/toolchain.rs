//! What compiles the BPF programs: a compiler with a `core` for their target,
//! and the linker that makes BPF of what it emits.
//!
//! Included by the engine's build script and by xtask, so it stands on the
//! standard library alone. It only looks; `cargo xtask setup` installs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The target of the BPF programs.
const TARGET: &str = "bpfel-unknown-none";

/// Below this, the linker emits no BTF for maps.
const LINKER_AT_LEAST: (u32, u32) = (0, 13);

/// A compiler that can compile for [`TARGET`].
#[derive(Clone, Debug)]
pub(crate) enum Compiler {
    /// The distribution's stable compiler, which comes with a `core` for the
    /// target. It stands beside whatever rustup manages.
    Distribution {
        /// The compiler itself.
        rustc: PathBuf,
    },
    /// rustup's nightly with `rust-src`, which compiles `core` on the way.
    ///
    /// UNVERIFIED: written after cargo's manual, but never run, for want of a
    /// machine that has it.
    Nightly,
}

/// All that compiles the BPF programs.
#[derive(Clone, Debug)]
pub(crate) struct BpfToolchain {
    compiler: Compiler,
    linker: PathBuf,
}

/// Finds the toolchain.
///
/// # Errors
/// One message that says what to install.
pub(crate) fn find() -> Result<BpfToolchain, String> {
    match (compiler(), linker()) {
        (Some(compiler), Some(linker)) => Ok(BpfToolchain { compiler, linker }),
        (compiler, linker) => Err(advice(compiler.is_none(), linker.is_none())),
    }
}

fn advice(no_compiler: bool, no_linker: bool) -> String {
    let mut message = String::from("the BPF programs cannot be built:");
    if no_compiler {
        message.push_str(" no Rust compiler with a `core` for `bpfel-unknown-none`");
    }
    if no_linker {
        message.push_str(if no_compiler { ", and no" } else { " no" });
        message.push_str(" `bpf-linker` of version 0.13 or later that runs");
    }
    message.push_str(
        "; on Debian, `cargo xtask setup` as root installs both; elsewhere, run `rustup toolchain \
         install nightly --component rust-src` and install `bpf-linker` as its own page says",
    );
    message
}

/// Finds a compiler: the distribution's if it will do, else rustup's nightly.
pub(crate) fn compiler() -> Option<Compiler> {
    distribution_compiler(Path::new("/usr/bin/rustc")).or_else(nightly_compiler)
}

fn distribution_compiler(rustc: &Path) -> Option<Compiler> {
    let libraries = rustlib(Command::new(rustc).args(["--print", "sysroot"]))?;
    let core = std::fs::read_dir(libraries.join(TARGET).join("lib")).ok()?;
    core.filter_map(Result::ok)
        .find(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))?;
    Some(Compiler::Distribution {
        rustc: rustc.to_path_buf(),
    })
}

fn nightly_compiler() -> Option<Compiler> {
    let libraries =
        rustlib(Command::new("rustup").args(["run", "nightly", "rustc", "--print", "sysroot"]))?;
    libraries
        .join("src/rust/library/core/src/lib.rs")
        .exists()
        .then_some(Compiler::Nightly)
}

/// The `rustlib` directory of the sysroot that a compiler prints.
fn rustlib(print_sysroot: &mut Command) -> Option<PathBuf> {
    let sysroot = text(print_sysroot)?;
    Some(Path::new(sysroot.trim_end()).join("lib/rustlib"))
}

/// Finds `bpf-linker` on PATH or where cargo installs programs. It must run:
/// it needs an LLVM library, which may be gone.
pub(crate) fn linker() -> Option<PathBuf> {
    let on_path = env::var_os("PATH").unwrap_or_default();
    let below = |variable: &str, rest: &str| {
        env::var_os(variable).map(|directory| Path::new(&directory).join(rest))
    };
    let installed = [
        below("CARGO_INSTALL_ROOT", "bin"),
        below("CARGO_HOME", "bin"),
        below("HOME", ".cargo/bin"),
    ];
    env::split_paths(&on_path)
        .chain(installed.into_iter().flatten())
        .map(|directory| directory.join("bpf-linker"))
        .find(|linker| linker.is_file() && linker_version(linker) >= Some(LINKER_AT_LEAST))
}

fn linker_version(linker: &Path) -> Option<(u32, u32)> {
    let version = text(Command::new(linker).arg("--version"))?;
    let mut numbers = version.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// What a program prints, if it is there and succeeds.
fn text(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let printed = output.status.success().then_some(output.stdout)?;
    String::from_utf8(printed).ok()
}

impl BpfToolchain {
    /// The command that builds the package in `manifest_dir`, in release, for
    /// the BPF target. The object is then in
    /// `<target_dir>/bpfel-unknown-none/release`, under the binary's name.
    ///
    /// `target_dir` must not be that of the cargo that runs a build script,
    /// which holds its lock.
    pub(crate) fn cargo_command(&self, manifest_dir: &Path, target_dir: &Path) -> Command {
        let cargo = || env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = match &self.compiler {
            Compiler::Distribution { .. } => Command::new(cargo()),
            Compiler::Nightly => Command::new("rustup"),
        };
        without_the_callers_build(&mut command);
        match &self.compiler {
            Compiler::Distribution { rustc, .. } => {
                // The bootstrap variable lets a stable compiler accept the
                // features that BPF programs need.
                command
                    .env("RUSTC", rustc)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .arg("build");
            }
            Compiler::Nightly => {
                command.args(["run", "nightly", "cargo", "build", "-Zbuild-std=core"]);
            }
        }
        let flags = [
            r#"--cfg=bpf_target_arch="x86_64""#.to_owned(),
            "-Cdebuginfo=2".to_owned(),
            "-Clink-arg=--btf".to_owned(),
            // Instructions on halves of registers: Linux 5.1 and later have them.
            "-Ctarget-cpu=v3".to_owned(),
            format!("-Clinker={}", self.linker.display()),
        ];
        command
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .args(["--release", "--target", TARGET, "--target-dir"])
            .arg(target_dir)
            .current_dir(manifest_dir)
            .stdin(Stdio::null());
        command
    }
}

/// Takes out of a command's environment what a surrounding build has put in
/// (its compiler, wrappers, flags, profile, target directory), but leaves
/// what the user told cargo about the network and the machine.
fn without_the_callers_build(command: &mut Command) {
    const KEPT: [&str; 11] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_MAKEFLAGS",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
        "CARGO_BUILD_JOBS",
        "RUSTUP_HOME",
        "RUSTUP_AUTO_INSTALL",
        "RUST_BACKTRACE",
    ];
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let belongs_to_a_build = text.starts_with("CARGO") || text.starts_with("RUST");
        if belongs_to_a_build && !KEPT.iter().any(|kept| text.starts_with(kept)) {
            command.env_remove(&name);
        }
    }
}
