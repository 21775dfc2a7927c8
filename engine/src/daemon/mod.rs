//! The daemon: one task, one loop, one set of messages.
//!
//! A policy's life: files, checked policy, table image, idle slot, one switch.
//! Whatever fails before the switch leaves what is in force in force.

mod idle;
mod memory;
mod notify_socket;
mod output;
mod pace;
mod pipeline;
mod policy;
mod status;
mod watch;

pub use output::OutputError;
pub use pace::{Look, Pace};
pub use pipeline::Pipeline;
pub use policy::ReloadError;

use crate::config::{Config, Mode, TrustRunning};
use crate::error::{Exit, with_causes};
use crate::event::KEPT;
use crate::kernel::load::Settings;
use crate::kernel::phases::Phases;
use crate::kernel::{Kernel, KernelError, Turn};
use idle::Idle;
use policy::Policies;
use policy_abi::event::BRIEF_BYTES;
use policy_abi::maps::RING_BYTES;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;
use tracing::{error, warn};
use watch::Watch;

/// Records that the ring holds at most: its bytes by those of the smallest.
const RING_RECORDS: usize = RING_BYTES / BRIEF_BYTES;
/// Events that are written before the daemon looks at anything else.
pub const TURN: usize = 1024;

/// Why the daemon ended, or never began.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The host or this build cannot enforce.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The policy was refused at start, when there is none in force to keep.
    #[error(transparent)]
    Policy(#[from] ReloadError),
    /// Events cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The policies cannot be watched.
    #[error("cannot watch the policies")]
    Watch(#[from] notify::Error),
    /// The system refused something else.
    #[error("{what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl DaemonError {
    /// The code to end with.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Kernel(_)
            | Self::Policy(
                ReloadError::Kernel(_) | ReloadError::Mounts(_) | ReloadError::Unenforceable(_),
            ) => Exit::HostCannot,
            Self::Policy(ReloadError::Refused(_) | ReloadError::Lost(_)) => Exit::No,
            Self::Policy(ReloadError::Files(_) | ReloadError::Accounts(..)) => Exit::Unreadable,
            Self::Output(_) | Self::Watch(_) | Self::System { .. } => Exit::Internal,
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Kernel(_) => Some("`interdict doctor` says what this host lacks"),
            Self::Policy(_) | Self::Output(_) | Self::Watch(_) | Self::System { .. } => None,
        }
    }
}

/// What the loop waits for.
enum Msg {
    /// Records lie in the ring buffer.
    Events,
    /// Something may have changed where the policies lie.
    Policies,
    /// SIGHUP: read and anchor everything again, whether it changed or not.
    Reload,
    /// A hook may have been idle for long enough.
    Idle,
    /// SIGUSR1.
    Status,
    /// SIGTERM or SIGINT.
    Stop,
}

/// Runs until told to stop. Enforcement ends with it.
///
/// # Errors
///
/// When the host cannot enforce or the first policy is refused.
pub fn run(config: &Config) -> Result<(), DaemonError> {
    let system = |what| move |source| DaemonError::System { what, source };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(system("cannot start the event loop"))?;
    runtime.block_on(Daemon::start(config)?.serve())
}

/// All of a reload that needs no kernel: reads, checks, anchors and compiles what
/// the configuration names. Gives how many rules that are.
///
/// # Errors
///
/// As the daemon refuses a policy.
pub fn rehearse(config: &Config) -> Result<usize, ReloadError> {
    Policies::new(config, [0; 2]).rehearse()
}

struct Daemon {
    kernel: Kernel,
    policies: Policies,
    pipeline: Pipeline,
    pace: Pace,
    mode: Mode,
    idle: Idle,
    /// Policies that were tried since the ring was last empty.
    behind: usize,
}

