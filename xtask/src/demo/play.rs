//! The demonstration itself, on whatever kernel it finds itself: step by step,
//! each shown with the real output and checked before the next.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;

use super::actor::{self, Fared};
use super::engine::Engine;
use super::stage::{Listener, Scratch};

/// The socket that `policies/examples/docker-socket.policy` is about.
const SOCKET: &str = "/run/docker.sock";
/// The rule in it that records every connect.
const RECORD_RULE: &str = "docker-socket-use";
/// That file's name.
pub(super) const FILE: &str = "docker-socket.policy";
/// What is edited in it, and into what.
const EDIT: (&str, &str) = (
    "unless comm = dockerd",
    "unless comm = dockerd or comm = backup",
);

/// Play the demonstration here (part of `demo`)
#[derive(Args)]
pub(crate) struct PlayArgs {
    #[arg(long)]
    interdict: PathBuf,
    /// Edited in the course of it
    #[arg(long)]
    policies: PathBuf,
}

/// Plays, and says how it went.
pub(crate) fn main(args: &PlayArgs) -> ExitCode {
    let end = play(args).map(|denials| {
        format!(
            "\nAll came out as promised: {denials} connects denied and told, none lost; \
             the rest went on.\n"
        )
    });
    match end {
        Ok(line) => {
            show(&line);
            ExitCode::SUCCESS
        }
        Err(error) => {
            show(&format!("\nNOT as promised: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

fn play(args: &PlayArgs) -> Result<u32> {
    let scratch = Scratch::new()?;
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    show(&format!("interdict on Linux {release}"));

    heading("The policy, checked");
    policy(args)?;

    heading("Loaded, and said to be in force");
    let _listener = Listener::start(Path::new(SOCKET))?;
    let engine = Engine::start(&args.interdict, &args.policies)?;
    show(&format!("   {}\n", engine.in_force(1)?));
    let mut cast = Cast {
        scratch,
        engine,
        denials: 0,
        passes: 0,
    };

    heading("A root process connects to /run/docker.sock: denied");
    let event = cast.denied("visitor", Path::new(SOCKET), 1)?;
    show(&format!("   as it was written:\n   {event}\n"));

    heading("A process named dockerd connects: allowed");
    cast.allowed("dockerd", 1)?;

    heading("The root process goes through a symlink: denied all the same");
    let link = cast.scratch.path().join("harmless");
    symlink(SOCKET, &link)?;
    cast.denied("visitor", &link, 1)?;

    heading("The policy file is edited: in force without a restart");
    cast.denied("backup", Path::new(SOCKET), 1)?;
    show(&format!("   {FILE}: `{}` becomes `{}`\n", EDIT.0, EDIT.1));
    edit(&args.policies)?;
    show(&format!("   {}\n", cast.engine.in_force(2)?));
    cast.allowed("backup", 2)?;
    cast.denied("visitor", Path::new(SOCKET), 2)?;

    heading("The engine is stopped: its counts, and nothing is denied any more");
    cast.end()
}

/// Shows the policy and what `interdict check` says of it.
fn policy(args: &PlayArgs) -> Result<()> {
    let text = fs::read_to_string(args.policies.join(FILE))?;
    ensure!(
        text.contains(EDIT.0),
        "{FILE} does not say `{}`, which this demonstration edits",
        EDIT.0
    );
    let sentences = text
        .lines()
        .take_while(|line| !line.starts_with("test "))
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in sentences {
        show(&format!("   {line}\n"));
    }
    let checked = Command::new(&args.interdict)
        .args(["check", "--deny-warnings"])
        .arg(&args.policies)
        .output()
        .context("cannot start `interdict check`")?;
    let said = String::from_utf8_lossy(&checked.stdout);
    ensure!(
        checked.status.success(),
        "`interdict check` refuses the policies:\n{said}"
    );
    show(&format!("   interdict check: {said}"));
    Ok(())
}

/// Puts the edited file in the place of the other, as editors do.
fn edit(policies: &Path) -> Result<()> {
    let file = policies.join(FILE);
    let text = fs::read_to_string(&file)?.replace(EDIT.0, EDIT.1);
    let new = policies.join(format!(".{FILE}.new"));
    fs::write(&new, text)?;
    fs::rename(&new, &file)?;
    Ok(())
}

/// Those who act, and what came of it.
struct Cast {
    scratch: Scratch,
    engine: Engine,
    denials: u32,
    /// Connects that went through while the engine ran.
    passes: u32,
}

impl Cast {
    /// Lets a process of that name connect, which must get EPERM and leave one
    /// event; gives the event as written.
    fn denied(&mut self, name: &str, to: &Path, generation: u32) -> Result<String> {
        let said = self.connect(name, to)?;
        ensure!(
            actor::fared(&said) == Fared::Refused,
            "{name} was not refused with EPERM"
        );
        self.denials += 1;
        let event = self.engine.event()?;
        show(&excerpt(&event, name, to, generation, Verdict::Denied)?);
        Ok(event)
    }

    /// Lets a process of that name connect, which must succeed and leave one
    /// event, that of the record rule.
    fn allowed(&mut self, name: &str, generation: u32) -> Result<()> {
        let said = self.connect(name, Path::new(SOCKET))?;
        ensure!(
            actor::fared(&said) == Fared::Connected,
            "{name} did not get through to the listener"
        );
        self.passes += 1;
        let event = self.engine.event()?;
        let socket = Path::new(SOCKET);
        show(&excerpt(
            &event,
            name,
            socket,
            generation,
            Verdict::Recorded,
        )?);
        self.engine.no_event()
    }

    fn connect(&self, name: &str, to: &Path) -> Result<String> {
        let said = actor::send(&self.scratch.program(name)?, to)?;
        show(&format!("   {name} to {}: {said}\n", to.display()));
        Ok(said)
    }

    /// Stops the engine; gives the number of denials, of which its own counts
    /// must say the same.
    fn end(self) -> Result<u32> {
        let counts = self.engine.stop()?;
        let rules = counts.get("rules").and_then(Value::as_object);
        let sum = |what: &str| -> u64 {
            let numbers = rules.into_iter().flat_map(|rules| rules.values());
            numbers.filter_map(|rule| rule.get(what)?.as_u64()).sum()
        };
        let events = counts.pointer("/counters/events").and_then(Value::as_u64);
        let (denied, lost) = (sum("denied"), sum("lost"));
        show(&format!(
            "   {denied} denied, {} events, {lost} events lost\n",
            events.unwrap_or_default()
        ));
        ensure!(
            denied == u64::from(self.denials)
                && events == Some(u64::from(self.denials + self.passes))
                && (sum("matched"), lost) == (sum("emitted"), 0),
            "the counts are not those of the {} denials and {} passes seen",
            self.denials,
            self.passes
        );
        let said = actor::send(&self.scratch.program("visitor")?, Path::new(SOCKET))?;
        show(&format!("   visitor to {SOCKET}: {said}\n"));
        ensure!(
            actor::fared(&said) == Fared::Connected,
            "visitor is still refused"
        );
        Ok(self.denials)
    }
}

/// What an event must tell of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// A connect that was refused.
    Denied,
    /// One that went through, and that a record rule matched.
    Recorded,
}

/// What an event says, in short; it must be the one of this connect.
fn excerpt(
    line: &str,
    name: &str,
    typed: &Path,
    generation: u32,
    verdict: Verdict,
) -> Result<String> {
    let event: Value = serde_json::from_str(line).context("cannot read an event")?;
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let number = |pointer: &str| event.pointer(pointer).and_then(Value::as_u64);
    let remote = event
        .pointer("/data")
        .and_then(Value::as_array)
        .and_then(|data| {
            data.iter()
                .find(|datum| datum.get("name").and_then(Value::as_str) == Some("remote_addr"))?
                .pointer("/sockaddr/sun_path")?
                .as_str()
        });
    let (action, errno) = match verdict {
        Verdict::Denied => ("deny", Some("EPERM")),
        Verdict::Recorded => ("record", None),
    };
    let as_promised = text("/name") == Some("security_socket_connect")
        && text("/decision/action") == Some(action)
        && text("/decision/errno") == errno
        && text("/decision/recorded/0") == Some(RECORD_RULE)
        && text("/decision/object/path") == Some(SOCKET)
        && text("/decision/subject/comm") == Some(name)
        && number("/decision/subject/uid") == Some(0)
        && number("/decision/generation") == Some(u64::from(generation))
        && remote.map(Path::new) == Some(typed);
    if !as_promised {
        bail!("the event is not the one of this connect: {line}");
    }
    if verdict == Verdict::Recorded {
        return Ok(format!(
            "   event: record by {RECORD_RULE} (generation {generation}) on {SOCKET}, comm {name}, uid 0\n"
        ));
    }
    let rule = text("/decision/rule").context("the event names no rule")?;
    let row = number("/decision/line").context("the event names no line")?;
    Ok(format!(
        "   event: deny by {rule} (line {row}, generation {generation}), {} on {SOCKET}, \
         comm {name}, uid 0\n",
        text("/decision/errno").unwrap_or_default(),
    ))
}

fn heading(text: &str) {
    show(&format!("\n{text}\n"));
}

/// Shows something. A closed standard output does not stop the play, whose
/// exit code is still wanted.
fn show(text: &str) {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .ok();
}

#[cfg(test)]
mod tests {
    use super::{EDIT, FILE, RECORD_RULE, SOCKET};

    /// The demonstration boots a machine, and no test runs it: at least it must not
    /// be about another policy than the one that is there.
    #[test]
    fn the_policy_is_the_one_that_it_plays() {
        let file = crate::paths::workspace()
            .join("policies/examples")
            .join(FILE);
        let text = std::fs::read_to_string(file).expect("the example is there");
        for piece in [EDIT.0, RECORD_RULE, SOCKET] {
            assert!(text.contains(piece), "{piece}");
        }
    }
}
