//! What a user can cause, and the exit code that each cause has.
//!
//! | code | means |
//! |---|---|
//! | 0 | yes; done |
//! | 1 | the answer is no: findings, failed tests, differences |
//! | 2 | the command line is not one that this program takes |
//! | 3 | an input cannot be read |
//! | 4 | this host cannot enforce |
//! | 5 | there is no daemon to speak to |
//! | 6 | an error of the program itself, or an output that cannot be written |
//!
//! The codes are part of the contract: none ever gets another meaning.

use crate::files::FilesError;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use thiserror::Error;

/// How a command ends; the module's page has the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Yes; done.
    Yes = 0,
    /// The answer is no.
    No = 1,
    /// The command line is wrong.
    Usage = 2,
    /// An input cannot be read.
    Unreadable = 3,
    /// This host cannot enforce.
    HostCannot = 4,
    /// There is no daemon.
    NoDaemon = 5,
    /// An error of the program itself.
    Internal = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error and its causes, in one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        line.push_str(": ");
        line.push_str(&inner.to_string());
        cause = inner.source();
    }
    line
}

/// An error that a user can cause, or meet.
#[derive(Debug, Error)]
pub enum ExpectedError {
    /// Policy files cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Another input cannot be read.
    #[error("cannot read `{path}`", path = policy_lang::diag::show(&path.to_string_lossy()))]
    Input {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A word on the command line is none that the command takes.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to write instead.
        hint: String,
    },
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
    /// A file cannot be written.
    #[error("cannot write `{name}`")]
    Write {
        /// Which, as it can be shown.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The configuration cannot be used.
    #[cfg(feature = "daemon")]
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The daemon could not begin or go on.
    #[cfg(feature = "daemon")]
    #[error(transparent)]
    Daemon(#[from] crate::daemon::DaemonError),
    /// The program contradicts itself.
    #[error("{0}; this is a defect of the program")]
    Internal(String),
}

impl ExpectedError {
    /// The code to end with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Files(_) | Self::Input { .. } => Exit::Unreadable,
            Self::Usage { .. } => Exit::Usage,
            #[cfg(feature = "daemon")]
            Self::Config(_) => Exit::Unreadable,
            #[cfg(feature = "daemon")]
            Self::Daemon(error) => error.exit(),
            Self::Output(_) | Self::Write { .. } | Self::Internal(_) => Exit::Internal,
        }
    }

    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Files(error) => error.hint(),
            Self::Usage { hint, .. } => Some(hint),
            #[cfg(feature = "daemon")]
            Self::Daemon(error) => error.hint(),
            #[cfg(feature = "daemon")]
            Self::Config(_) => None,
            Self::Input { .. } | Self::Output(_) | Self::Write { .. } | Self::Internal(_) => None,
        }
    }

    /// Whether the reader of the output went away, which is nobody's error.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
