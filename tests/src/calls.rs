//! System calls as requests.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::address::Address;
use crate::protocol::{Argument, Carrier, Request, Ring, RingOperation, Sending};

use Argument::{Bytes, Number, Room, Words};

/// `IPPROTO_MPTCP`, which libc has no name for on every target.
pub const IPPROTO_MPTCP: i32 = 262;

/// A system call with arguments of any kind.
#[must_use]
pub fn call(number: i64, arguments: Vec<Argument>) -> Request {
    Request::Call { number, arguments }
}

/// A NUL-terminated string.
fn text(bytes: impl AsRef<OsStr>) -> Argument {
    let mut bytes = bytes.as_ref().as_bytes().to_vec();
    bytes.push(0);
    Bytes(bytes)
}

fn length(bytes: &[u8]) -> Argument {
    Number(i64::try_from(bytes.len()).unwrap())
}

fn number(value: impl Into<i64>) -> Argument {
    Number(value.into())
}

/// socket(2).
#[must_use]
pub fn socket(family: i32, kind: i32, protocol: i32) -> Request {
    let arguments = vec![number(family), number(kind), number(protocol)];
    call(libc::SYS_socket, arguments)
}

/// socketpair(2) of any family.
#[must_use]
pub fn pair(family: i32, kind: i32) -> Request {
    let arguments = vec![number(family), number(kind), Number(0), Room(8)];
    call(libc::SYS_socketpair, arguments)
}

/// connect(2).
#[must_use]
pub fn connect(socket: i64, peer: &Address) -> Request {
    let arguments = vec![Number(socket), Bytes(peer.0.clone()), length(&peer.0)];
    call(libc::SYS_connect, arguments)
}

/// bind(2).
#[must_use]
pub fn bind(socket: i64, own: &Address) -> Request {
    let arguments = vec![Number(socket), Bytes(own.0.clone()), length(&own.0)];
    call(libc::SYS_bind, arguments)
}

/// listen(2) with some backlog.
#[must_use]
pub fn listen(socket: i64) -> Request {
    call(libc::SYS_listen, vec![Number(socket), Number(64)])
}

/// accept(2) of a peer, whoever it is.
#[must_use]
pub fn accept(socket: i64) -> Request {
    call(libc::SYS_accept, vec![Number(socket), Number(0), Number(0)])
}

/// accept4(2), likewise.
#[must_use]
pub fn accept4(socket: i64) -> Request {
    let arguments = vec![Number(socket), Number(0), Number(0), Number(0)];
    call(libc::SYS_accept4, arguments)
}

/// getsockname(2); the reply's room has the address.
#[must_use]
pub fn own_address(socket: i64) -> Request {
    let length = Bytes(128_u32.to_ne_bytes().to_vec());
    call(
        libc::SYS_getsockname,
        vec![Number(socket), Room(128), length],
    )
}

/// close(2).
#[must_use]
pub fn close(descriptor: i64) -> Request {
    call(libc::SYS_close, vec![Number(descriptor)])
}

/// write(2) of a byte.
#[must_use]
pub fn write(descriptor: i64, bytes: &[u8]) -> Request {
    let arguments = vec![Number(descriptor), Bytes(bytes.to_vec()), length(bytes)];
    call(libc::SYS_write, arguments)
}

/// sendto(2); without a peer it is send(2).
#[must_use]
pub fn sendto(socket: i64, bytes: &[u8], flags: i32, peer: Option<&Address>) -> Request {
    let (to, to_length) = match peer {
        Some(peer) => (Bytes(peer.0.clone()), length(&peer.0)),
        None => (Number(0), Number(0)),
    };
    let arguments = vec![
        Number(socket),
        Bytes(bytes.to_vec()),
        length(bytes),
        number(flags),
        to,
        to_length,
    ];
    call(libc::SYS_sendto, arguments)
}

/// The words of a `struct msghdr`.
fn message(bytes: &[u8], peer: Option<&Address>) -> Vec<Argument> {
    message_with(bytes, peer, [Number(0), Number(0)])
}

