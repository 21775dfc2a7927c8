//! `check --format sarif` is SARIF 2.1.0, by the schema that OASIS publishes
//! (`sarif-schema-2.1.0.json`; the file beside it says whose it is).

use super::policies::{ERRORS, WARNINGS, dir, hostile, many};
use crate::program::Dir;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let mut schema: Value = serde_json::from_str(include_str!("sarif-schema-2.1.0.json")).unwrap();
    // A pattern of OASIS's has a bracket too many, which a strict reader takes for no
    // pattern at all. It is about `language`, which is not written here.
    for definition in ["run", "toolComponent"] {
        let path = format!("/definitions/{definition}/properties/language");
        let language = schema.pointer_mut(&path).unwrap();
        assert!(
            language
                .as_object_mut()
                .unwrap()
                .remove("pattern")
                .is_some()
        );
    }
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
});

/// The one run of a valid log.
fn run(dir: &Dir, exit: i32) -> Value {
    let ran = dir.ran(&["check", "--format", "sarif", "."], b"");
    assert_eq!((&*ran.err, ran.exit), ("", exit));
    let log: Value = serde_json::from_str(&ran.out).unwrap();
    let complaints: Vec<String> = SCHEMA
        .iter_errors(&log)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(complaints, [""; 0]);
    assert_eq!(log["runs"].as_array().unwrap().len(), 1);
    log["runs"][0].clone()
}

/// What the schema cannot say: a result names a rule that is there, by name and by index.
fn results(run: &Value) -> &[Value] {
    let rules = &run["tool"]["driver"]["rules"];
    let results = run["results"].as_array().unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(
            rules[index]["defaultConfiguration"]["level"],
            result["level"]
        );
        assert!(
            rules[index]["help"]["markdown"]
                .as_str()
                .unwrap()
                .contains("## Instead")
        );
    }
    results
}

#[test]
fn findings_are_results() {
    let found = run(&dir("sarif-errors", ERRORS), 1);
    assert_eq!(results(&found).len(), 5);
    assert_eq!(results(&run(&dir("sarif-warnings", WARNINGS), 0)).len(), 3);
    let noted = run(
        &dir(
            "sarif-notes",
            &[(
                "a.policy",
                "deny tcp connect unless exe = \"/usr/**a????????????????????\"",
            )],
        ),
        0,
    );
    assert_eq!(noted["results"][0]["level"], "note");
    assert!(results(&run(&dir("sarif-none", &[("a.policy", "")]), 0)).is_empty());
    let first = &results(&found)[0];
    assert_eq!(
        first["locations"][0]["physicalLocation"],
        json!({
            "artifactLocation": { "uri": "a.policy" },
            "region": { "startLine": 1, "startColumn": 10, "endLine": 1, "endColumn": 16 },
        })
    );
}

#[test]
fn hostile_names_are_references_to_files() {
    let dir = hostile("sarif-hostile");
    let found = run(&dir, 1);
    for result in results(&found) {
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        let uri = uri.as_str().unwrap();
        assert!(
            uri.is_ascii() && !uri.contains([' ', '"', '<', '\n', '\u{1b}']),
            "{uri}"
        );
        assert!(uri.ends_with("%0D%0A%3A%3Aerror%3A%3Ax.policy"), "{uri}");
    }
}

#[test]
fn what_is_left_out_is_said() {
    let dir = Dir::new("sarif-many").file("many.policy", many());
    let notes = &run(&dir, 1)["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(
        notes[0]["message"]["text"],
        "7 more findings are not listed"
    );
}

#[test]
fn the_schema_refuses_what_is_no_sarif() {
    let bad = json!({ "version": "2.1.0", "runs": [{ "tool": {} }] });
    assert!(!SCHEMA.is_valid(&bad));
}
