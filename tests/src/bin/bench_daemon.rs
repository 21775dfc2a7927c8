//! The half of `cargo xtask bench start` and of `reload` that runs in a guest: what the
//! daemon takes to its first denial and to publish a policy, and what memory it and
//! its maps take.
//!
//! The processor is emulated: times compare one commit with another and are some
//! ten times those of a real one. Bytes are bytes.

#[path = "bench_daemon/start.rs"]
mod start;

use aya::maps::loaded_maps;
use aya::programs::loaded_programs;
use rustix::process::{Pid, Signal, kill_process};
use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitCode, Stdio};

type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: bench_daemon start|phases INTERDICT, or reload INTERDICT POLICIES";
/// Reloads of each policy.
const RELOADS: usize = 5;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "bench_daemon: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [part, interdict, rest @ ..] = arguments.as_slice() else {
        return Err(USAGE.into());
    };
    match (part.to_str(), rest) {
        (Some("start"), []) => start::timed(interdict),
        (Some("phases"), []) => start::phases(interdict),
        (Some("reload"), [policies]) => reload(interdict, policies),
        _ => Err(USAGE.into()),
    }
}

fn reload(interdict: &Path, policies: &Path) -> Outcome<()> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(policies)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    folders.sort();
    for folder in folders {
        reloads(interdict, &folder)?;
    }
    Ok(())
}

fn say(line: &str) {
    writeln!(io::stdout(), "{line}").ok();
}

/// Memory under a policy, and what reloads of it take.
fn reloads(interdict: &Path, folder: &Path) -> Outcome<()> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let before = maps()?;
    let mut daemon = Daemon::start(interdict, folder)?;
    daemon.in_force(1)?;
    memory(&name, "loaded", daemon.pid()?, &before)?;
    for generation in 2..RELOADS + 2 {
        kill_process(daemon.pid()?, Signal::HUP)?;
        daemon.in_force(generation)?;
        let took = daemon.took()?;
        say(&format!("{name} rules, reload: {took}"));
    }
    memory(&name, "reloaded", daemon.pid()?, &before)?;
    daemon.stop()
}

/// Prints what the daemon and its maps take.
fn memory(rules: &str, when: &str, daemon: Pid, before: &[(u32, String, u64)]) -> Outcome<()> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.as_raw_nonzero()))?;
    let kibibytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    say(&format!(
        "{rules} rules, {when}: anonymous {}, at most resident {}",
        kibibytes("RssAnon:"),
        kibibytes("VmHWM:")
    ));
    let mut all: Vec<_> = maps()?
        .into_iter()
        .filter(|map| !before.iter().any(|(id, ..)| *id == map.0))
        .collect();
    all.sort_by_key(|(.., bytes)| std::cmp::Reverse(*bytes));
    let ring: u64 = all
        .iter()
        .filter(|(_, name, _)| name == "EVENTS")
        .map(|(.., bytes)| bytes)
        .sum();
    let sum: u64 = all.iter().map(|(.., bytes)| bytes).sum();
    let largest: Vec<String> = all
        .iter()
        .take(6)
        .map(|(_, name, bytes)| format!("{name} {bytes}"))
        .collect();
    let programs: u64 = loaded_programs()
        .filter_map(Result::ok)
        .filter_map(|program| program.memory_locked().ok())
        .map(u64::from)
        .sum();
    say(&format!(
        "{rules} rules, {when}: maps without the ring {} bytes, ring {ring}, programs {programs}; {}",
        sum - ring,
        largest.join(", ")
    ));
    Ok(())
}

/// The kernel's maps: number, name and bytes.
fn maps() -> Outcome<Vec<(u32, String, u64)>> {
    let mut found = Vec::new();
    // One that goes while they are listed, the last daemon's, is left out.
    for map in loaded_maps().filter_map(Result::ok) {
        let Ok(descriptor) = map.fd() else {
            continue;
        };
        let number = descriptor.as_fd().as_raw_fd();
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}"))?;
        let bytes = info
            .lines()
            .find_map(|line| line.strip_prefix("memlock:"))
            .ok_or("a map does not say what it takes")?;
        let name = map.name_as_str().unwrap_or_default().to_owned();
        found.push((map.id(), name, bytes.trim().parse()?));
    }
    Ok(found)
}

/// `interdict run`.
struct Daemon {
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Daemon {
    fn start(interdict: &Path, policy: &Path) -> Outcome<Self> {
        let mut child = Command::new(interdict)
            .args(["run", "--allow-lockout", "--policy"])
            .arg(policy)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let said = BufReader::new(child.stderr.take().ok_or("no standard error")?);
        Ok(Self { child, said })
    }

    fn pid(&self) -> Outcome<Pid> {
        Ok(Pid::from_raw(i32::try_from(self.child.id())?).ok_or("no process id")?)
    }

    /// Waits for the line that begins so; gives the rest of it.
    fn line(&mut self, begins: &str) -> Outcome<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.said.read_line(&mut line)? == 0 {
                return Err("interdict ended".into());
            }
            if let Some(rest) = line.strip_prefix(begins) {
                return Ok(rest.trim_end().to_owned());
            }
        }
    }

    fn in_force(&mut self, generation: usize) -> Outcome<()> {
        self.line(&format!("in force: generation {generation},"))?;
        Ok(())
    }

    /// What the daemon says that its last reload took.
    fn took(&mut self) -> Outcome<String> {
        let status = self.status()?;
        let took = status.get("reload_micros");
        Ok(took.ok_or("the report does not say")?.to_string())
    }

    fn status(&mut self) -> Outcome<serde_json::Value> {
        kill_process(self.pid()?, Signal::USR1)?;
        Ok(serde_json::from_str(&self.line("status: ")?)?)
    }

    fn stop(mut self) -> Outcome<()> {
        kill_process(self.pid()?, Signal::TERM)?;
        // Or it would wait for somebody to read what it says.
        io::copy(&mut self.said, &mut io::sink())?;
        self.child.wait()?;
        Ok(())
    }
}
