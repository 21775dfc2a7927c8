//! The workspace's own text files, as they lie on the disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::paths;

/// All text files.
pub(super) struct Tree {
    pub(super) root: PathBuf,
    pub(super) files: Vec<SourceFile>,
}

/// One of them.
pub(super) struct SourceFile {
    /// From the root.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

impl Tree {
    /// Reads the files; what is hidden or built is left out, and what is not
    /// UTF-8 is no text.
    pub(super) fn read() -> io::Result<Self> {
        let root = paths::workspace();
        let mut files = Vec::new();
        collect(&root, &root, &mut files)?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { root, files })
    }

    /// The files whose names end so.
    pub(super) fn with_suffix<'t>(
        &'t self,
        suffix: &'t str,
    ) -> impl Iterator<Item = &'t SourceFile> {
        self.files
            .iter()
            .filter(move |file| file.path.to_string_lossy().ends_with(suffix))
    }
}

impl SourceFile {
    /// Whether all of it is tests, or data of tests.
    pub(super) fn is_test(&self) -> bool {
        let in_tests = self
            .path
            .components()
            .any(|part| part.as_os_str() == "tests");
        in_tests || self.path.ends_with("tests.rs")
    }

    /// Its lines before the tests that stand at its end, each with its number.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..)
            .zip(self.text.lines())
            .take_while(|(_, line)| *line != "#[cfg(test)]")
    }
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<SourceFile>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let hidden = name.as_encoded_bytes().starts_with(b".");
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() && !hidden && name != "target" {
            collect(root, &path, files)?;
        } else if kind.is_file() && !hidden {
            let Ok(text) = String::from_utf8(fs::read(&path)?) else {
                continue;
            };
            let path = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            files.push(SourceFile { path, text });
        }
    }
    Ok(())
}
