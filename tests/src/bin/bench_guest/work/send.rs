//! Sends on stream sockets that are connected: no rule is about them, and a hook
//! that must see sends with an address is there all the same.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, accept, connect, recv, send,
    socket, socketpair, sockopt,
};

use super::connect::tcp_listener;
use super::{BATCH, Context, Round, TCP_PORT, Timed, settle, timed};
use crate::Outcome;

const BATCHES: u16 = 12;
const BYTES: usize = 64;

/// TCP over loopback; each send is a segment, which is received at once.
pub(super) fn tcp(_: &Context<'_>) -> Outcome<Round> {
    let listener = tcp_listener()?;
    let client = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    connect(&client, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, TCP_PORT))?;
    let server = accept(&listener)?;
    sockopt::set_tcp_nodelay(&client, true)?;
    Ok(sends(client, server))
}

/// A pair of unix stream sockets.
pub(super) fn unix(_: &Context<'_>) -> Outcome<Round> {
    let (client, server) = socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::empty(),
        None,
    )?;
    Ok(sends(client, server))
}

fn sends(client: OwnedFd, server: OwnedFd) -> Round {
    let bytes = [0; BYTES];
    let mut all = [0; BYTES * BATCH as usize];
    Box::new(move || {
        let mut sum = Timed::default();
        for _ in 0..BATCHES {
            settle();
            let took = timed(|| {
                for _ in 0..BATCH {
                    send(&client, &bytes, SendFlags::empty())?;
                }
                Ok(())
            })?;
            sum.add(took, BATCH);
            recv(&server, &mut all, RecvFlags::WAITALL)?;
        }
        Ok(sum)
    })
}
