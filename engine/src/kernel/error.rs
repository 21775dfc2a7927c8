//! What can go wrong between the engine and the kernel.

use super::btf::BtfError;

/// Why the kernel could not be given what it was to enforce.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The program was built without its BPF object.
    #[error("this build carries no BPF object (feature `stub-object`); build without it")]
    Stub,
    /// The kernel's type information cannot be used.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// The object was refused as a whole.
    #[error("the kernel refused the BPF object")]
    Object(#[source] Box<aya::EbpfError>),
    /// A program was refused.
    #[error("the kernel refused the program for `{hook}`")]
    Program {
        /// Which hook.
        hook: &'static str,
        /// What aya says, with the end of the verifier's log.
        source: Box<aya::programs::ProgramError>,
    },
    /// A hook is not there or has other arguments.
    #[error("this kernel's LSM hook `{hook}` {what}")]
    Hook {
        /// Which hook.
        hook: &'static str,
        /// What is the matter.
        what: String,
    },
    /// A map could not be used.
    #[error("the map `{map}` cannot be {action}")]
    Map {
        /// Which map.
        map: &'static str,
        /// What was tried.
        action: &'static str,
        /// What aya says.
        source: Box<aya::maps::MapError>,
    },
    /// A map of the object is missing or of another kind.
    #[error("the BPF object has no map `{0}` of the expected kind")]
    NoMap(&'static str),
    /// The image in the kernel differs from the compiled one.
    #[error("the tables read back from the kernel differ from the compiled ones at word {0}")]
    ReadBack(usize),
    /// The tables do not fit.
    #[error("the compiled policy takes {words} words, the kernel's table holds {room}")]
    TooLarge {
        /// Words of the image.
        words: usize,
        /// Words there is room for.
        room: usize,
    },
    /// A system call failed.
    #[error("{what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}
