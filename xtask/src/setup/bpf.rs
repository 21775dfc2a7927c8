//! The compiler and the linker of the BPF programs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::packages::install;
use crate::cargo::cargo;
use crate::process::{output_text, run, say};
use crate::toolchain::{self, Compiler};

/// The version of the linker that this project is built with.
const LINKER: &str = "0.13.0";

/// Installs the compiler and the linker if they are missing.
///
/// # Errors
/// When they are and cannot be installed; says what to do.
pub(super) fn ensure() -> Result<()> {
    let Err(advice) = toolchain::find() else {
        return Ok(());
    };
    install_missing().context(advice)?;
    toolchain::find().map(drop).map_err(anyhow::Error::msg)
}

fn install_missing() -> Result<()> {
    if toolchain::compiler().is_none() {
        install(&["rustc-web", "libstd-rust-web-dev-bpf"])?;
    }
    if toolchain::linker().is_some() {
        return Ok(());
    }
    // The linker reads what the compiler writes, so their LLVMs must match.
    let Some(Compiler::Distribution { rustc }) = toolchain::compiler() else {
        bail!(
            "`bpf-linker` is missing, and which LLVM it needs is known for Debian's compiler only"
        );
    };
    let llvm = llvm_version(&rustc)?;
    let (dev, polly) = (format!("llvm-{llvm}-dev"), format!("libpolly-{llvm}-dev"));
    install(&[&dev, &polly, "libzstd-dev", "zlib1g-dev", "libxml2-dev"])?;
    say(&format!(
        "compiling bpf-linker {LINKER}; this takes a minute or two"
    ));
    let feature = format!("llvm-{llvm}");
    run(cargo()
        .env("LLVM_PREFIX", format!("/usr/lib/llvm-{llvm}"))
        .args([
            "install",
            "--quiet",
            "--locked",
            "bpf-linker",
            "--version",
            LINKER,
        ])
        .args(["--no-default-features", "--features", &feature]))
}

/// The major version of a compiler's LLVM.
fn llvm_version(rustc: &Path) -> Result<u32> {
    let version = output_text(Command::new(rustc).arg("-vV"))?;
    let llvm = version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "));
    llvm.and_then(|numbers| numbers.split('.').next()?.parse().ok())
        .with_context(|| format!("{} names no LLVM version", rustc.display()))
}
