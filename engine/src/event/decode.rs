//! Bytes of the ring buffer to a checked event. Never panics: the bytes are
//! taken for anything.

use policy_abi::ABI_VERSION;
use policy_abi::event::{
    Action, BRIEF_BYTES, BRIEF_TYPED_BYTES, FLAG_CONNECT, FLAG_FAILED, FLAG_OBJECT, FLAG_SOCKFD,
    FLAG_TYPED, Record, TYPED_BYTES,
};
use policy_abi::facts::OBJECT_OPTION;
use policy_abi::family::pair;
use policy_abi::hooks::{HOOKS, Hook};
use policy_abi::image::Effect;
use std::mem::size_of;
use thiserror::Error;
use zerocopy::{FromBytes as _, FromZeros as _, IntoBytes as _};

/// Every flag that this version knows.
const FLAGS: u32 = FLAG_SOCKFD | FLAG_CONNECT | FLAG_TYPED | FLAG_OBJECT | FLAG_FAILED;

/// Why bytes are not an event.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The record is of another size.
    #[error("an event has {found} bytes, not {BRIEF_BYTES} or {whole}", whole = size_of::<Record>())]
    Length {
        /// Its size in bytes.
        found: usize,
    },
    /// The writer is of another version.
    #[error("an event is of version {found}, not {ABI_VERSION}")]
    Version {
        /// The writer's version.
        found: u32,
    },
    /// A member holds a number that this version does not know.
    #[error("an event's `{member}` is {found}, which is not known")]
    Unknown {
        /// Which member.
        member: &'static str,
        /// Its number.
        found: u32,
    },
}

/// A record whose numbers are all known.
#[derive(Clone, Copy)]
pub struct Event {
    record: Record,
    hook: Hook,
    action: Action,
    effect: Option<Effect>,
}

impl Event {
    /// The record itself. Bytes of a text past its length mean nothing.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// The hook that judged.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        self.hook
    }

    /// What happened to the operation.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Effect of the rule that the action is about, `None` when no rule decided.
    #[must_use]
    pub const fn effect(&self) -> Option<Effect> {
        self.effect
    }

    /// Whether every bit of `flags` (`FLAG_` constants of the ABI) is set.
    #[must_use]
    pub const fn has(&self, flags: u32) -> bool {
        self.record.flags & flags == flags
    }
}

/// Checks one record of the ring buffer.
///
/// # Errors
/// When its size, its version or any number in it is not one that this version
/// writes. Such a record was not written by the object that belongs to this
/// engine, and nothing in it can be trusted.
pub fn decode(bytes: &[u8]) -> Result<Event, DecodeError> {
    let record = read(bytes).ok_or(DecodeError::Length { found: bytes.len() })?;
    if record.version != ABI_VERSION {
        return Err(DecodeError::Version {
            found: record.version,
        });
    }
    let hook = Hook::from_raw(record.hook)
        .filter(|hook| writes_events(*hook))
        .ok_or(unknown("hook", record.hook))?;
    let action = Action::from_raw(record.action).ok_or(unknown("action", record.action))?;
    let effect = match record.effect {
        0 => None,
        raw => Some(Effect::from_raw(raw).ok_or(unknown("effect", raw))?),
    };
    check_rest(&record)?;
    if bytes.len() == BRIEF_BYTES {
        check_brief(&record)?;
    }
    Ok(Event {
        record,
        hook,
        action,
        effect,
    })
}

/// The record, of which a brief one is the beginning; `None` when the size is neither's.
fn read(bytes: &[u8]) -> Option<Record> {
    if bytes.len() != BRIEF_BYTES {
        // Cast failures are about the size alone: the bytes are copied.
        return Record::read_from_bytes(bytes).ok();
    }
    let mut record = Record::new_zeroed();
    let (begins, _) = record.as_mut_bytes().split_at_mut_checked(BRIEF_BYTES)?;
    begins.copy_from_slice(bytes);
    Some(record)
}

/// What a brief record has no room for.
fn check_brief(record: &Record) -> Result<(), DecodeError> {
    if record.flags & FLAG_OBJECT != 0 {
        return Err(unknown("flags", record.flags));
    }
    if usize::try_from(record.typed_length).map_or(true, |length| length > BRIEF_TYPED_BYTES) {
        return Err(unknown("typed_length", record.typed_length));
    }
    Ok(())
}

/// The numbers that have no type of their own.
fn check_rest(record: &Record) -> Result<(), DecodeError> {
    let facts = &record.facts;
    if record.flags & !FLAGS != 0 {
        return Err(unknown("flags", record.flags));
    }
    if pair(facts.family, 0).is_none() {
        return Err(unknown("family", u32::from(facts.family)));
    }
    if pair(0, facts.operation).is_none() {
        return Err(unknown("operation", u32::from(facts.operation)));
    }
    // The kinds are dense; no hook sends one past this.
    if facts.object_kind > OBJECT_OPTION {
        return Err(unknown("object_kind", facts.object_kind));
    }
    if usize::try_from(record.typed_length).map_or(true, |length| length > TYPED_BYTES) {
        return Err(unknown("typed_length", record.typed_length));
    }
    Ok(())
}

fn writes_events(hook: Hook) -> bool {
    HOOKS
        .iter()
        .any(|row| row.hook == hook && row.role.writes())
}

const fn unknown(member: &'static str, found: u32) -> DecodeError {
    DecodeError::Unknown { member, found }
}
