//! The shape of Tracee's released events: flat, the id as a string, the data as
//! `args` of a name, a type and a value, and every member of a socket address a
//! string. `decision` is the same object as in the current shape.

use super::decode::Event;
use super::record::{self, Datum, SockAddr, Value};
use policy_abi::event::Record;
use serde::Serialize;
use std::collections::BTreeMap;

/// One event. Times are nanoseconds since 1970. What is not known of a process
/// (its parent, namespaces and host name, the call and the stack) has no member.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Legacy<'a> {
    timestamp: u64,
    thread_start_time: u64,
    processor_id: u32,
    process_id: u32,
    cgroup_id: u64,
    thread_id: u32,
    host_process_id: u32,
    host_thread_id: u32,
    user_id: u32,
    process_name: String,
    executable: Executable,
    container_id: String,
    container: Container,
    event_id: String,
    event_name: &'static str,
    matched_policies: Vec<&'a str>,
    args_num: usize,
    /// Tracee's hooks have none of their own: always 0. What the caller got is
    /// `decision.errno`.
    return_value: i32,
    /// Numbers of our own making: Tracee's hash differs from version to version.
    thread_entity_id: u32,
    process_entity_id: u32,
    args: Vec<Arg>,
    decision: record::Decision<'a>,
}

#[derive(Serialize)]
struct Executable {
    path: String,
}

/// Tracee writes it empty for a process that is in no container.
#[derive(Serialize)]
struct Container {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
}

/// One member of `args`.
#[derive(Serialize)]
struct Arg {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    value: ArgValue,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ArgValue {
    Number(i32),
    Address(BTreeMap<&'static str, String>),
}

impl<'a> Legacy<'a> {
    /// The same event in this shape. `boot_epoch` is the machine's start in
    /// nanoseconds since 1970.
    pub(super) fn of(event: &Event, boot_epoch: u64, current: record::Event<'a>) -> Self {
        let Record {
            boottime,
            thread_start,
            cpu,
            cgroup,
            ..
        } = *event.record();
        let process = current.workload.process;
        let container = current.workload.container;
        let container = container.map_or_else(String::new, |one| one.id);
        let args: Vec<Arg> = current.data.into_iter().map(Arg::of).collect();
        Self {
            timestamp: boot_epoch.saturating_add(boottime),
            thread_start_time: boot_epoch.saturating_add(thread_start),
            processor_id: cpu,
            process_id: process.pid,
            cgroup_id: cgroup,
            thread_id: process.thread.tid,
            host_process_id: process.host_pid,
            host_thread_id: process.thread.host_tid,
            user_id: process.real_user.id,
            process_name: process.thread.name,
            executable: Executable {
                path: process.executable.map_or_else(String::new, |exe| exe.path),
            },
            container_id: container.clone(),
            container: Container { id: container },
            event_id: current.id.to_string(),
            event_name: current.name,
            matched_policies: current.policies.map_or_else(Vec::new, |of| of.matched),
            args_num: args.len(),
            return_value: 0,
            thread_entity_id: process.thread.unique_id,
            process_entity_id: process.unique_id,
            args,
            decision: current.decision,
        }
    }
}

impl Arg {
    fn of(datum: Datum) -> Self {
        let (kind, value) = match datum.value {
            Value::Int32(number) => ("int", ArgValue::Number(number)),
            Value::SockAddr(address) => ("struct sockaddr*", ArgValue::Address(strings(address))),
        };
        Self {
            name: datum.name,
            kind,
            value,
        }
    }
}

/// The members of a socket address, those of its family that are zero included.
fn strings(address: SockAddr) -> BTreeMap<&'static str, String> {
    let mut members = BTreeMap::from([("sa_family", address.sa_family.to_owned())]);
    if let Some(path) = address.sun_path {
        members.insert("sun_path", path);
    }
    if let Some(hex) = address.sun_path_hex {
        members.insert("sun_path_hex", hex);
    }
    if let Some(ip) = address.sin_addr {
        members.insert("sin_addr", ip);
        members.insert("sin_port", address.sin_port.to_string());
    }
    if let Some(ip) = address.sin6_addr {
        members.insert("sin6_addr", ip);
        members.insert("sin6_port", address.sin6_port.to_string());
        members.insert("sin6_flowinfo", address.sin6_flowinfo.to_string());
        members.insert("sin6_scopeid", address.sin6_scopeid.to_string());
    }
    members
}
