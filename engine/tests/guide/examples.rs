//! `policies/examples`: each is clean, its tests hold, and they make every rule
//! of it decide; alone, and together on the hosts that would have several.

use crate::pages::updating;
use crate::repository;
use policy_lang::fmt::format;
use policy_lang::source::Sources;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The demonstration's: another example says the same at length.
const DEMONSTRATION: &str = "docker-socket.policy";
/// For a host of another kind than the others are for.
const WORKSTATION: &str = "workstation.policy";
/// What a workstation has beside its own.
const BESIDE: &[&str] = &[
    "cloud-metadata.policy",
    "container-sockets.policy",
    "dns.policy",
    "raw-sockets.policy",
    "risky-families.policy",
];

/// What may be said of several examples together: that an `allow` of one opens
/// a `default deny` of another. That is how they are meant to be joined.
const ACROSS: &[&str] = &["P0520"];

fn examples() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository("policies/examples")).unwrap();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

fn among(path: &Path, names: &[&str]) -> bool {
    names.iter().any(|name| path.ends_with(name))
}

/// Runs the program on files, and reads the JSON that it answers with; fails
/// unless the answer is yes.
fn ask(arguments: &[&str], files: &[PathBuf]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interdict"));
    let output = command.args(arguments).args(files).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?} {files:?}\n{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_str(&said).unwrap()
}

/// Clean, tests that hold, every rule covered. What is said of a policy of
/// several files because they are together, `beside` names.
fn good(files: &[PathBuf], beside: &[&str]) {
    let checked = ask(&["check", "--format", "json"], files);
    let all = checked.get("diagnostics").and_then(Value::as_array);
    for one in all.unwrap() {
        let said = |key: &str| one.get(key).and_then(Value::as_str).unwrap();
        let clean = said("severity") == "note" || beside.contains(&said("code"));
        assert!(clean, "{files:?}: {one}");
    }
    let tested = ask(&["test", "--coverage", "--format", "json"], files);
    let coverage = tested.get("coverage").unwrap();
    let rules = coverage.get("rules").and_then(Value::as_u64);
    assert!(rules.unwrap() > 0, "{files:?}");
    let bare = coverage.get("not_covered").and_then(Value::as_array);
    assert!(bare.unwrap().is_empty(), "{files:?}: {bare:?}");
}

#[test]
fn each_is_clean_and_covered_by_its_tests() {
    let all = examples();
    assert!(all.len() >= 12, "only {all:?}");
    for file in all {
        good(&[file], &[]);
    }
}

#[test]
fn each_is_in_canonical_form() {
    let mut wrong = Vec::new();
    for path in examples() {
        let text = std::fs::read_to_string(&path).unwrap();
        let sources = Sources::single("example.policy", text.as_str());
        let formatted = format(sources.files().first().unwrap()).unwrap();
        if formatted != text && updating() {
            std::fs::write(&path, formatted).unwrap();
        } else if formatted != text {
            wrong.push(path);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}\nUPDATE_EXPECT=1 rewrites them");
}

#[test]
fn those_of_one_host_do_not_disturb_each_other() {
    let all = examples();
    let server = all
        .iter()
        .filter(|path| !among(path, &[DEMONSTRATION, WORKSTATION]));
    good(&server.cloned().collect::<Vec<_>>(), ACROSS);
    let desk: Vec<PathBuf> = all
        .iter()
        .filter(|path| among(path, BESIDE) || among(path, &[WORKSTATION]))
        .cloned()
        .collect();
    assert_eq!(desk.len(), BESIDE.len() + 1);
    good(&desk, ACROSS);
}
