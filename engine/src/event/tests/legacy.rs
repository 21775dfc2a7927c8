//! The shape of Tracee's releases.

use super::*;
use crate::event::Shape;

fn legacy(record: &Record) -> serde_json::Value {
    let table = Table::new(&["docker-socket", "b/2", "a/9"]);
    let event = decode(record.as_bytes()).unwrap();
    let renderer = Renderer::new(&table, &Mounts, BOOT_EPOCH).shaped(Shape::TraceeLegacy);
    serde_json::from_str(&renderer.line(&event).unwrap()).unwrap()
}

#[test]
fn the_shape_of_releases() {
    let mut record = unix(Hook::UnixStreamConnect);
    typed(&mut record, b"\x01\0/run/docker.sock\0");
    let mut found = legacy(&record);
    let decision = found.as_object_mut().unwrap().remove("decision").unwrap();
    assert_eq!(decision, member(&record, "/decision"));
    expect![[r#""#]].assert_eq(&serde_json::to_string_pretty(&found).unwrap());
}

#[test]
fn every_member_of_an_address_is_a_string() {
    let mut record = record(Hook::SocketConnect);
    record.facts.family = policy_abi::family::TCP;
    record.facts.operation = CONNECT;
    record.facts.object_kind = policy_abi::facts::OBJECT_IPV6;
    record.facts.object = [0, 1];
    record.facts.port = 443;
    let found = legacy(&record);
    expect![[r#""#]].assert_eq(&found["args"].to_string());
}
