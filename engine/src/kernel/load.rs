//! The BPF object: looked over, loaded, its identity hooks attached, and the
//! processes that were there before it taken stock of.

use super::abi::Abi;
use super::btf::Btf;
use super::error::KernelError;
use super::namespaces;
use super::sys::{RawTable, Word};
use aya::maps::{Map, MapData, MapError, RingBuf};
use aya::programs::lsm::LsmLinkId;
use aya::programs::{Iter, Lsm, ProgramError};
use aya::{Ebpf, EbpfLoader};
use policy_abi::hash::Key;
use policy_abi::hooks::{HOOKS, Hook, HookDesc};
use policy_abi::maps;
use policy_abi::offsets::Offsets;
use std::io::Read;
use std::os::fd::AsFd as _;

/// The object as built; empty when it was left out.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("INTERDICT_BPF_OBJECT"));

/// The programs that take stock of what is older, by name, and what each goes over.
const SEEDS: [(&str, &str); 2] = [("seed_task", "task"), ("seed_socket", "task_file")];

/// What the programs are told once, at start.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The key of path and name hashes.
    pub hash_key: Key,
    /// Whether processes older than the engine are all taken for what they show.
    pub trust_all: bool,
}

/// The loaded object. Dropping it ends enforcement.
pub struct Kernel {
    pub(super) ebpf: Ebpf,
    pub(super) attached: Vec<(Hook, LsmLinkId)>,
    /// Hooks that rules can need and this kernel does not have as expected.
    lacking: Vec<Hook>,
    pub(super) slot: Option<u32>,
    /// Whether a slot's policy has pages of what is far.
    pub(super) paged: [bool; maps::SLOTS as usize],
    /// Each slot's counts, and of how many rules.
    pub(super) tallies: [Option<(RawTable, usize)>; maps::SLOTS as usize],
    pub(super) active: Word,
    epoch: Word,
    pub(super) wake: Word,
    pub(super) ring: Option<RingBuf<MapData>>,
}

impl Kernel {
    /// Loads the object, attaches the hooks that keep identities, and reads
    /// those of running processes. Nothing is enforced yet.
    ///
    /// # Errors
    ///
    /// When this build or this kernel cannot; nothing stays attached then.
    pub fn load(settings: &Settings) -> Result<Self, KernelError> {
        if OBJECT.is_empty() {
            return Err(KernelError::Stub);
        }
        let btf = Btf::of_kernel()?;
        let mut lacking = Vec::new();
        for desc in HOOKS {
            match check_hook(&btf, desc) {
                Ok(()) => {}
                Err(error) if desc.role.always() => return Err(error),
                Err(_) => lacking.push(desc.hook),
            }
        }
        let offsets = btf.offsets()?;
        drop(btf);
        let btf = kernel_types()?;
        let mut kernel = Self::made(OBJECT, settings, &offsets, &btf)?;
        kernel.lacking = lacking;
        for desc in HOOKS.iter().filter(|desc| desc.role.always()) {
            kernel.load_program(desc, &btf)?;
            kernel.attach(&[desc.hook])?;
        }
        kernel.seed(&btf)?;
        Ok(kernel)
    }

    /// Loads an object with the engine's maps, and attaches nothing: what benchmarks
    /// of an object of their own begin with.
    ///
    /// # Errors
    ///
    /// When this kernel cannot.
    pub fn of_object(object: &[u8], settings: &Settings) -> Result<Self, KernelError> {
        let offsets = Btf::of_kernel()?.offsets()?;
        Self::made(object, settings, &offsets, &kernel_types()?)
    }

    fn made(
        object: &[u8],
        settings: &Settings,
        offsets: &Offsets,
        btf: &aya::Btf,
    ) -> Result<Self, KernelError> {
        let offsets = Abi(*offsets);
        let key = Abi(settings.hash_key);
        let trust_all = u32::from(settings.trust_all);
        let namespaces = Abi(namespaces::of_host()?);
        let ebpf = EbpfLoader::new()
            .btf(Some(btf))
            .allow_unsupported_maps()
            .override_global(maps::OFFSETS, &offsets, true)
            .override_global(maps::HASH_KEY, &key, true)
            .override_global(maps::TRUST_ALL, &trust_all, true)
            .override_global(maps::NAMESPACES, &namespaces, true)
            .load(object)
            .map_err(|source| KernelError::Object(Box::new(source)))?;
        let active = word(&ebpf, maps::ACTIVE)?;
        let epoch = word(&ebpf, maps::EPOCH)?;
        let wake = word(&ebpf, maps::WAKE)?;
        Ok(Self {
            ebpf,
            attached: Vec::new(),
            lacking: Vec::new(),
            slot: None,
            paged: [false; maps::SLOTS as usize],
            tallies: [const { None }; maps::SLOTS as usize],
            active,
            epoch,
            wake,
            ring: None,
        })
    }

    /// The loaded object.
    pub const fn object(&mut self) -> &mut Ebpf {
        &mut self.ebpf
    }

    fn load_program(&mut self, desc: &'static HookDesc, btf: &aya::Btf) -> Result<(), KernelError> {
        let refused = |source| KernelError::Program {
            hook: desc.name,
            source: Box::new(source),
        };
        self.lsm(desc)?.load(desc.name, btf).map_err(refused)
    }

    /// Hooks that rules can need and this kernel lacks, or has with other arguments.
    #[must_use]
    pub fn lacking(&self) -> &[Hook] {
        &self.lacking
    }

