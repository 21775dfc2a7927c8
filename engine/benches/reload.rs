//! How long a reload takes up to the kernel, step by step, for policies of 10 to
//! 10,000 rules: what the daemon does when a file is saved.
//!
//! `cargo xtask bench reload` adds what the kernel's part takes, in a guest;
//! `docs/performance.md` has figures. By the clock: a busy machine makes them
//! larger, so the least of the rounds stands beside the median.
#![expect(clippy::print_stdout, reason = "figures for people")]

#[path = "../../policy-lang/tests/generate/mod.rs"]
mod generate;

use interdict::anchors::Anchors;
use interdict::config::Config;
use interdict::kernel::load::Settings;
use interdict::kernel::{Kernel, Loadable, OnError};
use interdict::{daemon, files};
use policy_lang::compile::{Account, Enforcement, Host, Place, PlaceUse, Reach, compile_with};
use policy_lang::lifelines::lockouts;
use policy_lang::selection::Selection;
use policy_lang::{Lints, load_with, parse};
use std::cell::Cell;
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

const RULES: [usize; 4] = [10, 100, 1_000, 10_000];
/// The variable that says where an object with the engine's maps is. Without it the
/// last step is left out.
const OBJECT: &str = "INTERDICT_BENCH_OBJECT";
/// Rounds of each, after one that warms up.
const ROUNDS: usize = 15;
/// The steps, and what the daemon takes for all of them when nobody measures the parts.
const STEPS: [&str; 6] = ["read", "parse", "check", "anchor", "compile", "together"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).filter(|one| one != "--bench");
    if let Some(folder) = arguments.next() {
        // For the guest: a folder of policy files for each size.
        return RULES
            .iter()
            .try_for_each(|rules| write(&Path::new(&folder).join(format!("{rules:05}")), *rules));
    }
    let folder = std::env::temp_dir().join(format!("interdict-reload-{}", std::process::id()));
    let result = RULES.iter().try_for_each(|rules| size(&folder, *rules));
    std::fs::remove_dir_all(&folder).ok();
    result
}

/// Prints the lines of one size.
fn size(folder: &Path, rules: usize) -> Result<(), Box<dyn Error>> {
    write(folder, rules)?;
    let config = Config {
        policy: vec![folder.to_owned()],
        allow_lockout: true,
        ..Config::default()
    };
    let mut rounds: Vec<[Duration; STEPS.len()]> = Vec::new();
    for _ in 0..=ROUNDS {
        rounds.push(round(&config)?);
    }
    rounds.remove(0);
    for (step, name) in STEPS.iter().enumerate() {
        let times = rounds
            .iter()
            .filter_map(|round| round.get(step).copied())
            .collect();
        print(rules, name, times);
    }
    published(&config, rules)?;
    Ok(())
}

/// Prints the line of a step.
fn print(rules: usize, name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |place: usize| {
        let time = times.get(place);
        time.map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    println!(
        "{rules:>6} rules  {name:>8}  median {:>9.3} ms  least {:>9.3}  most {:>9.3}",
        at(times.len() / 2),
        at(0),
        at(times.len().saturating_sub(1))
    );
}

/// Prints what filling the idle slot and switching take in this machine's own
/// kernel, with no hook attached.
fn published(config: &Config, rules: usize) -> Result<(), Box<dyn Error>> {
    let Some(object) = std::env::var_os(OBJECT) else {
        return Ok(());
    };
    let settings = Settings {
        hash_key: [0; 2],
        trust_all: false,
    };
    let mut kernel = Kernel::of_object(&std::fs::read(object)?, &settings)?;
    let sources = files::read(&config.policy)?;
    let (policy, _) = load_with(&sources, Lints::None, None);
    let policy = policy.ok_or("the policy has errors")?;
    let mut times = Vec::new();
    for generation in 1..=u64::try_from(ROUNDS)? + 2 {
        let anchors = Anchors::of_host([0; 2])?;
        let image = compile_with(
            &policy,
            &Selection::default(),
            &anchors,
            generation,
            Enforcement::AsWritten,
        );
        let image = image.map_err(|found| format!("{} findings", found.len()))?;
        let loadable = Loadable {
            words: &image.words,
            rules: image.rules.len(),
            generation,
            hooks: &[],
            on_error: &OnError::default(),
        };
        let began = Instant::now();
        kernel.fill(&loadable)?;
        kernel.switch(&loadable)?;
        times.push(began.elapsed());
    }
    // The first of each slot.
    times.drain(..2);
    print(rules, "publish", times);
    Ok(())
}

/// Writes the policy to a folder, in place of the one before.
fn write(folder: &Path, rules: usize) -> Result<(), Box<dyn Error>> {
    std::fs::remove_dir_all(folder).ok();
    std::fs::create_dir_all(folder)?;
    for file in generate::policy(rules).files() {
        std::fs::write(folder.join(file.name()), file.text().as_bytes())?;
    }
    Ok(())
}

/// One reload: each step's time, and that of all at once.
fn round(config: &Config) -> Result<[Duration; STEPS.len()], Box<dyn Error>> {
    let began = Instant::now();
    let sources = files::read(&config.policy)?;
    let read = began.elapsed();

    let began = Instant::now();
    black_box(sources.files().iter().map(parse).collect::<Vec<_>>());
    let parsed = began.elapsed();

    // Checking parses once more.
    let began = Instant::now();
    let (policy, report) = load_with(&sources, Lints::None, None);
    let policy = policy.ok_or_else(|| format!("{} findings", report.diagnostics().len()))?;
    black_box(lockouts(&policy));
    let checked = began.elapsed().saturating_sub(parsed);

    let began = Instant::now();
    let host = Timed {
        anchors: Anchors::of_host([0; 2])?,
        spent: Cell::default(),
    };
    let mounts = began.elapsed();
    let began = Instant::now();
    let image = compile_with(
        &policy,
        &Selection::default(),
        &host,
        1,
        Enforcement::AsWritten,
    );
    let both = began.elapsed();
    let image = image.map_err(|found| format!("{} findings", found.len()))?;
    black_box(image);
    let compiled = both.saturating_sub(host.spent.get());
    let anchored = mounts + host.spent.get();

    let began = Instant::now();
    black_box(daemon::rehearse(config)?);
    let together = began.elapsed();
    Ok([read, parsed, checked, anchored, compiled, together])
}

/// The host, with the time that asking it took.
struct Timed {
    anchors: Anchors,
    spent: Cell<Duration>,
}

impl Timed {
    fn ask<T>(&self, ask: impl FnOnce(&Anchors) -> T) -> T {
        let began = Instant::now();
        let answer = ask(&self.anchors);
        self.spent.set(self.spent.get() + began.elapsed());
        answer
    }
}

impl Host for Timed {
    fn hash_key(&self) -> [u64; 2] {
        self.anchors.hash_key()
    }

    fn places(&self, path: &[u8], place_use: PlaceUse) -> Vec<Place> {
        self.ask(|host| host.places(path, place_use))
    }

    fn reaches(&self, folder: &[u8], place_use: PlaceUse) -> Vec<Reach> {
        self.ask(|host| host.reaches(folder, place_use))
    }

    fn account(&self, account: Account, name: &[u8]) -> Option<u32> {
        self.ask(|host| host.account(account, name))
    }
}
