//! Connects, of sockets that are made before and accepted after.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketType, accept, bind, connect, listen, socket, sockopt,
};

use super::{BATCH, Context, DISCARD, Round, STREAM, TCP_PORT, Timed, expect, settle, timed};
use crate::Outcome;

/// Batches of a round.
const UDP_BATCHES: u16 = 32;
const STREAM_BATCHES: u16 = 6;

/// Datagram connects of one socket to one address.
pub(super) fn udp(context: &Context<'_>) -> Outcome<Round> {
    let refused = context.refused;
    let client = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, DISCARD);
    Ok(Box::new(move || {
        let mut sum = Timed::default();
        // What is refused has an event, for which the daemon needs time.
        let batches = if refused { STREAM_BATCHES } else { UDP_BATCHES };
        for _ in 0..batches {
            if refused {
                settle();
            }
            let took =
                timed(|| (0..BATCH).try_for_each(|_| expect(refused, connect(&client, &to))))?;
            sum.add(took, BATCH);
        }
        Ok(sum)
    }))
}

/// The same, to an address that was never connected to.
pub(super) fn udp_new(_: &Context<'_>) -> Outcome<Round> {
    let client = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    let mut next = u32::from(Ipv4Addr::new(127, 1, 0, 1));
    Ok(Box::new(move || {
        let mut sum = Timed::default();
        for _ in 0..UDP_BATCHES {
            let took = timed(|| {
                for _ in 0..BATCH {
                    connect(&client, &SocketAddrV4::new(next.into(), DISCARD))?;
                    next += 1;
                }
                Ok(())
            })?;
            sum.add(took, BATCH);
        }
        Ok(sum)
    }))
}

/// TCP over loopback, the whole handshake.
pub(super) fn tcp(context: &Context<'_>) -> Outcome<Round> {
    let refused = context.refused;
    let at = SocketAddrV4::new(Ipv4Addr::LOCALHOST, TCP_PORT);
    let listener = tcp_listener()?;
    Ok(Box::new(move || {
        let mut sum = Timed::default();
        for _ in 0..STREAM_BATCHES {
            let clients = sockets(AddressFamily::INET)?;
            let connects = || {
                clients
                    .iter()
                    .try_for_each(|client| expect(refused, connect(client, &at)))
            };
            sum.add(timed(connects)?, BATCH);
            for client in clients.iter().filter(|_| !refused) {
                // Nothing is to wait for the network to forget it.
                forget(&accept(&listener)?)?;
                forget(client)?;
            }
        }
        Ok(sum)
    }))
}

/// Unix streams, to one listening socket.
pub(super) fn unix(context: &Context<'_>) -> Outcome<Round> {
    let refused = context.refused;
    let (listener, at) = unix_listener(STREAM)?;
    Ok(Box::new(move || {
        let mut sum = Timed::default();
        for _ in 0..STREAM_BATCHES {
            let clients = sockets(AddressFamily::UNIX)?;
            let connects = || {
                clients
                    .iter()
                    .try_for_each(|client| expect(refused, connect(client, &at)))
            };
            sum.add(timed(connects)?, BATCH);
            for _ in clients.iter().filter(|_| !refused) {
                accept(&listener)?;
            }
        }
        Ok(sum)
    }))
}

/// Unix streams, each to another listening socket, in turn: so many that a memo of
/// the last few does not hold them.
pub(super) fn unix_new(_: &Context<'_>) -> Outcome<Round> {
    let listeners = (0..BATCH)
        .map(|number| unix_listener(&format!("{STREAM}-{number}")))
        .collect::<Outcome<Vec<_>>>()?;
    Ok(Box::new(move || {
        let mut sum = Timed::default();
        for _ in 0..STREAM_BATCHES {
            let clients = sockets(AddressFamily::UNIX)?;
            let took = timed(|| {
                for (client, (_, at)) in clients.iter().zip(&listeners) {
                    connect(client, at)?;
                }
                Ok(())
            })?;
            sum.add(took, BATCH);
            for (listener, _) in &listeners {
                accept(listener)?;
            }
        }
        Ok(sum)
    }))
}

/// A TCP socket that listens on [`TCP_PORT`].
pub(super) fn tcp_listener() -> Outcome<OwnedFd> {
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    sockopt::set_socket_reuseaddr(&listener, true)?;
    bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, TCP_PORT))?;
    listen(&listener, i32::from(BATCH))?;
    Ok(listener)
}

/// A unix socket that listens at a path.
fn unix_listener(path: &str) -> Outcome<(OwnedFd, SocketAddrUnix)> {
    let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    let at = SocketAddrUnix::new(path)?;
    // Of the worker before.
    std::fs::remove_file(path).ok();
    bind(&listener, &at)?;
    listen(&listener, i32::from(BATCH))?;
    Ok((listener, at))
}

/// Lets a TCP connection end without a trace.
fn forget(socket: &OwnedFd) -> Outcome<()> {
    Ok(sockopt::set_socket_linger(
        socket,
        Some(std::time::Duration::ZERO),
    )?)
}

/// As many stream sockets as are connected together, in a kernel at rest.
fn sockets(family: AddressFamily) -> Outcome<Vec<OwnedFd>> {
    let sockets = (0..BATCH).map(|_| socket(family, SocketType::STREAM, None));
    let sockets = sockets.collect::<Result<_, _>>()?;
    settle();
    Ok(sockets)
}
