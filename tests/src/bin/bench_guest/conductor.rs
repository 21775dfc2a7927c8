//! Attaches one thing after another, and has each operation measured by a
//! process of its own.

use std::fs;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};

use aya::Ebpf;
use interdict_tests::engine::{Engine, Reloaded};

use crate::setup::{Cell, Policy, Rules, Says, Setup};
use crate::work::{self, Confined, FOLDER, WORKLOADS, Workload};
use crate::{Outcome, apparmor, policy, programs};

/// A configuration by which no event is made.
const SILENT: &str = "/run/interdict-silent.toml";

/// Most characters of a reason.
const REASON_CHARS: usize = 160;

/// Rounds of each cell, and where the objects lie.
struct Bench<'a> {
    folder: &'a Path,
    rounds: u32,
    workloads: Vec<&'static Workload>,
    /// The engine that runs, and what it was started for.
    engine: Option<(Engine, Started)>,
}

/// What an engine serves from its start on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Started {
    /// Events are not made.
    silent: bool,
    /// Rules are about unix paths: hooks that others need stay a while.
    paths: bool,
}

/// Measures each operation with each thing attached. `operations` are names with
/// commas between.
pub(crate) fn main(folder: &str, rounds: &str, operations: &str, setups: &[&str]) -> Outcome<()> {
    prepare()?;
    let mut bench = Bench {
        folder: Path::new(folder),
        rounds: rounds.parse()?,
        workloads: operations
            .split(',')
            .map(workload)
            .collect::<Outcome<_>>()?,
        engine: None,
    };
    let mut failures = Vec::new();
    for setup in setups {
        let setup: Setup = setup.parse()?;
        // What fails is said and left out; the next row is another thing.
        let row = AssertUnwindSafe(|| bench.row(setup));
        let measured = catch_unwind(row).unwrap_or_else(|_| Err("it panicked".into()));
        if let Err(error) = measured {
            failures.push(setup.to_string());
            writeln!(io::stderr(), "bench_guest: {setup}: {error:.2000}")?;
            none(setup, "*", &format!("failed: {error}"))?;
            bench.engine = None;
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failures.join(", ")).into())
    }
}

fn workload(name: &str) -> Outcome<&'static Workload> {
    let found = WORKLOADS.iter().find(|workload| workload.name == name);
    found.ok_or_else(|| format!("no operation `{name}`").into())
}

/// What workers need of the guest.
fn prepare() -> Outcome<()> {
    fs::create_dir_all(FOLDER)?;
    // Workers have a real-time priority, and are never to make way for that.
    fs::write("/proc/sys/kernel/sched_rt_runtime_us", "-1")?;
    // Where a process's memory lies is part of what a fork or a thread costs.
    fs::write("/proc/sys/kernel/randomize_va_space", "0")?;
    // What TCP remembers of one connection costs the next.
    fs::write("/proc/sys/net/ipv4/tcp_no_metrics_save", "1")?;
    // Datagrams that wait at a socket: a batch of them.
    fs::write("/proc/sys/net/unix/max_dgram_qlen", "512")?;
    fs::write(SILENT, silence())?;
    Ok(())
}

/// The configuration of [`SILENT`].
fn silence() -> String {
    let events = [
        "socket_create",
        "socket_bind",
        "socket_listen",
        "socket_connect",
        "socket_accept",
        "socket_setsockopt",
        "socket_sendmsg",
        "unix_may_send",
    ];
    let lines = events.map(|event| format!("security_{event} = \"off\"\n"));
    format!("[events]\n{}", lines.concat())
}

