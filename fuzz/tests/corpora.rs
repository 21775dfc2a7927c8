//! The corpora, and the golden policies, through the functions that the fuzzer runs.

use std::path::{Path, PathBuf};

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push(path);
        }
    }
}

/// Each file, its halves, and the file with each of a few bytes put in its middle.
#[test]
fn parse() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    files(&root.join("corpus/parse"), &mut all);
    let seeds = all.len();
    assert!(seeds > 5, "the corpus has {seeds} files");
    files(&root.join("../tests/lang"), &mut all);
    for path in &all {
        let bytes = std::fs::read(path).expect("the file can be read");
        interdict_fuzz::parse(&bytes);
        let (front, back) = bytes.split_at(bytes.len() / 2);
        interdict_fuzz::parse(front);
        interdict_fuzz::parse(back);
        for byte in *b"\0\n\"{}()=\\,#!*[-\xff" {
            interdict_fuzz::parse(&[front, &[byte], back].concat());
        }
    }
}

/// Bytes of the corpus are choices too.
#[test]
fn generated() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    files(&root.join("corpus"), &mut all);
    files(&root.join("../tests/lang"), &mut all);
    for path in &all {
        let bytes = std::fs::read(path).expect("the file can be read");
        interdict_fuzz::generated(&bytes);
        interdict_fuzz::generated(bytes.get(..40).unwrap_or(&bytes));
    }
}
