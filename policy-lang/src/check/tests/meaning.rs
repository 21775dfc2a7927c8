//! What sentences mean: which operations they deny, and by which rule.

use super::{ask, clean, codes, denies, good, refused};
use crate::diag::Severity;
use crate::request::parse_request;
use crate::source::Sources;
use crate::{Verdict, eval, load};

#[test]
fn the_shortest_policy() {
    // It loads, and is told that a name can be faked and that other sockets are open.
    let text = "deny unix connect to /run/docker.sock unless comm=dockerd";
    let (_, report) = load(&Sources::single("p.policy", text));
    let found = report.diagnostics().iter().map(|one| one.code.id());
    assert!(found.eq(["P0524", "P0506"]), "{report:?}");
    assert!(denies(
        text,
        "unix connect to /run/docker.sock as comm = nc"
    ));
    assert!(!denies(
        text,
        "unix connect to /run/docker.sock as comm = dockerd"
    ));
    assert!(denies(text, "unix connect to /run/docker.sock"));
    assert!(!denies(text, "unix connect to /run/other.sock"));
}

#[test]
fn notes_2_what_n_counts() {
    let text = "let x = { 1 } deny tcp connect id first default deny udp connect for uid = 0 { deny unix connect } record tcp connect";
    let policy = good(text);
    let ids: Vec<&str> = policy.rules().iter().map(|rule| &*rule.id).collect();
    assert_eq!(ids, ["first", "p/2", "p/3", "p/4"]);
}

#[test]
fn notes_11_record_rules_record_whatever_happens() {
    let text = "kill tcp connect id k audit record tcp connect id b record tcp connect if uid = 1 id c record tcp connect id a";
    let sources = Sources::single("request", "tcp connect");
    let request = parse_request(&sources.files()[0]).0.unwrap();
    let policy = good(text);
    assert_eq!(
        eval(&policy, &request).to_json(&policy),
        r#"{"verdict":"kill","rule":"k","errno":"EPERM","hypothetical":{"verdict":"kill","rule":"k"},"recorded":["a","b"]}"#
    );
    assert_eq!(codes(text), ["P0502"]);
}

#[test]
fn notes_13_105_targets_of_mixed_families() {
    clean("deny any connect to 10.0.0.1");
    assert_eq!(codes("deny { unix, tcp } connect to /run/x"), ["P0505"]);
    clean("deny tcp { create, connect } to 10.0.0.1");
    clean("deny tcp any to port 80");
    clean("deny { tcp, unix } connect if port = 80");
    refused("deny unix connect if port = 80", "P0309");
    refused("deny unix connect to 10.0.0.1", "P0310");
    refused("deny tcp connect to /run/x", "P0310");
    refused("deny tcp create to port 80", "P0310");
    refused("deny vsock connect to 10.0.0.1", "P0310");
    refused("deny raw connect to port 80", "P0310");
    clean("deny ip connect to port 80");
    clean("deny tcp create on any");
    clean("deny netlink bind on any");
    clean("deny tcp create on any port any");
    let mixed = "deny { tcp, unix } connect if port != 80";
    assert!(denies(mixed, "unix connect to /run/x"));
    assert!(!denies(mixed, "tcp connect to port 80"));
}

#[test]
fn notes_14_parts_that_the_object_lacks() {
    assert!(!denies(
        "deny tcp connect to any port 80",
        "tcp connect to 10.0.0.1"
    ));
    assert!(!denies(
        "deny tcp connect to 10.0.0.0/8",
        "tcp connect to port 80"
    ));
    assert!(denies("deny tcp connect to any", "tcp connect"));
    assert!(denies(
        "deny unix connect to any",
        "unix connect to unnamed"
    ));
    assert!(!denies(
        "deny unix connect to { /**, @* }",
        "unix connect to unnamed"
    ));
}