/// The same with control messages and their length.
fn message_with(
    bytes: &[u8],
    peer: Option<&Address>,
    [control, controls]: [Argument; 2],
) -> Vec<Argument> {
    let (to, to_length) = match peer {
        Some(peer) => (Bytes(peer.0.clone()), length(&peer.0)),
        None => (Number(0), Number(0)),
    };
    let vector = Words(vec![Bytes(bytes.to_vec()), length(bytes)]);
    let one = Number(1);
    vec![to, to_length, vector, one, control, controls, Number(0)]
}

/// sendmsg(2).
#[must_use]
pub fn sendmsg(socket: i64, bytes: &[u8], flags: i32, peer: Option<&Address>) -> Request {
    let arguments = vec![Number(socket), Words(message(bytes, peer)), number(flags)];
    call(libc::SYS_sendmsg, arguments)
}

/// sendmsg(2) with control messages.
#[must_use]
pub fn send_with(socket: i64, bytes: &[u8], peer: &Address, control: &[u8]) -> Request {
    let words = message_with(
        bytes,
        Some(peer),
        [Bytes(control.to_vec()), length(control)],
    );
    let arguments = vec![Number(socket), Words(words), Number(0)];
    call(libc::SYS_sendmsg, arguments)
}

/// sendmmsg(2), one message a peer.
#[must_use]
pub fn sendmmsg(socket: i64, bytes: &[u8], flags: i32, peers: &[Address]) -> Request {
    let mut words = Vec::new();
    for peer in peers {
        words.extend(message(bytes, Some(peer)));
        // What the kernel has sent.
        words.push(Number(0));
    }
    let count = Number(i64::try_from(peers.len()).unwrap());
    let arguments = vec![Number(socket), Words(words), count, number(flags)];
    call(libc::SYS_sendmmsg, arguments)
}

/// connect by `io_uring`.
#[must_use]
pub fn ring_connect(socket: i64, peer: &Address, by: Carrier) -> Request {
    ring(RingOperation::Connect(socket, peer.0.clone()), by)
}

/// sendmsg by `io_uring`.
#[must_use]
pub fn ring_sendmsg(socket: i64, flags: i32, peer: &Address, by: Carrier) -> Request {
    ring(ring_send(Sending::Message, socket, flags, peer), by)
}

/// A send of a byte by `io_uring`, of any kind.
#[must_use]
pub fn ring_send(by: Sending, socket: i64, flags: i32, peer: &Address) -> RingOperation {
    RingOperation::Send {
        by,
        socket,
        address: peer.0.clone(),
        bytes: b"x".to_vec(),
        flags: u32::try_from(flags).unwrap(),
    }
}

/// send by `io_uring`, on a connected socket.
#[must_use]
pub fn ring_tell(socket: i64, bytes: &[u8], by: Carrier) -> Request {
    ring(RingOperation::Tell(socket, bytes.to_vec()), by)
}

/// recv by `io_uring`; the reply's first room has the bytes.
#[must_use]
pub fn ring_hear(socket: i64, at_most: usize, by: Carrier) -> Request {
    ring(RingOperation::Hear(socket, at_most), by)
}

/// socket by `io_uring`.
#[must_use]
pub fn ring_socket(family: i32, kind: i32, by: Carrier) -> Request {
    ring(RingOperation::Socket(family, kind, 0), by)
}

/// accept by `io_uring`.
#[must_use]
pub fn ring_accept(socket: i64, by: Carrier) -> Request {
    ring(RingOperation::Accept(socket), by)
}

/// bind by `io_uring`, which kernels have since 6.11.
#[must_use]
pub fn ring_bind(socket: i64, own: &Address, by: Carrier) -> Request {
    ring(RingOperation::Bind(socket, own.0.clone()), by)
}

/// listen by `io_uring`, since 6.11.
#[must_use]
pub fn ring_listen(socket: i64, by: Carrier) -> Request {
    ring(RingOperation::Listen(socket), by)
}

