//! The operations that are measured, and the process that measures one of them.
//!
//! The process has one thread and a real-time priority: whatever else the
//! guest has to do, it does between batches.

mod connect;
mod datagram;
mod file;
mod process;
mod send;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use crate::Outcome;
use crate::apparmor;
use crate::landlock::{self, Like};
use crate::setup::Rules;

/// The first argument of such a process.
pub(crate) const COMMAND: &str = "work";

/// Where its sockets and files lie.
pub(crate) const FOLDER: &str = "/run/interdict-bench";
/// The socket that streams are connected to.
pub(crate) const STREAM: &str = "/run/interdict-bench/stream";
/// The socket that datagrams are sent to.
pub(crate) const DATAGRAM: &str = "/run/interdict-bench/datagram";
/// Where a TCP socket listens, on loopback.
pub(crate) const TCP_PORT: u16 = 4747;
/// Where nothing listens; a datagram connect does not mind.
pub(crate) const DISCARD: u16 = 9;

/// Operations that are timed together: enough for the clock's own cost not to
/// show, few enough for the kernel to use the same memory again.
const BATCH: u16 = 64;
/// How long the kernel gets to free what was closed: it does so later, and
/// would do it while the next operations are timed.
const SETTLE: Duration = Duration::from_millis(20);

/// An operation, a column of the table.
pub(crate) struct Workload {
    /// What the command line and the lines call it.
    pub(crate) name: &'static str,
    /// The hook that refuses it, where that is measured.
    pub(crate) hook: Option<&'static str>,
    /// What a policy can be about alone and still be asked, beside every operation.
    pub(crate) asks: Option<Rules>,
    /// What Landlock has like it.
    pub(crate) landlock: Like,
    /// Makes what the rounds need, once.
    prepare: fn(&Context<'_>) -> Outcome<Round>,
}

/// A round; how long its operations took, and how many they were.
type Round = Box<dyn FnMut() -> Outcome<Timed>>;

/// Every operation. Add one HERE, and to `xtask/src/bench/plan.rs`.
pub(crate) const WORKLOADS: &[Workload] = &[
    Workload {
        name: "udp-connect",
        hook: Some("socket_connect"),
        asks: Some(Rules::Addresses),
        landlock: Like::Nothing,
        prepare: connect::udp,
    },
    Workload {
        name: "udp-connect-new",
        hook: None,
        asks: Some(Rules::Addresses),
        landlock: Like::Nothing,
        prepare: connect::udp_new,
    },
    Workload {
        name: "tcp-connect",
        hook: Some("socket_connect"),
        asks: Some(Rules::Addresses),
        landlock: Like::Ports,
        prepare: connect::tcp,
    },
    Workload {
        name: "unix-connect",
        hook: Some("unix_stream_connect"),
        asks: Some(Rules::Paths),
        landlock: Like::Names,
        prepare: connect::unix,
    },
    Workload {
        name: "unix-connect-new",
        hook: None,
        asks: Some(Rules::Paths),
        landlock: Like::Names,
        prepare: connect::unix_new,
    },
    Workload {
        name: "unix-datagram",
        hook: Some("unix_may_send"),
        asks: Some(Rules::Paths),
        landlock: Like::Names,
        prepare: datagram::named,
    },
    Workload {
        name: "setsockopt",
        hook: Some("socket_setsockopt"),
        asks: None,
        landlock: Like::Nothing,
        prepare: datagram::option,
    },
    Workload {
        name: "tcp-send",
        hook: None,
        asks: None,
        landlock: Like::Nothing,
        prepare: send::tcp,
    },
    Workload {
        name: "unix-send",
        hook: None,
        asks: None,
        landlock: Like::Nothing,
        prepare: send::unix,
    },
    Workload {
        name: "fork-exec",
        hook: None,
        asks: None,
        landlock: Like::Files,
        prepare: process::fork_exec,
    },
    Workload {
        name: "thread",
        hook: None,
        asks: None,
        landlock: Like::Nothing,
        prepare: process::thread,
    },
    Workload {
        name: "open-close",
        hook: None,
        asks: None,
        landlock: Like::Files,
        prepare: file::open_close,
    },
];

/// What a round needs to know.
struct Context<'a> {
    /// Whether each operation must end with EPERM.
    refused: bool,
    /// Where the program lies that is executed.
    folder: &'a Path,
}

