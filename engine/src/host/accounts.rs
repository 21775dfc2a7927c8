//! Users and groups, from /etc/passwd and /etc/group alone (notes 8).

use super::profile::Account;
use std::fs;
use std::path::Path;

/// The users of a root; `None` if they cannot be read.
pub(super) fn users(root: &Path) -> Option<Vec<Account>> {
    read(&root.join("etc/passwd"))
}

/// The groups of a root; `None` if they cannot be read.
pub(super) fn groups(root: &Path) -> Option<Vec<Account>> {
    read(&root.join("etc/group"))
}

/// Both files have the name first and the number third. What is not UTF-8 or
/// has no number is no account.
fn read(path: &Path) -> Option<Vec<Account>> {
    let text = fs::read(path).ok()?;
    let accounts = text.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        // NIS's `+` and `-` lines name nobody.
        if name.is_empty() || name.starts_with(['+', '-', '#']) {
            return None;
        }
        Some(Account {
            name: name.to_owned(),
            id: id.parse().ok()?,
        })
    });
    Some(accounts.collect())
}
