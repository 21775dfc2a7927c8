//! System calls that few programs make, as requests: mounts of every kind,
//! descriptors that change hands, programs that start in odd ways.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::address::Address;
use crate::calls::call;
use crate::protocol::{Argument, Carrier, Request, Ring, RingOperation};

use Argument::{Bytes, Number, Room, Words};

/// `struct msghdr` is seven words long.
const HEADER_WORDS: usize = 7;
/// A control message with one descriptor: header, descriptor, padding.
const CONTROL_BYTES: usize = 24;

fn text(bytes: impl AsRef<OsStr>) -> Argument {
    let mut bytes = bytes.as_ref().as_bytes().to_vec();
    bytes.push(0);
    Bytes(bytes)
}

fn path(path: impl AsRef<Path>) -> Argument {
    text(path.as_ref())
}

fn number(value: impl Into<i64>) -> Argument {
    Number(value.into())
}

fn flags(value: libc::c_ulong) -> Argument {
    Number(value.cast_signed())
}

/// mount(2) with a source, a type and options.
#[must_use]
pub fn mount(from: &str, on: impl AsRef<Path>, kind: &str, options: &str) -> Request {
    let arguments = vec![text(from), path(on), text(kind), Number(0), text(options)];
    call(libc::SYS_mount, arguments)
}

