//! The `data` of an event: what Tracee's event of that name carries, in its order.

use super::address;
use super::decode::Event;
use super::limit::Limits;
use super::place;
use super::record::{Datum, SockAddr, Value};
use super::render::Cut;
use super::rules::Places;
use policy_abi::event::{FLAG_SOCKFD, FLAG_TYPED, Record};
use policy_abi::facts::{OBJECT_ABSTRACT, OBJECT_PATH};
use policy_abi::family::{BIND, SETSOCKOPT, UNIX};
use policy_abi::hooks::Hook;

/// The members of an event's `data`. `cut` takes the names of those that are not whole.
pub(super) fn data(
    event: &Event,
    places: &dyn Places,
    limits: &Limits,
    cut: &mut Cut,
) -> Vec<Datum> {
    let record = event.record();
    let mut data = Vec::with_capacity(4);
    if event.has(FLAG_SOCKFD) {
        data.push(datum("sockfd", Value::Int32(record.sockfd)));
    }
    let [first, second, third] = record.detail;
    match event.hook() {
        Hook::SocketCreate => {
            data.extend(number("family", first));
            data.extend(number("type", second));
            data.extend(number("protocol", third));
            // Those that the kernel makes for itself are not judged.
            data.extend(number("kern", 0));
            return data;
        }
        Hook::SocketSetsockopt => {
            data.extend(number("level", first));
            data.extend(number("optname", second));
        }
        Hook::SocketListen | Hook::SocketAccept | Hook::SocketBind | Hook::PathMknod => {}
        Hook::SocketConnect
        | Hook::SocketSendmsg
        | Hook::UnixStreamConnect
        | Hook::UnixMaySend
        | Hook::UnixStreamConnectExit
        | Hook::UnixDgramConnectExit
        | Hook::SctpBindConnect
        | Hook::BprmCommittedCreds
        | Hook::BprmCredsForExec
        | Hook::SocketListenKeep
        | Hook::TaskAlloc => data.extend(number("type", record.socket_type)),
    }
    let name = if is_local(event) {
        "local_addr"
    } else {
        "remote_addr"
    };
    if let Some(address) = address(event, name, places, limits, cut) {
        data.push(datum(name, Value::SockAddr(address)));
    }
    if event.hook() == Hook::SocketListen {
        data.extend(number("backlog", first));
    }
    data
}

/// Whether an event's address is the socket's own.
fn is_local(event: &Event) -> bool {
    if event.hook() == Hook::SctpBindConnect {
        return event.record().facts.operation == BIND;
    }
    matches!(
        event.hook(),
        Hook::SocketListen
            | Hook::SocketAccept
            | Hook::SocketBind
            | Hook::PathMknod
            | Hook::SocketSetsockopt
    )
}

/// What the caller typed, else the object.
fn address(
    event: &Event,
    name: &str,
    places: &dyn Places,
    limits: &Limits,
    cut: &mut Cut,
) -> Option<SockAddr> {
    let record = event.record();
    if event.has(FLAG_TYPED)
        && let Some(address) = typed_bytes(record).and_then(address::typed)
    {
        return Some(address);
    }
    let facts = &record.facts;
    if facts.family != UNIX || facts.operation == SETSOCKOPT {
        return address::of_object(facts);
    }
    let named = match facts.object_kind {
        OBJECT_ABSTRACT => place::name(event).map(address::of_name),
        OBJECT_PATH => place::object(event, places, limits.path)
            .and_then(|place| place.path)
            .map(|path| {
                if path.cut {
                    cut.push(if name == "local_addr" {
                        "data.local_addr.sun_path"
                    } else {
                        "data.remote_addr.sun_path"
                    });
                }
                address::of_path(&path.bytes)
            }),
        _ => None,
    };
    Some(named.unwrap_or_else(address::of_unix))
}

/// The bytes of the typed address that the caller gave.
fn typed_bytes(record: &Record) -> Option<&[u8]> {
    let length = usize::try_from(record.typed_length).ok()?;
    record.typed.get(..length)
}

/// A number that the kernel has as an `int`.
fn number(name: &'static str, number: u32) -> Option<Datum> {
    let number = i32::try_from(number).ok()?;
    Some(datum(name, Value::Int32(number)))
}

const fn datum(name: &'static str, value: Value) -> Datum {
    Datum { name, value }
}