    /// Loads the programs that no rule needed so far: what `doctor` looks at.
    ///
    /// # Errors
    ///
    /// When the kernel refuses one.
    pub fn load_rest(&mut self) -> Result<(), KernelError> {
        let btf = kernel_types()?;
        for desc in HOOKS {
            if !self.lacking.contains(&desc.hook) && !self.is_loaded(desc)? {
                self.load_program(desc, &btf)?;
            }
        }
        Ok(())
    }

    fn is_loaded(&mut self, desc: &'static HookDesc) -> Result<bool, KernelError> {
        Ok(self.lsm(desc)?.fd().is_ok())
    }

    /// Attaches the programs of hooks unless they are attached; one that is needed
    /// for the first time is loaded before.
    ///
    /// # Errors
    ///
    /// When the kernel refuses, for instance since a hook carries 38 programs.
    pub fn attach(&mut self, hooks: &[Hook]) -> Result<(), KernelError> {
        let mut types = None;
        for desc in HOOKS.iter().filter(|desc| hooks.contains(&desc.hook)) {
            if self.attached.iter().any(|(one, _)| *one == desc.hook) {
                continue;
            }
            if !self.is_loaded(desc)? {
                // Read once for all of them: it is megabytes.
                let types = match &mut types {
                    Some(types) => types,
                    none => none.insert(kernel_types()?),
                };
                self.load_program(desc, types)?;
            }
            let refused = |source| KernelError::Program {
                hook: desc.name,
                source: Box::new(source),
            };
            let link = self.lsm(desc)?.attach().map_err(refused)?;
            self.attached.push((desc.hook, link));
        }
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
        let refused = |source| KernelError::Program {
            hook: desc.name,
            source: Box::new(source),
        };
        self.lsm(desc)?.detach(link).map_err(refused)
    }

    /// Has every process told of again before its next event: `epoch` is another
    /// than before, and not 0.
    pub fn begin_epoch(&self, epoch: u64) {
        self.epoch.store(epoch);
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
            let refused = |source| KernelError::Program {
                hook: desc.name,
                source: Box::new(source),
            };
            let count = self
                .lsm(desc)?
                .info()
                .map_err(refused)?
                .verified_instruction_count();
            counts.push((desc.name, count.unwrap_or(0)));
        }
        Ok(counts)
    }

    fn lsm(&mut self, desc: &'static HookDesc) -> Result<&mut Lsm, KernelError> {
        let missing = || KernelError::Hook {
            hook: desc.name,
            what: "has no program in this build".into(),
        };
        let program = self.ebpf.program_mut(desc.name).ok_or_else(missing)?;
        program.try_into().map_err(|_kind: ProgramError| missing())
    }

    /// Takes stock of the processes and the sockets that are older.
    fn seed(&mut self, btf: &aya::Btf) -> Result<(), KernelError> {
        for (program, over) in SEEDS {
            self.iterate(program, over, btf)?;
        }
        Ok(())
    }

    /// Runs an iterator's program over all there is of a kind.
    fn iterate(
        &mut self,
        name: &'static str,
        over: &'static str,
        btf: &aya::Btf,
    ) -> Result<(), KernelError> {
        let refused = |source| KernelError::Program {
            hook: name,
            source: Box::new(source),
        };
        let program = self
            .ebpf
            .program_mut(name)
            .ok_or(KernelError::NoMap(name))?;
        let program: &mut Iter = program.try_into().map_err(refused)?;
        program.load(over, btf).map_err(refused)?;
        let link = program.attach().map_err(refused)?;
        let link = program.take_link(link).map_err(refused)?;
        let read = |source| KernelError::System {
            what: "reading an iterator",
            source,
        };
        let mut file = link
            .into_file()
            .map_err(|source| read(std::io::Error::other(source)))?;
        let mut sink = Vec::new();
        file.read_to_end(&mut sink).map_err(read)?;
        Ok(())
    }
}

/// The kernel's types, as the loader of programs wants them.
fn kernel_types() -> Result<aya::Btf, KernelError> {
    aya::Btf::from_sys_fs()
        .map_err(|source| KernelError::Object(Box::new(aya::EbpfError::BtfError(source))))
}

/// Maps the one word of an array.
fn word(ebpf: &Ebpf, name: &'static str) -> Result<Word, KernelError> {
    let Some(Map::Array(data)) = ebpf.map(name) else {
        return Err(KernelError::NoMap(name));
    };
    Word::map(data.fd().as_fd()).map_err(|source| KernelError::System {
        what: "mapping a word that the programs read",
        source,
    })
}

/// Refuses a hook that is not there or takes other arguments than the table says.
fn check_hook(btf: &Btf, desc: &'static HookDesc) -> Result<(), KernelError> {
    let refuse = |what| {
        Err(KernelError::Hook {
            hook: desc.name,
            what,
        })
    };
    match btf.hook_arguments(desc.name) {
        None => refuse("is not there".into()),
        Some(found) if found != desc.args => refuse(format!(
            "takes {found} arguments, {} were expected",
            desc.args
        )),
        Some(_) => Ok(()),
    }
}

/// A map's error with its name.
pub(super) fn on_map(
    map: &'static str,
    action: &'static str,
) -> impl FnOnce(MapError) -> KernelError {
    move |source| KernelError::Map {
        map,
        action,
        source: Box::new(source),
    }
}
