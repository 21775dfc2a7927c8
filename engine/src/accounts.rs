//! Names of users and groups as numbers, from /etc/passwd and /etc/group alone.
//!
//! The files are those that PID 1 sees. They are read when a policy asks for a
//! name, and again at each reload; [`crate::daemon`] reloads when they change.
//! No directory service is asked: what it would answer can change at any time,
//! and may need the very sockets that are judged.

use policy_lang::compile::Account;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;

/// The files of one moment.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    users: OnceCell<HashMap<Vec<u8>, u32>>,
    groups: OnceCell<HashMap<Vec<u8>, u32>>,
    /// Names that were asked for and are not there.
    unknown: RefCell<BTreeSet<(Account, Vec<u8>)>>,
    /// Files that are there and could not be read.
    failed: RefCell<Option<(&'static str, io::Error)>>,
}

impl Accounts {
    /// The number of a name below `root`.
    pub(crate) fn number(&self, root: &OwnedFd, account: Account, name: &[u8]) -> Option<u32> {
        let table = match account {
            Account::User => &self.users,
            Account::Group => &self.groups,
        };
        let table = table.get_or_init(|| match read(root, file(account)) {
            Ok(bytes) => parse(&bytes),
            Err(error) => {
                self.failed.replace(Some((file(account), error)));
                HashMap::new()
            }
        });
        let found = table.get(name).copied();
        if found.is_none() {
            let unknown = (account, name.to_vec());
            self.unknown.borrow_mut().insert(unknown);
        }
        found
    }

    /// Names that were asked for and that nobody has, with the files that lack them.
    pub(crate) fn unknown(&self) -> Vec<(&'static str, Vec<u8>)> {
        let unknown = self.unknown.borrow();
        let named = |(account, name): &(Account, Vec<u8>)| (file(*account), name.clone());
        unknown.iter().map(named).collect()
    }

    /// A file that could not be read, and why.
    pub(crate) fn failure(&self) -> Option<(&'static str, io::Error)> {
        self.failed.take()
    }
}

/// Where accounts of a kind stand.
const fn file(account: Account) -> &'static str {
    match account {
        Account::User => "/etc/passwd",
        Account::Group => "/etc/group",
    }
}

/// The bytes of a file below `root`, none when there is no such file.
fn read(root: &OwnedFd, path: &str) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let opened = openat2(root, path, flags, Mode::empty(), inside);
    let mut bytes = Vec::new();
    match opened {
        Ok(file) => File::from(file).read_to_end(&mut bytes).map(|_| bytes),
        Err(rustix::io::Errno::NOENT) => Ok(bytes),
        Err(error) => Err(error.into()),
    }
}

/// Lines `name:password:number:…`. Of two lines with one name the first counts,
/// as it does for `getpwnam(3)`; what is no such line is passed over.
fn parse(bytes: &[u8]) -> HashMap<Vec<u8>, u32> {
    let mut all = HashMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b':');
        let (Some(name), Some(_), Some(number)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let number = std::str::from_utf8(number).ok().and_then(plain);
        if let Some(number) = number.filter(|_| !name.is_empty()) {
            all.entry(name.to_vec()).or_insert(number);
        }
    }
    all
}

/// A user's or group's number; the kernel's "none" is nobody's.
fn plain(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = text.parse().ok().filter(|_| digits)?;
    (number != u32::MAX).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::open;

    fn root(folder: &std::path::Path) -> OwnedFd {
        open(folder, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
    }

    #[test]
    fn lines_that_name_somebody() {
        let file = b"root:x:0:0:root:/root:/bin/sh\n\
                     # a comment:x:1\n\
                     +nis\n\
                     \n\
                     :x:5\n\
                     toor:x:0:0::/:\n\
                     docker:x:998:a,b\n\
                     docker:x:7:\n\
                     odd\xff:x:12:\n\
                     none:x:4294967295:\n\
                     large:x:4294967296:\n\
                     signed:x:+3:\n\
                     last:x:4294967294:";
        let all = parse(file);
        let number = |name: &[u8]| all.get(name).copied();
        assert_eq!(number(b"root"), Some(0));
        assert_eq!(number(b"toor"), Some(0));
        assert_eq!(number(b"docker"), Some(998));
        assert_eq!(number(b"odd\xff"), Some(12));
        assert_eq!(number(b"last"), Some(u32::MAX - 1));
        for nobody in [&b"none"[..], b"large", b"signed", b"+nis", b""] {
            assert_eq!(number(nobody), None);
        }
    }

    #[test]
    fn files_below_a_root_and_names_that_are_not_there() {
        let folder = std::env::temp_dir().join(format!("accounts-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("etc")).unwrap();
        std::fs::write(folder.join("etc/real"), "me:x:1000:1000:::\n").unwrap();
        // A link is followed inside the root.
        std::os::unix::fs::symlink("/etc/real", folder.join("etc/passwd")).unwrap();
        let accounts = Accounts::default();
        let root = root(&folder);
        assert_eq!(accounts.number(&root, Account::User, b"me"), Some(1000));
        assert_eq!(accounts.number(&root, Account::User, b"you"), None);
        // There is no /etc/group.
        assert_eq!(accounts.number(&root, Account::Group, b"me"), None);
        assert!(accounts.failure().is_none());
        let unknown = [
            ("/etc/passwd", b"you".to_vec()),
            ("/etc/group", b"me".to_vec()),
        ];
        assert_eq!(accounts.unknown(), unknown);
        std::fs::create_dir(folder.join("etc/group")).unwrap();
        let accounts = Accounts::default();
        assert_eq!(accounts.number(&root, Account::Group, b"me"), None);
        let (file, _) = accounts.failure().unwrap();
        assert_eq!(file, "/etc/group");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
