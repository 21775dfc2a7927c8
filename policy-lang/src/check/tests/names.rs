//! Words, names, sets and definitions.

use super::{clean, codes, denies, files, refused};

#[test]
fn notes_3_words_and_names() {
    // After `=` a word is a value; after `in` a lone word is a name; in braces it is refused.
    clean("let docker = { 1 } deny tcp connect if group = docker and uid in docker");
    refused(
        "let docker = { 1 } deny tcp connect if group in { docker } and uid in docker",
        "P0212",
    );
    clean("let docker = { 1 } deny tcp connect if group in { \"docker\" } and uid in docker");
    refused("deny tcp connect if group in docker", "P0204");
    clean("let low = { 0-9 } deny tcp connect if uid in { low, 20 }");
    refused("deny tcp connect if uid in { low, 20 }", "P0204");
    assert!(denies(
        "let docker = { 1 } deny tcp connect if group = docker or uid in docker",
        "tcp connect as group = docker"
    ));
}

#[test]
fn notes_10_many_values() {
    let text = "deny tcp connect if group != docker";
    assert!(!denies(
        text,
        "tcp connect as group = docker, group = wheel"
    ));
    assert!(denies(text, "tcp connect as group = wheel"));
    assert!(denies(text, "tcp connect"));
    assert!(denies(
        "deny tcp connect if cap in { net_raw, bpf }",
        "tcp connect as cap = chown, cap = bpf"
    ));
}

#[test]
fn notes_53_54_names_and_reserved_words() {
    for bad in [
        "port", "any", "tcp", "public", "uid", "host", "connect", "exe", "unnamed", "inet",
    ] {
        let found = codes(&format!("let {bad} = {{ 1 }}"));
        assert_eq!(
            found,
            if bad == "inet" { vec![] } else { vec!["P0206"] },
            "{bad}"
        );
    }
    assert_eq!(codes("let deny = { 1 }").first(), Some(&"P0101"));
    refused("let a/b = { 1 }", "P0207");
    refused("let 1a = { 1 }", "P0207");
    clean("let _a.b-c = { 1 }");
    clean(&format!("let {} = {{ 1 }}", "a".repeat(63)));
    refused(&format!("let {} = {{ 1 }}", "a".repeat(64)), "P0403");
    for id in ["port", "any", "tcp", "public", "uid", "to"] {
        clean(&format!("deny tcp connect id {id}"));
    }
    for id in ["host", "with", "file", "if"] {
        assert_eq!(
            codes(&format!("deny tcp connect id {id}"))[0],
            "P0206",
            "{id}"
        );
    }
    assert!(!codes("deny tcp connect id deny udp connect").is_empty());
    refused("deny tcp connect id a/b", "P0207");
    refused("deny tcp connect id \"a\"", "P0207");
}

#[test]
fn notes_55_56_values_take_any_word_and_case_counts() {
    clean(
        "deny tcp connect if comm = deny or comm = id or group = port or comm = audit or comm = log",
    );
    clean("deny tcp connect if comm in { if, any, deny, with }");
    clean("deny tcp connect if netns = host");
    refused("DENY tcp connect", "P0101");
    refused("deny Tcp connect", "P0201");
    refused("deny tcp connect with eacces", "P0210");
    clean("deny tcp connect to FD00::1");
}

#[test]
fn notes_58_59_commas_and_sets() {
    clean("deny tcp connect to { 10.0.0.1, 10.0.0.2, }");
    clean("deny { tcp, udp, } connect");
    for bad in ["{ 1 2 }", "{ 1,, 2 }", "{ , 1 }"] {
        assert_eq!(
            codes(&format!("deny tcp connect if uid in {bad}")),
            ["P0101"],
            "{bad}"
        );
    }
    refused("deny tcp connect if uid in {}", "P0304");
    refused("deny tcp connect if uid in { 1, { 2 } }", "P0305");
    clean("deny tcp connect if uid in { 1, 1, 0-9 }");
}

