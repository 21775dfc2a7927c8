//! The canonical form, piece by piece.

use super::{Refused, format, reworded};
use crate::source::Sources;
use std::collections::BTreeSet;

fn formatted(text: &str) -> Result<String, Refused> {
    let sources = Sources::single("my file.policy", text);
    format(&sources.files()[0])
}

/// Holds for the text and for what comes of it.
#[track_caller]
fn gives(text: &str, expected: &str) {
    for text in [text, expected] {
        match formatted(text) {
            Ok(got) if got == expected => {}
            Ok(got) => panic!("--- expected\n{expected}\n--- got\n{got}"),
            Err(refused) => panic!("{refused:?}"),
        }
    }
}

#[test]
fn a_statement_has_a_line() {
    gives("", "");
    gives(" \r\n\n ", "");
    gives(
        "deny  tcp\nconnect audit   kill udp\tconnect if uid=0",
        "deny tcp connect\naudit kill udp connect if uid = 0\n",
    );
    gives(
        "default\r\ndeny {tcp,udp,} {connect , bind}\r\n",
        "default deny { tcp, udp } { connect, bind }\n",
    );
    gives("mode\naudit language 1", "mode audit\nlanguage 1\n");
    gives(
        "let a={1,2,} extend a=3 let c=not uid  not   in a and(uid<=1)",
        "let a = { 1, 2 }\nextend a = 3\nlet c = not uid not in a and (uid <= 1)\n",
    );
    gives(
        "enforce for uid!=0{deny tcp connect for gid=0{}}",
        "enforce for uid != 0 {\n    deny tcp connect\n    for gid = 0 {}\n}\n",
    );
}

#[test]
fn the_preposition_is_the_operations() {
    gives(
        "deny tcp connect on port 80",
        "deny tcp connect to port 80\n",
    );
    gives("deny tcp bind to port 80", "deny tcp bind on port 80\n");
    gives(
        "deny tcp {bind,connect} on port 80",
        "deny tcp { bind, connect } to port 80\n",
    );
    gives("deny tcp any to port 80", "deny tcp any on port 80\n");
    gives(
        "deny tcp setsockopt to option { SOL_SOCKET/SO_MARK }",
        "deny tcp setsockopt on option { SOL_SOCKET/SO_MARK }\n",
    );
    gives(
        "test \"t\" { expect deny tcp bind to 10.0.0.1 port 80 as uid=0, expect allow tcp connect on 10.0.0.1 }",
        "test \"t\" {\n    expect deny tcp bind on 10.0.0.1 port 80 as uid = 0\n    \
         expect allow tcp connect to 10.0.0.1\n}\n",
    );
    // As a value the word stays.
    gives(
        "deny tcp bind to any if comm = to",
        "deny tcp bind on any if comm = to\n",
    );
}

#[test]
fn what_was_said_of_a_preposition_is_said_when_it_goes() {
    let said = |text: &str| {
        let sources = Sources::single("p.policy", text);
        let found = reworded(&sources);
        let places = found.iter().map(|one| one.place(&sources));
        places
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    };
    let text = "for uid = 0 { deny tcp accept to 10.0.0.0/8 }\ndeny tcp {accept,bind} to port 1";
    assert_eq!(said(text), ["p.policy:1:31", "p.policy:2:24"]);
    for text in [
        "deny tcp accept on 10.0.0.0/8",
        "deny tcp { accept, connect } to 10.0.0.0/8",
        "deny tcp bind to 10.0.0.0/8 deny tcp any to 10.0.0.0/8 deny tcp accept",
        "# allow P0513: so it is\ndeny tcp accept to 10.0.0.0/8 # allow P0506: x",
    ] {
        assert!(said(text).is_empty(), "{text}");
    }
}

#[test]
fn notes_45_a_quoted_abstract_name_has_its_sign_within() {
    gives(
        "deny unix connect on {@\"odd \\\" name\", @plain, @\"\"}",
        "deny unix connect to { \"@odd \\\" name\", @plain, \"@\" }\n",
    );
}

