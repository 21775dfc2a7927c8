//! The daemon's configuration: a file, overruled by the command line.

use crate::event::Shape;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the configuration is looked for when none is named.
pub const DEFAULT_PATH: &str = "/etc/interdict/interdict.toml";
pub use crate::files::DEFAULT_POLICIES;

/// What rules do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Each what it says.
    #[default]
    Enforce,
    /// None blocks; events say what would have been.
    Audit,
}

impl Mode {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Audit => "audit",
        }
    }
}

/// Which processes older than the engine are taken for what they show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrustRunning {
    /// Root's in the initial user namespace; others are unknown until they exec.
    #[default]
    Root,
    /// All, for an installation on a live host.
    All,
}

/// The file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Policy folders and files.
    pub policy: Vec<PathBuf>,
    /// What rules do.
    pub mode: Mode,
    /// Where events go: `-` for standard output, or a file; nowhere when absent.
    pub event_sink: Option<String>,
    /// The shape of events.
    pub event_format: Shape,
    /// Which older processes are trusted.
    pub trust_running: TrustRunning,
    /// Whether a policy may be enforced that cuts off what keeps the host within reach.
    pub allow_lockout: bool,
    /// Whether a policy may be loaded with rules for which this kernel lacks a hook:
    /// they are then not enforced, or by their other hooks alone, and said to be so.
    pub allow_unenforced: bool,
    /// Seconds after which a hook that no rule needs any more is let go.
    pub detach_after: DetachAfter,
}

/// Seconds, five minutes unless told otherwise: a policy that comes and goes finds
/// its hooks where they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct DetachAfter(u32);

impl Default for DetachAfter {
    fn default() -> Self {
        Self(300)
    }
}

impl DetachAfter {
    /// The time.
    #[must_use]
    pub fn time(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("`{}`: {}", path.display(), source.to_string().trim_end())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// What and where.
        source: toml::de::Error,
    },
}

impl Config {
    /// Reads the named file, or the default one where there is one.
    ///
    /// # Errors
    ///
    /// When a named file is missing, or what is there cannot be understood.
    pub fn read(named: Option<&Path>) -> Result<Self, ConfigError> {
        let path = named.unwrap_or(Path::new(DEFAULT_PATH));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(source) => {
                return Err(ConfigError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        toml::from_str(&text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_key() {
        let page = include_str!("../../docs/configuration.md");
        let example = page.split("```").nth(1).unwrap();
        let found: Config = toml::from_str(example.strip_prefix("toml").unwrap()).unwrap();
        // No key is left out here: another one does not compile.
        let expected = Config {
            policy: vec!["/etc/interdict/policies".into(), "/srv/site.policy".into()],
            mode: Mode::Audit,
            event_sink: Some("/var/log/interdict.jsonl".to_owned()),
            event_format: Shape::TraceeLegacy,
            trust_running: TrustRunning::All,
            allow_lockout: true,
            allow_unenforced: true,
            detach_after: DetachAfter(60),
        };
        assert_eq!(found, expected);
        assert_eq!(DetachAfter::default(), DetachAfter(300));
    }

    #[test]
    fn unknown_keys_are_errors() {
        let good: Config =
            toml::from_str("mode = \"audit\"\ntrust_running = \"all\"\nallow_lockout = true")
                .unwrap();
        assert_eq!(
            (good.mode, good.trust_running, good.allow_lockout),
            (Mode::Audit, TrustRunning::All, true)
        );
        assert!(!Config::default().allow_lockout);
        let error = toml::from_str::<Config>("mod = \"audit\"")
            .unwrap_err()
            .to_string();
        assert!(error.contains("unknown field `mod`"), "{error}");
    }
}