#[test]
fn notes_15_75_missing_and_not() {
    let missing = "tcp connect";
    assert!(!denies("deny tcp connect if ruid >= 0", missing));
    assert!(!denies("deny tcp connect if ruid < 5", missing));
    assert!(!denies("deny tcp connect if ruid = 0", missing));
    assert!(denies("deny tcp connect if ruid != 0", missing));
    assert!(denies("deny tcp connect if ruid not in { 0 }", missing));
    assert!(!denies("deny tcp connect if not ruid != 0", missing));
    assert!(denies("deny tcp connect if not not ruid != 0", missing));
    // `not` takes the next primary alone.
    assert!(denies(
        "deny tcp connect if not uid = 1 or uid = 1",
        "tcp connect as uid = 1"
    ));
    assert!(!denies(
        "deny tcp connect if not uid = 0 and uid = 0",
        "tcp connect as uid = 0"
    ));
}

#[test]
fn and_binds_tighter_than_or() {
    let text = "deny tcp connect if uid = 1 or uid = 2 and gid = 3";
    assert!(denies(text, "tcp connect as uid = 1, gid = 4"));
    assert!(!denies(text, "tcp connect as uid = 2, gid = 4"));
    assert!(denies(text, "tcp connect as uid = 2, gid = 3"));
}

#[test]
fn notes_16_97_unset_ids_are_no_numbers() {
    refused("deny tcp connect if loginuid = 4294967295", "P0301");
    refused("deny tcp connect if uid in 0-4294967295", "P0301");
    refused("deny tcp connect to port 65536", "P0301");
    refused("deny tcp connect if protocol = 65536", "P0301");
    clean("deny tcp connect to port 0-65535 if protocol = 262");
    assert!(!denies(
        "deny tcp connect if uid > 4294967294",
        "tcp connect as uid = 4294967294"
    ));
    assert!(!denies(
        "deny tcp connect if uid < 0",
        "tcp connect as uid = 0"
    ));
}

#[test]
fn notes_17_usefulness_is_no_error() {
    for text in [
        "deny tcp connect if uid = 0 and uid = 1000",
        "deny tcp connect id a deny tcp connect id b",
        "allow tcp connect",
        "deny tcp connect unless comm = x",
    ] {
        let sources = Sources::single("p.policy", text);
        assert_eq!(load(&sources).1.count(Severity::Error), 0, "{text}");
    }
}

#[test]
fn notes_45_46_abstract_names() {
    for target in ["@\"odd name\"", "\"@odd name\""] {
        let text = format!("deny unix connect to {target}");
        assert!(denies(&text, "unix connect to \"@odd name\""), "{text}");
    }
    assert!(denies("deny unix connect to @*", "unix connect to @"));
    assert!(!denies("deny unix connect to @", "unix connect to @a"));
    refused("deny unix connect to \"odd\"", "P0301");
    refused("deny unix connect to \"\\@odd\"", "P0301");
}

#[test]
fn notes_71_72_defaults_and_scopes() {
    for word in ["allow", "kill", "record"] {
        assert_eq!(
            codes(&format!("default {word} tcp connect"))[0],
            "P0105",
            "{word}"
        );
    }
    for inner in [
        "let x = { 1 }",
        "mode audit",
        "language 1",
        "test \"x\" { }",
    ] {
        let found = codes(&format!("for uid = 0 {{ {inner} deny tcp connect }}"));
        assert!(found.contains(&"P0102"), "{inner}: {found:?}");
    }
    refused("for uid = 0 { }", "P0504");
    clean(
        "for uid = 0 { audit deny tcp connect enforce allow tcp connect for gid = 0 { deny udp connect } }",
    );
}

#[test]
fn notes_74_scopes_join_by_and() {
    let text = "for uid = 1 or uid = 2 { deny tcp connect if gid = 3 unless uid = 2 }";
    assert!(denies(text, "tcp connect as uid = 1, gid = 3"));
    assert!(!denies(text, "tcp connect as uid = 2, gid = 3"));
    assert!(!denies(text, "tcp connect as uid = 1, gid = 4"));
    assert!(!denies(text, "tcp connect as uid = 9, gid = 3"));
    refused("for port = 80 { deny unix connect }", "P0309");
}

