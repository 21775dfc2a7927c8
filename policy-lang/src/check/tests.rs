//! Points of the language's notes that checking settles: each test names its note.

use crate::diag::{Severity, Style, render_all};
use crate::request::parse_request;
use crate::source::Sources;
use std::fmt::Write as _;

use crate::{CheckedPolicy, Lints, Verdict, eval, load, load_with};

/// The codes that a policy gives, errors and warnings, in order of place, but
/// those of lints that are not about the points here.
fn codes(text: &str) -> Vec<&'static str> {
    files(&[("p.policy", text)])
}

fn files(all: &[(&str, &str)]) -> Vec<&'static str> {
    let mut sources = Sources::new();
    for (name, text) in all {
        sources.add(*name, *text);
    }
    // Whether a rule is of use is tested beside the lints.
    let (policy, report) = load_with(&sources, Lints::None, None);
    assert_eq!(policy.is_none(), report.has_errors());
    report
        .diagnostics()
        .iter()
        .map(|one| one.code)
        .filter(|code| {
            use crate::diag::Code::{IdleAllow, ImplicitId, NegatedExemption, NeverMatches};
            !matches!(
                code,
                IdleAllow | ImplicitId | NegatedExemption | NeverMatches
            )
        })
        .map(crate::diag::Code::id)
        .collect()
}

fn good(text: &str) -> CheckedPolicy {
    let sources = Sources::single("p.policy", text);
    let (policy, report) = load(&sources);
    policy.unwrap_or_else(|| panic!("{}", render_all(&report, &sources, Style::Plain)))
}

fn clean(text: &str) {
    assert_eq!(codes(text), Vec::<&str>::new(), "{text}");
}

fn refused(text: &str, code: &str) {
    assert_eq!(codes(text), [code], "{text}");
}

/// The verdict and the determining rule's id.
fn ask(policy: &CheckedPolicy, question: &str) -> (Verdict, Option<String>) {
    let sources = Sources::single("request", question);
    let (request, found) = parse_request(&sources.files()[0]);
    let decision = eval(
        policy,
        &request.unwrap_or_else(|| panic!("{question}: {found:?}")),
    );
    let rule = decision
        .hypothetical
        .rule
        .and_then(|index| policy.rule(index));
    (
        decision.hypothetical.verdict,
        rule.map(|rule| rule.id.to_string()),
    )
}

fn denies(text: &str, question: &str) -> bool {
    ask(&good(text), question).0 == Verdict::Deny
}

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
fn notes_65_target_grammar() {
    clean("deny tcp connect to port 443");
    clean("deny tcp connect to 10.0.0.1 port any");
    clean("deny tcp connect to { 10.0.0.1, 10.0.0.2 } port { 1, 2-3 }");
    refused("deny tcp connect port 443", "P0101");
    refused("deny tcp connect to 443", "P0301");
    refused("deny tcp connect to port https", "P0204");
    refused("deny tcp connect to", "P0101");
}

#[test]
fn notes_66_67_statements_end_where_the_next_begins() {
    refused("deny tcp connect if uid = 0 port = 80", "P0101");
    let policy = good("deny tcp connect audit deny udp connect");
    let modes: Vec<bool> = policy.rules().iter().map(|rule| rule.enforced).collect();
    assert_eq!(modes, [true, false]);
    let policy = good("mode audit deny tcp connect");
    assert!(!policy.rules()[0].enforced);
    let policy = good("mode audit audit deny tcp connect enforce deny udp connect");
    assert_eq!(
        policy
            .rules()
            .iter()
            .map(|rule| rule.enforced)
            .collect::<Vec<_>>(),
        [false, true]
    );
    clean("let a = uid = 0\n\ndeny tcp\nconnect\nif\na");
}

#[test]
fn notes_68_69_clauses() {
    refused("deny tcp connect if uid = 0 if gid = 0", "P0103");
    refused("deny tcp connect unless uid = 0 unless gid = 0", "P0103");
    clean("deny tcp connect tag \"a\" tag \"b\"");
    refused("deny tcp connect if uid = 0 to 10.0.0.1", "P0101");
    refused("allow tcp connect with EACCES", "P0104");
    refused("record tcp connect with EACCES", "P0104");
    clean("kill tcp connect with EACCES");
    clean("default deny tcp connect with EACCES");
}