#[test]
fn what_is_too_long_is_broken() {
    let exes = ["/usr/bin/one", "/usr/bin/two", "/usr/bin/three"];
    gives(
        &format!(
            "deny tcp connect to 10.0.0.0/8 unless exe in {{ {} }} id a because \"b\" tag \"c\"",
            exes.join(",")
        ),
        "deny tcp connect to 10.0.0.0/8\n    \
             unless exe in { /usr/bin/one, /usr/bin/two, /usr/bin/three }\n    \
             id a\n    because \"b\"\n    tag \"c\"\n",
    );
    let long = exes.map(|exe| exe.repeat(3));
    let lines = |indent: &str| {
        long.iter()
            .flat_map(|one| [indent, one.as_str(), ",\n"])
            .collect::<String>()
    };
    gives(
        &format!("let a = {{ {} }}", long.join(",")),
        &format!("let a = {{\n{}}}\n", lines("    ")),
    );
    gives(
        &format!(
            "for uid=0 {{ deny unix connect to {{ {} }} unless uid=1 }}",
            long.join(",")
        ),
        &format!(
            "for uid = 0 {{\n    deny unix connect to {{\n{}    }}\n        unless uid = 1\n}}\n",
            lines("        ")
        ),
    );
    let [a, b, c] = &long;
    gives(
        &format!(
            "deny tcp connect unless exe = {a} and uid = 0 or not (exe = {b} or exe = {c} and uid = 1)"
        ),
        &format!(
            "deny tcp connect\n    unless exe = {a} and uid = 0\n        or not (\n            \
             exe = {b}\n            or exe = {c} and uid = 1\n        )\n"
        ),
    );
    gives(
        &format!("for exe = {a} or exe = {b} or exe = {c} {{}}"),
        &format!("for exe = {a}\n    or exe = {b}\n    or exe = {c}\n{{}}\n"),
    );
    gives(
        &format!(
            "test \"t\" {{ expect deny by x unix connect to {a} as exe={b},comm=c,user=d,unit={c} }}"
        ),
        &format!(
            "test \"t\" {{\n    expect deny by x unix connect to {a}\n        as exe = {b},\n            \
             comm = c,\n            user = d,\n            unit = {c}\n}}\n"
        ),
    );
    let path = "/x".repeat(60);
    gives(
        &format!("deny unix bind to {path}"),
        &format!("deny unix bind\n    on {path}\n"),
    );
}

#[test]
fn a_line_is_as_long_as_a_line_may_be() {
    let fits = format!("deny unix connect to /{}", "x".repeat(100 - 22));
    assert_eq!(fits.len(), 100);
    gives(&fits, &format!("{fits}\n"));
    let words = format!("{fits}é").replacen(" to ", "\n    to ", 1);
    gives(&format!("{fits}é"), &format!("{words}\n"));
    // A brace, or a comma, counts to what it follows.
    let name = "x".repeat(100 - 14);
    gives(
        &format!("for exe = /{name}{{}}"),
        &format!("for exe = /{name} {{}}\n"),
    );
}

#[test]
fn empty_lines_are_kept_one_by_one() {
    gives(
        "\n\n# a\n\n\n\nmode audit\n\n\nlet a = 1\ndeny tcp connect\n\n\n",
        "# a\n\nmode audit\n\nlet a = 1\ndeny tcp connect\n",
    );
    gives(
        "for uid = 0 {\n\n\ndeny tcp connect\n\n\nkill tcp connect\n\n}",
        "for uid = 0 {\n    deny tcp connect\n\n    kill tcp connect\n}\n",
    );
    // One in a set is gone if the set fits on a line.
    gives("let a = { 1,\n\n2 }", "let a = { 1, 2 }\n");
    gives(
        "let a = { # one\n\n1,\n\n\n2\n\n}",
        "let a = { # one\n    1,\n\n    2,\n}\n",
    );
}

#[test]
fn comments_stay_where_they_are() {
    gives("#", "#\n");
    gives("  # a \t\n#b\r\n\n  # c", "# a\n#b\n\n# c\n");
    gives(
        "deny tcp connect   # why\nkill tcp connect# not\n  # after\n",
        "deny tcp connect # why\nkill tcp connect # not\n# after\n",
    );
    gives(
        "deny tcp connect # a\n# b\nunless uid=0 # c\nor uid=1 # d\nid x",
        "deny tcp connect # a\n    # b\n    unless uid = 0 # c\n        or uid = 1 # d\n    id x\n",
    );
    gives(
        "let a = { 1 # one\n, # comma\n2 # two\n# last\n}",
        "let a = {\n    1, # one\n    # comma\n    2, # two\n    # last\n}\n",
    );
    gives(
        "for uid = 0 { # in\n# only\n}\nfor uid = 1 { # in\n}",
        "for uid = 0 { # in\n    # only\n}\nfor uid = 1 { # in\n}\n",
    );
    gives(
        "let # a\nb # c\n= # d\n1 # e",
        "let # a\n    b # c\n    = # d\n    1 # e\n",
    );
    gives(
        "deny tcp connect if ( # a\nuid = 0 # b\n) # c",
        "deny tcp connect\n    if ( # a\n        uid = 0 # b\n    ) # c\n",
    );
    gives(
        "# allow P0506: a trial\ndeny tcp connect unless comm=x",
        "# allow P0506: a trial\ndeny tcp connect unless comm = x\n",
    );
}

#[test]
fn what_is_broken_is_refused() {
    for (text, code) in [
        ("deny tcp", "P0101"),
        ("deny tcp connect }", "P0005"),
        ("let a = {", "P0005"),
        ("default allow tcp connect", "P0105"),
        ("# \u{202e}", "P0003"),
        ("deny tcp connect because \"a", "P0004"),
    ] {
        let codes = match formatted(text) {
            Err(Refused::Syntax(found)) => found.iter().map(|one| one.code.id()).collect(),
            other => vec![if other.is_ok() { "formatted" } else { "defect" }],
        };
        assert!(codes.contains(&code), "{text}: {codes:?}");
    }
    // What is wrong for other reasons is not.
    gives("deny foo bar if baz=1", "deny foo bar if baz = 1\n");
}
