//! Numbers of the record as the words that events use.

use super::decode::Event;
use policy_abi::event::{Action, FLAG_CONNECT};
use policy_abi::hooks::Hook;
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
pub(super) fn name(event: &Event) -> (u32, String) {
    let (id, hook) = match event.hook() {
        Hook::SocketConnect | Hook::UnixStreamConnect => (1036, Hook::SocketConnect),
        Hook::UnixMaySend if event.has(FLAG_CONNECT) => (1036, Hook::SocketConnect),
        Hook::SocketSendmsg => (100_001, Hook::SocketSendmsg),
        Hook::UnixMaySend => (100_002, Hook::UnixMaySend),
        Hook::SctpBindConnect => (100_003, Hook::SctpBindConnect),
        Hook::SocketCreate => (1034, Hook::SocketCreate),
        Hook::SocketListen => (1035, Hook::SocketListen),
        Hook::SocketAccept => (1037, Hook::SocketAccept),
        Hook::SocketBind | Hook::PathMknod => (1038, Hook::SocketBind),
        Hook::SocketSetsockopt => (1039, Hook::SocketSetsockopt),
        // `decode` lets no such record through.
        other @ (Hook::BprmCommittedCreds | Hook::BprmCredsForExec | Hook::TaskAlloc) => (0, other),
    };
    (id, format!("security_{}", hook.name()))
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
