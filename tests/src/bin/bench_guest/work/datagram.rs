//! What a datagram socket does: sends to a name, and options.

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketType, bind, recv, sendto, socket,
    sockopt,
};

use super::{BATCH, Context, DATAGRAM, Round, Timed, expect, settle, timed};
use crate::Outcome;

const BATCHES: u16 = 12;
const BYTES: usize = 64;

/// Sends to a unix socket by its path.
pub(super) fn named(context: &Context<'_>) -> Outcome<Round> {
    let refused = context.refused;
    let server = socket(AddressFamily::UNIX, SocketType::DGRAM, None)?;
    let client = socket(AddressFamily::UNIX, SocketType::DGRAM, None)?;
    let at = SocketAddrUnix::new(DATAGRAM)?;
    // Of the worker before.
    std::fs::remove_file(DATAGRAM).ok();
    bind(&server, &at)?;
    let mut bytes = [0; BYTES];
    Ok(Box::new(move || {
        let mut sum = Timed::default();
        for _ in 0..BATCHES {
            settle();
            let send = || sendto(&client, &bytes, SendFlags::empty(), &at);
            let took = timed(|| (0..BATCH).try_for_each(|_| expect(refused, send())))?;
            sum.add(took, BATCH);
            for _ in (0..BATCH).filter(|_| !refused) {
                recv(&server, &mut bytes, RecvFlags::empty())?;
            }
        }
        Ok(sum)
    }))
}

/// An option of a UDP socket that costs the kernel little.
pub(super) fn option(context: &Context<'_>) -> Outcome<Round> {
    let refused = context.refused;
    let one = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    Ok(Box::new(move || {
        let mut sum = Timed::default();
        // What is refused has an event, for which the daemon needs time.
        let batches = if refused { BATCHES } else { 4 * BATCHES };
        for _ in 0..batches {
            if refused {
                settle();
            }
            let set = || sockopt::set_socket_broadcast(&one, true);
            let took = timed(|| (0..BATCH).try_for_each(|_| expect(refused, set())))?;
            sum.add(took, BATCH);
        }
        Ok(sum)
    }))
}