/// What a process is to measure.
pub(crate) struct Ask<'a> {
    pub(crate) workload: &'a str,
    /// Rounds, after one that warms up.
    pub(crate) rounds: u32,
    /// Whether each operation must end with EPERM.
    pub(crate) refused: bool,
    /// What is to confine it.
    pub(crate) confined: Confined,
}

/// What confines a process that measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confined {
    Not,
    /// A Landlock domain, which it enters.
    Landlock,
    /// A profile of `AppArmor`'s, which is there already.
    Profile,
}

impl Confined {
    const fn word(self) -> &'static str {
        match self {
            Self::Not => "not",
            Self::Landlock => "landlock",
            Self::Profile => "profile",
        }
    }
}

impl Ask<'_> {
    /// The arguments of the process, but the folder of objects, which is the last.
    pub(crate) fn arguments(&self) -> [String; 5] {
        let refused = if self.refused { "refused" } else { "allowed" };
        [
            COMMAND.to_owned(),
            self.workload.to_owned(),
            self.rounds.to_string(),
            refused.to_owned(),
            self.confined.word().to_owned(),
        ]
    }
}

/// Measures as `arguments` say: a line for each round, nanoseconds and how many
/// operations, a tab between.
pub(crate) fn main(arguments: &[&str]) -> Outcome<()> {
    let [name, rounds, verdict, confined, folder] = arguments else {
        return Err("work: WORKLOAD ROUNDS VERDICT CONFINED FOLDER".into());
    };
    let workload = WORKLOADS.iter().find(|workload| workload.name == *name);
    let workload = workload.ok_or("no such workload")?;
    let rounds: u32 = rounds.parse()?;
    let folder = PathBuf::from(folder);
    let context = Context {
        refused: *verdict == "refused",
        folder: &folder,
    };
    process::take_priority()?;
    let mut round = (workload.prepare)(&context)?;
    match *confined {
        "landlock" => landlock::enter(workload.landlock)?,
        "profile" => apparmor::confined()?,
        _ => {}
    }
    round()?;
    for _ in 0..rounds {
        let Timed { took, count } = round()?;
        writeln!(io::stdout(), "{}\t{count}", took.as_nanos())?;
    }
    Ok(())
}

/// How long so many operations took.
#[derive(Clone, Copy, Default)]
struct Timed {
    took: Duration,
    count: u32,
}

impl Timed {
    /// Adds a batch.
    fn add(&mut self, took: Duration, count: u16) {
        self.took += took;
        self.count += u32::from(count);
    }
}

/// How long something takes, by the guest's clock.
fn timed(work: impl FnOnce() -> Outcome<()>) -> Outcome<Duration> {
    let start = now()?;
    work()?;
    Ok(now()?.saturating_sub(start))
}

/// The guest's time since its start.
fn now() -> Outcome<Duration> {
    Ok(clock_gettime(ClockId::Monotonic).try_into()?)
}

/// Leaves the kernel time for what it has put off.
fn settle() {
    std::thread::sleep(SETTLE);
}

/// Holds an operation's result against what it must be.
fn expect<T>(refused: bool, result: Result<T, Errno>) -> Outcome<()> {
    match (refused, result) {
        (false, Ok(_)) | (true, Err(Errno::PERM)) => Ok(()),
        (true, Ok(_)) => Err("it was allowed".into()),
        (_, Err(error)) => Err(error.into()),
    }
}
