//! **The** table of events: what each is called, and which hooks write it; and
//! what a selection of events is in the image.
//!
//! ```text
//! word SELECTION  base of a directory, 0 when every event is as by default
//! directory + s   seat s: base of a table, 0 when its event is as by default
//! table + 2*f     family f: what is wanted of operations that no rule matched
//! table + 2*f + 1 family f: what is wanted of those that a rule denied or recorded
//! ```
//!
//! What is wanted is [`NOTHING`], [`EVERYTHING`], or the descriptor of terms of
//! which one has to match, in the form that pairs have: all of them are in the
//! mask of record terms. They ask for the subject alone. By default nothing is
//! wanted of the one, and everything of the other.
//!
//! A **seat** is a hook's number, or [`CONNECTS`] for a hook of datagrams while
//! connect(2) runs: the same hook then writes another event.

use crate::ask::{Asker, List};
use crate::decide::{Tables, low, subject};
use crate::facts::Facts;
use crate::family::{ACCEPT, BIND, CONNECT, CREATE, FAMILIES, LISTEN, SETSOCKOPT};
use crate::hooks::{HOOK_COUNT, Hook};
use crate::image::{DESC_ASKS, DESC_RECORD, SELECTION};

/// No event.
pub const NOTHING: u32 = 0;
/// An event of each operation.
pub const EVERYTHING: u32 = 1;

/// The seat of [`Hook::UnixMaySend`] while connect(2) runs.
#[expect(clippy::cast_possible_truncation, reason = "a table of a few rows")]
pub const CONNECTS: u32 = HOOK_COUNT as u32;
/// Number of seats.
pub const SEATS: u32 = CONNECTS + 1;
/// Words in a table of families.
pub const TABLE_WORDS: u32 = 2 * FAMILIES as u32;

/// An event that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name, Tracee's where it has one.
    pub name: &'static str,
    /// Its public id: Tracee's, or one of ours from 100,001 on.
    pub id: u32,
    /// Where it is written.
    pub seats: &'static [u32],
    /// What it is about. A hook can judge another operation beside: `listen` a
    /// port that nobody has judged, `accept` a listen that was judged elsewhere.
    pub operations: &'static [u16],
}

/// All events, in the order of the documentation.
pub const EVENTS: &[Event] = &[
    Event {
        name: "security_socket_create",
        id: 1034,
        seats: &[Hook::SocketCreate as u32],
        operations: &[CREATE],
    },
    Event {
        name: "security_socket_bind",
        id: 1038,
        seats: &[Hook::SocketBind as u32, Hook::PathMknod as u32],
        operations: &[BIND],
    },
    Event {
        name: "security_socket_listen",
        id: 1035,
        seats: &[Hook::SocketListen as u32],
        operations: &[LISTEN],
    },
    Event {
        name: "security_socket_connect",
        id: 1036,
        seats: &[
            Hook::SocketConnect as u32,
            Hook::UnixStreamConnect as u32,
            CONNECTS,
            Hook::UnixStreamConnectExit as u32,
            Hook::UnixDgramConnectExit as u32,
        ],
        operations: &[CONNECT],
    },
    Event {
        name: "security_socket_accept",
        id: 1037,
        seats: &[Hook::SocketAccept as u32],
        operations: &[ACCEPT],
    },
    Event {
        name: "security_socket_setsockopt",
        id: 1039,
        seats: &[Hook::SocketSetsockopt as u32],
        operations: &[SETSOCKOPT],
    },
    Event {
        name: "security_socket_sendmsg",
        id: 100_001,
        seats: &[Hook::SocketSendmsg as u32],
        operations: &[CONNECT],
    },
    Event {
        name: "security_unix_may_send",
        id: 100_002,
        seats: &[Hook::UnixMaySend as u32],
        operations: &[CONNECT],
    },
    Event {
        name: "security_sctp_bind_connect",
        id: 100_003,
        seats: &[Hook::SctpBindConnect as u32],
        operations: &[CONNECT, BIND],
    },
];