/// setsockopt of a number by `io_uring`, since 6.7.
#[must_use]
pub fn ring_option(socket: i64, level: u32, name: u32, by: Carrier) -> Request {
    ring(RingOperation::Option(socket, level, name, 1), by)
}

/// An operation by `io_uring`.
#[must_use]
pub fn ring(operation: RingOperation, by: Carrier) -> Request {
    Request::Ring(Ring {
        operations: vec![operation],
        table: None,
        then_user: None,
        by,
    })
}

/// open(2).
#[must_use]
pub fn open(path: impl AsRef<Path>, flags: i32) -> Request {
    let path = text(path.as_ref());
    let arguments = vec![number(libc::AT_FDCWD), path, number(flags), Number(0o700)];
    call(libc::SYS_openat, arguments)
}

/// chdir(2).
#[must_use]
pub fn chdir(path: impl AsRef<Path>) -> Request {
    call(libc::SYS_chdir, vec![text(path.as_ref())])
}

/// chroot(2).
#[must_use]
pub fn chroot(path: impl AsRef<Path>) -> Request {
    call(libc::SYS_chroot, vec![text(path.as_ref())])
}

/// unlink(2).
#[must_use]
pub fn unlink(path: impl AsRef<Path>) -> Request {
    call(libc::SYS_unlink, vec![text(path.as_ref())])
}

