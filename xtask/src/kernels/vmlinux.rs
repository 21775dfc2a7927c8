//! A kernel without its compression: an emulated CPU takes three seconds to
//! unpack what this machine unpacks in half a one, once.
//!
//! The layout is that of the kernel's documentation, `x86/boot`. QEMU starts
//! the ELF inside by its PVH entry point, as it starts a `vmlinuz`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::filter;

/// In the header: the number of 512-byte sectors before the payload's base,
/// less one; the payload's place above that base; its length.
const SETUP_SECTORS: usize = 0x1f1;
const PAYLOAD_OFFSET: usize = 0x248;
const PAYLOAD_LENGTH: usize = 0x24c;

/// The ELF file inside a `vmlinuz`.
///
/// # Errors
/// When the file is no `vmlinuz`, or is compressed in an unknown way.
pub(super) fn unpacked(vmlinuz: &Path) -> Result<Vec<u8>> {
    let image = fs::read(vmlinuz).with_context(|| format!("{}", vmlinuz.display()))?;
    let payload = payload(&image).with_context(|| format!("{}: no payload", vmlinuz.display()))?;
    let program = decompressor(payload)
        .with_context(|| format!("{}: unknown compression", vmlinuz.display()))?;
    let elf = filter(Command::new(program).arg("-dc"), payload.to_vec())?;
    anyhow::ensure!(
        elf.starts_with(b"\x7fELF"),
        "{}: no ELF inside",
        vmlinuz.display()
    );
    Ok(elf)
}

fn payload(image: &[u8]) -> Option<&[u8]> {
    let number = |at: usize| -> Option<usize> {
        let bytes: [u8; 4] = image.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let sectors = usize::from(*image.get(SETUP_SECTORS)?);
    let start = (sectors + 1) * 512 + number(PAYLOAD_OFFSET)?;
    // The last four bytes are the unpacked length, which is not the
    // decompressor's to see.
    let end = start.checked_add(number(PAYLOAD_LENGTH)?)?.checked_sub(4)?;
    image.get(start..end)
}

fn decompressor(payload: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 3] = [
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\x1f\x8b", "gzip"),
    ];
    KNOWN
        .iter()
        .find(|(magic, _)| payload.starts_with(magic))
        .map(|(_, program)| *program)
}

#[cfg(test)]
mod tests {
    use super::payload;

    #[test]
    fn the_payload_lies_where_the_header_says() {
        let mut image = vec![0; 4096];
        image[0x1f1] = 1;
        image[0x248] = 0x10;
        image[0x24c] = 8;
        image[1024 + 0x10..1024 + 0x18].copy_from_slice(b"datasize");
        assert_eq!(payload(&image), Some(&b"data"[..]));
    }

    #[test]
    fn a_short_file_has_no_payload() {
        assert_eq!(payload(&[0; 100]), None);
        let mut image = vec![0; 1024];
        image[0x24c + 1] = 255;
        assert_eq!(payload(&image), None);
    }
}
