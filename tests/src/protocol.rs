//! What an actor is asked and what it answers: one line of JSON each.

use serde::{Deserialize, Serialize};

/// An argument of a system call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Argument {
    /// A number as it is.
    Number(i64),
    /// The address of these bytes.
    Bytes(Vec<u8>),
    /// The address of so many bytes of zero, which the reply gives back.
    Room(usize),
    /// The address of 64-bit words, each an argument.
    Words(Vec<Argument>),
}

/// Something to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// One system call.
    Call {
        /// Its number.
        number: i64,
        /// At most six.
        arguments: Vec<Argument>,
    },
    /// One after the other, up to the first that fails; the last one's reply.
    Sequence(Vec<Request>),
    /// One after the other, whatever becomes of each; what all came to.
    Each(Vec<Request>),
    /// One system call by its 32-bit number (`int 0x80`): what arguments point to
    /// lies low, and words are 32 bits wide. Without such calls the process dies.
    Narrow {
        /// Its number for i386.
        number: u32,
        /// At most five.
        arguments: Vec<Argument>,
    },
    /// In a thread of its own.
    Thread(Box<Request>),
    /// In a child process.
    Fork(Box<Request>),
    /// In a child process that clone(2) makes with more flags.
    Clone {
        /// `CLONE_` flags; with `CLONE_VM`, `CLONE_VFORK` has to be one as well.
        flags: i32,
        /// What it does.
        request: Box<Request>,
    },
    /// In a grandchild whose parent has ended by then, as daemons begin.
    Orphan(Box<Request>),
    /// The main thread ends; another answers from here on.
    LeaveMain,
    /// By `io_uring`.
    Ring(Ring),
    /// Take the program's own file out of memory, and put an open one in its
    /// place as what `/proc/self/exe` says, by `PR_SET_MM_MAP`.
    Masquerade {
        /// Descriptor of the other program.
        exe: i64,
    },
    /// Many connects.
    Hammer(Hammer),
}

/// The socket at the first place of a ring's own table of files.
pub const FIXED: i64 = -1;

/// Operations by `io_uring`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ring {
    /// What is done, each after the one before it and only if that has succeeded
    /// (`IOSQE_IO_LINK`). The reply has what came of each.
    pub operations: Vec<RingOperation>,
    /// A descriptor, or none, for the first place of a table of files, which
    /// operations name as [`FIXED`].
    pub table: Option<i64>,
    /// An effective user who takes over before the operation, which is carried out
    /// with the credentials from before (`IORING_REGISTER_PERSONALITY`).
    pub then_user: Option<u32>,
    /// Who carries it out.
    pub by: Carrier,
}

/// What a ring can do here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RingOperation {
    /// `IORING_OP_CONNECT` of a socket, to an address as bytes.
    Connect(i64, Vec<u8>),
    /// A send on a socket, to an address as bytes.
    Send {
        /// The operation.
        by: Sending,
        /// The socket.
        socket: i64,
        /// The peer's address.
        address: Vec<u8>,
        /// What is sent.
        bytes: Vec<u8>,
        /// Flags of the message.
        flags: u32,
    },
    /// `IORING_OP_SEND` of bytes on a connected socket.
    Tell(i64, Vec<u8>),
    /// `IORING_OP_RECV` of at most so many bytes, which the reply gives back.
    Hear(i64, usize),
    /// `IORING_OP_SOCKET`: family, type, protocol.
    Socket(i32, i32, i32),
    /// The same into the first place of the ring's table.
    FixedSocket(i32, i32, i32),
    /// `IORING_OP_ACCEPT` on a socket.
    Accept(i64),
    /// The same for all peers to come (`IORING_ACCEPT_MULTISHOT`), up to the first.
    AcceptMany(i64),
    /// `IORING_OP_BIND` of a socket to an address as bytes.
    Bind(i64, Vec<u8>),
    /// `IORING_OP_LISTEN` on a socket.
    Listen(i64),
    /// `SOCKET_URING_OP_SETSOCKOPT` on a socket: level, name, a number.
    Option(i64, u32, u32, i32),
}

/// How a ring sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sending {
    /// `IORING_OP_SENDMSG`.
    Message,
    /// `IORING_OP_SENDMSG_ZC`.
    MessageUncopied,
    /// `IORING_OP_SEND`; an address of no bytes is none.
    Bytes,
    /// `IORING_OP_SEND_ZC`, likewise.
    BytesUncopied,
}

/// Who carries an operation of a ring out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Carrier {
    /// The thread that submits it.
    Submitter,
    /// A worker (`IOSQE_ASYNC`).
    Worker,
    /// The thread that polls the queue (`IORING_SETUP_SQPOLL`).
    Poller,
}

/// Each attempt in turn, so many rounds, each with a socket of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hammer {
    /// What is tried in each round.
    pub attempts: Vec<Attempt>,
    /// How often.
    pub rounds: u32,
}

/// A connect with a new socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// `AF_`
    pub family: i32,
    /// `SOCK_`
    pub kind: i32,
    /// The peer, as bytes.
    pub address: Vec<u8>,
}

/// What came of a request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reply {
    /// What the kernel returned: at least 0, or an errno's negative.
    pub result: i64,
    /// The process that did it, as it knows itself.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// What the kernel wrote to each [`Argument::Room`].
    pub rooms: Vec<Vec<u8>>,
    /// Of [`Request::Each`] and a [`Ring`]: what the kernel returned of each.
    pub results: Vec<i64>,
    /// Of a [`Hammer`]: for each attempt, results and how often each came.
    pub counts: Vec<Vec<(i64, u64)>>,
}
