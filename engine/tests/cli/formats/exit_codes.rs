//! The exit codes: for every command each code that it can end with, one row a way.
//!
//! What a code means stands in `engine/src/error.rs`; none ever gets another meaning.

use crate::program::Dir;
use std::fs::File;
use std::process::Stdio;

/// A way to end. Words are divided at blanks, `question` and `yes` stand for
/// `tcp connect` and for a directory whose policy is good.
struct Way {
    code: i32,
    line: &'static str,
    /// Where the output goes.
    out: Out,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Out {
    /// To somebody who reads it.
    Read,
    /// To a device that is full.
    Full,
}

const fn way(code: i32, line: &'static str) -> Way {
    Way {
        code,
        line,
        out: Out::Read,
    }
}

const fn full(line: &'static str) -> Way {
    Way {
        code: 6,
        line,
        out: Out::Full,
    }
}

/// Every way. Add one HERE.
const WAYS: &[Way] = &[
    way(0, "--help"),
    way(0, "--version"),
    way(2, ""),
    way(2, "chek"),
    way(2, "--frob"),
    full("--help"),
    // check
    way(0, "check good.policy"),
    way(0, "check --deny-warnings good.policy"),
    way(0, "check warned.policy"),
    way(0, "check kernel.policy"),
    way(0, "check --deny-warnings kernel.policy"),
    way(0, "check --kernel good.policy"),
    way(0, "check --help"),
    way(1, "check --deny-warnings warned.policy"),
    way(1, "check bad.policy"),
    way(1, "check --format json bad.policy"),
    way(1, "check --format sarif bad.policy"),
    way(1, "check --format github bad.policy"),
    way(1, "check good.policy bad.policy"),
    way(1, "check --kernel kernel.policy"),
    way(2, "check"),
    way(2, "check --format xml good.policy"),
    way(2, "check --frob good.policy"),
    way(3, "check none.policy"),
    way(3, "check good.policy none.policy"),
    way(3, "check bad.policy none.policy"),
    way(3, "check empty"),
    full("check good.policy"),
    full("check bad.policy"),
    full("check --format json good.policy"),
    // explain
    way(0, "explain good.policy -- question"),
    way(0, "explain good.policy --format json -- question"),
    way(0, "explain warned.policy -- question"),
    way(0, "explain kernel.policy -- question"),
    way(0, "explain good.policy --batch requests"),
    way(0, "explain good.policy --batch nonsense"),
    way(0, "explain good.policy --batch -"),
    way(0, "explain --code P0203"),
    way(1, "explain bad.policy -- question"),
    way(1, "explain bad.policy --format json -- question"),
    way(1, "explain bad.policy --batch requests"),
    way(1, "explain bad.policy --batch requests --format json"),
    way(2, "explain"),
    way(2, "explain good.policy"),
    way(2, "explain good.policy -- frob"),
    way(2, "explain --code P9999"),
    way(2, "explain --code"),
    way(2, "explain good.policy --code P0203"),
    way(2, "explain - --batch -"),
    way(3, "explain none.policy -- question"),
    way(3, "explain good.policy --batch none"),
    way(3, "explain good.policy --batch empty"),
    way(3, "explain empty --batch requests"),
    full("explain good.policy -- question"),
    full("explain good.policy --batch requests"),
    way(0, "explain good.policy --event nonsense"),
    way(1, "explain bad.policy --event nonsense"),
    way(2, "explain good.policy --event nonsense -- question"),
    way(3, "explain good.policy --event none"),
    full("explain good.policy --event nonsense"),
    full("explain bad.policy --batch requests"),
    full("explain --code P0203"),
    // fmt: by `--check`, for nothing may be written that another row reads
    way(0, "fmt --check formatted.policy"),
    way(0, "fmt --check warned.policy"),
    way(0, "fmt formatted.policy"),
    way(0, "fmt -"),
    way(1, "fmt --check unformatted.policy"),
    way(1, "fmt broken.policy"),
    way(1, "fmt --check formatted.policy broken.policy"),
    way(2, "fmt"),
    way(2, "fmt --frob formatted.policy"),
    way(3, "fmt none.policy"),
    way(3, "fmt --check empty"),
    full("fmt --check unformatted.policy"),
    // test
    way(0, "test good.policy"),
    way(0, "test --coverage good.policy"),
    way(0, "test --format json good.policy"),
    way(0, "test --format junit good.policy"),
    way(1, "test failing.policy"),
    way(1, "test --format json failing.policy"),
    way(1, "test --format junit failing.policy"),
    way(1, "test bad.policy"),
    way(1, "test --format json bad.policy"),
    way(1, "test --format junit bad.policy"),
    way(2, "test"),
    way(2, "test --format sarif good.policy"),
    way(3, "test none.policy"),
    way(3, "test empty"),
    full("test good.policy"),
    full("test failing.policy"),
    // completions, man
    way(0, "completions bash"),
    way(2, "completions"),
    way(2, "completions frob"),
    full("completions bash"),
    way(0, "man"),
    way(0, "man check"),
    way(2, "man frob"),
    full("man"),
    full("test --format junit bad.policy"),
];

/// Ways of the daemon that touch no kernel.
#[cfg(feature = "daemon")]
const DAEMON: &[Way] = &[
    way(0, "run --help"),
    way(1, "run --config good.toml --policy bad.policy"),
    way(2, "run --mode permissive"),
    way(2, "run frob"),
    way(2, "doctor --format xml"),
    way(3, "run --config none.toml --policy good.policy"),
    way(3, "run --config bad.toml --policy good.policy"),
    way(3, "run --config good.toml --policy none.policy"),
    way(3, "run --config good.toml --policy empty"),
    way(
        6,
        "run --config good.toml --policy good.policy --events none/file",
    ),
    full("doctor"),
    full("doctor --format json"),
    // A build without the BPF programs enforces nowhere: no test gets past this.
    #[cfg(feature = "stub-object")]
    way(4, "run --config good.toml --policy good.policy"),
    #[cfg(feature = "stub-object")]
    way(4, "doctor"),
    #[cfg(feature = "stub-object")]
    way(4, "doctor --format json"),
];

#[cfg(not(feature = "daemon"))]
const DAEMON: &[Way] = &[
    // The checker alone knows no daemon.
    way(2, "run --policy good.policy"),
    way(2, "doctor"),
];

fn dir() -> Dir {
    let good = "deny tcp connect to 10.0.0.1 id a\n\
                test \"t\" { expect deny by a tcp connect to 10.0.0.1 }\n";
    let dir = Dir::new("exit-codes")
        .file("good.policy", good)
        .file("warned.policy", "deny tcp connect unless comm = x\n")
        .file("bad.policy", "deny tcp conect\n")
        .file(
            "kernel.policy",
            "deny tcp connect unless exe = \"/usr/**a????????????????????\"\n",
        )
        .file("formatted.policy", "deny tcp connect to 10.0.0.1\n")
        .file("unformatted.policy", "deny  tcp connect\n")
        .file("broken.policy", "deny tcp\n")
        .file("failing.policy", "test \"t\" { expect deny tcp connect }\n")
        .file(
            "requests",
            "{\"family\":\"tcp\",\"operation\":\"connect\"}\n",
        )
        .file("nonsense", "nonsense\n")
        .file("good.toml", "mode = \"audit\"\n")
        .file("bad.toml", "mood = \"audit\"\n");
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    dir
}

#[test]
fn every_way_ends_with_its_code() {
    let dir = dir();
    let mut wrong = Vec::new();
    for way in WAYS.iter().chain(DAEMON) {
        let words = way.line.split_whitespace();
        let words: Vec<&str> = words
            .map(|word| {
                if word == "question" {
                    "tcp connect"
                } else {
                    word
                }
            })
            .collect();
        let mut command = dir.command(&words);
        command.stdin(Stdio::null()).stdout(match way.out {
            Out::Read => Stdio::piped(),
            Out::Full => File::create("/dev/full").unwrap().into(),
        });
        let output = command.output().unwrap();
        let (code, said) = (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr),
        );
        if code != Some(way.code) {
            wrong.push(format!(
                "`{}` ends with {code:?}, not {}: {said}",
                way.line, way.code
            ));
        }
        // Whoever is not told yes or no is told why.
        if way.code > 1 && way.line != "doctor" && output.stdout.is_empty() && said.is_empty() {
            wrong.push(format!("`{}` says nothing", way.line));
        }
        // What is no answer goes to nobody who takes it for one.
        if matches!(way.code, 2 | 3 | 6) && !output.stdout.is_empty() {
            wrong.push(format!("`{}` answers and fails", way.line));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_of_this_version_is_shown() {
    let shown = |code: i32| WAYS.iter().chain(DAEMON).any(|way| way.code == code);
    let mut codes = vec![0, 1, 2, 3, 6];
    if cfg!(all(feature = "daemon", feature = "stub-object")) {
        codes.push(4);
    }
    for code in codes {
        assert!(shown(code), "{code}");
    }
}
