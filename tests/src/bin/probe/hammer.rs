//! Many connects, counted by what came of them.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use interdict_tests::protocol::{Attempt, Hammer, Reply};

pub(super) fn perform(hammer: &Hammer) -> Reply {
    let mut counts = vec![BTreeMap::<i64, u64>::new(); hammer.attempts.len()];
    for _ in 0..hammer.rounds {
        for (attempt, count) in hammer.attempts.iter().zip(&mut counts) {
            let result = match once(attempt) {
                Ok(()) => 0,
                Err(error) => -i64::from(error.raw_os_error().unwrap_or(0)),
            };
            *count.entry(result).or_default() += 1;
        }
    }
    Reply {
        counts: counts
            .into_iter()
            .map(|count| count.into_iter().collect())
            .collect(),
        ..super::reply(0)
    }
}

fn once(attempt: &Attempt) -> io::Result<()> {
    // SAFETY: no preconditions.
    let socket = unsafe { libc::socket(attempt.family, attempt.kind | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    if attempt.family != libc::AF_UNIX && attempt.kind == libc::SOCK_STREAM {
        reset_on_close(&socket)?;
    }
    let length = u32::try_from(attempt.address.len()).map_err(io::Error::other)?;
    let address = attempt.address.as_ptr().cast();
    // SAFETY: the address is as long as it is said to be.
    if unsafe { libc::connect(socket.as_raw_fd(), address, length) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Makes the socket's close a reset: a port in `TIME_WAIT` for each of thousands
/// of connections would leave none.
fn reset_on_close(socket: &OwnedFd) -> io::Result<()> {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    let length = u32::try_from(size_of_val(&linger)).map_err(io::Error::other)?;
    // SAFETY: the value is of the type that the option takes.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            length,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
