//! What the loader of programs is told of the kernel's types: the functions that
//! programs are attached to, under the kernel's numbers.
//!
//! aya asks nothing else of them, and goes from type to type for each program. The
//! kernel has a hundred thousand types; read whole, for aya, they are a third of
//! what a start takes outside of the kernel.

use super::btf::{Btf, BtfError};
use super::error::KernelError;
use std::collections::BTreeMap;
use zerocopy::IntoBytes as _;

/// BTF of version 1, in this machine's byte order.
const MAGIC: u32 = 0x0001_eb9f;
/// Bytes of the header.
const HEADER: u32 = 24;
/// Bytes of a type that nothing follows.
const TYPE_BYTES: u32 = 12;
/// `BTF_KIND_FUNC` and `BTF_KIND_FWD`, where a type's kind stands.
const FUNCTION: u32 = 12 << 24;
const FORWARD: u32 = 7 << 24;

/// Functions by the number of their type.
#[derive(Clone, Debug, Default)]
pub(super) struct Functions(BTreeMap<u32, Vec<u8>>);

impl Functions {
    /// Those of the kernel that programs can be attached to.
    pub(super) fn of(btf: &Btf) -> Self {
        let all = btf.attachable();
        Self(all.map(|(name, id)| (id, name.to_vec())).collect())
    }

    /// As types, for aya: all other numbers are those of a type without a name.
    ///
    /// # Errors
    ///
    /// When aya does not take them.
    pub(super) fn types(&self) -> Result<aya::Btf, KernelError> {
        let parsed = aya::Btf::parse(&self.bytes()?, aya::Endianness::default());
        parsed.map_err(|source| KernelError::Object(Box::new(aya::EbpfError::BtfError(source))))
    }

    fn bytes(&self) -> Result<Vec<u8>, KernelError> {
        let long = |_: std::num::TryFromIntError| BtfError::Malformed("there are too many types");
        let mut strings = vec![0_u8];
        let mut types = Vec::new();
        let mut next = 1;
        for (id, name) in &self.0 {
            for _ in next..*id {
                types.extend([0, FORWARD, 0]);
            }
            next = id + 1;
            types.extend([u32::try_from(strings.len()).map_err(long)?, FUNCTION, 0]);
            strings.extend(name);
            strings.push(0);
        }
        let length = (next - 1).saturating_mul(TYPE_BYTES);
        let text = u32::try_from(strings.len()).map_err(long)?;
        let mut words = vec![MAGIC, HEADER, 0, length, length, text];
        words.append(&mut types);
        let mut bytes = words.as_bytes().to_vec();
        bytes.append(&mut strings);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a loader looks up is found under the number that it was given.
    #[test]
    fn functions_keep_their_numbers() {
        let given: [(u32, &[u8]); 3] = [(2, b"bpf_lsm_a"), (3, b"bpf_iter_b"), (90_000, b"c")];
        let functions = Functions(given.map(|(id, name)| (id, name.to_vec())).into());
        let btf = Btf::parse(functions.bytes().unwrap()).unwrap();
        let mut found: Vec<_> = btf.attachable().collect();
        found.sort_unstable();
        // Nothing is attached to `c`.
        let [hook, iterator, _] = given;
        assert_eq!(found, [iterator, hook].map(|(id, name)| (name, id)));
        functions.types().unwrap();
    }
}