#[test]
fn notes_60_61_what_let_takes() {
    for (body, sort) in [
        ("{ 1 }", "uid in x"),
        ("1", "uid in x"),
        ("1-2", "uid in x"),
        ("10.0.0.0/8", "addr in x"),
        ("/usr/bin/a", "exe in x"),
        ("\"/usr/bin/a b\"", "exe in x"),
        ("@a", "not uid = 0"),
        ("loopback", "addr in x"),
        ("y", "uid in x"),
        ("uid = 0", "x"),
        ("not uid = 0", "x"),
        ("(uid = 0)", "x"),
        ("z", "x"),
        ("z and z", "x"),
    ] {
        clean(&format!(
            "let x = {body} let y = {{ 3 }} let z = gid = 0 deny tcp connect if {sort}"
        ));
    }
    refused("let x = foo", "P0204");
    // After the word, `and` and `or` continue a condition; anything else ends the statement.
    clean("let z = uid = 0 let x = z or z deny tcp connect if x");
    clean("let z = uid = 0 let x = z deny tcp connect if x");
    refused("let x = { 1 } deny tcp connect if x", "P0213");
    refused("let x = uid = 0 deny tcp connect if uid in x", "P0213");
}

#[test]
fn notes_62_order_and_cycles() {
    clean("deny tcp connect if uid in x let x = { y } let y = { 1 }");
    assert_eq!(
        files(&[
            ("a.policy", "deny tcp connect if uid in x"),
            ("b.policy", "let x = { 1 }")
        ]),
        Vec::<&str>::new()
    );
    assert_eq!(
        codes("let a = { b } let b = { a } deny tcp connect if uid in a")[0],
        "P0208"
    );
    assert_eq!(codes("let a = b let b = a")[0], "P0208");
    assert_eq!(
        codes("let a = not b let b = a deny tcp connect if a")[0],
        "P0208"
    );
    assert_eq!(codes("let a = { a }")[0], "P0208");
    assert_eq!(
        codes("let a = { 1 } extend a = { a } deny tcp connect if uid in a")[0],
        "P0208"
    );
    clean("let unused = { 1, 10.0.0.1/8, nothing }");
    refused("let unused = { [z-a] }", "P0307");
    refused("let unused = frob = 1", "P0203");
}

#[test]
fn notes_64_108_kinds_are_checked_at_use() {
    clean("let both = { 80, 443 } deny tcp connect to port both if uid in both");
    refused(
        "let mixed = { /a, @b } deny unix connect to mixed if exe in mixed",
        "P0301",
    );
    clean("let mixed = { /a, @b } deny unix connect to mixed");
    clean("let x = { 1.2.3.4, /a }");
    refused("let x = { 1.2.3.4, /a } deny tcp connect to x", "P0301");
}

#[test]
fn notes_80_82_lists() {
    refused("deny { tcp, any } connect", "P0313");
    refused("deny tcp { connect, any }", "P0313");
    refused("deny tcp connect to { any, 10.0.0.1 }", "P0313");
    clean("deny unix connect to { unnamed, /run/x }");
    clean("let u = { unnamed } deny unix connect to u");
    refused("let f = { tcp } deny f connect", "P0201");
}

#[test]
fn notes_107_backslashes_in_names() {
    assert!(denies(
        "deny tcp connect if user = DOMAIN\\joe",
        "tcp connect as user = \"DOMAIN\\\\joe\""
    ));
    refused("deny tcp connect if user = \"DOMAIN\\joe\"", "P0007");
}

#[test]
fn notes_109_named_conditions_are_checked_where_they_are_used() {
    refused(
        "let c = port = 80 or uid = 0 deny unix connect if c",
        "P0309",
    );
    clean("let c = port = 80 or uid = 0 deny { tcp, unix } connect if c");
}

#[test]
fn notes_115_extensions() {
    let text = "extend a = { 2 } let a = { 1 } extend a = 3 extend a = b let b = { 4 } extend b = { 5, 5 } deny tcp connect if uid in a";
    for uid in 1..=5 {
        assert!(
            denies(text, &format!("tcp connect as uid = {uid}")),
            "{uid}"
        );
    }
    // An alias grows without what it is an alias of.
    let text = "let b = { 1 } let a = b extend a = 2 deny tcp connect if uid in b id b deny udp connect if uid in a";
    assert!(!denies(text, "tcp connect as uid = 2"));
    assert!(denies(text, "udp connect as uid = 2"));
    let text = "let b = { 1 } let a = b extend b = 2 deny tcp connect if uid in a";
    assert!(denies(text, "tcp connect as uid = 2"));
    refused("extend a = { 1 }", "P0204");
    refused("let a = uid = 0 extend a = { 1 }", "P0213");
    refused("let a = uid = 0 let b = a extend b = { 1 }", "P0213");
    refused("extend public = { 10.0.0.1 }", "P0213");
    refused("let a = { 1 } extend a = uid = 0", "P0213");
    refused(
        "let a = { 1 } let c = uid = 0 extend a = c deny tcp connect if uid in a",
        "P0213",
    );
}
