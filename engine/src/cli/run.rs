//! `interdict run`: the daemon, in the foreground.

use super::output;
use crate::config::{Config, DEFAULT_PATH, DEFAULT_POLICIES, Mode, TrustRunning};
use crate::daemon::{self, DaemonError, ReloadError};
use crate::error::{Exit, ExpectedError};
use crate::event::Shape;
use clap::ValueEnum;
use std::io;
use std::path::PathBuf;

/// What `run` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Policy folder or file; may be given several times
    #[arg(long, value_name = "PATH", help = format!(
        "Policy folder or file, may be given several times [default: {DEFAULT_POLICIES}]"))]
    policy: Vec<PathBuf>,
    /// Treat every rule as it says, or all as `mode audit`
    #[arg(long, value_enum)]
    mode: Option<ModeArg>,
    /// Where events go: `-` for standard output, or a file that is appended to
    #[arg(long, value_name = "WHERE")]
    events: Option<String>,
    /// The shape of events: Tracee's current one, or that of its releases
    #[arg(long, value_enum, value_name = "SHAPE")]
    event_format: Option<FormatArg>,
    /// Which processes older than the engine are taken for what they show
    #[arg(long, value_enum, value_name = "WHO")]
    trust_running: Option<TrustArg>,
    /// Enforce even what cuts off sshd, login, systemd, the journal, D-Bus or the resolver
    #[arg(long)]
    allow_lockout: bool,
    /// Load rules for which this kernel lacks a hook, and leave them unenforced
    #[arg(long)]
    allow_unenforced: bool,
    /// The configuration; what the command line says comes before it
    #[arg(long, value_name = "FILE", help = format!(
        "Configuration; the command line comes before it [default: {DEFAULT_PATH}, where there is one]"))]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeArg {
    /// Each rule does what it says
    Enforce,
    /// Nothing is blocked; events say what would have been
    Audit,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArg {
    /// Tracee's current shape
    Tracee,
    /// The released one: `eventName`, `args`, ids and addresses as strings
    TraceeLegacy,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TrustArg {
    /// Root's in the initial user namespace
    Root,
    /// All
    All,
}

pub(super) fn run(args: &Args) -> Result<Exit, ExpectedError> {
    let mut config = Config::read(args.config.as_deref())?;
    if !args.policy.is_empty() {
        config.policy.clone_from(&args.policy);
    }
    if config.policy.is_empty() {
        config.policy.push(DEFAULT_POLICIES.into());
    }
    match args.mode {
        Some(ModeArg::Enforce) => config.mode = Mode::Enforce,
        Some(ModeArg::Audit) => config.mode = Mode::Audit,
        None => {}
    }
    match args.trust_running {
        Some(TrustArg::Root) => config.trust_running = TrustRunning::Root,
        Some(TrustArg::All) => config.trust_running = TrustRunning::All,
        None => {}
    }
    match args.event_format {
        Some(FormatArg::Tracee) => config.event_format = Shape::Tracee,
        Some(FormatArg::TraceeLegacy) => config.event_format = Shape::TraceeLegacy,
        None => {}
    }
    config.allow_lockout |= args.allow_lockout;
    config.allow_unenforced |= args.allow_unenforced;
    if args.events.is_some() {
        config.event_sink.clone_from(&args.events);
    }
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .without_time()
        .init();
    match daemon::run(&config) {
        Ok(()) => Ok(Exit::Yes),
        Err(DaemonError::Policy(ReloadError::Refused(findings))) => {
            output::note(&format!("{findings}\n"))?;
            Ok(Exit::No)
        }
        Err(error) => Err(error.into()),
    }
}