impl Daemon {
    fn start(config: &Config) -> Result<Self, DaemonError> {
        let system = |what| move |source| DaemonError::System { what, source };
        let hash_key = random_key().map_err(system("cannot draw a key"))?;
        // Checked before the kernel is touched: a typing error needs no root.
        let mut phases = Phases::default();
        let policies = Policies::new(config, hash_key);
        let checked = policies.check()?;
        phases.end("policy");
        let sink = config.event_sink.as_deref();
        let pipeline = Pipeline::open(sink, config.event_format, boot_epoch())?;
        let trust_all = config.trust_running == TrustRunning::All;
        let settings = Settings {
            hash_key,
            trust_all,
        };
        let kernel = Kernel::open(&settings, phases)?;
        let mut daemon = Self {
            kernel,
            policies,
            pipeline,
            pace: Pace::default(),
            mode: config.mode,
            idle: Idle::new(config.detach_after.time()),
            behind: 0,
        };
        daemon.kernel.begin_epoch(daemon.pipeline.epoch());
        daemon.policies.lack(daemon.kernel.lacking());
        daemon.policies.begin(checked, &mut daemon.kernel)?;
        memory::give_back();
        Ok(daemon)
    }

    async fn serve(mut self) -> Result<(), DaemonError> {
        let system = |what| move |source| DaemonError::System { what, source };
        let ring = self
            .kernel
            .events_fd()
            .map_err(system("cannot watch the ring buffer"))?;
        // SAFETY: the descriptor is owned, and open as long as the `AsyncFd` lives.
        let ring = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) }
            .map_err(|error| system("cannot watch the ring buffer")(error.into()))?;
        let mut watch = Watch::new(self.policies.paths())?;
        let mut signals = Signals::new().map_err(system("cannot take signals"))?;
        self.kernel.phases_mut().finish("ready");
        self.announce("READY=1");
        let mut look = Look::Now;
        loop {
            let idle = self.idle.next();
            match next(&ring, &mut watch, &mut signals, idle, look).await {
                Msg::Idle => self.let_go(),
                Msg::Events => look = self.look()?,
                Msg::Policies if self.policies.changed() => self.reload(),
                // Looking takes as much memory as a reload.
                Msg::Policies => memory::give_back(),
                Msg::Reload => self.reload(),
                Msg::Status => self.status(),
                Msg::Stop => break,
            }
        }
        notify_socket::tell("STOPPING=1");
        self.drain_what_lies()?;
        self.status();
        Ok(())
    }

    /// Says that a policy is in force; said only when it is.
    fn announce(&self, ready: &str) {
        let generation = self.policies.generation();
        let line = format!(
            "in force: generation {generation}, {} rules, {}",
            self.policies.rules(),
            self.mode.word()
        );
        say(&line);
        notify_socket::tell(&format!("{ready}\nSTATUS=generation {generation}"));
    }

    /// Writes all that lies in the ring by now: as many as it can hold, since
    /// under a flood it is never empty.
    fn drain_what_lies(&mut self) -> Result<(), DaemonError> {
        for _ in 0..RING_RECORDS.div_ceil(TURN) {
            if self.drain()?.emptied {
                break;
            }
        }
        Ok(())
    }

    fn reload(&mut self) {
        // The rules of a former generation are kept for its last events; those
        // must not fall behind by more generations than are kept.
        self.behind += 1;
        if self.behind + 1 >= KEPT {
            if let Err(error) = self.drain_what_lies() {
                error!("the events cannot be read: {}", with_causes(&error));
            }
            self.behind = 0;
        }
        notify_socket::tell(&format!(
            "RELOADING=1\nMONOTONIC_USEC={}",
            monotonic_micros()
        ));
        match self.policies.load(&mut self.kernel) {
            Ok(()) => {
                self.pipeline.moved();
                // Where no events come, nothing else would look whether the ring is
                // empty and forget the rules of the policy before the former.
                if let Err(error) = self.drain() {
                    error!("the events cannot be read: {}", with_causes(&error));
                }
                let needed = self.policies.needed();
                self.idle
                    .look(Instant::now(), self.kernel.attached(), &needed);
                self.announce("READY=1");
            }
            Err(refusal) => {
                let kept = self.policies.generation();
                let refusal = with_causes(&refusal);
                say(&refusal);
                say(&format!("rejected: generation {kept} stays in force"));
                let first = refusal.lines().next().unwrap_or_default();
                notify_socket::tell(&format!("READY=1\nSTATUS=rejected: {first}"));
            }
        }
        memory::give_back();
    }

    /// Detaches a hook that no policy in force has needed for long.
    fn let_go(&mut self) {
        let Some(hook) = self.idle.take(Instant::now()) else {
            return;
        };
        if let Err(error) = self.kernel.detach(hook) {
            let name = hook.name();
            warn!(
                "the hook `{name}` cannot be let go: {}",
                with_causes(&error)
            );
        }
    }

    /// Writes a turn's events, and says when to look for more.
    fn look(&mut self) -> Result<Look, DaemonError> {
        let Turn { taken, emptied } = self.drain()?;
        let look = self.pace.looked(taken != 0, emptied);
        self.kernel.wake(self.pace.wakes());
        Ok(look)
    }

    /// Writes a turn's events.
    fn drain(&mut self) -> Result<Turn, DaemonError> {
        let (book, places) = (self.policies.book(), self.policies.places());
        let pipeline = &mut self.pipeline;
        let epoch = pipeline.epoch();
        let turn = self
            .kernel
            .drain(TURN, |bytes| pipeline.take(bytes, book, places))?;
        if pipeline.epoch() != epoch {
            self.kernel.begin_epoch(pipeline.epoch());
        }
        pipeline.flush();
        if turn.emptied {
            self.behind = 0;
            self.policies.forget_former();
        }
        Ok(turn)
    }

    fn status(&mut self) {
        let report = status::report(&mut self.kernel, &self.policies, self.mode, &self.pipeline);
        match report {
            Ok(line) => say(&format!("status: {line}")),
            Err(error) => error!("the counters cannot be read: {}", with_causes(&error)),
        }
    }
}

