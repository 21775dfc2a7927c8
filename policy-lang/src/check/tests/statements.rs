//! Clauses, operators, headers, limits, and what is refused.

use super::{ask, clean, codes, files, good, refused};
use crate::source::Sources;
use crate::{Verdict, load};
use std::fmt::Write as _;

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
