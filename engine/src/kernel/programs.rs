//! The programs of the hook table's rows: an LSM hook's, or one that is told when
//! a function ends. Loaded when they are needed for the first time, by `loading`, and
//! put on and taken off.

use super::btf::Btf;
use super::error::KernelError;
use super::load::Kernel;
use super::loading::Job;
use crate::error::with_causes;
use aya::programs::fexit::FExitLinkId;
use aya::programs::lsm::LsmLinkId;
use aya::programs::{FExit, Lsm, ProgramError, ProgramInfo};
use policy_abi::hooks::{HOOKS, Hook, HookDesc};
use tracing::warn;

/// What holds a program in its place.
#[derive(Debug)]
pub(super) enum Link {
    Lsm(LsmLinkId),
    Exit(FExitLinkId),
}

/// A row's program, by its kind.
enum Of<'a> {
    Lsm(&'a mut Lsm),
    Exit(&'a mut FExit),
}

impl Of<'_> {
    fn is_loaded(&self) -> bool {
        match self {
            Self::Lsm(program) => program.fd().is_ok(),
            Self::Exit(program) => program.fd().is_ok(),
        }
    }

    fn attach(&mut self) -> Result<Link, ProgramError> {
        match self {
            Self::Lsm(program) => program.attach().map(Link::Lsm),
            Self::Exit(program) => program.attach().map(Link::Exit),
        }
    }

    fn detach(&mut self, link: Link) -> Result<(), ProgramError> {
        match (self, link) {
            (Self::Lsm(program), Link::Lsm(link)) => program.detach(link),
            (Self::Exit(program), Link::Exit(link)) => program.detach(link),
            (Self::Lsm(_) | Self::Exit(_), _) => Err(ProgramError::NotAttached),
        }
    }

    fn info(&self) -> Result<ProgramInfo, ProgramError> {
        match self {
            Self::Lsm(program) => program.info(),
            Self::Exit(program) => program.info(),
        }
    }
}

impl Kernel {
    /// The program of a row.
    fn program(&mut self, desc: &'static HookDesc) -> Result<Of<'_>, KernelError> {
        let missing = || KernelError::Hook {
            hook: desc.name,
            what: "has no program in this build".into(),
        };
        let program = self.ebpf.program_mut(desc.name).ok_or_else(missing)?;
        let found = if desc.role.tells() {
            program.try_into().map(Of::Exit)
        } else {
            program.try_into().map(Of::Lsm)
        };
        found.map_err(|_kind: ProgramError| missing())
    }

    /// Loads the programs that nothing needed so far, and has identities kept: what
    /// `doctor` looks at.
    ///
    /// # Errors
    ///
    /// When the kernel refuses one.
    pub fn load_all(&mut self) -> Result<(), KernelError> {
        let all = HOOKS.iter().map(|desc| desc.hook);
        let all: Vec<Hook> = all.filter(|hook| !self.lacking.contains(hook)).collect();
        self.begin(&all, |_| Ok(()))?;
        self.refused.pop().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Attaches the programs of hooks unless they are attached; one that was not loaded
    /// yet is loaded before.
    ///
    /// # Errors
    ///
    /// When the kernel refuses, for instance since a hook carries 38 programs. A program
    /// that only tells is done without, with a warning: no verdict waits for it.
    pub fn attach(&mut self, hooks: &[Hook]) -> Result<(), KernelError> {
        for desc in HOOKS.iter().filter(|desc| hooks.contains(&desc.hook)) {
            match self.attach_one(desc) {
                Err(error) if desc.role.tells() => warn!(
                    "events of what fails before it is judged are not made: {}",
                    with_causes(&error)
                ),
                done => done?,
            }
        }
        Ok(())
    }

    fn attach_one(&mut self, desc: &'static HookDesc) -> Result<(), KernelError> {
        if self.attached.iter().any(|(one, _)| *one == desc.hook) {
            return Ok(());
        }
        if !self.program(desc)?.is_loaded() {
            self.was_loaded(desc.name)?;
            self.load_programs(&[Job::Hook(desc)], |_| Ok(()))?;
            self.was_loaded(desc.name)?;
        }
        let link = self.program(desc)?.attach().map_err(refused(desc))?;
        self.attached.push((desc.hook, link));
        Ok(())
    }

    /// Takes a hook's program off the hook, if it is on it. It stays loaded.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn detach(&mut self, hook: Hook) -> Result<(), KernelError> {
        let Some(at) = self.attached.iter().position(|(one, _)| *one == hook) else {
            return Ok(());
        };
        let Some(desc) = HOOKS.iter().find(|desc| desc.hook == hook) else {
            return Ok(());
        };
        let (_, link) = self.attached.swap_remove(at);
        self.program(desc)?.detach(link).map_err(refused(desc))
    }

    /// The hooks whose programs are attached.
    pub fn attached(&self) -> impl Iterator<Item = Hook> + '_ {
        self.attached.iter().map(|(hook, _)| *hook)
    }

    /// Instructions that the verifier followed for each program, where this
    /// kernel says (5.16 and newer).
    ///
    /// # Errors
    ///
    /// When a program's information cannot be read.
    pub fn verified(&mut self) -> Result<Vec<(&'static str, u32)>, KernelError> {
        let mut counts = Vec::new();
        for desc in HOOKS {
            if self.lacking.contains(&desc.hook) {
                continue;
            }
            let info = self.program(desc)?.info().map_err(refused(desc))?;
            counts.push((desc.name, info.verified_instruction_count().unwrap_or(0)));
        }
        Ok(counts)
    }
}

fn refused(desc: &'static HookDesc) -> impl FnOnce(ProgramError) -> KernelError {
    move |source| KernelError::Program {
        hook: desc.name,
        source: Box::new(source),
    }
}

/// Refuses a row whose hook or function is not there, or takes other arguments
/// than the table says.
pub(super) fn check_hook(btf: &Btf, desc: &'static HookDesc) -> Result<(), KernelError> {
    let refuse = |what| {
        Err(KernelError::Hook {
            hook: desc.kernel_name(),
            what,
        })
    };
    match btf.arguments(desc) {
        None => refuse("is not there".into()),
        Some(found) if found != desc.args => refuse(format!(
            "takes {found} arguments, {} were expected",
            desc.args
        )),
        Some(_) => Ok(()),
    }
}