/// Waits for what comes next. While the ring was not emptied that is at least
/// more events, after whatever else has come meanwhile: a process that is
/// refused in a loop must not keep a new policy out.
async fn next(
    ring: &AsyncFd<OwnedFd>,
    watch: &mut Watch,
    signals: &mut Signals,
    idle: Option<Instant>,
    look: Look,
) -> Msg {
    // Without one it waits for a time that does not matter.
    let idle_at = tokio::time::sleep_until(idle.unwrap_or_else(Instant::now));
    let (now, after) = match look {
        Look::Now => (true, None),
        Look::After(time) => (false, Some(time)),
        Look::Woken => (false, None),
    };
    tokio::select! {
        biased;
        msg = signals.next() => msg,
        () = watch.changed() => Msg::Policies,
        () = idle_at, if idle.is_some() => Msg::Idle,
        () = tokio::task::yield_now(), if now => Msg::Events,
        () = tokio::time::sleep(after.unwrap_or_default()), if after.is_some() => Msg::Events,
        ready = ring.readable() => {
            match ready {
                Ok(mut guard) => guard.clear_ready(),
                Err(error) => warn!("the ring buffer cannot be watched: {error}"),
            }
            Msg::Events
        }
    }
}

struct Signals {
    term: Signal,
    int: Signal,
    hangup: Signal,
    usr1: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            usr1: signal(SignalKind::user_defined1())?,
        })
    }

    async fn next(&mut self) -> Msg {
        tokio::select! {
            _ = self.term.recv() => Msg::Stop,
            _ = self.int.recv() => Msg::Stop,
            _ = self.hangup.recv() => Msg::Reload,
            _ = self.usr1.recv() => Msg::Status,
        }
    }
}

/// A line on standard error, whatever the log level. When nobody reads it any
/// more the daemon goes on.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}

/// A key that nobody else knows.
fn random_key() -> std::io::Result<[u64; 2]> {
    let mut bytes = [0_u8; 16];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    let number = u128::from_le_bytes(bytes);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    let halves = [number as u64, (number >> 64) as u64];
    Ok(halves)
}

/// When the machine started, in nanoseconds since 1970. Taken once, so that
/// times do not move when the clock is set.
fn boot_epoch() -> u64 {
    let now = nanos(rustix::time::clock_gettime(rustix::time::ClockId::Realtime));
    now.saturating_sub(nanos(rustix::time::clock_gettime(
        rustix::time::ClockId::Boottime,
    )))
}

fn monotonic_micros() -> u64 {
    nanos(rustix::time::clock_gettime(
        rustix::time::ClockId::Monotonic,
    )) / 1000
}

fn nanos(time: rustix::time::Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}
