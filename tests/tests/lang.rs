//! Policies with what is said about them: `lang/**/*.policy`.
//!
//! A file's text ends at the line `# expect`; the comments after it are the
//! rendered diagnostics. `UPDATE_EXPECT=1` rewrites them: read the difference.
//! Files under `lang/compile/` are compiled too, for a host whose paths are places.
//!
//! The line below `# repeat N` stands N times in the policy that is read, with the
//! count, from 1, in place of `{n}`: for policies of many kilobytes.
//!
//! Every code must be shown by a file, and every finding says what to write instead.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use policy_lang::compile::{AnyHost, Enforcement};
use policy_lang::diag::codes::CODES;
use policy_lang::diag::{Diagnostic, Report, Style, render_all};
use policy_lang::source::Sources;
use policy_lang::{compile, load};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const EXPECT: &str = "# expect\n";

fn policies(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            policies(&path, into);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "policy")
        {
            into.push(path);
        }
    }
}

/// The text before the expectation, and the expectation without its `# `.
fn split(bytes: &[u8]) -> (Vec<u8>, String) {
    let marker = EXPECT.as_bytes();
    let at = bytes
        .windows(marker.len())
        .position(|window| window == marker)
        .unwrap_or(bytes.len());
    let (text, rest) = bytes.split_at(at);
    let rest = rest.get(marker.len()..).unwrap_or(&[]);
    let said = String::from_utf8(rest.to_vec()).unwrap();
    let lines = said.lines().map(|line| {
        let line = line.strip_prefix('#').unwrap();
        line.strip_prefix(' ').unwrap_or(line)
    });
    (text.to_vec(), lines.flat_map(|line| [line, "\n"]).collect())
}

/// A policy's text, with what is to be repeated written out.
fn written_out(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut times = None;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let said = str::from_utf8(line).unwrap_or("");
        if let Some(number) = said.strip_prefix("# repeat ") {
            times = Some(number.trim().parse::<u32>().unwrap());
        } else if let Some(times) = times.take() {
            out.extend((1..=times).flat_map(|n| said.replace("{n}", &n.to_string()).into_bytes()));
        } else {
            out.extend(line);
        }
    }
    out
}

/// What a finding lacks to be as the others: one line that says what is wrong,
/// and one that says what to write instead.
fn style(one: &Diagnostic) -> Option<&'static str> {
    let Some(help) = &one.help else {
        return Some("nothing says what to write instead");
    };
    let texts = [&one.message, help].into_iter();
    for text in texts.chain(one.labels.iter().map(|label| &label.text)) {
        if text.ends_with('.') || text.contains('\n') {
            return Some("one line, without a stop");
        }
        if text.starts_with(|c: char| c.is_ascii_uppercase()) && !text.starts_with("IP") {
            return Some("a capital");
        }
    }
    None
}

/// Everything that is said about a policy.
fn said(name: &str, text: &[u8], compiled: bool) -> (Vec<Diagnostic>, String) {
    let sources = Sources::single(name, written_out(text));
    let (policy, report) = load(&sources);
    let mut found = report.diagnostics().to_vec();
    if compiled {
        let policy = policy.unwrap_or_else(|| panic!("{name} is refused before it is compiled"));
        let made = compile(&policy, &AnyHost::default(), 1, Enforcement::AsWritten);
        found.extend(made.err().unwrap_or_default());
    }
    let text = render_all(&Report::new(found.clone()), &sources, Style::Plain);
    (found, text)
}

#[test]
fn policies_say_what_their_files_expect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("lang");
    let mut all = Vec::new();
    policies(&folder, &mut all);
    all.sort();
    assert!(all.len() > 50, "only {} policies found", all.len());
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut shown: BTreeSet<&'static str> = BTreeSet::new();
    let mut wrong = Vec::new();
    for path in &all {
        let within = path.strip_prefix(&folder).unwrap();
        let (text, expected) = split(&std::fs::read(path).unwrap());
        let name = within.file_name().unwrap().to_string_lossy();
        let (found, got) = said(&name, &text, within.starts_with("compile"));
        assert_eq!(
            within.starts_with("good"),
            found.is_empty(),
            "{}: {got}",
            within.display()
        );
        wrong.extend(found.iter().filter_map(|one| {
            let fault = style(one)?;
            Some(format!("{}: {fault}: {one:?}", within.display()))
        }));
        shown.extend(found.iter().map(|one| one.code.id()));
        if got == expected {
            continue;
        }
        if update {
            let comment: String = got
                .lines()
                .map(|line| format!("# {line}").trim_end().to_owned() + "\n")
                .collect();
            let whole = [&text[..], EXPECT.as_bytes(), comment.as_bytes()].concat();
            std::fs::write(path, whole).unwrap();
        } else {
            wrong.push(format!(
                "{}\n--- expected\n{expected}\n--- got\n{got}",
                within.display()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nUPDATE_EXPECT=1 rewrites them",
        wrong.join("\n")
    );
    let missing: Vec<&str> = CODES
        .iter()
        // Those need a host: the engine's tests show them on one.
        .filter(|code| !code.of_host())
        .map(|code| code.id())
        .filter(|id| !shown.contains(id))
        .collect();
    assert!(missing.is_empty(), "no policy shows {missing:?}");
}
