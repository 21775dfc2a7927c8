//! `cargo xtask test`: everything that must hold before a change goes in.
//!
//! The stages are a table; a failed one does not keep the next from running,
//! so that one run tells all. The last line counts the tests of all of them.

mod checks;
mod counts;
mod guests;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use crate::kernels::Kernel;
use crate::{fuzz, setup, tidy};
use counts::Counts;

/// Check the format and the lints, run every test, on this machine and on the kernels
#[derive(Args)]
#[command(long_about = LONG_ABOUT)]
pub(crate) struct TestArgs {
    /// Run the long variants of tests as well
    #[arg(long)]
    full: bool,
    /// Only the tests whose names contain one of these, and no other checks
    filters: Vec<String>,
}

const LONG_ABOUT: &str = "\\
Check the format and the lints, run every test, on this machine and on the kernels.

Needs no preparation: what is missing is installed as `cargo xtask setup` would.
Each stage says how long it took; a failed one does not stop the next. The last
line is `N passed, N failed, N skipped`: the tests of all stages, where a stage
that failed without a failed test counts as one. The exit code is 0 only if
nothing failed and every stage of tests ran some.";

/// A step of the suite.
struct Stage {
    name: &'static str,
    kind: Kind,
    run: fn(&TestArgs) -> Result<Option<Counts>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Holds or does not; left out when tests are asked for by name.
    Check,
    /// Runs tests, and must count some.
    Tests,
    /// A check that takes long: only with `--full`.
    Long,
}

/// Every stage, in order. Add one HERE.
const STAGES: &[Stage] = &[
    Stage {
        name: "setup",
        kind: Kind::Check,
        run: |_| checked(setup::everything()),
    },
    Stage {
        name: "format",
        kind: Kind::Check,
        run: |_| checked(checks::format()),
    },
    Stage {
        name: "tidy",
        kind: Kind::Check,
        run: |_| checked(tidy::main()),
    },
    Stage {
        name: "lints",
        kind: Kind::Check,
        run: |_| checked(checks::lints()),
    },
    Stage {
        name: "lints of the BPF programs",
        kind: Kind::Check,
        run: |_| checked(checks::lints_of_bpf()),
    },
    Stage {
        name: "lints of the fuzz targets",
        kind: Kind::Check,
        run: |_| checked(checks::lints_of_fuzz()),
    },
    Stage {
        name: "host tests",
        kind: Kind::Tests,
        run: |args| checks::tests(args).map(Some),
    },
    Stage {
        name: "fuzzing",
        kind: Kind::Long,
        run: |_| checked(fuzz::for_suite()),
    },
    Stage {
        name: "kernel 6.1",
        kind: Kind::Tests,
        run: |args| guests::tests(args, Kernel::V6_1, guests::PLAIN).map(Some),
    },
    Stage {
        name: "kernel 6.12",
        kind: Kind::Tests,
        run: |args| guests::tests(args, Kernel::V6_12, guests::PLAIN).map(Some),
    },
    Stage {
        name: "kernel 7.3",
        kind: Kind::Tests,
        run: |args| guests::tests(args, Kernel::V7_3, guests::PLAIN).map(Some),
    },
    Stage {
        name: "kernel 7.3, full preemption, one CPU",
        kind: Kind::Tests,
        run: |args| guests::tests(args, Kernel::V7_3, guests::PREEMPTED).map(Some),
    },
];

fn checked(result: Result<()>) -> Result<Option<Counts>> {
    result.map(|()| None)
}

/// Runs the suite.
pub(crate) fn main(args: &TestArgs) -> ExitCode {
    let mut total = Counts::default();
    let mut summary = String::new();
    for stage in STAGES {
        let is_test = stage.kind == Kind::Tests;
        if (!is_test && !args.filters.is_empty()) || (stage.kind == Kind::Long && !args.full) {
            continue;
        }
        print(&format!("== {}\n", stage.name));
        let start = Instant::now();
        let (counts, verdict) = judge(stage, args);
        let took = start.elapsed().as_secs_f32();
        let line = format!("== {}: {verdict} ({took:.1} s)\n", stage.name);
        print(&line);
        summary.push_str(&line);
        total += counts;
    }
    if total.ran() == 0 {
        // A filter that matches nothing is a mistake, not a success.
        summary.push_str("== no test ran\n");
        total.failed += 1;
    }
    print(&format!("\n{summary}{total}\n"));
    if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs a stage; gives what it adds to the total, and its verdict in words.
fn judge(stage: &Stage, args: &TestArgs) -> (Counts, String) {
    let one_failed = Counts {
        failed: 1,
        ..Counts::default()
    };
    match (stage.run)(args) {
        Ok(Some(counts)) if counts.ran() == 0 && args.filters.is_empty() => {
            (one_failed, "FAILED: it ran no test".to_owned())
        }
        Ok(Some(counts)) => {
            let verdict = if counts.failed == 0 { "ok" } else { "FAILED" };
            (counts, format!("{verdict}: {counts}"))
        }
        Ok(None) if stage.kind == Kind::Tests => {
            (one_failed, "FAILED: it counted no test".to_owned())
        }
        Ok(None) => (Counts::default(), "ok".to_owned()),
        Err(error) => (one_failed, format!("FAILED: {error:#}")),
    }
}

/// Prints to standard output; one that is closed does not stop the suite,
/// whose exit code is still wanted.
fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .ok();
}
