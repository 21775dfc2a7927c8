//! The namespaces of PID 1, by number: what `host` means in a policy.
//!
//! A namespace that is in use keeps its number, and PID 1 is there as long as
//! the machine runs, so its numbers are nobody else's.

use super::error::KernelError;
use policy_abi::maps::HOST_NAMESPACES;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Where PID 1's are shown.
const FOLDER: &str = "/proc/1/ns";
/// Their files, in the order of [`policy_abi::maps::NAMESPACES`].
const FILES: [&str; HOST_NAMESPACES] = ["user", "net", "pid", "mnt", "cgroup"];

/// Their numbers; 0 for one that this kernel does not have: every subject's is
/// missing then.
///
/// # Errors
///
/// When /proc does not show them.
pub(super) fn of_host() -> Result<[u32; HOST_NAMESPACES], KernelError> {
    numbers(Path::new(FOLDER)).map_err(|source| KernelError::System {
        what: "reading the namespaces of PID 1",
        source,
    })
}

fn numbers(folder: &Path) -> io::Result<[u32; HOST_NAMESPACES]> {
    let mut numbers = [0; HOST_NAMESPACES];
    for (number, file) in numbers.iter_mut().zip(FILES) {
        *number = match std::fs::metadata(folder.join(file)) {
            Ok(found) => u32::try_from(found.ino()).map_err(io::Error::other)?,
            Err(error) if error.kind() == ErrorKind::NotFound && folder.is_dir() => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::{FILES, numbers};
    use std::path::Path;

    #[test]
    fn a_namespace_has_the_number_that_its_link_shows() {
        let folder = Path::new("/proc/self/ns");
        for (number, name) in numbers(folder).unwrap().iter().zip(FILES) {
            let link = std::fs::read_link(folder.join(name)).unwrap();
            assert_eq!(link.to_string_lossy(), format!("{name}:[{number}]"));
        }
        assert!(numbers(Path::new("/proc/self/no-such-folder")).is_err());
    }
}