impl Event {
    /// The event of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        EVENTS.iter().find(|event| event.name == name)
    }

    /// The event that is written at a seat.
    #[must_use]
    pub fn at(seat: u32) -> Option<&'static Self> {
        EVENTS.iter().find(|event| event.seats.contains(&seat))
    }

    /// Whether a hook writes it.
    #[must_use]
    pub fn written_by(&self, hook: Hook) -> bool {
        let mut seats = self.seats.iter();
        seats.any(|seat| hook_of(*seat) == Some(hook))
    }
}

/// The seat of a hook.
#[inline(always)]
#[must_use]
pub const fn seat(hook: u32, connects: bool) -> u32 {
    if connects && hook == Hook::UnixMaySend as u32 {
        CONNECTS
    } else {
        hook
    }
}

/// The hook of a seat.
#[must_use]
pub const fn hook_of(seat: u32) -> Option<Hook> {
    if seat == CONNECTS {
        Some(Hook::UnixMaySend)
    } else {
        Hook::from_raw(seat)
    }
}

/// Whether a hook judges an operation as something that goes on beside its own:
/// no plain event is made of it, since the hook's own operation has one.
#[inline(always)]
#[must_use]
pub const fn is_beside(hook: u32, operation: u16) -> bool {
    let accepts = hook == Hook::SocketAccept as u32;
    match operation {
        BIND => accepts || hook == Hook::SocketListen as u32,
        LISTEN => accepts,
        _ => false,
    }
}

/// What an image wants of the operations of a family at a seat, `None` when the
/// image is damaged. `matched` are those that a rule denied or recorded.
#[inline(always)]
pub fn wanted<T: Tables + ?Sized>(
    tables: &T,
    seat: u32,
    family: u16,
    matched: bool,
) -> Option<u32> {
    let by_default = if matched { EVERYTHING } else { NOTHING };
    let directory = low(tables.word(SELECTION)?);
    if directory == 0 {
        return Some(by_default);
    }
    let table = low(tables.word(directory.wrapping_add(seat))?);
    if table == 0 {
        return Some(by_default);
    }
    if family >= FAMILIES {
        return None;
    }
    let place = 2 * u32::from(family) + u32::from(matched);
    tables.word(table.wrapping_add(place)).map(low)
}

/// Whether a term of a descriptor that an image wants takes the subject, `None`
/// when the image is damaged.
#[inline(always)]
pub fn takes<T: Tables + ?Sized>(
    tables: &T,
    facts: &Facts,
    rest: &impl Asker<T>,
    desc: u32,
) -> Option<bool> {
    let mut bits = subject(tables, facts, desc)?;
    bits &= tables.word(desc.wrapping_add(DESC_RECORD))?;
    let list = list(tables, desc)?;
    if list.count() != 0 {
        bits &= rest.ask(tables, list)?;
    }
    Some(bits != 0)
}

/// What such a descriptor asks of rare dimensions, `None` when the image is damaged.
#[inline(always)]
pub fn list<T: Tables + ?Sized>(tables: &T, desc: u32) -> Option<List> {
    tables.word(desc.wrapping_add(DESC_ASKS)).map(List)
}

/// [`wanted`], its filters held against a subject.
pub fn selects<T: Tables + ?Sized>(
    tables: &T,
    facts: &Facts,
    rest: &impl Asker<T>,
    seat: u32,
    matched: bool,
) -> Option<bool> {
    match wanted(tables, seat, facts.family, matched)? {
        NOTHING => Some(false),
        EVERYTHING => Some(true),
        desc => takes(tables, facts, rest, desc),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::hooks::HOOKS;

    #[test]
    fn each_hook_that_writes_events_writes_one() {
        for desc in HOOKS {
            let seats = [desc.hook as u32, CONNECTS];
            let own = &seats[..=usize::from(desc.hook == Hook::UnixMaySend)];
            for seat in own {
                let written = EVENTS.iter().filter(|one| one.seats.contains(seat));
                assert_eq!(written.count(), usize::from(desc.role.writes()), "{seat}");
            }
        }
    }

    #[test]
    fn names_and_ids_are_nobody_elses() {
        for event in EVENTS {
            let same = |one: &&Event| one.name == event.name || one.id == event.id;
            assert_eq!(EVENTS.iter().filter(same).count(), 1, "{}", event.name);
            assert_eq!(Event::named(event.name), Some(event));
        }
    }
}
