//! The daemon's configuration: a file, overruled by the command line.

mod events;

pub use events::Events;

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
    /// Which events are made.
    pub events: Events,
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
    /// Its `[events]` do not mean anything; the text says where.
    #[error("{0}")]
    Events(String),
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
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let parsed = toml::from_str(text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source,
        });
        let mut config: Self = parsed?;
        let name = path.to_string_lossy();
        let checked = config.events.check(&name, text);
        checked.map_err(ConfigError::Events)?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("/etc/x.toml"), text).map_err(|error| error.to_string())
    }

    fn events(text: &str) -> Events {
        parsed(&format!("[events]\n{text}")).unwrap().events
    }

    #[test]
    fn the_page_names_every_key() {
        let page = include_str!("../../docs/configuration.md");
        let example = page.split("```").nth(1).unwrap();
        let found = parsed(example.strip_prefix("toml").unwrap()).unwrap();
        // No key is left out here: another one does not compile.
        let expected = Config {
            policy: vec!["/etc/interdict/policies".into(), "/srv/site.policy".into()],
            mode: Mode::Audit,
            event_sink: Some("/var/log/interdict.jsonl".to_owned()),
            event_format: Shape::TraceeLegacy,
            events: events(
                "security_socket_connect = \"all\"\nsecurity_socket_setsockopt = \"off\"\n\
                 security_socket_bind = { select = \"all\", families = [\"tcp\", \"udp\"] }\n\
                 security_socket_create = [\n\
                 { select = \"all\", subject = 'unit = nginx.service and uid != 0' },\n\
                 { select = \"matched\" },\n]",
            ),
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

    #[test]
    fn events_that_mean_nothing_are_refused_at_their_place() {
        for (written, place, said) in [
            (
                "security_socket_conect = \"all\"",
                "2:1",
                "`security_socket_connect`?",
            ),
            (
                "nothing = \"all\"",
                "2:1",
                "security_socket_create, security",
            ),
            (
                "security_socket_bind = \"some\"",
                "2:24",
                "`some` is not `all`",
            ),
            ("security_socket_bind = []", "2:24", "no parts"),
            (
                "security_socket_bind = { select = \"off\" }",
                "2:35",
                "stands alone",
            ),
            (
                "security_socket_bind = { select = \"all\", families = [\"tpc\"] }",
                "2:54",
                "did you mean `tcp`?",
            ),
            (
                "security_socket_bind = { select = \"all\", families = [] }",
                "2:53",
                "no families",
            ),
            (
                "security_unix_may_send = { select = \"all\", families = [\"unix\", \"tcp\"] }",
                "2:64",
                "sockets of `tcp` never have `security_unix_may_send`",
            ),
            (
                "security_socket_bind = { select = \"all\", subject = 'port = 80' }",
                "2:53",
                "`port` is not of the process",
            ),
            (
                "security_socket_bind = [\n{ select = \"all\", subject = 'uid = bob' } ]",
                "3:36",
                "P0",
            ),
            (
                "security_socket_bind = { select = \"all\", subject = \"exe = \\\"/a\\\"\" }",
                "2:52",
                "single quotes",
            ),
        ] {
            let error = parsed(&format!("[events]\n{written}\n")).unwrap_err();
            assert!(
                error.contains(&format!("/etc/x.toml:{place}")),
                "{place}: {error}"
            );
            assert!(error.contains(said), "{written}: {error}");
        }
        for written in [
            "security_socket_bind = 1",
            "security_socket_bind = { families = [\"tcp\"] }",
            "security_socket_bind = { select = \"all\", family = \"tcp\" }",
        ] {
            let error = parsed(&format!("[events]\n{written}\n")).unwrap_err();
            assert!(
                error.contains("/etc/x.toml") && error.contains("line 2"),
                "{error}"
            );
        }
        let error = parsed("events = \"-\"").unwrap_err();
        assert!(error.contains("`event_sink`"), "{error}");
    }

    #[test]
    fn a_condition_can_be_written_in_every_way_without_escapes() {
        for quote in ["'", "\"", "'''", "\"\"\"", "'''\n"] {
            let close = quote.trim_end();
            let text = format!(
                "security_socket_bind = [{{ select = \"all\", subject = {quote}uid = 0{close} }}]"
            );
            events(&text);
        }
    }
}