/// mount(2) of one place on another.
#[must_use]
pub fn bind_mount(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Request {
    let arguments = vec![
        text(from.as_ref()),
        text(to.as_ref()),
        Number(0),
        Number(libc::MS_BIND.cast_signed()),
        Number(0),
    ];
    call(libc::SYS_mount, arguments)
}

/// mount(2) of a tmpfs.
#[must_use]
pub fn mount_tmpfs(on: impl AsRef<Path>) -> Request {
    let arguments = vec![
        text("tmpfs"),
        text(on.as_ref()),
        text("tmpfs"),
        Number(0),
        Number(0),
    ];
    call(libc::SYS_mount, arguments)
}

/// unshare(2).
#[must_use]
pub fn unshare(flags: i32) -> Request {
    call(libc::SYS_unshare, vec![number(flags)])
}

/// execve(2) with no environment and one argument.
#[must_use]
pub fn exec(path: impl AsRef<Path>) -> Request {
    let arguments = vec![
        text(path.as_ref()),
        Words(vec![text(path.as_ref()), Number(0)]),
        Words(vec![Number(0)]),
    ];
    call(libc::SYS_execve, arguments)
}

/// execveat(2) of an open file.
#[must_use]
pub fn exec_descriptor(descriptor: i64) -> Request {
    let arguments = vec![
        Number(descriptor),
        text(""),
        Words(vec![text("probe"), Number(0)]),
        Words(vec![Number(0)]),
        number(libc::AT_EMPTY_PATH),
    ];
    call(libc::SYS_execveat, arguments)
}

/// `prctl(PR_SET_NAME)`: the name of the calling thread.
#[must_use]
pub fn set_name(name: &str) -> Request {
    let arguments = vec![number(libc::PR_SET_NAME), text(name)];
    call(libc::SYS_prctl, arguments)
}

/// `setresuid`, of the calling thread alone: it is the bare system call.
#[must_use]
pub fn set_uids(real: i64, effective: i64, saved: i64) -> Request {
    let arguments = vec![Number(real), Number(effective), Number(saved)];
    call(libc::SYS_setresuid, arguments)
}

/// `setresgid`, likewise.
#[must_use]
pub fn set_gids(real: i64, effective: i64, saved: i64) -> Request {
    let arguments = vec![Number(real), Number(effective), Number(saved)];
    call(libc::SYS_setresgid, arguments)
}

/// readlink(2); the reply's room has the target.
#[must_use]
pub fn readlink(path: impl AsRef<Path>) -> Request {
    let arguments = vec![text(path.as_ref()), Room(4096), Number(4096)];
    call(libc::SYS_readlink, arguments)
}

/// sendfile(2) of a whole file.
#[must_use]
pub fn copy(to: i64, from: i64) -> Request {
    let arguments = vec![Number(to), Number(from), Number(0), Number(1 << 30)];
    call(libc::SYS_sendfile, arguments)
}

/// `memfd_create`, of a file called `good`.
#[must_use]
pub fn memory_file() -> Request {
    call(libc::SYS_memfd_create, vec![text("good"), Number(0)])
}

/// socketpair(2); the reply's room has both descriptors.
#[must_use]
pub fn socketpair(kind: i32) -> Request {
    pair(libc::AF_UNIX, kind)
}

/// getsockname(2); the reply's first room has the address.
#[must_use]
pub fn own_name(socket: i64) -> Request {
    let length = Bytes(128_u32.to_ne_bytes().to_vec());
    call(
        libc::SYS_getsockname,
        vec![Number(socket), Room(128), length],
    )
}

/// setsockopt(2) of a number.
#[must_use]
pub fn set_option(socket: i64, level: i32, option: i32, value: i32) -> Request {
    set_bytes(socket, level, option, &value.to_ne_bytes())
}

/// setsockopt(2) of bytes.
#[must_use]
pub fn set_bytes(socket: i64, level: i32, option: i32, value: &[u8]) -> Request {
    let arguments = vec![
        Number(socket),
        number(level),
        number(option),
        Bytes(value.to_vec()),
        length(value),
    ];
    call(libc::SYS_setsockopt, arguments)
}

/// Makes all mounts private.
#[must_use]
pub fn private_mounts() -> Request {
    let flags = libc::MS_REC | libc::MS_PRIVATE;
    let arguments = vec![
        Number(0),
        text("/"),
        Number(0),
        Number(flags.cast_signed()),
        Number(0),
    ];
    call(libc::SYS_mount, arguments)
}

/// mount(2) of one place and all that is mounted below it on another.
#[must_use]
pub fn bind_mount_all(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Request {
    let flags = libc::MS_BIND | libc::MS_REC;
    let arguments = vec![
        text(from.as_ref()),
        text(to.as_ref()),
        Number(0),
        Number(flags.cast_signed()),
        Number(0),
    ];
    call(libc::SYS_mount, arguments)
}

/// mkdir(2).
#[must_use]
pub fn make_folder(path: impl AsRef<Path>) -> Request {
    call(libc::SYS_mkdir, vec![text(path.as_ref()), Number(0o755)])
}

/// chmod(2).
#[must_use]
pub fn change_mode(path: impl AsRef<Path>, mode: i32) -> Request {
    call(libc::SYS_chmod, vec![text(path.as_ref()), number(mode)])
}

/// stat(2); the reply's room has the structure, whose first word is the device.
#[must_use]
pub fn status_of(path: impl AsRef<Path>) -> Request {
    call(libc::SYS_stat, vec![text(path.as_ref()), Room(144)])
}

/// `capset(2)`: these capabilities, effective and permitted, by number.
#[must_use]
pub fn set_capabilities(numbers: &[u32]) -> Request {
    /// `_LINUX_CAPABILITY_VERSION_3`. Linux, include/uapi/linux/capability.h.
    const VERSION: u32 = 0x2008_0522;
    let bits = numbers
        .iter()
        .fold(0_u64, |bits, number| bits | 1 << number);
    let halves = [bits & 0xffff_ffff, bits >> 32].map(|half| u32::try_from(half).unwrap());
    let data = halves.iter().flat_map(|half| [*half, *half, 0]);
    let data: Vec<u8> = data.flat_map(u32::to_ne_bytes).collect();
    let header = [VERSION.to_ne_bytes(), [0; 4]].concat();
    let arguments = vec![Argument::Bytes(header), Argument::Bytes(data)];
    call(libc::SYS_capset, arguments)
}

/// `setgroups(2)`.
#[must_use]
pub fn set_groups(groups: &[u32]) -> Request {
    let count = Argument::Number(groups.len().try_into().unwrap());
    let bytes = groups
        .iter()
        .flat_map(|group| group.to_ne_bytes())
        .collect();
    call(libc::SYS_setgroups, vec![count, Argument::Bytes(bytes)])
}