impl Bench<'_> {
    /// All operations with one thing attached.
    fn row(&mut self, setup: Setup) -> Outcome<()> {
        if !matches!(setup, Setup::Interdict(_)) {
            self.engine = None;
        }
        let attached: Option<Ebpf> = match setup {
            Setup::Nothing | Setup::Landlock | Setup::Refuse => None,
            Setup::Profile => {
                apparmor::load(self.folder)?;
                None
            }
            Setup::Empty => Some(programs::empty(self.folder)?),
            Setup::Linear(count) => Some(programs::linear(self.folder, count)?),
            Setup::Interdict(policy) => {
                if let Some(refused) = self.put(policy)? {
                    return none(setup, "*", &refused);
                }
                None
            }
        };
        let mut failures = Vec::new();
        for workload in self.workloads.clone() {
            if let Err(error) = self.cell(setup, workload) {
                failures.push(format!("{}: {error}", workload.name));
            }
        }
        drop(attached);
        if failures.is_empty() {
            Ok(())
        } else {
            Err(failures.join("; ").into())
        }
    }

    /// One operation with what is attached by now.
    fn cell(&mut self, setup: Setup, workload: &'static Workload) -> Outcome<()> {
        let refused = match setup.cell(workload) {
            Cell::None(why) => return none(setup, workload.name, why),
            Cell::Allowed => false,
            Cell::Refused => true,
        };
        let _program = match workload.hook.filter(|_| setup == Setup::Refuse) {
            Some(hook) => Some(programs::refuse(self.folder, hook)?),
            None => None,
        };
        let before = self.emitted();
        let ask = work::Ask {
            workload: workload.name,
            rounds: self.rounds,
            refused,
            confined: match setup {
                Setup::Landlock => Confined::Landlock,
                Setup::Profile => Confined::Profile,
                Setup::Nothing
                | Setup::Empty
                | Setup::Refuse
                | Setup::Linear(_)
                | Setup::Interdict(_) => Confined::Not,
            },
        };
        let worker = Command::new(std::env::current_exe()?)
            .args(ask.arguments())
            .arg(self.folder)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        if !worker.status.success() {
            return Err(format!("the worker ended with {}", worker.status).into());
        }
        let lines = String::from_utf8(worker.stdout)?;
        self.accounts(setup, &lines, before)?;
        let mut out = io::stdout().lock();
        for line in lines.lines() {
            writeln!(out, "round\t{setup}\t{}\t{line}", workload.name)?;
        }
        Ok(())
    }

    /// A policy, in force; or why the engine refuses it.
    fn put(&mut self, policy: Policy) -> Outcome<Option<String>> {
        let started = Started {
            silent: policy.says == Says::Deny,
            paths: policy.rules == Rules::Paths,
        };
        if self
            .engine
            .as_ref()
            .is_none_or(|(_, other)| *other != started)
        {
            self.engine = None;
            let options: &[&str] = if started.silent {
                &["--config", SILENT]
            } else {
                &[]
            };
            let first = policy::text(Policy {
                rules: if started.paths {
                    Rules::Paths
                } else {
                    Rules::Mixed
                },
                count: 1,
                says: Says::Allow,
            });
            let engine = Engine::start(&[("bench", &first)], options)
                .map_err(|ended| format!("interdict ended: {}", ended.errors.join("; ")))?;
            self.engine = Some((engine, started));
        }
        let (engine, _) = self.engine.as_mut().ok_or("no engine")?;
        match engine.try_put(&[("bench", &policy::text(policy))]) {
            Reloaded::InForce { rules, .. } if u32::try_from(rules) == Ok(policy.count) => Ok(None),
            Reloaded::InForce { rules, .. } => {
                Err(format!("{rules} rules are in force, not {}", policy.count).into())
            }
            Reloaded::Rejected(lines) => Ok(Some(first_reason(&lines))),
        }
    }

    /// Events that the rules of the measured operations have made by now; 0 without
    /// an engine.
    fn emitted(&mut self) -> Emitted {
        let Some((engine, _)) = self.engine.as_mut() else {
            return Emitted::default();
        };
        let status = engine.status();
        let tallies = policy::DENIALS
            .iter()
            .filter_map(|id| status.rules.get(*id));
        tallies.fold(Emitted::default(), |sum, tally| Emitted {
            denied: sum.denied + tally.denied,
            emitted: sum.emitted + tally.emitted,
        })
    }

    /// That refusals were the policy's, and had events or not, as the row has it.
    fn accounts(&mut self, setup: Setup, lines: &str, before: Emitted) -> Outcome<()> {
        let Setup::Interdict(policy) = setup else {
            return Ok(());
        };
        let counts = lines.lines().filter_map(|line| line.split('\t').nth(1));
        let timed: u64 = counts.filter_map(|count| count.parse::<u64>().ok()).sum();
        let after = self.emitted();
        let (denied, emitted) = (after.denied - before.denied, after.emitted - before.emitted);
        let wanted = match policy.says {
            Says::Allow => denied == 0,
            Says::Deny => denied >= timed && emitted == 0,
            Says::DenyWithEvent => denied >= timed && emitted == denied,
        };
        if wanted {
            Ok(())
        } else {
            Err(
                format!("of {timed} operations {denied} were denied, {emitted} with an event")
                    .into(),
            )
        }
    }
}

/// Counts of the rules about measured operations.
#[derive(Clone, Copy, Default)]
struct Emitted {
    denied: u64,
    emitted: u64,
}

fn none(setup: Setup, operation: &str, why: &str) -> Outcome<()> {
    // A verifier's log has thousands of words.
    let why: String = why
        .replace(['\t', '\n', '|'], " ")
        .chars()
        .take(REASON_CHARS)
        .collect();
    writeln!(io::stdout(), "none\t{setup}\t{operation}\t{why}")?;
    Ok(())
}

/// Of a rejection, the line that says why.
fn first_reason(lines: &[String]) -> String {
    let errors = lines.iter().find(|line| line.contains("error"));
    errors.or(lines.last()).cloned().unwrap_or_default()
}
