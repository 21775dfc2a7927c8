//! **The** table of attributes: what a condition can ask.
//!
//! Types decide which values and operators an attribute takes; a row names its
//! type and nothing else has to know the attribute.

use super::capability;
use crate::types::pattern::PathUse;

/// What values an attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Numbers up to a largest one.
    Number(u32),
    /// Patterns over paths.
    Path(PathUse),
    /// Patterns over names without components.
    Text,
    /// Names, compared whole.
    Name,
    /// Words of a table.
    Word(&'static [&'static str]),
    /// IP addresses.
    Address,
    /// Patterns over unix paths.
    UnixPath,
    /// Patterns over abstract unix names.
    Abstract,
    /// What a unix target takes: paths, names and `unnamed`.
    UnixTarget,
    /// Socket options.
    Option,
}

impl Kind {
    /// Whether a bare word is a value here, whatever it is; else it can only be a name (notes 3).
    #[must_use]
    pub const fn takes_words(self) -> bool {
        matches!(self, Self::Text | Self::Name | Self::Word(_))
    }

    /// What a value is, for people.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Number(LAST_ID) => "an id",
            Self::Number(_) => "a number",
            Self::Path(_) | Self::UnixPath => "a path",
            Self::Text => "a name or a pattern",
            Self::Name => "a name",
            Self::Word(_) => "a word",
            Self::Address => "an address",
            Self::Abstract => "an abstract name such as `@name`",
            Self::UnixTarget => "a path or an `@name`",
            Self::Option => "a socket option",
        }
    }
}

/// Largest user or group id: one below the kernel's "none".
pub const LAST_ID: u32 = u32::MAX - 1;
/// Largest port.
pub const LAST_PORT: u32 = 65_535;
/// Largest protocol number; MPTCP is 262.
pub const LAST_PROTOCOL: u32 = 65_535;
/// `host` and `other`.
pub const NAMESPACE_WORDS: &[&str] = &["host", "other"];
/// Socket types.
pub const TYPE_WORDS: &[&str] = &["stream", "dgram", "seqpacket", "raw"];

/// Whose attribute it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The process.
    Subject,
    /// The socket.
    Socket,
    /// What the operation is about.
    Object,
}

macro_rules! attributes {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $word:literal $owner:ident $kind:expr; )+) => {
        /// Something that a condition can ask.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Attribute { $( $(#[doc = $doc])+ $variant, )+ }

        /// All attributes.
        pub const ATTRIBUTES: &[Attribute] = &[ $( Attribute::$variant, )+ ];

        impl Attribute {
            /// Its word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }

            /// Whose it is.
            #[must_use]
            pub const fn owner(self) -> Owner {
                match self { $( Self::$variant => Owner::$owner, )+ }
            }

            /// What values it has.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $( Self::$variant => $kind, )+ }
            }
        }
    };
}

attributes! {
    /// The running program's file.
    Exe = "exe" Subject Kind::Path(PathUse::Object);
    /// The name of the process's main thread.
    Comm = "comm" Subject Kind::Text;
    /// Effective user id.
    Uid = "uid" Subject Kind::Number(LAST_ID);
    /// Effective group id.
    Gid = "gid" Subject Kind::Number(LAST_ID);
    /// Real user id.
    Ruid = "ruid" Subject Kind::Number(LAST_ID);
    /// Real group id.
    Rgid = "rgid" Subject Kind::Number(LAST_ID);
    /// Audit login id.
    Loginuid = "loginuid" Subject Kind::Number(LAST_ID);
    /// Name of the effective user.
    User = "user" Subject Kind::Name;
    /// Names of the effective and supplementary groups.
    Group = "group" Subject Kind::Name;
    /// The systemd unit.
    Unit = "unit" Subject Kind::Text;
    /// The cgroup's path.
    Cgroup = "cgroup" Subject Kind::Path(PathUse::Cgroup);
    /// Effective capabilities.
    Cap = "cap" Subject Kind::Word(capability::WORDS);
    /// User namespace.
    Userns = "userns" Subject Kind::Word(NAMESPACE_WORDS);
    /// Network namespace.
    Netns = "netns" Subject Kind::Word(NAMESPACE_WORDS);
    /// Process namespace.
    Pidns = "pidns" Subject Kind::Word(NAMESPACE_WORDS);
    /// Mount namespace.
    Mntns = "mntns" Subject Kind::Word(NAMESPACE_WORDS);
    /// Control group namespace.
    Cgroupns = "cgroupns" Subject Kind::Word(NAMESPACE_WORDS);
    /// `comm` of the creator, as it was then.
    ParentComm = "parent.comm" Subject Kind::Text;
    /// `exe` of the creator, as it was then.
    ParentExe = "parent.exe" Subject Kind::Path(PathUse::Object);
    /// `uid` of the creator, as it was then.
    ParentUid = "parent.uid" Subject Kind::Number(LAST_ID);
    /// The socket's type.
    Type = "type" Socket Kind::Word(TYPE_WORDS);
    /// The socket's protocol.
    Protocol = "protocol" Socket Kind::Number(LAST_PROTOCOL);
    /// The object's IP address.
    Addr = "addr" Object Kind::Address;
    /// The object's port.
    Port = "port" Object Kind::Number(LAST_PORT);
    /// The object's unix path.
    Path = "path" Object Kind::UnixPath;
    /// The object's abstract name.
    Name = "name" Object Kind::Abstract;
}

impl Attribute {
    /// The attribute of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        ATTRIBUTES.iter().copied().find(|one| one.word() == word)
    }

    /// Whether a subject can have several values of it.
    #[must_use]
    pub const fn many(self) -> bool {
        matches!(self, Self::Group | Self::Cap)
    }
}
