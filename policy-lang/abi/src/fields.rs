//! **The** table of dimensions: what a decision compares, one row each.
//!
//! A *dimension* is an axis of the boxes that rules are. A *lookup* turns a
//! value of it into a class; most dimensions have one, addresses have two.
//!
//! The first dimensions are looked at in each decision, as far as the pair's
//! terms ask for them. The *rare* ones, from [`Dimension::Ruid`] on, stand in a
//! list that most pairs have none of ([`crate::ask`]): a policy that does not
//! use them pays nothing for them.

/// How values of a lookup become classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A hash table over two-word keys; a key it lacks has class [`crate::image::CLASS_OTHER`].
    Pairs,
    /// Sorted intervals over 32-bit numbers; every number is in one.
    Narrow,
    /// Sorted intervals over 128-bit numbers; every number is in one.
    Wide,
}

macro_rules! numbered {
    ($(#[$meta:meta])* $type:ident, $all:ident, $count:ident: $( $(#[doc = $doc:literal])+ $variant:ident $(: $shape:ident)?, )+) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum $type {
            $( $(#[doc = $doc])+ $variant, )+
        }
        impl $type {
            /// The one of a number, `None` for one that this version does not know.
            #[inline(always)]
            #[must_use]
            pub const fn from_raw(raw: u32) -> Option<Self> {
                $( if raw == Self::$variant as u32 { return Some(Self::$variant); } )+
                None
            }
        }
        /// All of them, in order of number.
        pub const $all: &[$type] = &[ $( $type::$variant, )+ ];
        /// How many there are.
        #[expect(clippy::cast_possible_truncation, reason = "a table of a few rows")]
        pub const $count: u32 = $all.len() as u32;
    };
}

numbered! {
    /// An axis of the boxes that rules are; rows of bits are kept per dimension and pair.
    Dimension, DIMENSIONS, DIMENSION_COUNT:
    /// The subject's executable.
    Exe,
    /// The name of the subject's main thread.
    Comm,
    /// The subject's effective user id.
    Uid,
    /// The subject's effective group id.
    Gid,
    /// The object's IP address, of either version.
    Addr,
    /// The object's port.
    Port,
    /// The object's unix path or abstract name, or that it has none; of a
    /// setsockopt, the option. No pair has both, so one axis serves both.
    Unix,
    /// The subject's real user id.
    Ruid,
    /// The subject's real group id.
    Rgid,
    /// The subject's audit login id.
    Loginuid,
    /// The protocol of the caller's socket.
    Protocol,
    /// The user id of the subject's creator.
    ParentUid,
    /// The name of its creator's main thread.
    ParentComm,
    /// Its creator's executable.
    ParentExe,
    /// Its systemd unit.
    Unit,
    /// Its cgroup.
    Cgroup,
    /// What a subject has or has not, a bit each: see [`crate::traits`].
    Traits,
    /// The groups that a policy names, a bit each: see [`crate::ask::Groups`].
    Groups,
}

/// The first dimension that is asked by a list.
const FIRST_RARE: Dimension = Dimension::Ruid;
/// How many dimensions each descriptor has a place for.
pub const COMMON_COUNT: u32 = FIRST_RARE as u32;

impl Dimension {
    /// Whether pairs ask for it by a list, instead of by a place in each descriptor.
    #[must_use]
    pub const fn is_rare(self) -> bool {
        self as u32 >= FIRST_RARE as u32
    }

    /// Whether its values are bits, which a subject can have any number of.
    #[must_use]
    pub const fn is_bits(self) -> bool {
        matches!(self, Self::Traits | Self::Groups)
    }
}

numbered! {
    /// A table that turns values into classes.
    Lookup, LOOKUPS, LOOKUP_COUNT:
    /// Executables by place.
    Exe,
    /// Names of 16 bytes.
    Comm,
    /// User ids.
    Uid,
    /// Group ids.
    Gid,
    /// IPv4 addresses; classes are those of [`Dimension::Addr`].
    Addr4,
    /// IPv6 addresses; classes are those of [`Dimension::Addr`].
    Addr6,
    /// Ports.
    Port,
    /// Unix paths by place, abstract names by hash and socket options by number.
    Unix,
    /// Real user ids.
    Ruid,
    /// Real group ids.
    Rgid,
    /// Audit login ids.
    Loginuid,
    /// Protocols.
    Protocol,
    /// Creators' user ids.
    ParentUid,
    /// Creators' names.
    ParentComm,
    /// Creators' executables by place.
    ParentExe,
    /// Units by hash.
    Unit,
    /// Cgroups by hash.
    Cgroup,
}

impl Lookup {
    /// The dimension whose classes this lookup gives.
    #[must_use]
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::Exe => Dimension::Exe,
            Self::Comm => Dimension::Comm,
            Self::Uid => Dimension::Uid,
            Self::Gid => Dimension::Gid,
            Self::Addr4 | Self::Addr6 => Dimension::Addr,
            Self::Port => Dimension::Port,
            Self::Unix => Dimension::Unix,
            Self::Ruid => Dimension::Ruid,
            Self::Rgid => Dimension::Rgid,
            Self::Loginuid => Dimension::Loginuid,
            Self::Protocol => Dimension::Protocol,
            Self::ParentUid => Dimension::ParentUid,
            Self::ParentComm => Dimension::ParentComm,
            Self::ParentExe => Dimension::ParentExe,
            Self::Unit => Dimension::Unit,
            Self::Cgroup => Dimension::Cgroup,
        }
    }

    /// How its values become classes.
    #[must_use]
    pub const fn shape(self) -> Shape {
        match self {
            Self::Exe
            | Self::Comm
            | Self::Unix
            | Self::ParentComm
            | Self::ParentExe
            | Self::Unit
            | Self::Cgroup => Shape::Pairs,
            Self::Uid
            | Self::Gid
            | Self::Addr4
            | Self::Port
            | Self::Ruid
            | Self::Rgid
            | Self::Loginuid
            | Self::Protocol
            | Self::ParentUid => Shape::Narrow,
            Self::Addr6 => Shape::Wide,
        }
    }
}
