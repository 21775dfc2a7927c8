//! A file's text put in the place of the former one, all of it or none.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// Names that are tried for the new file.
const TRIES: u32 = 100;

/// Replaces the text of a file that is there; a symbolic link stays one. Mode and
/// owner are kept, or nothing is done.
///
/// # Errors
/// When it is no regular file, or the new one cannot be written beside it.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let real = fs::canonicalize(path)?;
    let former = fs::metadata(&real)?;
    if !former.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let (new, mut file) = beside(&real)?;
    let written = fill(&mut file, &former, text).and_then(|()| fs::rename(&new, &real));
    if written.is_err() {
        // The first error is the one to tell.
        fs::remove_file(&new).ok();
    }
    written
}

/// A new file in the same folder, hidden: nothing takes it for a policy.
fn beside(real: &Path) -> io::Result<(PathBuf, File)> {
    let name = real.file_name().unwrap_or_default();
    let mut tries = 0;
    loop {
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{tries}.new", std::process::id()));
        let new = real.with_file_name(hidden);
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new);
        match opened {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => {
                tries += 1;
            }
            opened => return opened.map(|file| (new, file)),
        }
    }
}

fn fill(file: &mut File, former: &fs::Metadata, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (former.uid(), former.gid()) {
        fchown(&*file, Some(former.uid()), Some(former.gid()))?;
    }
    // After the owner, whose change takes bits away.
    file.set_permissions(former.permissions())?;
    file.sync_all()
}
