//! `cargo xtask test`: everything that must hold before a change goes in.
//!
//! The stages are a table; a failed one does not keep the next from running,
//! so that one run tells all. The last line counts the tests of all of them.

mod checker;
mod checks;
mod counts;
mod guests;

use std::cell::Cell;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::kernels::Kernel;
use crate::{bench, fuzz, setup, tidy};
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
nothing failed and every stage of tests ran some. Tests that take long run on
some guests alone, which the others say, and on all of them with `--full`.";

/// A step of the suite.
struct Stage {
    name: &'static str,
    work: Work,
}

#[derive(Clone, Copy)]
enum Work {
    /// Holds or does not; left out when tests are asked for by name.
    Check(fn() -> Result<()>),
    /// A check that takes long: only with `--full`.
    Long(fn() -> Result<()>),
    /// What guests need is fetched from here on beside the next stages: where it is not
    /// there yet, processors have little to do for it.
    Fetch,
    /// That has ended, well or not.
    Fetched,
    /// Runs tests on this machine, and must count some.
    Tests(fn(&TestArgs) -> Result<Counts>),
    /// Runs the guest's tests, beside those of another guest.
    Guest(Kernel, guests::Flavour),
}

/// Every stage, in order; guests come last, the one that takes longest first of them,
/// so that none is waited for alone. Add one HERE.
const STAGES: &[Stage] = &[
    Stage {
        name: "setup",
        work: Work::Check(setup::install),
    },
    Stage {
        name: "kernels and programs",
        work: Work::Fetch,
    },
    Stage {
        name: "format",
        work: Work::Check(checks::format),
    },
    Stage {
        name: "tidy",
        work: Work::Check(tidy::main),
    },
    Stage {
        name: "lints",
        work: Work::Check(checks::lints),
    },
    Stage {
        name: "lints of the BPF programs",
        work: Work::Check(checks::lints_of_bpf),
    },
    Stage {
        name: "lints of the fuzz targets",
        work: Work::Check(checks::lints_of_fuzz),
    },
    Stage {
        name: "the checker alone",
        work: Work::Check(checker::dependencies),
    },
    Stage {
        name: "the checker alone, as released",
        work: Work::Long(checker::release),
    },
    Stage {
        name: "hostile text, as released",
        work: Work::Long(checks::hostile_text),
    },
    Stage {
        name: "host tests",
        work: Work::Tests(checks::tests),
    },
    Stage {
        name: "fuzzing",
        work: Work::Long(fuzz::for_suite),
    },
    Stage {
        name: "kernels and programs",
        work: Work::Fetched,
    },
    Stage {
        name: "instructions of an operation",
        work: Work::Check(bench::check),
    },
    Stage {
        name: "kernel 6.12",
        work: Work::Guest(Kernel::V6_12, guests::COMPLETE),
    },
    Stage {
        name: "kernel 7.3, full preemption, one CPU",
        work: Work::Guest(Kernel::V7_3, guests::PREEMPTED),
    },
    Stage {
        name: "kernel 7.3",
        work: Work::Guest(Kernel::V7_3, guests::BESIDE),
    },
    Stage {
        name: "kernel 6.1",
        work: Work::Guest(Kernel::V6_1, guests::PLAIN),
    },
];

/// Guests that run at one time. Each keeps a processor busy nearly all the time; more than
/// this would only make each of them slow, and there are deadlines in tests.
const GUESTS_AT_ONCE: usize = 2;

/// Runs the suite.
pub(crate) fn main(args: &TestArgs) -> ExitCode {
    let mut report = Report::default();
    let mut waiting = Vec::new();
    let fetching = Cell::new(None);
    for stage in STAGES {
        let run: &dyn Fn() -> Result<Option<Counts>> = match &stage.work {
            Work::Guest(kernel, flavour) => {
                waiting.push((stage.name, *kernel, *flavour));
                continue;
            }
            Work::Tests(tests) => &|| tests(args).map(Some),
            // Guests fetch what they need by themselves.
            _ if !args.filters.is_empty() => continue,
            Work::Fetch => {
                fetching.set(Some(thread::spawn(setup::fetch)));
                continue;
            }
            Work::Fetched => &|| fetched(fetching.take()).map(|()| None),
            Work::Long(_) if !args.full => {
                print(&format!("== {}: with `--full` alone\n", stage.name));
                continue;
            }
            Work::Check(check) | Work::Long(check) => &|| check().map(|()| None),
        };
        print(&format!("== {}\n", stage.name));
        let start = Instant::now();
        report.add(stage.name, start, args, run());
    }
    in_guests(args, waiting, &mut report);
    report.end()
}

/// Waits for what is fetched beside.
fn fetched(fetching: Option<JoinHandle<Result<()>>>) -> Result<()> {
    let ended = fetching.context("nothing is fetched")?.join();
    ended.unwrap_or_else(|_| bail!("fetching panicked"))
}

/// A guest that waits for its turn: the stage's name and what it is.
type Waiting = (&'static str, Kernel, guests::Flavour);

/// Runs the guests, some at a time. Their output is shown when each has ended,
/// so that the lines of two are never mixed.
fn in_guests(args: &TestArgs, waiting: Vec<Waiting>, report: &mut Report) {
    let start = Instant::now();
    let built = match guests::build(waiting.iter().map(|(_, kernel, _)| *kernel)) {
        Ok(built) => built,
        Err(error) => return report.add("build for the guests", start, args, Err(error)),
    };
    let queue = Mutex::new(waiting.into_iter());
    let report = Mutex::new(report);
    let next = || queue.lock().ok()?.next();
    thread::scope(|scope| {
        for _ in 0..GUESTS_AT_ONCE {
            scope.spawn(|| {
                while let Some((name, kernel, flavour)) = next() {
                    print(&format!("== {name}: begins\n"));
                    let start = Instant::now();
                    let (output, counts) = guests::tests(&built, args, kernel, flavour);
                    if let Ok(mut report) = report.lock() {
                        print(&format!("== {name}\n{}", String::from_utf8_lossy(&output)));
                        report.add(name, start, args, counts.map(Some));
                    }
                }
            });
        }
    });
}

/// What came of the stages so far.
#[derive(Default)]
struct Report {
    total: Counts,
    summary: String,
}

impl Report {
    /// Adds a stage that has ended, and says how.
    fn add(&mut self, name: &str, start: Instant, args: &TestArgs, result: Result<Option<Counts>>) {
        let (counts, verdict) = judge(args, result);
        let took = start.elapsed().as_secs_f32();
        let line = format!("== {name}: {verdict} ({took:.1} s)\n");
        print(&line);
        self.summary.push_str(&line);
        self.total += counts;
    }

    fn end(mut self) -> ExitCode {
        if self.total.ran() == 0 {
            // A filter that matches nothing is a mistake, not a success.
            self.summary.push_str("== no test ran\n");
            self.total.failed += 1;
        }
        print(&format!("\n{}{}\n", self.summary, self.total));
        if self.total.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// What a stage's result adds to the total, and its verdict in words.
fn judge(args: &TestArgs, result: Result<Option<Counts>>) -> (Counts, String) {
    let one_failed = Counts {
        failed: 1,
        ..Counts::default()
    };
    match result {
        Ok(Some(counts)) if counts.ran() == 0 && args.filters.is_empty() => {
            (one_failed, "FAILED: it ran no test".to_owned())
        }
        Ok(Some(counts)) => {
            let verdict = if counts.failed == 0 { "ok" } else { "FAILED" };
            (counts, format!("{verdict}: {counts}"))
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
