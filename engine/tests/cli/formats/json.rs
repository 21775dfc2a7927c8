//! What the program writes as JSON is what `docs/schema/` says, and no more.

use super::policies::{ERRORS, WARNINGS, dir, hostile, many};
use crate::program::Dir;
use jsonschema::{Registry, Validator};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A published schema; closed, so that what it does not name is refused: a key
/// that is written must be published.
fn schema(name: &str) -> Validator {
    // Which others refer to by the name of its file.
    let check = closed("check");
    let registry = Registry::new().add("json-schema:///check.schema.json", &check);
    let registry = registry.unwrap().prepare().unwrap();
    let options = jsonschema::options();
    options
        .with_registry(&registry)
        .build(&closed(name))
        .unwrap()
}

fn closed(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema");
    let text = fs::read_to_string(folder.join(format!("{name}.schema.json"))).unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    close(&mut schema);
    schema
}

/// Refuses other keys wherever keys are named.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(all) => {
            all.values_mut().for_each(close);
            if all.get("properties").is_some_and(Value::is_object) {
                all.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(all) => all.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What does not hold of a value, as text.
fn complaints(schema: &Validator, value: &Value) -> Vec<String> {
    schema
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Reads one line of JSON and holds it against a schema.
fn valid(schema: &Validator, line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap();
    assert_eq!(complaints(schema, &value), [""; 0], "{line}");
    value
}

/// Whether taking any one key away from a valid value is noticed.
fn every_key_is_required(schema: &Validator, value: &Value) {
    for key in value.as_object().unwrap().keys() {
        let mut less = value.clone();
        less.as_object_mut().unwrap().remove(key);
        assert!(!schema.is_valid(&less), "`{key}` may be missing");
    }
    let mut more = value.clone();
    more["news"] = json!(1);
    assert!(!schema.is_valid(&more));
}

#[test]
fn check_writes_its_schema() {
    let schema = schema("check");
    let check = |dir: &Dir, exit: i32| {
        let ran = dir.ran(&["check", "--format", "json", "."], b"");
        assert_eq!((&*ran.err, ran.exit), ("", exit));
        valid(&schema, &ran.out)
    };
    let errors = check(&dir("json-errors", ERRORS), 1);
    assert_eq!(errors["errors"], 5, "{errors:#}");
    every_key_is_required(&schema, &errors);
    let two_files = |one: &Value| one["labels"][0]["file"] != one["labels"][1]["file"];
    let found = errors["diagnostics"].as_array().unwrap();
    assert!(
        found
            .iter()
            .any(|one| one["labels"][1].is_object() && two_files(one))
    );
    assert_eq!(check(&dir("json-warnings", WARNINGS), 0)["warnings"], 3);
    assert!(check(&hostile("json-hostile"), 1)["errors"].as_u64() >= Some(2));
    let noted = [(
        "noted.policy",
        "deny tcp connect unless exe = \"/usr/**a????????????????????\"\n",
    )];
    assert_eq!(check(&dir("json-notes", &noted), 0)["notes"], 1);
    let many = Dir::new("json-many").file("many.policy", many());
    assert_eq!(check(&many, 1)["left_out"], 7);
}

const POLICY: &str = "deny unix connect to /run/x with EACCES id x because \"no\"\n\
     audit kill tcp connect id k\nrecord tcp connect id r\n\
     default deny udp connect if uid = 1\n\
     test \"holds\" { expect deny by x unix connect to /run/x }\n\
     test \"fails\" { expect deny unix connect to /run/y  expect allow udp\nconnect as uid = 1 }\n";

#[test]
fn explain_writes_its_schema() {
    let schema = schema("explain");
    let dir = Dir::new("json-explain").file("p.policy", POLICY);
    for (question, verdict) in [
        ("unix connect to /run/x", "deny"),
        ("tcp connect to 10.0.0.1 as uid = 1", "allow"),
        ("udp connect as uid = 1", "deny"),
        ("netlink create", "allow"),
    ] {
        let ran = dir.ran(
            &["explain", "p.policy", "--format=json", "--", question],
            b"",
        );
        let answer = valid(&schema, &ran.out);
        assert_eq!((answer["verdict"].as_str(), ran.exit), (Some(verdict), 0));
        every_key_is_required(&schema, &answer);
    }
}

#[test]
fn an_explained_event_is_of_the_same_schema() {
    let schema = schema("explain");
    let dir = Dir::new("json-events").file("p.policy", POLICY);
    let event = |action: &str, rule: Option<&str>, path: &str| {
        json!({"timestamp": "2026-01-03T03:04:05.000000001Z", "decision": {"action": action, "rule": rule,
               "family": "unix", "operation": "connect", "object": {"path": path}, "subject": {"uid": 0}}})
    };
    let ask = |line: &str| {
        let arguments = ["explain", "p.policy", "--format=json", "--event=-"];
        let ran = dir.ran(&arguments, format!("{line}\n"));
        assert_eq!((&*ran.err, ran.exit), ("", 0));
        valid(&schema, &ran.out)
    };
    for (action, rule, path, agrees) in [
        ("deny", Some("x"), "/run/x", true),
        ("deny", Some("y"), "/run/x", false),
        ("kill", Some("x"), "/run/x", false),
        ("deny", Some("x"), "/run/y", false),
        ("would-deny", Some("x"), "/run/x", true),
        ("would-deny", None, "/run/y", false),
        ("allow", None, "/run/y", true),
        ("record", Some("r"), "/run/y", true),
        ("record", Some("r"), "/run/x", false),
    ] {
        let answer = ask(&event(action, rule, path).to_string());
        assert_eq!(
            answer["event"]["agrees"], agrees,
            "{action} {rule:?} {path}"
        );
        assert_eq!(answer["event"]["action"], action);
    }
    for bad in ["nonsense", "{}", "[]", &event("eat", None, "/").to_string()] {
        assert!(ask(bad)["error"]["message"].is_string(), "{bad}");
    }
}

#[test]
fn a_batch_takes_and_writes_its_schemas() {
    let (requests, answers) = (schema("request"), schema("answer"));
    let dir = Dir::new("json-batch").file("p.policy", POLICY);
    let good = [
        json!({"family": "unix", "operation": "connect", "path": "/run/x", "subject": null}),
        json!({"family": "unix", "operation": "bind", "name_hex": "00fF", "type": "stream"}),
        json!({"family": 1, "operation": "accept", "unnamed": true, "path": null}),
        json!({"family": "udp", "operation": "connect", "addr": "::1", "port": 0, "subject": {
            "exe": "/a", "comm": "a", "uid": 1, "gid": null, "ruid": 0, "rgid": 0, "loginuid": 7,
            "user": "u", "group": ["a", "b"], "unit": "a.service", "cgroup": "/", "cap": "net_raw",
            "userns": "host", "netns": "other", "pidns": null, "mntns": "host", "cgroupns": "host",
            "parent.comm": "p", "parent.exe": "/p", "parent.uid": 4_294_967_294_u32}}),
        json!({"family": "tcp", "operation": "setsockopt", "option": "SOL_SOCKET/SO_MARK", "protocol": 6}),
    ];
    let bad = [
        json!({"family": "unix"}),
        json!({"family": "unix", "operation": "conect"}),
        json!({"family": "tcp", "operation": "connect", "port": 65_536}),
        json!({"family": "tcp", "operation": "connect", "port": "1"}),
        json!({"family": "unix", "operation": "connect", "name_hex": "0"}),
        json!({"family": "unix", "operation": "connect", "colour": 1}),
        json!({"family": "unix", "operation": "connect", "subject": {"pid": 1}}),
        json!({"family": "unix", "operation": "connect", "subject": {"uid": -1}}),
        json!({"family": "unix", "operation": "connect", "subject": {"netns": "mine"}}),
        json!(["unix"]),
    ];
    let ask = |request: &Value| {
        let ran = dir.ran(
            &["explain", "p.policy", "--batch", "-"],
            format!("{request}\n").as_bytes(),
        );
        assert_eq!((&*ran.err, ran.exit), ("", 0));
        valid(&answers, &ran.out)
    };
    for request in &good {
        assert_eq!(complaints(&requests, request), [""; 0], "{request}");
        let answer = ask(request);
        assert!(answer.get("error").is_none(), "{request}: {answer}");
        every_key_is_required(&answers, &answer);
    }
    for request in &bad {
        assert!(!requests.is_valid(request), "{request}");
        assert!(ask(request).get("error").is_some(), "{request}");
    }
}

#[test]
fn test_writes_its_schema() {
    let schema = schema("test");
    let dir = Dir::new("json-test").file("p.policy", POLICY);
    let ran = dir.ran(&["test", "--format=json", "p.policy"], b"");
    let plain = valid(&schema, &ran.out);
    assert_eq!(
        (&plain["passed"], &plain["failed"], ran.exit),
        (&json!(1), &json!(1), 1)
    );
    every_key_is_required(&schema, &plain);
    let ran = dir.ran(&["test", "--format=json", "--coverage", "p.policy"], b"");
    assert_eq!(valid(&schema, &ran.out)["coverage"]["rules"], 4);
}

/// The report of `check` within what another command writes of a policy that is refused.
#[test]
fn a_refused_policy_is_written_by_the_same_schemas() {
    let (explain, answer, test) = (schema("explain"), schema("answer"), schema("test"));
    let question = ["--format=json", "--", "tcp connect"];
    for dir in [
        dir("json-refused", ERRORS),
        hostile("json-refused-hostile"),
        Dir::new("json-refused-many").file("many.policy", many()),
    ] {
        let check = dir.ran(&["check", "--format=json", "."], b"");
        let check: Value = serde_json::from_str(&check.out).unwrap();
        let run = |schema: &Validator, arguments: &[&str]| {
            let ran = dir.ran(arguments, b"{}\nnonsense\n");
            assert_eq!((&*ran.err, ran.exit), ("", 1));
            let value = valid(schema, &ran.out);
            assert_eq!(value["error"]["report"], check);
            value
        };
        let explained = run(&explain, &[&["explain", "."], &question[..]].concat());
        every_key_is_required(&explain, &explained);
        for no_more in ["verdict", "rules"] {
            let mut both = explained.clone();
            both[no_more] = json!(null);
            assert!(!explain.is_valid(&both));
        }
        let batch = ["explain", ".", "--format=json", "--batch=-"];
        every_key_is_required(&answer, &run(&answer, &batch));
        let tested = run(&test, &["test", "--coverage", "--format=json", "."]);
        assert_eq!(tested["tests"], json!([]));
        // People are told on the other stream, and a batch is for programs all the same.
        let ran = dir.ran(&["explain", ".", "--batch=-"], b"");
        assert_eq!(valid(&answer, &ran.out)["error"]["report"], check);
        assert!(ran.err.contains("error[P0"), "{}", ran.err);
    }
}

#[test]
fn a_code_writes_its_schema() {
    let schema = schema("code");
    let ran = Dir::new("json-code").ran(&["explain", "--code=P0203", "--format=json"], b"");
    every_key_is_required(&schema, &valid(&schema, &ran.out));
}

#[cfg(feature = "daemon")]
#[test]
fn doctor_writes_its_schema() {
    let schema = schema("doctor");
    let ran = Dir::new("json-doctor").ran(&["doctor", "--format=json"], b"");
    let report = valid(&schema, &ran.out);
    every_key_is_required(&schema, &report);
    let able = report["can_enforce"].as_bool().unwrap();
    assert_eq!(ran.exit, if able { 0 } else { 4 });
}

#[test]
fn every_schema_is_held_against_something() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema");
    let here = include_str!("json.rs");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = name.strip_suffix(".schema.json") {
            assert!(here.contains(&format!("schema(\"{name}\")")), "{name}");
            count += 1;
        }
    }
    assert!(count > 0);
}
