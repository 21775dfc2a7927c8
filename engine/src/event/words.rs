//! Numbers of the record as the words that events use.

use super::decode::Event;
use policy_abi::event::{Action, FLAG_CONNECT};
use policy_abi::family;
use policy_abi::hooks::Hook;

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
        // `decode` lets no such record through.
        other @ (Hook::BprmCommittedCreds | Hook::TaskAlloc | Hook::SocketListen) => (0, other),
    };
    (id, format!("security_{}", hook.name()))
}

/// A device number as `major:minor`.
pub(super) fn device(packed: u32) -> String {
    format!("{}:{}", packed >> 20, packed & 0x000f_ffff)
}

/// The errno's name, or its number where it has none.
pub(super) fn errno(number: u32) -> String {
    match number {
        1 => "EPERM".to_owned(),
        13 => "EACCES".to_owned(),
        111 => "ECONNREFUSED".to_owned(),
        other => other.to_string(),
    }
}

/// The family's word in the language, or its number where it has none.
pub(super) fn family(number: u16) -> String {
    match number {
        family::UNIX => "unix".to_owned(),
        family::SMC => "smc".to_owned(),
        family::TCP => "tcp".to_owned(),
        family::UDP => "udp".to_owned(),
        family::SCTP => "sctp".to_owned(),
        family::ICMP => "icmp".to_owned(),
        family::RAW => "raw".to_owned(),
        family::IP_OTHER => "ip".to_owned(),
        other => other.to_string(),
    }
}

/// The operation's word in the language.
pub(super) fn operation(number: u16) -> String {
    match number {
        family::CONNECT => "connect".to_owned(),
        other => other.to_string(),
    }
}
