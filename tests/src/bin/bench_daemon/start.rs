//! From starting the daemon to the first connect that is refused: by the clock, and
//! phase by phase as the daemon says.

use crate::{Daemon, Outcome, say};
use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Starts that are timed, after one that finds nothing in the cache of files.
const STARTS: usize = 5;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// What is denied: nothing listens there.
const DENIED: &str = "127.0.0.1:9";
const DENIES: &str = "deny tcp connect to 127.0.0.1 port 9 id denied\n";
/// A rule that every operation asks about, and matches nobody.
const EVERY: &str = "deny any { create, bind, listen, connect, accept, setsockopt } \
                     if comm = nobody id every\n";
/// How many rules the largest policy has, beside the one that is seen to deny.
const MANY: usize = 10_000;
/// What is before the daemon's first phase and after its last.
const OUTSIDE: &str = "process, and the connect";
const TOGETHER: &str = "together";

/// Prints how long it takes by the clock.
pub(crate) fn timed(interdict: &Path) -> Outcome<()> {
    let policy = one_rule()?;
    for start in 0..=STARTS {
        let began = Instant::now();
        let mut daemon = Daemon::start(interdict, &policy)?;
        while !is_denied() {
            if began.elapsed() > PATIENCE {
                return Err("nothing was denied".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let denied = began.elapsed();
        daemon.in_force(1)?;
        if start != 0 {
            say(&format!("first denial after {} ms", denied.as_millis()));
        }
        daemon.stop()?;
    }
    Ok(())
}

/// Prints a table of what each phase takes, under three policies. Where the clock
/// counts instructions, that is what it has.
pub(crate) fn phases(interdict: &Path) -> Outcome<()> {
    let every = Path::new("/tmp/every.policy");
    fs::write(every, format!("{DENIES}{EVERY}"))?;
    let many = Path::new("/tmp/many.policy");
    fs::write(
        many,
        (0..MANY)
            .map(rule)
            .fold(DENIES.to_owned(), |text, rule| text + &rule),
    )?;
    let mut columns = Vec::new();
    for policy in [one_rule()?, every.into(), many.into()] {
        columns.push(column(interdict, &policy)?);
    }
    say("| phase | 1 rule, tcp connect | every operation | 10,000 rules |");
    say("|---|---:|---:|---:|");
    // A program that one policy needs another may not.
    let mut names: Vec<String> = Vec::new();
    for (name, _) in columns.iter().flatten() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    for name in names {
        let cells = columns.iter().map(|column| {
            let cell = column.iter().find(|(one, _)| *one == name);
            cell.map_or("–", |(_, cell)| cell.as_str())
        });
        let cells: Vec<&str> = cells.collect();
        say(&format!("| {name} | {} |", cells.join(" | ")));
    }
    Ok(())
}

/// A rule that matches nothing: four of five about addresses, the rest about paths.
fn rule(number: usize) -> String {
    let agent = number % 64;
    if number.is_multiple_of(5) {
        return format!("deny unix connect to /run/{number}/socket unless comm = agent-{agent}\n");
    }
    let (high, low, port) = (number / 250, number % 250, 8_000 + number % 1_000);
    format!(
        "deny {{ tcp, udp }} connect to 10.{high}.{low}.1 port {port} unless comm = agent-{agent}\n"
    )
}

/// What each phase of a policy's second start takes, in milliseconds of the clock, and
/// how many of them it waited. One is enough: counts repeat within a percent.
fn column(interdict: &Path, policy: &Path) -> Outcome<Vec<(String, String)>> {
    // The first finds nothing in the cache of files.
    once(interdict, policy)?;
    let found = once(interdict, policy)?;
    let mut cells = vec![(TOGETHER.to_owned(), millis(found.together))];
    let inside: u64 = found.phases.iter().map(|(_, clock, _)| clock).sum();
    let outside = found.together.saturating_sub(inside);
    cells.push((OUTSIDE.to_owned(), millis(outside)));
    cells.extend(found.phases.into_iter().map(|(name, clock, processor)| {
        let waited = clock.saturating_sub(processor);
        // What is less than a tenth of a millisecond is not worth the words.
        let cell = if waited < 100 {
            millis(clock)
        } else {
            format!("{}, {} of it waiting", millis(clock), millis(waited))
        };
        (name, cell)
    }));
    let programs = found.programs.into_iter();
    cells.extend(programs.map(|(name, took)| (format!("`{name}`"), millis(took))));
    Ok(cells)
}

/// A start, in microseconds.
struct Start {
    together: u64,
    /// Name, clock and processor.
    phases: Vec<(String, u64, u64)>,
    programs: Vec<(String, u64)>,
}

fn once(interdict: &Path, policy: &Path) -> Outcome<Start> {
    if is_denied() {
        return Err("something else denies what the policy is to deny".into());
    }
    let began = Instant::now();
    let mut daemon = Daemon::start(interdict, policy)?;
    // Looking for a denial meanwhile would be counted with the rest.
    daemon.in_force(1)?;
    if !is_denied() {
        return Err("a policy is said to be in force, and nothing is denied".into());
    }
    let together = u64::try_from(began.elapsed().as_micros())?;
    let status = daemon.status()?;
    daemon.stop()?;
    let missing = || "the report does not say what the start took";
    let start = status.get("start_micros").ok_or_else(missing)?;
    let phases = start.get("phases").and_then(|all| all.as_array());
    let phases = phases.ok_or_else(missing)?.iter().map(|phase| {
        let name = phase.get("name")?.as_str()?.to_owned();
        let number = |key: &str| phase.get(key)?.as_u64();
        Some((name, number("clock")?, number("processor")?))
    });
    let programs = start.get("programs").and_then(|all| all.as_object());
    let programs = programs.ok_or_else(missing)?.iter();
    let programs = programs.map(|(name, took)| Some((name.clone(), took.as_u64()?)));
    Ok(Start {
        together,
        phases: phases.collect::<Option<_>>().ok_or_else(missing)?,
        programs: programs.collect::<Option<_>>().ok_or_else(missing)?,
    })
}

/// A policy of one rule.
fn one_rule() -> Outcome<PathBuf> {
    let policy = PathBuf::from("/tmp/denies.policy");
    fs::write(&policy, DENIES)?;
    Ok(policy)
}

fn is_denied() -> bool {
    let Err(error) = TcpStream::connect(DENIED) else {
        return false;
    };
    error.kind() == io::ErrorKind::PermissionDenied
}

fn millis(micros: u64) -> String {
    format!("{}.{}", micros / 1000, micros % 1000 / 100)
}
