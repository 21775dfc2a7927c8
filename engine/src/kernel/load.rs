//! The BPF object: looked over, loaded, its identity hooks attached, and the
//! processes that were there before it taken stock of.

use super::abi::Abi;
use super::btf::Btf;
use super::error::KernelError;
use super::namespaces;
use super::programs::{Link, check_hook};
use super::sys::{RawTable, Word};
use aya::maps::{Map, MapData, MapError, RingBuf};
use aya::programs::Iter;
use aya::{Ebpf, EbpfLoader};
use policy_abi::hash::Key;
use policy_abi::hooks::{HOOKS, Hook};
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
    pub(super) attached: Vec<(Hook, Link)>,
    /// Hooks that can be needed and this kernel does not have as expected.
    pub(super) lacking: Vec<Hook>,
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
pub(super) fn kernel_types() -> Result<aya::Btf, KernelError> {
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
