//! Builds the BPF object from source and tells the crate where it lies.
//!
//! With the feature `stub-object` an empty file stands in for it, so that plain
//! checks and tests need no BPF tool-chain; the loader refuses such a build.

#[path = "build/toolchain.rs"]
mod toolchain;

use std::path::{Path, PathBuf};
use std::{env, fs, process};

fn main() {
    if let Err(message) = run() {
        // The one place where cargo shows what a build script has to say.
        println!("cargo::error={message}");
        process::exit(1);
    }
}

fn run() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/toolchain.rs");
    if env::var_os("CARGO_FEATURE_DAEMON").is_none() {
        return Ok(());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let object = if env::var_os("CARGO_FEATURE_STUB_OBJECT").is_some() {
        stub(&out)?
    } else {
        build(&out)?
    };
    println!("cargo::rustc-env=INTERDICT_BPF_OBJECT={}", object.display());
    Ok(())
}

/// An empty file.
fn stub(out: &Path) -> Result<PathBuf, String> {
    let object = out.join("stub.o");
    fs::write(&object, []).map_err(|error| format!("{}: {error}", object.display()))?;
    Ok(object)
}

/// The object, compiled by whatever tool-chain is found.
fn build(out: &Path) -> Result<PathBuf, String> {
    let engine = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets it")?);
    let root = engine.parent().ok_or("the engine lies in the workspace")?;
    let source = root.join("engine-ebpf");
    let abi = root.join("policy-lang/abi");
    for watched in [
        source.join("src"),
        source.join("Cargo.toml"),
        abi.join("src"),
    ] {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    let target = out.join("bpf");
    let tools = toolchain::find()?;
    let status = tools
        .cargo_command(&source, &target)
        .status()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !status.success() {
        return Err("the BPF programs do not build; see above".into());
    }
    let object = target.join("bpfel-unknown-none/release/interdict-ebpf");
    if object.exists() {
        Ok(object)
    } else {
        Err(format!("the build left no `{}`", object.display()))
    }
}
