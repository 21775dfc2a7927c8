//! The BPF object: looked over, its maps made, its programs loaded, its identity hooks
//! attached, and the processes that were there before it taken stock of.

use super::abi::Abi;
use super::btf::Btf;
use super::error::KernelError;
use super::functions::Functions;
use super::install::Slots;
use super::loading::Job;
use super::namespaces;
use super::phases::Phases;
use super::programs::{Link, check_hook};
use super::sys::Word;
use aya::maps::{Map, MapData, MapError, RingBuf};
use aya::programs::Iter;
use aya::{Ebpf, EbpfLoader};
use policy_abi::hash::Key;
use policy_abi::hooks::{HOOKS, Hook};
use policy_abi::maps;
use std::io::Read;
use std::os::fd::AsFd as _;
use std::panic::resume_unwind;
use std::thread::{Builder, JoinHandle};

/// The object as built; empty when it was left out.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("INTERDICT_BPF_OBJECT"));

/// The programs that take stock of what is older, and what each goes over.
const SEEDS: [Job; 2] = [
    Job::Over("seed_task", "task"),
    Job::Over("seed_socket", "task_file"),
];

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
    pub(super) functions: Functions,
    pub(super) attached: Vec<(Hook, Link)>,
    /// Hooks that can be needed and this kernel does not have as expected.
    pub(super) lacking: Vec<Hook>,
    /// Whether identities are kept: those of older processes were read.
    begun: bool,
    /// Programs that the kernel refused, until somebody is told.
    pub(super) refused: Vec<(&'static str, KernelError)>,
    pub(super) slots: Slots,
    pub(super) active: Word,
    epoch: Word,
    pub(super) wake: Word,
    pub(super) ring: Option<RingBuf<MapData>>,
    pub(super) phases: Phases,
}

impl Kernel {
    /// Makes the object's maps. No program is loaded yet, and nothing attached.
    ///
    /// # Errors
    ///
    /// When this build or this kernel cannot.
    pub fn open(settings: &Settings, mut phases: Phases) -> Result<Self, KernelError> {
        if OBJECT.is_empty() {
            return Err(KernelError::Stub);
        }
        let loader = loader()?;
        let btf = Btf::of_kernel()?;
        let mut lacking = Vec::new();
        for desc in HOOKS {
            match check_hook(&btf, desc) {
                Ok(()) => {}
                Err(error) if desc.role.always() => return Err(error),
                Err(_) => lacking.push(desc.hook),
            }
        }
        phases.end("types");
        let mut kernel = Self::made(OBJECT, loader, settings, &btf)?;
        kernel.lacking = lacking;
        phases.end("maps");
        kernel.phases = phases;
        Ok(kernel)
    }

    /// Loads what every policy needs and `hooks`, then has identities kept: attaches
    /// the hooks that do, and reads those of older processes and sockets. Nothing is
    /// enforced yet. Meanwhile `beside` is done, by this thread.
    ///
    /// Once begun it loads those of `hooks` that were not.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub(super) fn begin<T>(
        &mut self,
        hooks: &[Hook],
        beside: impl FnOnce(&mut Slots) -> Result<T, KernelError>,
    ) -> Result<T, KernelError> {
        let needed = HOOKS
            .iter()
            .filter(|desc| hooks.contains(&desc.hook) || !self.begun && desc.role.always());
        let mut jobs: Vec<Job> = needed.map(Job::Hook).collect();
        if !self.begun {
            jobs.extend(SEEDS);
        }
        let done = self.load_programs(&jobs, beside)?;
        self.phases.end("programs");
        if !self.begun {
            for desc in HOOKS.iter().filter(|desc| desc.role.always()) {
                self.attach(&[desc.hook])?;
            }
            self.phases.end("identities");
            for seed in SEEDS {
                self.run_through(seed.name())?;
            }
            self.phases.end("what is older");
            self.begun = true;
        }
        Ok(done)
    }

    /// Loads an object with the engine's maps, and attaches nothing: what benchmarks
    /// of an object of their own begin with.
    ///
    /// # Errors
    ///
    /// When this kernel cannot.
    pub fn of_object(object: &[u8], settings: &Settings) -> Result<Self, KernelError> {
        let mut kernel = Self::made(object, loader()?, settings, &Btf::of_kernel()?)?;
        // It has no programs that keep identities.
        kernel.begun = true;
        Ok(kernel)
    }

    /// What the start takes, or took.
    #[must_use]
    pub const fn phases(&self) -> &Phases {
        &self.phases
    }

    /// To say what is done of the start.
    pub const fn phases_mut(&mut self) -> &mut Phases {
        &mut self.phases
    }

    fn made(
        object: &[u8],
        loader: JoinHandle<EbpfLoader<'static>>,
        settings: &Settings,
        btf: &Btf,
    ) -> Result<Self, KernelError> {
        let offsets = Abi(btf.offsets()?);
        let key = Abi(settings.hash_key);
        let trust_all = u32::from(settings.trust_all);
        let namespaces = Abi(namespaces::of_host()?);
        let mut loader = loader.join().unwrap_or_else(|panic| resume_unwind(panic));
        let mut ebpf = loader
            // The object has nothing that is to be relocated by types.
            .btf(None)
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
            slots: Slots::of(&mut ebpf)?,
            ebpf,
            functions: Functions::of(btf),
            attached: Vec::new(),
            lacking: Vec::new(),
            begun: false,
            refused: Vec::new(),
            active,
            epoch,
            wake,
            ring: None,
            phases: Phases::default(),
        })
    }

    /// The loaded object.
    pub const fn object(&mut self) -> &mut Ebpf {
        &mut self.ebpf
    }

    /// Hooks that can be needed and this kernel lacks, or has with other arguments.
    #[must_use]
    pub fn lacking(&self) -> &[Hook] {
        &self.lacking
    }

    /// Has every process told of again before its next event: `epoch` is another
    /// than before, and not 0.
    pub fn begin_epoch(&self, epoch: u64) {
        self.epoch.store(epoch);
    }

    /// Runs an iterator's program over all there is of its kind.
    fn run_through(&mut self, name: &'static str) -> Result<(), KernelError> {
        self.was_loaded(name)?;
        let refused = |source| KernelError::Program {
            hook: name,
            source: Box::new(source),
        };
        let program = self
            .ebpf
            .program_mut(name)
            .ok_or(KernelError::NoMap(name))?;
        let program: &mut Iter = program.try_into().map_err(refused)?;
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

/// aya's loader, made in a thread: it reads the kernel's types whether it is to or not.
fn loader() -> Result<JoinHandle<EbpfLoader<'static>>, KernelError> {
    let begun = Builder::new().spawn(EbpfLoader::new);
    begun.map_err(|source| KernelError::System {
        what: "starting a thread that reads the kernel's types",
        source,
    })
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