/// mount(2) with `MS_MOVE`.
#[must_use]
pub fn move_mount(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Request {
    let arguments = vec![
        path(from),
        path(to),
        Number(0),
        flags(libc::MS_MOVE),
        Number(0),
    ];
    call(libc::SYS_mount, arguments)
}

/// `open_tree(2)`: a copy of a folder's mount that is mounted nowhere.
#[must_use]
pub fn detached_mount(of: impl AsRef<Path>) -> Request {
    /// `OPEN_TREE_CLONE`. Linux, include/uapi/linux/mount.h.
    const CLONE: i64 = 1;
    let arguments = vec![number(libc::AT_FDCWD), path(of), Number(CLONE)];
    call(libc::SYS_open_tree, arguments)
}

/// `pivot_root(2)`, the old root on top of the new one.
#[must_use]
pub fn pivot_root(to: impl AsRef<Path>) -> Request {
    let to = to.as_ref();
    call(libc::SYS_pivot_root, vec![path(to), path(to)])
}

/// umount2(2) of what lies at a path and is still used.
#[must_use]
pub fn detach(from: impl AsRef<Path>) -> Request {
    call(
        libc::SYS_umount2,
        vec![path(from), number(libc::MNT_DETACH)],
    )
}

/// setns(2) into the namespace of an open file.
#[must_use]
pub fn enter(namespace: i64) -> Request {
    call(libc::SYS_setns, vec![Number(namespace), Number(0)])
}

/// execve(2) with arguments and an environment.
#[must_use]
pub fn exec_with(program: impl AsRef<Path>, arguments: &[&str], environment: &[&str]) -> Request {
    let list = |texts: &[&str]| {
        let words = texts.iter().map(text);
        Words(words.chain([Number(0)]).collect())
    };
    let program = path(program);
    call(
        libc::SYS_execve,
        vec![program, list(arguments), list(environment)],
    )
}

/// `prctl(PR_SET_MM, PR_SET_MM_EXE_FILE)`.
#[must_use]
pub fn set_exe(file: i64) -> Request {
    let arguments = vec![
        number(libc::PR_SET_MM),
        number(libc::PR_SET_MM_EXE_FILE),
        Number(file),
        Number(0),
        Number(0),
    ];
    call(libc::SYS_prctl, arguments)
}

/// `prctl(PR_SET_NAME)` with any bytes.
#[must_use]
pub fn set_name(name: &[u8]) -> Request {
    let mut name = name.to_vec();
    name.push(0);
    call(
        libc::SYS_prctl,
        vec![number(libc::PR_SET_NAME), Bytes(name)],
    )
}

/// `pidfd_open(2)`.
#[must_use]
pub fn process(id: u32) -> Request {
    call(libc::SYS_pidfd_open, vec![number(id), Number(0)])
}

/// `pidfd_getfd(2)`: another process's descriptor, without its help.
#[must_use]
pub fn steal(process: i64, descriptor: i64) -> Request {
    let arguments = vec![Number(process), Number(descriptor), Number(0)];
    call(libc::SYS_pidfd_getfd, arguments)
}

/// accept(2) without the peer's address.
#[must_use]
pub fn accept(listener: i64) -> Request {
    call(
        libc::SYS_accept,
        vec![Number(listener), Number(0), Number(0)],
    )
}

/// sendmsg(2) of a byte and a descriptor (`SCM_RIGHTS`).
#[must_use]
pub fn pass(over: i64, descriptor: i64) -> Request {
    let descriptor = i32::try_from(descriptor).unwrap();
    // `struct cmsghdr`: its length with the descriptor, the level, the type.
    let control = [
        &20_u64.to_ne_bytes()[..],
        &libc::SOL_SOCKET.to_ne_bytes(),
        &libc::SCM_RIGHTS.to_ne_bytes(),
        &descriptor.to_ne_bytes(),
        &[0; 4],
    ]
    .concat();
    let message = header(Bytes(b"x".to_vec()), Bytes(control));
    call(libc::SYS_sendmsg, vec![Number(over), message, Number(0)])
}

/// recvmsg(2) of them; [`received`] finds the descriptor in the reply's last room.
#[must_use]
pub fn receive(over: i64) -> Request {
    let message = header(Room(1), Room(CONTROL_BYTES));
    call(libc::SYS_recvmsg, vec![Number(over), message, Number(0)])
}

/// The descriptor in what was received.
#[must_use]
pub fn received(rooms: &[Vec<u8>]) -> i64 {
    let control = rooms.last().unwrap();
    let descriptor = control.get(16..20).unwrap().try_into().unwrap();
    i32::from_ne_bytes(descriptor).into()
}

/// connect by `io_uring` with the credentials that the process has now, while it
/// has another effective user.
#[must_use]
pub fn ring_connect_as_before(socket: i64, peer: &Address, user: u32, by: Carrier) -> Request {
    Request::Ring(Ring {
        operations: vec![RingOperation::Connect(socket, peer.0.clone())],
        table: None,
        then_user: Some(user),
        by,
    })
}

/// Operations by `io_uring`, each after the one before it, where [`FIXED`] is
/// this descriptor, or nothing yet.
///
/// [`FIXED`]: crate::protocol::FIXED
#[must_use]
pub fn ring_chain(table: Option<i64>, operations: Vec<RingOperation>, by: Carrier) -> Request {
    Request::Ring(Ring {
        operations,
        table: Some(table.unwrap_or(-1)),
        then_user: None,
        by,
    })
}

/// A system call by its 32-bit number, in a child: one that cannot make such
/// calls dies of it.
#[must_use]
pub fn narrow(number: u32, arguments: Vec<Argument>) -> Request {
    Request::Fork(Box::new(Request::Narrow { number, arguments }))
}

/// pipe(2); the reply's room has both descriptors.
#[must_use]
pub fn pipe() -> Request {
    call(libc::SYS_pipe, vec![Room(8)])
}

/// splice(2) of so many bytes out of a pipe.
#[must_use]
pub fn splice(from: i64, to: i64, bytes: i64) -> Request {
    let arguments = [from, 0, to, 0, bytes, 0].map(Number);
    call(libc::SYS_splice, arguments.to_vec())
}

/// writev(2) of one piece.
#[must_use]
pub fn write_vector(to: i64, bytes: &[u8]) -> Request {
    let length = Number(i64::try_from(bytes.len()).unwrap());
    let vector = Words(vec![Bytes(bytes.to_vec()), length]);
    call(libc::SYS_writev, vec![Number(to), vector, Number(1)])
}

/// getpeername(2); the reply's room has the address.
#[must_use]
pub fn peer_address(socket: i64) -> Request {
    let length = Bytes(128_u32.to_ne_bytes().to_vec());
    let arguments = vec![Number(socket), Room(128), length];
    call(libc::SYS_getpeername, arguments)
}

/// A control message: level, type, data.
#[must_use]
pub fn control(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
    let length = 16 + data.len();
    let mut bytes = (length as u64).to_ne_bytes().to_vec();
    bytes.extend(level.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(data);
    bytes.resize(length.next_multiple_of(8), 0);
    bytes
}

fn header(byte: Argument, control: Argument) -> Argument {
    let vector = Words(vec![byte, Number(1)]);
    let words = vec![
        Number(0),
        Number(0),
        vector,
        Number(1),
        control,
        Number(i64::try_from(CONTROL_BYTES).unwrap()),
        Number(0),
    ];
    assert_eq!(words.len(), HEADER_WORDS);
    Words(words)
}
