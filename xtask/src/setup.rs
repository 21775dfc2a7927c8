//! `cargo xtask setup`: what the other commands need, installed where it is
//! missing.
//!
//! Each part is looked for by what it provides, not by its package, so that
//! a machine that is set up in another way is taken as it is, and a look
//! costs milliseconds.

mod bpf;
mod packages;
mod programs;

use std::path::PathBuf;

use anyhow::Result;

use crate::kernels::{self, Kernel};
use crate::vm::Add;

/// Makes sure of everything.
///
/// # Errors
/// When something is missing and cannot be installed; says what.
pub(crate) fn everything() -> Result<()> {
    install()?;
    fetch()
}

/// Makes sure of what is installed or compiled on this machine.
///
/// # Errors
/// When something is missing and cannot be installed; says what.
pub(crate) fn install() -> Result<()> {
    packages::ensure(packages::GUEST)?;
    for_the_object()?;
    for_tests()
}

/// Makes sure of what is kept in the user's cache for guests: kernels and programs.
///
/// # Errors
/// When something cannot be fetched, with what is missing for that.
pub(crate) fn fetch() -> Result<()> {
    kernels::ensure(&Kernel::ALL)?;
    programs().map(drop)
}

/// Makes sure of what boots these kernels.
pub(crate) fn for_guests(kernels: &[Kernel]) -> Result<()> {
    packages::ensure(packages::GUEST)?;
    kernels::ensure(kernels)
}

/// Makes sure of what compiles the BPF programs.
pub(crate) fn for_the_object() -> Result<()> {
    packages::ensure(packages::BUILD)?;
    bpf::ensure()
}

/// Makes sure of what tests call, here or in a guest.
pub(crate) fn for_tests() -> Result<()> {
    packages::ensure(packages::TESTS)
}

/// Makes sure of what loads a profile into `AppArmor`; where it lies.
pub(crate) fn apparmor_parser() -> Result<PathBuf> {
    programs::apparmor_parser()
}

/// Makes sure of the real programs that tests run in guests; what a guest must
/// get copies of.
pub(crate) fn programs() -> Result<Vec<Add>> {
    programs::ensure()
}
