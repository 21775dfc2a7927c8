//! Arguments to policy sources. Reads files and directories; knows nothing of
//! what stands in them.
//!
//! - A directory stands for the `.policy` files directly inside it that are not
//!   hidden (notes 85). Those of its entries may be symbolic links, as a
//!   Kubernetes `ConfigMap` has them.
//! - A file stands for itself, whatever its name.
//! - `-` is standard input, called `stdin` (notes 84).
//! - A file that is reached twice counts once, under the name it was first
//!   reached by.
//! - Not one file among the arguments is an error (notes 120): nothing was read,
//!   so it ends like any input that cannot be read.
//!
//! The bounds of the language are its own to report. Here they only stop the
//! reading, a little past the bound, so that the report is about a policy that is
//! too large and not about a machine without memory.

use policy_lang::diag::show;
use policy_lang::limits;
use policy_lang::source::Sources;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What a policy file's name ends with.
pub const SUFFIX: &str = ".policy";
/// The argument that stands for standard input.
pub const STDIN: &str = "-";

/// Why the files of a policy cannot be read.
#[derive(Debug, Error)]
pub enum FilesError {
    /// A file or directory cannot be read.
    #[error("cannot read `{path}`", path = shown(path))]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An entry of a directory is called like a policy and is no file.
    #[error("`{path}` is not a regular file", path = shown(path))]
    NotAFile {
        /// Which.
        path: PathBuf,
    },
    /// There is no policy file among the arguments.
    #[error("no `{SUFFIX}` file in {paths}", paths = shown_all(paths))]
    None {
        /// The arguments.
        paths: Vec<PathBuf>,
    },
}

impl FilesError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::None { .. } => Some("an empty policy is a `.policy` file without rules"),
            Self::NotAFile { .. } => Some("rename it, or take it out of the directory"),
            Self::Read { .. } => None,
        }
    }
}

/// Reads the policy that `paths` stand for.
///
/// # Errors
/// When anything named cannot be read, or when nothing is named: a policy that is
/// not whole is not a policy.
pub fn read(paths: &[PathBuf]) -> Result<Sources, FilesError> {
    load(&find(paths)?)
}

/// What `paths` stand for, each once.
///
/// # Errors
/// As [`read`], but for what is only found out by reading.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Vec<Place>, FilesError> {
    let mut found = Found::default();
    for path in paths {
        if path.as_os_str() == STDIN {
            found.add(Place::Stdin);
        } else if metadata(path)?.is_dir() {
            for file in directory(path)? {
                found.add_file(file)?;
            }
        } else {
            found.add_file(path.clone())?;
        }
    }
    if found.places.is_empty() {
        return Err(FilesError::None {
            paths: paths.to_vec(),
        });
    }
    Ok(found.places)
}

/// One of them, by itself.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read_one(place: &Place) -> Result<Sources, FilesError> {
    load(std::slice::from_ref(place))
}

/// Where the text of a policy is to be read from.
#[derive(Debug, PartialEq, Eq, Hash, Clone)]
pub(crate) enum Place {
    /// Standard input.
    Stdin,
    /// This file.
    File(PathBuf),
}

/// Places in the order in which they were found, each once.
#[derive(Default)]
struct Found {
    places: Vec<Place>,
    seen: HashSet<Place>,
}

impl Found {
    fn add(&mut self, place: Place) {
        if self.seen.insert(place.clone()) {
            self.places.push(place);
        }
    }

    /// Adds a file by the name it was given, unless it was reached by another.
    fn add_file(&mut self, path: PathBuf) -> Result<(), FilesError> {
        // What a shell puts in place of `<(…)` is a pipe, which has no path.
        let real = if metadata(&path)?.is_file() {
            fs::canonicalize(&path).map_err(cannot_read(&path))?
        } else {
            path.clone()
        };
        if self.seen.insert(Place::File(real)) {
            self.places.push(Place::File(path));
        }
        Ok(())
    }
}

/// The policy files of a directory, in byte order of name.
fn directory(path: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(cannot_read(path))? {
        let entry = entry.map_err(cannot_read(path))?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b".") || !name.ends_with(SUFFIX.as_bytes()) {
            continue;
        }
        let file = entry.path();
        let kind = metadata(&file)?;
        if kind.is_file() {
            files.push(file);
        } else if !kind.is_dir() {
            // Reading a pipe would wait for ever, leaving it out would lose rules.
            return Err(FilesError::NotAFile { path: file });
        }
    }
    files.sort();
    Ok(files)
}

fn load(places: &[Place]) -> Result<Sources, FilesError> {
    let mut sources = Sources::new();
    let mut bytes = 0;
    for (index, place) in places.iter().enumerate() {
        if index > limits::FILES || bytes > limits::POLICY_BYTES {
            // Past the bound already: the language refuses what there is.
            break;
        }
        let (name, text) = match place {
            Place::Stdin => (
                "stdin".to_owned(),
                bounded(io::stdin().lock(), Path::new(STDIN))?,
            ),
            Place::File(path) => {
                let file = File::open(path).map_err(cannot_read(path))?;
                (path.to_string_lossy().into_owned(), bounded(file, path)?)
            }
        };
        bytes += text.len();
        sources.add(name, text);
    }
    Ok(sources)
}

/// A whole text, or one byte more than a policy can have.
fn bounded(from: impl Read, path: &Path) -> Result<Vec<u8>, FilesError> {
    let mut text = Vec::new();
    let bound = u64::try_from(limits::POLICY_BYTES).unwrap_or(u64::MAX);
    from.take(bound.saturating_add(1))
        .read_to_end(&mut text)
        .map_err(cannot_read(path))?;
    Ok(text)
}

fn metadata(path: &Path) -> Result<fs::Metadata, FilesError> {
    fs::metadata(path).map_err(cannot_read(path))
}

fn cannot_read(path: &Path) -> impl FnOnce(io::Error) -> FilesError {
    let path = path.to_owned();
    move |source| FilesError::Read { path, source }
}

fn shown(path: &Path) -> String {
    show(&path.to_string_lossy())
}

fn shown_all(paths: &[PathBuf]) -> String {
    let all: Vec<String> = paths
        .iter()
        .map(|path| format!("`{}`", shown(path)))
        .collect();
    all.join(", ")
}
