//! Operations by `io_uring`.

use std::io;

use interdict_tests::protocol::{Carrier, Reply, Ring, RingOperation};
use io_uring::squeue::{Entry, Flags};
use io_uring::{IoUring, opcode, types};

/// How long an idle poller of a queue stays awake, in milliseconds.
const IDLE: u32 = 50;

pub(super) fn perform(ring: &Ring) -> io::Result<Reply> {
    let mut builder = IoUring::<Entry>::builder();
    if ring.by == Carrier::Poller {
        builder.setup_sqpoll(IDLE);
    }
    let mut queue = builder.build(2)?;
    let mut message = Message::default();
    let entry = entry(&ring.operation, &mut message)?;
    let entry = if ring.by == Carrier::Worker {
        entry.flags(Flags::ASYNC)
    } else {
        entry
    };
    let entry = match ring.then_user {
        Some(user) => entry.personality(as_before(&queue, user)?),
        None => entry,
    };
    // SAFETY: what the entry points to lives until the completion below.
    unsafe { queue.submission().push(&entry) }.map_err(io::Error::other)?;
    queue.submit_and_wait(1)?;
    let completion = queue.completion().next();
    let result = completion.ok_or_else(|| io::Error::other("no completion"))?;
    let mut reply = super::reply(i64::from(result.result()));
    reply.rooms = message.room.into_iter().collect();
    Ok(reply)
}

/// Keeps the credentials of now with the ring, and becomes another effective user.
fn as_before(queue: &IoUring<io_uring::squeue::Entry>, user: u32) -> io::Result<u16> {
    let kept = queue.submitter().register_personality()?;
    // SAFETY: numbers alone; -1 leaves an id as it is.
    let failed = unsafe { libc::syscall(libc::SYS_setresuid, -1, user, -1) } < 0;
    if failed {
        return Err(io::Error::last_os_error());
    }
    Ok(kept)
}

/// What an entry points to.
#[derive(Default)]
struct Message {
    address: Vec<u8>,
    bytes: Vec<u8>,
    vector: Option<libc::iovec>,
    header: Option<libc::msghdr>,
    /// What is read into.
    room: Option<Vec<u8>>,
}

/// The entry of an operation; `message` must live until it is completed.
fn entry(operation: &RingOperation, message: &mut Message) -> io::Result<Entry> {
    Ok(match operation {
        RingOperation::Connect(socket, address) => {
            message.address.clone_from(address);
            let (address, length) = laid(message)?;
            opcode::Connect::new(descriptor(*socket)?, address, length).build()
        }
        RingOperation::Send {
            socket,
            address,
            bytes,
            flags,
        } => {
            message.address.clone_from(address);
            message.bytes.clone_from(bytes);
            let (name, length) = laid(message)?;
            let vector = message.vector.insert(libc::iovec {
                iov_base: message.bytes.as_mut_ptr().cast(),
                iov_len: message.bytes.len(),
            });
            let header = message.header.insert(libc::msghdr {
                msg_name: name.cast_mut().cast(),
                msg_namelen: length,
                msg_iov: &raw mut *vector,
                msg_iovlen: 1,
                msg_control: std::ptr::null_mut(),
                msg_controllen: 0,
                msg_flags: 0,
            });
            opcode::SendMsg::new(descriptor(*socket)?, &raw const *header)
                .flags(*flags)
                .build()
        }
        RingOperation::Tell(socket, bytes) => {
            message.bytes.clone_from(bytes);
            let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
            opcode::Send::new(descriptor(*socket)?, message.bytes.as_ptr(), length).build()
        }
        RingOperation::Hear(socket, length) => {
            let room = message.room.insert(vec![0; *length]);
            let length = u32::try_from(*length).map_err(io::Error::other)?;
            opcode::Recv::new(descriptor(*socket)?, room.as_mut_ptr(), length).build()
        }
        RingOperation::Socket(family, kind, protocol) => {
            opcode::Socket::new(*family, *kind, *protocol).build()
        }
        RingOperation::Accept(socket) => {
            let nowhere = std::ptr::null_mut();
            opcode::Accept::new(descriptor(*socket)?, nowhere, nowhere.cast()).build()
        }
        RingOperation::Bind(socket, address) => {
            message.address.clone_from(address);
            let (address, length) = laid(message)?;
            opcode::Bind::new(descriptor(*socket)?, address, length).build()
        }
        RingOperation::Listen(socket) => opcode::Listen::new(descriptor(*socket)?, 64).build(),
        RingOperation::Option(socket, level, name, value) => {
            message.bytes = value.to_ne_bytes().to_vec();
            let (value, length) = (message.bytes.as_ptr().cast(), 4);
            opcode::SetSockOpt::new(descriptor(*socket)?, *level, *name, value, length).build()
        }
    })
}

fn descriptor(socket: i64) -> io::Result<types::Fd> {
    i32::try_from(socket)
        .map(types::Fd)
        .map_err(io::Error::other)
}

/// Where the address lies, and its length.
fn laid(message: &Message) -> io::Result<(*const libc::sockaddr, u32)> {
    let length = u32::try_from(message.address.len()).map_err(io::Error::other)?;
    Ok((message.address.as_ptr().cast(), length))
}
