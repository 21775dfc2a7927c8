//! Lines of `mountinfo`: what a process sees mounted. Format: `proc_pid_mountinfo(5)`.

#[cfg(feature = "daemon")]
mod tree;

use std::io;
#[cfg(feature = "daemon")]
pub(crate) use tree::Mounts;

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Its id, as statx(2) gives it too.
    pub id: u64,
    /// That of the mount that it is mounted on.
    pub parent: u64,
    /// `s_dev`, as the kernel packs it: major << 20 | minor.
    pub device: u32,
    /// What of the file system is mounted, `/` for all of it.
    pub root: Vec<u8>,
    /// Where.
    pub point: Vec<u8>,
    /// The file system's type, `ext4` or `fuse.sshfs`.
    pub kind: Vec<u8>,
}

/// A device's packed number as `major:minor`, as mountinfo writes it.
pub(crate) fn device(packed: u32) -> String {
    format!("{}:{}", packed >> 20, packed & 0xf_ffff)
}

/// Whether a type of file system is NFS or FUSE: somebody else decides what lies at
/// the names on it, so no exemption rests on them.
#[must_use]
pub fn is_foreign(kind: &[u8]) -> bool {
    matches!(kind, b"nfs" | b"nfs4" | b"virtiofs") || is_fuse(kind)
}

/// Whether a process of this host answers for it, which may never answer.
fn is_fuse(kind: &[u8]) -> bool {
    matches!(kind, b"fuse" | b"fuseblk") || kind.starts_with(b"fuse.")
}

/// All lines of a `mountinfo`.
///
/// # Errors
/// When one of them is not as the kernel writes it.
pub fn parse(text: &[u8]) -> io::Result<Vec<Mount>> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| line_of(line).ok_or(io::ErrorKind::InvalidData.into()))
        .collect()
}

fn line_of(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = number(fields.next()?)?;
    let parent = number(fields.next()?)?;
    let mut device = fields.next()?.split(|byte| *byte == b':');
    let (major, minor) = (number(device.next()?)?, number(device.next()?)?);
    let (root, point) = (unescape(fields.next()?), unescape(fields.next()?));
    let device = u32::try_from(major << 20 | minor).ok()?;
    // Optional fields end at a hyphen.
    fields.find(|field| *field == b"-")?;
    Some(Mount {
        id,
        parent,
        device,
        root,
        point,
        kind: unescape(fields.next()?),
    })
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Takes mountinfo's octal escapes back.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let value = octal.and_then(|digits| {
            digits.iter().try_fold(0_u32, |value, digit| {
                (b'0'..=b'7')
                    .contains(digit)
                    .then(|| value * 8 + u32::from(digit - b'0'))
            })
        });
        if let Some(byte) = value.and_then(|value| u8::try_from(value).ok()) {
            plain.push(byte);
            rest = after.get(3..).unwrap_or_default();
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_mountinfo() {
        let line = br"36 35 98:5 /mnt\0401 /mnt\1342 rw,noatime master:1 - ext3 /dev/root rw";
        let found = line_of(line).unwrap();
        assert_eq!(
            (found.id, found.parent, found.device),
            (36, 35, 98 << 20 | 5)
        );
        assert_eq!(found.root, b"/mnt 1");
        assert_eq!(found.point, b"/mnt\\2");
        assert_eq!(found.kind, b"ext3");
        let line = b"36 35 0:5 / /a rw shared:2 master:1 - fuse.sshfs u@h:/ rw";
        assert_eq!(line_of(line).unwrap().kind, b"fuse.sshfs");
        for bad in [&b"36 35 98"[..], b"36 35 98:5 / / rw"] {
            assert_eq!(line_of(bad), None);
        }
        assert!(parse(b"36 35 0:5 / /a rw - tmpfs t rw\n").is_ok_and(|all| all.len() == 1));
        assert!(parse(b"nonsense\n").is_err());
    }
}