#[test]
fn notes_70_errnos() {
    for bad in ["EISCONN", "EINPROGRESS", "EALREADY", "EFOO", "13"] {
        refused(&format!("deny tcp connect with {bad}"), "P0210");
    }
    for spinning in ["EAGAIN", "EWOULDBLOCK", "EINTR"] {
        refused(&format!("deny tcp connect with {spinning}"), "P0503");
    }
    clean("deny tcp connect with EOPNOTSUPP");
    clean("deny tcp connect with ENOTSUP");
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
fn notes_73_116_headers() {
    clean("# a comment\nlanguage 1\nlet x = { 1 }\nmode audit\ndeny tcp connect");
    refused("deny tcp connect mode audit", "P0102");
    refused("mode audit mode enforce", "P0102");
    refused("mode loud", "P0107");
    refused("let x = { 1 } language 1", "P0102");
    refused("language 1 language 1", "P0102");
    refused("language 2", "P0106");
    refused("language 01", "P0106");
    refused("language \"1\"", "P0106");
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
fn notes_76_77_78_79_operators() {
    refused("deny tcp connect if uid in 0", "P0306");
    refused("deny tcp connect if addr in 10.0.0.1", "P0306");
    clean(
        "deny tcp connect if addr in 10.0.0.0/8 and uid in 1-2 and addr = 10.0.0.0/8 and port = 1-1023",
    );
    refused("deny tcp connect if exe in /usr/bin/*", "P0306");
    refused("deny tcp connect if uid = { 1 }", "P0306");
    refused(
        "let tools = { /a } deny tcp connect if exe = tools",
        "P0306",
    );
    refused("deny tcp connect if uid < 1-2", "P0306");
    refused("deny tcp connect if addr < 10.0.0.1", "P0306");
    refused("deny tcp connect if exe < /a", "P0306");
    refused("deny tcp connect if type < dgram", "P0306");
    refused("deny tcp connect if protocol = tcp", "P0301");
    refused("deny tcp connect if cap = 21", "P0211");
    refused("deny tcp connect if uid = root", "P0301");
    clean("deny tcp connect if user = 0 and comm = 7z and comm = 123");
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
fn notes_83_84_ids_and_files() {
    refused("deny tcp connect id a deny udp connect id a", "P0209");
    assert_eq!(
        files(&[
            ("x/a.policy", "deny tcp connect"),
            ("y/a.policy", "deny udp connect")
        ]),
        ["P0209"]
    );
    assert_eq!(files(&[("a b.policy", "")]), ["P0008"]);
    let sources = Sources::single("x/a.b.policy", "deny tcp connect");
    assert_eq!(&*load(&sources).0.unwrap().rules()[0].id, "a.b/1");
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

#[test]
fn notes_117_there_is_no_effect_audit() {
    refused("audit tcp connect", "P0108");
    assert_eq!(codes("default record tcp connect")[0], "P0105");
}

#[test]
fn notes_119_limits() {
    let scopes = |n: usize| {
        format!(
            "{}deny tcp connect{}",
            "for uid = 0 { ".repeat(n),
            " }".repeat(n)
        )
    };
    clean(&scopes(64));
    refused(&scopes(65), "P0006");
    let parens = |n: usize| {
        format!(
            "deny tcp connect if {}uid = 0{}",
            "(".repeat(n),
            ")".repeat(n)
        )
    };
    clean(&parens(64));
    refused(&parens(65), "P0006");
    let nots = |n: usize| format!("deny tcp connect if {}uid = 0", "not ".repeat(n));
    clean(&nots(64));
    refused(&nots(65), "P0006");
    assert_eq!(codes(&parens(50_000))[0], "P0006");
    let because = |n: usize| format!("deny tcp connect because \"{}\"", "x".repeat(n));
    clean(&because(255));
    refused(&because(256), "P0403");
    let path = |n: usize| format!("deny unix connect to /{}", "x".repeat(n - 1));
    clean(&path(4096));
    refused(&path(4097), "P0403");
    let chain = |n: usize| {
        let mut text = String::from("let c0 = uid = 0\n");
        for i in 1..n {
            writeln!(text, "let c{i} = c{}", i - 1).unwrap();
        }
        text + &format!("deny tcp connect if c{}", n - 1)
    };
    clean(&chain(64));
    assert!(codes(&chain(66)).contains(&"P0006"));
    assert!(codes(&chain(3000)).contains(&"P0006"));
    // 2^40 alternatives that come to none: they must not be written out first.
    let ors: Vec<String> = (0..40)
        .map(|i| format!("(uid = {i} or gid = {i})"))
        .collect();
    let none = format!("if {} and port = 80 and path = /x", ors.join(" and "));
    let (policy, _) = load(&Sources::single(
        "p.policy",
        format!("deny {{ tcp, unix }} connect {none}"),
    ));
    assert!(policy.is_some());
    // 2^n tests by n names.
    let doubling = |n: usize| {
        let mut text = String::from("let c0 = uid = 0\n");
        for i in 1..n {
            writeln!(text, "let c{i} = c{} and c{}", i - 1, i - 1).unwrap();
        }
        text + &format!("deny tcp connect if c{}", n - 1)
    };
    assert!(codes(&doubling(40)).contains(&"P0404"));
    let alternatives = |n: usize| {
        let one = |k: usize| {
            (0..n)
                .map(|i| format!("uid = {}", i * 3 + k))
                .collect::<Vec<_>>()
                .join(" or ")
        };
        format!("deny tcp connect if ({}) and ({})", one(0), one(1))
    };
    clean(&alternatives(101));
    refused(&alternatives(102), "P0404");
    let big = " ".repeat((1 << 20) + 1);
    refused(&big, "P0401");
    clean(&" ".repeat(1 << 20));
}

#[test]
fn notes_120_an_empty_policy() {
    clean("");
    clean("# nothing");
    assert_eq!(ask(&good(""), "tcp connect"), (Verdict::Allow, None));
}

#[test]
fn all_errors_of_all_files_in_one_run() {
    let found = files(&[
        (
            "a.policy",
            "deny tcp conect\ndeny tcp connect if frob = 1\ndeny tcp connect to 10.0.0.1/8",
        ),
        (
            "b.policy",
            "deny tcp connect foo\nlet x =\ndeny udp connect if uid = \n",
        ),
    ]);
    assert_eq!(
        found,
        ["P0202", "P0203", "P0302", "P0101", "P0101", "P0101"]
    );
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
