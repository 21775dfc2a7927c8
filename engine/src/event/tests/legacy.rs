//! The shape of Tracee's releases.

use super::*;
use crate::event::Shape;

pub(super) fn line(record: &Case) -> String {
    let table = Table::new(&["docker-socket", "b/2", "a/9"]);
    let event = decode(record.as_bytes()).unwrap();
    let processes = record.processes();
    let renderer = Renderer::new(&table, &Mounts, &processes, BOOT_EPOCH);
    renderer.shaped(Shape::TraceeLegacy).line(&event).unwrap()
}

fn legacy(record: &Case) -> serde_json::Value {
    serde_json::from_str(&line(record)).unwrap()
}

#[test]
fn the_shape_of_releases() {
    let mut record = unix(Hook::UnixStreamConnect);
    typed(&mut record, b"\x01\0/run/docker.sock\0");
    let mut found = legacy(&record);
    let decision = found.as_object_mut().unwrap().remove("decision").unwrap();
    assert_eq!(decision, member(&record, "/decision"));
    expect![[r#"
        {
          "args": [
            {
              "name": "sockfd",
              "type": "int",
              "value": 5
            },
            {
              "name": "type",
              "type": "int",
              "value": 1
            },
            {
              "name": "remote_addr",
              "type": "struct sockaddr*",
              "value": {
                "sa_family": "AF_UNIX",
                "sun_path": "/run/docker.sock"
              }
            }
          ],
          "argsNum": 3,
          "cgroupId": 77,
          "container": {},
          "containerId": "",
          "eventId": "1036",
          "eventName": "security_socket_connect",
          "executable": {
            "path": "/usr/bin/nc"
          },
          "hostProcessId": 4711,
          "hostThreadId": 4712,
          "matchedPolicies": [
            "containers"
          ],
          "processEntityId": 2010982423,
          "processId": 11,
          "processName": "worker",
          "processorId": 0,
          "returnValue": 0,
          "threadEntityId": 1043777117,
          "threadId": 12,
          "threadStartTime": 1767323048500000000,
          "timestamp": 1767409445000000001,
          "userId": 1000
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&found).unwrap());
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
    expect![[r#"[{"name":"sockfd","type":"int","value":5},{"name":"type","type":"int","value":1},{"name":"remote_addr","type":"struct sockaddr*","value":{"sa_family":"AF_INET6","sin6_addr":"::1","sin6_flowinfo":"0","sin6_port":"443","sin6_scopeid":"0"}}]"#]].assert_eq(&found["args"].to_string());
}

#[test]
fn a_container_and_what_a_new_socket_is_made_of() {
    let mut record = record(Hook::SocketCreate);
    record.facts.operation = policy_abi::family::CREATE;
    record.detail = [1, 2, 0];
    record.cgroup = 4343;
    let found = legacy(&record);
    assert_eq!(found["containerId"], CONTAINER);
    assert_eq!(found["container"]["id"], CONTAINER);
    expect![[r#"[{"name":"sockfd","type":"int","value":5},{"name":"family","type":"int","value":1},{"name":"type","type":"int","value":2},{"name":"protocol","type":"int","value":0},{"name":"kern","type":"int","value":0}]"#]].assert_eq(&found["args"].to_string());
}
