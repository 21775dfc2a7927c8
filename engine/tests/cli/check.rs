//! `check`.

use crate::{DOCKER, Dir};
use expect_test::expect;

#[test]
fn a_policy_without_findings() {
    let dir = Dir::new("clean").file("docker.policy", DOCKER);
    dir.check(
        &["check", "docker.policy"],
        "",
        &expect![[r#"
        1 rule in 1 file: nothing to say
        -- stderr
        -- exit 0
    "#]],
    );
    dir.check(
        &["check", "--format", "json", "docker.policy"],
        "",
        &expect![[r#"
            {"diagnostics":[],"errors":0,"left_out":0,"notes":0,"schema":1,"warnings":0}
            -- stderr
            -- exit 0
        "#]],
    );
    dir.check(
        &["check", "--format", "github", "docker.policy"],
        "",
        &expect![[r#"
            -- stderr
            -- exit 0
        "#]],
    );
}

#[test]
fn a_policy_with_errors_has_all_of_them_with_their_lines() {
    let dir = Dir::new("errors").file(
        "web.policy",
        "deny tcp conect to 10.0.0.1\n\ndeny udp connect to 10.0.0.1/8\nallow tcp connect if uid = root\n",
    );
    dir.check(
        &["check", "web.policy"],
        "",
        &expect![[r#"
            error[P0202]: unknown operation `conect`
              --> web.policy:1:10
               |
             1 | deny tcp conect to 10.0.0.1
               |          ^^^^^^
               |
               = help: did you mean `connect`?

            error[P0302]: `10.0.0.1/8` has bits set past its prefix
              --> web.policy:3:21
               |
             3 | deny udp connect to 10.0.0.1/8
               |                     ^^^^^^^^^^
               |
               = help: the network is `10.0.0.0/8`

            error[P0301]: `root` is not a number
              --> web.policy:4:28
               |
             4 | allow tcp connect if uid = root
               |                            ^^^^
               |
               = help: names are held against `user` and `group`

            3 errors
            more about a code: interdict explain --code P0202
            -- stderr
            -- exit 1
        "#]],
    );
    dir.check(
        &["check", "--format=json", "web.policy"],
        "",
        &expect![[r#"
            {"diagnostics":[{"code":"P0202","help":"did you mean `connect`?","labels":[{"column":10,"end":15,"end_column":16,"end_line":1,"file":"web.policy","line":1,"start":9,"text":""}],"message":"unknown operation `conect`","severity":"error"},{"code":"P0302","help":"the network is `10.0.0.0/8`","labels":[{"column":21,"end":59,"end_column":31,"end_line":3,"file":"web.policy","line":3,"start":49,"text":""}],"message":"`10.0.0.1/8` has bits set past its prefix","severity":"error"},{"code":"P0301","help":"names are held against `user` and `group`","labels":[{"column":28,"end":91,"end_column":32,"end_line":4,"file":"web.policy","line":4,"start":87,"text":""}],"message":"`root` is not a number","severity":"error"}],"errors":3,"left_out":0,"notes":0,"schema":1,"warnings":0}
            -- stderr
            -- exit 1
        "#]],
    );
    dir.check(
        &["check", "--format=github", "web.policy"],
        "",
        &expect![[r#"
            ::error title=P0202,file=web.policy,line=1,col=10,endLine=1,endColumn=16::unknown operation `conect` (did you mean `connect`?)
            ::error title=P0302,file=web.policy,line=3,col=21,endLine=3,endColumn=31::`10.0.0.1/8` has bits set past its prefix (the network is `10.0.0.0/8`)
            ::error title=P0301,file=web.policy,line=4,col=28,endLine=4,endColumn=32::`root` is not a number (names are held against `user` and `group`)
            -- stderr
            -- exit 1
        "#]],
    );
    let output = dir.run(&["check", "--format=sarif", "web.policy"], "");
    let log: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    expect![[r#"{"level":"error","locations":[{"physicalLocation":{"artifactLocation":{"uri":"web.policy"},"region":{"endColumn":31,"endLine":3,"startColumn":21,"startLine":3}}}],"message":{"text":"`10.0.0.1/8` has bits set past its prefix (the network is `10.0.0.0/8`)"},"relatedLocations":[],"ruleId":"P0302","ruleIndex":2}"#]].assert_eq(&log["runs"][0]["results"][1].to_string());
    assert_eq!(log["version"], "2.1.0");
}

#[test]
fn warnings_load_unless_they_are_denied() {
    let dir = Dir::new("warnings").file("a.policy", "audit record tcp connect\n");
    dir.check(
        &["check", "a.policy"],
        "",
        &expect![[r#"
            warning[P0502]: `audit` has no effect on a `record` rule
              --> a.policy:1:1
               |
             1 | audit record tcp connect
               | ^^^^^
               |
               = help: a record rule records whatever the mode; remove the prefix

            1 warning
            more about a code: interdict explain --code P0502
            -- stderr
            -- exit 0
        "#]],
    );
    let denied = dir.run(&["check", "--deny-warnings", "a.policy"], "");
    assert_eq!(denied.status.code(), Some(1));
}

#[test]
fn what_the_kernel_cannot_decide_is_a_note_and_an_error_on_request() {
    // One group more than the kernel compares, each rule within what it decides.
    let rules = (0..=policy_abi::image::MAX_GROUPS)
        .map(|n| format!("record tcp connect if group = g{}\n", n + 1));
    let dir = Dir::new("kernel").file("a.policy", rules.collect::<String>());
    dir.check(
        &["check", "--deny-warnings", "a.policy"],
        "",
        &expect![[r#"
            note[P0603]: the policy names 65 groups; the kernel compares 64
              --> a.policy:9:1
               |
             9 | record tcp connect if group = g9
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               |
               = help: compare `user` or `unit` instead, which have no such bound

            1 note
            more about a code: interdict explain --code P0603
            65 rules in 1 file: valid, but `run` of this version refuses what the notes name
            -- stderr
            -- exit 0
        "#]],
    );
    dir.check(
        &["check", "--kernel", "a.policy"],
        "",
        &expect![[r#"
            error[P0603]: the policy names 65 groups; the kernel compares 64
              --> a.policy:9:1
               |
             9 | record tcp connect if group = g9
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               |
               = help: compare `user` or `unit` instead, which have no such bound

            1 error
            more about a code: interdict explain --code P0603
            -- stderr
            -- exit 1
        "#]],
    );
    for (format, level) in [
        ("json", r#""severity":"note""#),
        ("sarif", r#""level":"note""#),
        ("github", "::notice title=P0603"),
    ] {
        let output = dir.run(&["check", "--format", format, "a.policy"], "");
        assert_eq!(output.status.code(), Some(0), "{format}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(level), "{text}");
    }
    let question = ["explain", "a.policy", "--", "unix connect to /run/x.sock"];
    assert_eq!(dir.run(&question, "").status.code(), Some(0));
}

#[test]
fn hostile_text_does_not_reach_the_terminal() {
    let dir = Dir::new("hostile").file("a\x1b[31m.policy", "deny \x1b[31m\u{202e}tcp connect\n");
    let output = dir.run(&["check", "."], "");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        !text.chars().any(|c| c == '\u{1b}' || c == '\u{202e}'),
        "{text:?}"
    );
    let output = dir.run(&["check", "none\x1b[31m"], "");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[cfg(feature = "daemon")]
#[test]
fn run_refuses_what_would_cut_the_host_off() {
    let dir = Dir::new("lockout").file(
        "a.policy",
        "deny unix connect to /run/dbus/system_bus_socket if uid = 0 id bus\n",
    );
    // In `check` it is a warning.
    let checked = dir.run(&["check", "--format=github", "a.policy"], "");
    assert_eq!(checked.status.code(), Some(0));
    let refused = dir.run(&["run", "--policy", "a.policy"], "");
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("error[P0519]: the rule `bus` cuts the host off"),
        "{said}"
    );
    assert!(said.contains("allow_lockout"), "{said}");
}
