//! Operations.

use policy_abi::family as abi;

macro_rules! operations {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $word:literal $number:expr; )+) => {
        /// What a process does with a socket.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation { $( $(#[doc = $doc])+ $variant, )+ }

        /// All operations, in order of number.
        pub const OPERATIONS: &[Operation] = &[ $( Operation::$variant, )+ ];

        impl Operation {
            /// Its word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }

            /// Its number of [`policy_abi::family`].
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $( Self::$variant => $number, )+ }
            }
        }
    };
}

operations! {
    /// Reach a peer.
    Connect = "connect" abi::CONNECT;
    /// Take a local address.
    Bind = "bind" abi::BIND;
    /// Wait for peers.
    Listen = "listen" abi::LISTEN;
    /// Take a peer.
    Accept = "accept" abi::ACCEPT;
    /// Make a socket.
    Create = "create" abi::CREATE;
    /// Set an option.
    Setsockopt = "setsockopt" abi::SETSOCKOPT;
}

impl Operation {
    /// The operation of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        OPERATIONS.iter().copied().find(|one| one.word() == word)
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.word())
    }
}

/// A set of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OperationSet(u8);

impl OperationSet {
    /// Every operation.
    pub const ANY: Self = Self((1 << abi::OPERATIONS) - 1);

    /// The set and one more.
    #[must_use]
    pub const fn with(self, operation: Operation) -> Self {
        Self(self.0 | 1 << operation.number())
    }

    /// Whether it holds an operation.
    #[must_use]
    pub const fn contains(self, operation: Operation) -> bool {
        self.0 >> operation.number() & 1 == 1
    }

    /// Its operations, in order of number.
    pub fn iter(self) -> impl Iterator<Item = Operation> {
        OPERATIONS
            .iter()
            .copied()
            .filter(move |one| self.contains(*one))
    }
}
