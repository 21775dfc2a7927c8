//! Loading programs, all that are needed at once: the kernel's verifier follows each
//! for as long as all else takes together, and programs of who may do everything
//! on processors of their own (`bpf_check` takes its lock for others alone).

use super::error::KernelError;
use super::install::Slots;
use super::load::Kernel;
use super::phases;
use aya::programs::{FExit, Iter, Lsm, Program, ProgramError};
use policy_abi::hooks::HookDesc;
use std::collections::HashMap;
use std::panic::resume_unwind;
use std::thread::{Builder, Scope, ScopedJoinHandle, scope};

/// A program to be loaded.
#[derive(Clone, Copy)]
pub(super) enum Job {
    /// That of a row of the hook table.
    Hook(&'static HookDesc),
    /// One that goes over all there is of a kind: its name, and the kind.
    Over(&'static str, &'static str),
}

impl Job {
    /// The program's name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Hook(desc) => desc.name,
            Self::Over(name, _) => name,
        }
    }

    fn load(self, program: &mut Program, types: &aya::Btf) -> Result<(), ProgramError> {
        match self {
            Self::Hook(desc) if desc.role.tells() => {
                <&mut FExit>::try_from(program)?.load(desc.kernel_name(), types)
            }
            Self::Hook(desc) => <&mut Lsm>::try_from(program)?.load(desc.kernel_name(), types),
            Self::Over(_, kind) => <&mut Iter>::try_from(program)?.load(kind, types),
        }
    }
}

/// What loading a program took, of a processor, or why it is refused.
type Loaded = Result<u64, ProgramError>;

impl Kernel {
    /// Loads programs that are not, each by a thread of its own, while this one does
    /// something beside. What is refused is told when it is to be attached.
    ///
    /// # Errors
    ///
    /// When no thread can be started, and what `beside` fails with.
    pub(super) fn load_programs<T>(
        &mut self,
        jobs: &[Job],
        beside: impl FnOnce(&mut Slots) -> Result<T, KernelError>,
    ) -> Result<T, KernelError> {
        let mut programs: HashMap<_, _> = self.ebpf.programs_mut().collect();
        let mut wanted = Vec::new();
        for job in jobs {
            // One that the object lacks is told of when it is to be attached.
            if let Some(program) = programs.remove(job.name())
                && program.fd().is_err()
            {
                wanted.push((*job, program));
            }
        }
        if wanted.is_empty() {
            return beside(&mut self.slots);
        }
        let types = self.functions.types()?;
        scope(|scope| {
            let begun = wanted
                .into_iter()
                .map(|(job, program)| Ok((job.name(), begin(scope, job, program, &types)?)));
            let begun: Vec<_> = begun.collect::<Result<_, KernelError>>()?;
            let done = beside(&mut self.slots);
            for (name, loading) in begun {
                self.refused.retain(|(one, _)| *one != name);
                match loading.join().unwrap_or_else(|panic| resume_unwind(panic)) {
                    Ok(took) => self.phases.program(name, took),
                    Err(source) => {
                        let source = Box::new(source);
                        self.refused
                            .push((name, KernelError::Program { hook: name, source }));
                    }
                }
            }
            done
        })
    }

    /// Why a program could not be loaded, if it was tried and could not.
    pub(super) fn was_loaded(&mut self, name: &'static str) -> Result<(), KernelError> {
        let at = self.refused.iter().position(|(one, _)| *one == name);
        at.map_or(Ok(()), |at| Err(self.refused.swap_remove(at).1))
    }
}

/// Loads a program in a thread of its own.
fn begin<'scope>(
    scope: &'scope Scope<'scope, '_>,
    job: Job,
    program: &'scope mut Program,
    types: &'scope aya::Btf,
) -> Result<ScopedJoinHandle<'scope, Loaded>, KernelError> {
    let load = move || {
        let began = phases::of_thread();
        job.load(program, types)?;
        Ok(phases::of_thread().saturating_sub(began))
    };
    let thread = Builder::new().name(job.name().to_owned());
    let begun = thread.spawn_scoped(scope, load);
    begun.map_err(|source| KernelError::System {
        what: "starting a thread that loads a program",
        source,
    })
}
