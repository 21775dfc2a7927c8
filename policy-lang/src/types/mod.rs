//! Values: how they are written, and which values hold.
//!
//! One file a type. `holds` is the meaning, used by [`crate::eval`] alone; what
//! the compiler makes of a set is in [`crate::compile`] and shares no code with it.

pub mod address;
pub mod number;
pub mod pattern;
pub mod text;

use crate::diag::Code;
use crate::words::sockopt::SocketOption;
use address::AddressSet;
use number::NumberSet;
use pattern::Pattern;
use std::net::IpAddr;

/// What is wrong with a value as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which kind of finding.
    pub code: Code,
    /// One line.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Fault {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A set of values of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Values {
    /// Numbers.
    Numbers(NumberSet),
    /// IP addresses.
    Addresses(AddressSet),
    /// Patterns over one attribute's bytes.
    Patterns(Vec<Pattern>),
    /// Names, compared whole.
    Names(Vec<Box<[u8]>>),
    /// Bits, by index into the attribute's table of words.
    Words(u64),
    /// Unix objects.
    Unix(UnixSet),
    /// Socket options.
    Options(Vec<SocketOption>),
}

/// A set of unix objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UnixSet {
    /// Paths.
    pub paths: Vec<Pattern>,
    /// Abstract names, without `@`.
    pub names: Vec<Pattern>,
    /// A socket without a name.
    pub unnamed: bool,
}

impl Values {
    /// Whether a number is in the set.
    #[must_use]
    pub fn holds_number(&self, number: u32) -> bool {
        matches!(self, Self::Numbers(set) if set.holds(number))
    }

    /// Whether an address is in the set.
    #[must_use]
    pub fn holds_address(&self, address: IpAddr) -> bool {
        matches!(self, Self::Addresses(set) if set.holds(address))
    }

    /// Whether bytes match a pattern or are a name of the set.
    #[must_use]
    pub fn holds_bytes(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.holds(bytes)),
            Self::Names(names) => names.iter().any(|name| **name == *bytes),
            Self::Numbers(_)
            | Self::Addresses(_)
            | Self::Words(_)
            | Self::Unix(_)
            | Self::Options(_) => false,
        }
    }

    /// Whether the word of an index is in the set.
    #[must_use]
    pub fn holds_word(&self, index: u8) -> bool {
        matches!(self, Self::Words(bits) if bits >> (index & 63) & 1 == 1)
    }

    /// Whether a unix path is in the set.
    #[must_use]
    pub fn holds_path(&self, path: &[u8]) -> bool {
        matches!(self, Self::Unix(set) if set.paths.iter().any(|pattern| pattern.holds(path)))
    }

    /// Whether an abstract name is in the set.
    #[must_use]
    pub fn holds_abstract(&self, name: &[u8]) -> bool {
        matches!(self, Self::Unix(set) if set.names.iter().any(|pattern| pattern.holds(name)))
    }

    /// Whether a socket option is in the set.
    #[must_use]
    pub fn holds_option(&self, option: SocketOption) -> bool {
        matches!(self, Self::Options(all) if all.contains(&option))
    }

    /// Whether the set has sockets without a name.
    #[must_use]
    pub fn holds_unnamed(&self) -> bool {
        matches!(self, Self::Unix(set) if set.unnamed)
    }
}
