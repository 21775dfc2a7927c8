//! The running kernel's BTF: where structure members lie, and what arguments
//! a hook takes.
//!
//! A reader of its own: rustc emits no relocations that a loader could follow,
//! and aya keeps its member offsets to itself. Format: Linux,
//! Documentation/bpf/btf.rst.

use policy_abi::hooks::{HOOKS, HookDesc};
use policy_abi::offsets::{ABSENT, MEMBERS, Member, Offsets};
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use zerocopy::{FromBytes, IntoBytes};

/// Where the kernel shows its BTF.
pub const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// Why BTF could not be used.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// The file could not be read.
    #[error("cannot read `{path}`: the kernel shows no BTF (CONFIG_DEBUG_INFO_BTF)")]
    Read {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are not BTF of a known version.
    #[error("the kernel's BTF is damaged or of an unknown version: {0}")]
    Malformed(&'static str),
    /// A member that the programs read is not there.
    #[error("the kernel's BTF has no member `{path}` in `struct {container}`")]
    NoMember {
        /// The structure.
        container: &'static str,
        /// The last path that was tried.
        path: &'static str,
    },
}

const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;
/// `typedef`, `volatile`, `const`, `restrict`, `type tag`: one more type id to follow.
const KIND_WRAPPERS: [u32; 5] = [8, 9, 10, 11, 18];
/// Deepest nesting of wrappers and anonymous members that is followed.
const DEPTH: u32 = 32;
/// What functions begin with that BPF programs are attached to as hooks and as
/// iterators.
const ATTACHABLE: [&[u8]; 2] = [b"bpf_lsm_", b"bpf_iter_"];

/// One type: its kind, how many members it has, and its size or the type it
/// refers to.
#[derive(Clone, Copy)]
struct Type {
    name: u32,
    info: u32,
    target: u32,
    /// Where what follows the type begins in the type section.
    extra: u32,
}

impl Type {
    const fn kind(self) -> u32 {
        self.info >> 24 & 0x1f
    }

    const fn members(self) -> usize {
        (self.info & 0xffff) as usize
    }

    const fn has_bitfields(self) -> bool {
        self.info >> 31 == 1
    }

    const fn is_composite(self) -> bool {
        matches!(self.kind(), KIND_STRUCT | KIND_UNION)
    }
}

/// Parsed BTF.
pub struct Btf {
    bytes: Vec<u8>,
    section: Range<usize>,
    strings: Range<usize>,
    types: Vec<Type>,
    /// Structures, and those functions that programs are attached to: a tenth of
    /// what has a name.
    by_name: HashMap<Vec<u8>, Vec<u32>>,
}

impl Btf {
    /// Reads the running kernel's BTF.
    ///
    /// # Errors
    ///
    /// When there is none or it cannot be understood.
    pub fn of_kernel() -> Result<Self, BtfError> {
        Self::read(Path::new(VMLINUX))
    }

    /// Reads BTF from a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, BtfError> {
        let bytes = std::fs::read(path).map_err(|source| BtfError::Read {
            path: path.display().to_string(),
            source,
        })?;
        Self::parse(bytes)
    }

    /// Parses BTF.
    ///
    /// # Errors
    ///
    /// When the bytes are no BTF of version 1 in this machine's byte order.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, BtfError> {
        let header = |at| word(&bytes, at).ok_or(BtfError::Malformed("the header is cut off"));
        if header(0)? & 0xff_ffff != 0x01_eb9f {
            return Err(BtfError::Malformed(
                "the magic number or version is another",
            ));
        }
        let start = header(4)? as usize;
        let part = |offset: u32, length: u32| {
            let from = start.checked_add(offset as usize);
            let to = from.and_then(|from| from.checked_add(length as usize));
            from.zip(to)
                .map(|(from, to)| from..to)
                .filter(|part| bytes.get(part.clone()).is_some())
                .ok_or(BtfError::Malformed("a section is cut off"))
        };
        let section = part(header(8)?, header(12)?)?;
        let strings = part(header(16)?, header(20)?)?;
        let mut btf = Self {
            bytes,
            section,
            strings,
            types: vec![Type {
                name: 0,
                info: 0,
                target: 0,
                extra: 0,
            }],
            by_name: HashMap::new(),
        };
        btf.index()?;
        Ok(btf)
    }

    /// Finds where each type begins, and those that are asked for by name.
    fn index(&mut self) -> Result<(), BtfError> {
        let mut at = 0_usize;
        while at < self.section.len() {
            let read = |offset| {
                word(self.section(), at + offset).ok_or(BtfError::Malformed("a type is cut off"))
            };
            let extra = at + 12;
            let found = Type {
                name: read(0)?,
                info: read(4)?,
                target: read(8)?,
                extra: u32::try_from(extra)
                    .ok()
                    .ok_or(BtfError::Malformed("there are too many types"))?,
            };
            let members = found.members();
            at = extra
                + match found.kind() {
                    2 | 7..=12 | 16 | 18 => 0,
                    1 | 14 | 17 => 4,
                    3 => 12,
                    KIND_STRUCT | KIND_UNION | 15 | 19 => members * 12,
                    6 | KIND_FUNC_PROTO => members * 8,
                    _ => return Err(BtfError::Malformed("a type is of an unknown kind")),
                };
            if self.is_asked_for(found) {
                let id = u32::try_from(self.types.len())
                    .ok()
                    .ok_or(BtfError::Malformed("there are too many types"))?;
                let name = self.text(found.name).to_vec();
                self.by_name.entry(name).or_default().push(id);
            }
            self.types.push(found);
        }
        Ok(())
    }

    /// Whether anything asks for a type by its name.
    fn is_asked_for(&self, found: Type) -> bool {
        match found.kind() {
            KIND_STRUCT => found.name != 0,
            KIND_FUNC => {
                let name = self.rest(found.name);
                ATTACHABLE.iter().any(|begin| name.starts_with(begin))
                    || HOOKS
                        .iter()
                        .filter(|desc| desc.role.tells())
                        .any(|desc| name.starts_with(desc.kernel_name().as_bytes()))
            }
            _ => false,
        }
    }

    /// All offsets of the table.
    ///
    /// # Errors
    ///
    /// When a member that is not optional is missing.
    pub fn offsets(&self) -> Result<Offsets, BtfError> {
        let mut words = Vec::with_capacity(MEMBERS.len());
        for member in MEMBERS {
            words.push(self.find(member)?);
        }
        Offsets::read_from_bytes(words.as_bytes())
            .ok()
            .ok_or(BtfError::Malformed(
                "the table of members has another length",
            ))
    }

    fn find(&self, member: &Member) -> Result<u32, BtfError> {
        for path in member.paths {
            if let Some(bits) = self.member(member.container, path) {
                return Ok(if member.bit { bits } else { bits / 8 });
            }
        }
        if member.optional {
            return Ok(ABSENT);
        }
        let path = member.paths.last().copied().unwrap_or_default();
        Err(BtfError::NoMember {
            container: member.container,
            path,
        })
    }

    /// The offset of a member in bits, dots between nested ones.
    #[must_use]
    pub fn member(&self, container: &str, path: &str) -> Option<u32> {
        let ids = self.by_name.get(container.as_bytes())?;
        ids.iter().find_map(|id| {
            let found = self.get(*id).filter(|found| found.kind() == KIND_STRUCT)?;
            let mut current = found;
            let mut offset = 0_u32;
            for part in path.split('.') {
                let (bits, next) = self.member_of(current, part.as_bytes(), DEPTH)?;
                offset = offset.checked_add(bits)?;
                current = self.get(self.unwrap(next))?;
            }
            Some(offset)
        })
    }

    /// Offset in bits and type of a member, looked for in anonymous members too.
    fn member_of(&self, container: Type, name: &[u8], depth: u32) -> Option<(u32, u32)> {
        if !container.is_composite() || depth == 0 {
            return None;
        }
        for index in 0..container.members() {
            let at = container.extra as usize + index * 12;
            let (label, kind) = (word(self.section(), at)?, word(self.section(), at + 4)?);
            let raw = word(self.section(), at + 8)?;
            let bits = if container.has_bitfields() {
                raw & 0xff_ffff
            } else {
                raw
            };
            if label != 0 && self.text(label) == name {
                return Some((bits, kind));
            }
            if label == 0 {
                let inner = self.get(self.unwrap(kind))?;
                if let Some((more, found)) = self.member_of(inner, name, depth - 1) {
                    return Some((bits.checked_add(more)?, found));
                }
            }
        }
        None
    }

    /// How many arguments the kernel gives a BPF program on an LSM hook, `None`
    /// when this kernel has no such hook.
    #[must_use]
    pub fn hook_arguments(&self, hook: &str) -> Option<u32> {
        self.function_arguments(&format!("bpf_lsm_{hook}"))
    }

    /// How many arguments there are to the hook or function of a row.
    #[must_use]
    pub fn arguments(&self, desc: &HookDesc) -> Option<u32> {
        if desc.role.tells() {
            self.function_arguments(desc.kernel_name())
        } else {
            self.hook_arguments(desc.kernel_name())
        }
    }

    fn function_arguments(&self, name: &str) -> Option<u32> {
        let ids = self.by_name.get(name.as_bytes())?;
        ids.iter().find_map(|id| {
            let function = self.get(*id).filter(|found| found.kind() == KIND_FUNC)?;
            let proto = self.get(function.target)?;
            u32::try_from(proto.members())
                .ok()
                .filter(|_| proto.kind() == KIND_FUNC_PROTO)
        })
    }

    /// The LSM hooks that BPF programs can attach to, sorted.
    #[must_use]
    pub fn hooks(&self) -> Vec<String> {
        let hook = |name: &Vec<u8>| {
            let hook = std::str::from_utf8(name).ok()?.strip_prefix("bpf_lsm_")?;
            self.hook_arguments(hook).map(|_| hook.to_owned())
        };
        let mut hooks: Vec<String> = self.by_name.keys().filter_map(hook).collect();
        hooks.sort_unstable();
        hooks
    }

    /// How the types are numbered: the first function of each name that programs
    /// are attached to, and its number.
    pub fn attachable(&self) -> impl Iterator<Item = (&[u8], u32)> {
        self.by_name.iter().filter_map(|(name, ids)| {
            let function = |id: &&u32| self.get(**id).is_some_and(|of| of.kind() == KIND_FUNC);
            Some((name.as_slice(), *ids.iter().find(function)?))
        })
    }

    fn get(&self, id: u32) -> Option<Type> {
        self.types.get(id as usize).copied()
    }

    /// Follows typedefs and qualifiers.
    fn unwrap(&self, id: u32) -> u32 {
        let mut id = id;
        for _ in 0..DEPTH {
            match self.get(id) {
                Some(found) if KIND_WRAPPERS.contains(&found.kind()) => id = found.target,
                Some(_) | None => break,
            }
        }
        id
    }

    fn text(&self, offset: u32) -> &[u8] {
        let rest = self.rest(offset);
        rest.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// A text and what follows it.
    fn rest(&self, offset: u32) -> &[u8] {
        let strings = self.bytes.get(self.strings.clone()).unwrap_or_default();
        strings.get(offset as usize..).unwrap_or_default()
    }

    fn section(&self) -> &[u8] {
        self.bytes.get(self.section.clone()).unwrap_or_default()
    }
}

/// A little-endian word at a byte offset.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}
