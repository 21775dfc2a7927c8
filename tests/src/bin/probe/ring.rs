//! Operations by `io_uring`.

use std::io;

use interdict_tests::protocol::{Carrier, Reply, Ring};
use io_uring::squeue::Flags;
use io_uring::{IoUring, opcode, types};

/// How long an idle poller of a queue stays awake, in milliseconds.
const IDLE: u32 = 50;

pub(super) fn perform(ring: &Ring) -> io::Result<Reply> {
    let mut builder = IoUring::<io_uring::squeue::Entry>::builder();
    if ring.by == Carrier::Poller {
        builder.setup_sqpoll(IDLE);
    }
    let mut queue = builder.build(2)?;
    let socket = types::Fd(i32::try_from(ring.socket).map_err(io::Error::other)?);
    let mut address = ring.address.clone();
    let length = u32::try_from(address.len()).map_err(io::Error::other)?;
    let mut bytes = ring.send.clone().unwrap_or_default();
    let mut vector = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    let message = libc::msghdr {
        msg_name: address.as_mut_ptr().cast(),
        msg_namelen: length,
        msg_iov: &raw mut vector,
        msg_iovlen: 1,
        msg_control: std::ptr::null_mut(),
        msg_controllen: 0,
        msg_flags: 0,
    };
    let entry = if ring.send.is_some() {
        opcode::SendMsg::new(socket, &raw const message)
            .flags(ring.flags)
            .build()
    } else if ring.bind {
        opcode::Bind::new(socket, address.as_ptr().cast(), length).build()
    } else {
        opcode::Connect::new(socket, address.as_ptr().cast(), length).build()
    };
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
    Ok(super::reply(i64::from(result.result())))
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
