//! Numbers of the record as the words that events use.

use super::decode::Event;
use policy_abi::event::{Action, FLAG_CONNECT};
use policy_abi::select;
use policy_lang::words::errno;
use policy_lang::words::family::Family;
use policy_lang::words::operation::OPERATIONS;

/// The action's word.
pub(super) const fn action(action: Action) -> &'static str {
    match action {
        Action::Allow => "allow",
        Action::Deny => "deny",
        Action::Kill => "kill",
        Action::WouldDeny => "would-deny",
        Action::Record => "record",
    }
}

/// An event's id and name. The module's page says how they follow from the hook.
pub(super) fn name(event: &Event) -> (u32, &'static str) {
    let seat = select::seat(event.hook() as u32, event.has(FLAG_CONNECT));
    // `decode` lets no record of a hook through that writes none.
    select::Event::at(seat).map_or((0, ""), |event| (event.id, event.name))
}

/// The errno's name, or its number where it has none.
pub(super) fn errno(number: u32) -> String {
    let named = errno::NAMES
        .iter()
        .find(|(_, known)| u32::from(*known) == number);
    named.map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
}

/// The family's word in the language, or its number where it has none.
pub(super) fn family(number: u16) -> String {
    Family::from_number(number).map_or_else(|| number.to_string(), |family| family.to_string())
}

/// The operation's word in the language.
pub(super) fn operation(number: u16) -> String {
    let known = OPERATIONS.iter().find(|one| one.number() == number);
    known.map_or_else(|| number.to_string(), ToString::to_string)
}
