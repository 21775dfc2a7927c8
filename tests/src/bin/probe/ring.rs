//! Operations by `io_uring`.

use std::io;

use interdict_tests::protocol::{Carrier, FIXED, Reply, Ring, RingOperation, Sending};
use io_uring::squeue::{Entry, Flags};
use io_uring::{IoUring, cqueue, opcode, types};

/// How long an idle poller of a queue stays awake, in milliseconds.
const IDLE: u32 = 50;
/// Operations that a queue has room for.
const ENTRIES: u32 = 8;

pub(super) fn perform(ring: &Ring) -> io::Result<Reply> {
    let mut builder = IoUring::<Entry>::builder();
    if ring.by == Carrier::Poller {
        builder.setup_sqpoll(IDLE);
    }
    let mut queue = builder.build(ENTRIES)?;
    if let Some(descriptor) = ring.table {
        let descriptor = i32::try_from(descriptor).map_err(io::Error::other)?;
        queue.submitter().register_files(&[descriptor])?;
    }
    let kept = match ring.then_user {
        Some(user) => Some(as_before(&queue, user)?),
        None => None,
    };
    let mut messages: Vec<Message> = ring.operations.iter().map(|_| Message::default()).collect();
    let last = ring.operations.len().saturating_sub(1);
    // Shown to the kernel all at once, or a polling thread would take a chain in pieces.
    let mut submission = queue.submission();
    for (index, operation) in ring.operations.iter().enumerate() {
        let message = messages.get_mut(index).ok_or(io::ErrorKind::Other)?;
        let mut flags = Flags::empty();
        flags.set(Flags::ASYNC, ring.by == Carrier::Worker);
        flags.set(Flags::IO_LINK, index < last);
        flags.set(Flags::FIXED_FILE, socket(operation) == Some(FIXED));
        let mut entry = entry(operation, message)?
            .flags(flags)
            .user_data(index as u64);
        if let Some(kept) = kept {
            entry = entry.personality(kept);
        }
        // SAFETY: what the entry points to lives until all are completed below.
        unsafe { submission.push(&entry) }.map_err(io::Error::other)?;
    }
    drop(submission);
    let results = completed(&mut queue, &ring.operations)?;
    let rooms = messages.into_iter().filter_map(|message| message.room);
    let failed = results.iter().find(|result| **result < 0);
    let result = failed.or(results.last()).copied().unwrap_or(0);
    Ok(Reply {
        rooms: rooms.collect(),
        results,
        ..super::reply(result)
    })
}

/// What came of each operation, once none of them needs its memory any more.
fn completed(queue: &mut IoUring<Entry>, operations: &[RingOperation]) -> io::Result<Vec<i64>> {
    let mut results = vec![0; operations.len()];
    let mut left = operations.len();
    queue.submit()?;
    while left > 0 {
        queue.submit_and_wait(1)?;
        for completion in queue.completion() {
            left -= 1;
            if cqueue::notif(completion.flags()) {
                continue;
            }
            let index = usize::try_from(completion.user_data()).map_err(io::Error::other)?;
            let result = results.get_mut(index).ok_or(io::ErrorKind::Other)?;
            *result = i64::from(completion.result());
            let sends = matches!(operations.get(index), Some(RingOperation::Send { .. }));
            // What is not copied is given back in a completion of its own.
            left += usize::from(sends && cqueue::more(completion.flags()));
        }
    }
    Ok(results)
}

/// The socket that an operation is about.
const fn socket(operation: &RingOperation) -> Option<i64> {
    match operation {
        RingOperation::Connect(socket, _)
        | RingOperation::Send { socket, .. }
        | RingOperation::Tell(socket, _)
        | RingOperation::Hear(socket, _)
        | RingOperation::Accept(socket)
        | RingOperation::AcceptMany(socket)
        | RingOperation::Bind(socket, _)
        | RingOperation::Listen(socket)
        | RingOperation::Option(socket, ..) => Some(*socket),
        RingOperation::Socket(..) | RingOperation::FixedSocket(..) => None,
    }
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
        RingOperation::Send { .. } => send(operation, message)?,
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
        RingOperation::FixedSocket(family, kind, protocol) => {
            let first = types::DestinationSlot::try_from_slot_target(0);
            let first = first.map_err(|slot| io::Error::other(format!("no slot {slot}")))?;
            opcode::Socket::new(*family, *kind, *protocol)
                .file_index(Some(first))
                .build()
        }
        RingOperation::AcceptMany(socket) => opcode::AcceptMulti::new(descriptor(*socket)?).build(),
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

/// The entry of a send.
fn send(operation: &RingOperation, message: &mut Message) -> io::Result<Entry> {
    let RingOperation::Send {
        by,
        socket,
        address,
        bytes,
        flags,
    } = operation
    else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    message.address.clone_from(address);
    message.bytes.clone_from(bytes);
    let socket = descriptor(*socket)?;
    let (name, length) = laid(message)?;
    let count = u32::try_from(message.bytes.len()).map_err(io::Error::other)?;
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
    let from = message.bytes.as_ptr();
    let to = if length == 0 { std::ptr::null() } else { name };
    let signed = flags.cast_signed();
    Ok(match by {
        Sending::Message => opcode::SendMsg::new(socket, &raw const *header)
            .flags(*flags)
            .build(),
        Sending::MessageUncopied => opcode::SendMsgZc::new(socket, &raw const *header)
            .flags(*flags)
            .build(),
        Sending::Bytes => opcode::Send::new(socket, from, count)
            .flags(signed)
            .dest_addr(to)
            .dest_addr_len(length)
            .build(),
        Sending::BytesUncopied => opcode::SendZc::new(socket, from, count)
            .flags(signed)
            .dest_addr(to)
            .dest_addr_len(length)
            .build(),
    })
}

/// A descriptor, or the first place of the ring's table.
fn descriptor(socket: i64) -> io::Result<types::Fd> {
    let socket = if socket == FIXED { 0 } else { socket };
    i32::try_from(socket)
        .map(types::Fd)
        .map_err(io::Error::other)
}

/// Where the address lies, and its length.
fn laid(message: &Message) -> io::Result<(*const libc::sockaddr, u32)> {
    let length = u32::try_from(message.address.len()).map_err(io::Error::other)?;
    Ok((message.address.as_ptr().cast(), length))
}
