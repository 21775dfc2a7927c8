//! The programs that interdict is compared with, attached until they are dropped.

use std::path::Path;

use aya::programs::Lsm;
use aya::{Btf, Ebpf, EbpfLoader};

use crate::{Outcome, linear};

/// A program that does nothing on each deciding hook.
pub(crate) fn empty(folder: &Path) -> Outcome<Ebpf> {
    load(&folder.join("empty.o"), 0, |_| true)
}

/// A program that refuses, on one hook.
pub(crate) fn refuse(folder: &Path, hook: &str) -> Outcome<Ebpf> {
    load(&folder.join("refuse.o"), 0, |name| name == hook)
}

/// The linear program with so many rules.
pub(crate) fn linear(folder: &Path, count: u32) -> Outcome<Ebpf> {
    let mut program = load(&folder.join("linear.o"), count, |_| true)?;
    linear::fill(&mut program, count)?;
    Ok(program)
}

/// An object of which the programs that are wanted are attached; `count` for the
/// one that has a count.
fn load(object: &Path, count: u32, wanted: impl Fn(&str) -> bool) -> Outcome<Ebpf> {
    let btf = Btf::from_sys_fs()?;
    let count = u64::from(count);
    let mut ebpf = EbpfLoader::new()
        .override_global(linear::COUNT, &count, false)
        .load_file(object)?;
    let mut attached = 0;
    for (name, program) in ebpf.programs_mut().filter(|(name, _)| wanted(name)) {
        let program: &mut Lsm = program.try_into()?;
        program.load(name, &btf)?;
        program.attach()?;
        attached += 1;
    }
    if attached == 0 {
        return Err(format!("`{}` has no such program", object.display()).into());
    }
    Ok(ebpf)
}