#[test]
fn notes_86_87_88_steps_and_order() {
    let policy = good(
        "kill tcp connect id z deny tcp connect id a allow tcp connect id b default deny tcp connect id c",
    );
    assert_eq!(
        ask(&policy, "tcp connect"),
        (Verdict::Kill, Some("z".into()))
    );
    let policy = good("deny tcp connect id Z deny tcp connect id a allow tcp connect id b");
    assert_eq!(ask(&policy, "tcp connect").1.unwrap(), "Z");
    let policy = good("audit allow tcp connect id a default deny tcp connect id d");
    let sources = Sources::single("request", "tcp connect");
    let decision = eval(&policy, &parse_request(&sources.files()[0]).0.unwrap());
    assert_eq!(
        decision.to_json(&policy),
        r#"{"verdict":"deny","rule":"d","errno":"EPERM","hypothetical":{"verdict":"allow","rule":"a"},"recorded":[]}"#
    );
}

#[test]
fn notes_90_ip_and_ports() {
    let text = "deny ip connect to port 53";
    assert!(denies(text, "tcp connect to 10.0.0.1 port 53"));
    assert!(denies(text, "sctp connect to port 53"));
    assert!(!denies(text, "raw connect to 10.0.0.1"));
    assert!(denies("deny ip connect", "raw connect"));
    assert!(denies("deny tcp connect", "smc connect"));
    assert!(!denies("deny tcp connect", "ip connect"));
}

#[test]
fn notes_93_impossible_pairs() {
    refused("deny udp listen", "P0311");
    clean("deny { udp, tcp } listen");
    clean("deny udp { listen, bind }");
}

#[test]
fn notes_111_connect_to_an_unspecified_address() {
    assert!(denies(
        "deny tcp connect to loopback",
        "tcp connect to 0.0.0.0 port 1"
    ));
    assert!(denies(
        "deny tcp connect to ::1",
        "tcp connect to :: port 1"
    ));
    assert!(!denies(
        "deny tcp connect to unspecified",
        "tcp connect to 0.0.0.0 port 1"
    ));
    assert!(denies(
        "deny tcp connect if addr = 127.0.0.1",
        "tcp connect to ::ffff:0.0.0.0"
    ));
    assert!(denies(
        "deny tcp bind on unspecified",
        "tcp bind on 0.0.0.0 port 1"
    ));
    assert!(denies(
        "deny tcp connect to 0.0.0.0/0",
        "tcp connect to 0.0.0.0"
    ));
}

#[test]
fn notes_114_prefixes() {
    let enforced = |text: &str| -> Vec<bool> {
        good(text)
            .rules()
            .iter()
            .map(|rule| rule.enforced)
            .collect()
    };
    assert_eq!(
        enforced("mode audit for uid = 0 { deny tcp connect enforce deny udp connect }"),
        [false, true]
    );
    assert_eq!(
        enforced(
            "audit for uid = 0 { deny tcp connect enforce for gid = 0 { deny udp connect audit deny unix connect } }"
        ),
        [false, true, false]
    );
    assert_eq!(
        enforced("mode audit enforce # why\n default deny tcp connect"),
        [true]
    );
    for bad in [
        "audit audit deny tcp connect",
        "audit",
        "audit let x = { 1 }",
        "audit mode audit",
        "audit test \"x\" { }",
        "audit language 1",
        "for uid = 0 { deny tcp connect audit }",
    ] {
        assert!(codes(bad).contains(&"P0108"), "{bad}: {:?}", codes(bad));
    }
    refused("audit tcp connect", "P0108");
    assert_eq!(codes("audit deny tcp conect"), ["P0202"]);
    assert_eq!(codes("audit deny tcp connect if"), ["P0101"]);
}

#[test]
fn order_changes_no_verdict() {
    let rules = [
        "deny tcp connect to 10.0.0.0/8 id a",
        "allow tcp connect to 10.0.0.1 id b",
        "kill tcp connect if uid = 0 id c",
        "default deny tcp connect id d",
        "deny tcp connect to 10.0.0.1 if uid = 5 id 0_",
    ];
    let questions = [
        "tcp connect to 10.0.0.1 as uid = 0",
        "tcp connect to 10.0.0.1 as uid = 5",
        "tcp connect to 8.8.8.8",
        "tcp connect to 10.0.0.2",
    ];
    let rules = &rules[..4];
    let forward = good(&rules.join("\n"));
    let backward = good(&rules.iter().rev().copied().collect::<Vec<_>>().join("\n"));
    for question in questions {
        assert_eq!(
            ask(&forward, question),
            ask(&backward, question),
            "{question}"
        );
    }
}
