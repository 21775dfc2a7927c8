//! `explain`.

use crate::{DOCKER, Dir};
use expect_test::expect;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

const WEB: &str = "deny tcp connect to 10.0.0.0/8 port 443 unless uid = 0 id web because \"no\" with EACCES\n\
     audit deny tcp connect to loopback\nrecord tcp connect if uid >= 1000\n";

#[test]
fn a_question_and_its_reasons() {
    let dir = Dir::new("question").file("web.policy", WEB);
    let ask = |question: &'static str| ["explain", "web.policy", "--", question];
    dir.check(
        &ask("tcp connect to 10.1.1.1 port 443 as uid = 1000"),
        "",
        &expect![[r#"
            verdict: deny, by deny `web`: no
            the caller gets EACCES
            recorded by `web/3`

            deny `web` at web.policy:1 matches:
              its target covers the object
              its `unless` does not hold
                `uid = 0` does not hold

            deny `web/2` (audit) at web.policy:2 does not match:
              its target does not cover the object

            record `web/3` at web.policy:3 matches:
              its `if` holds
                `uid >= 1000` holds
            -- stderr
            -- exit 0
        "#]],
    );
    dir.check(
        &ask("tcp connect to 127.0.0.1 port 443 as uid = 0"),
        "",
        &expect![[r#"
            verdict: allow, since nothing decides
            were every rule enforced: deny, by deny `web/2`

            deny `web` at web.policy:1 does not match:
              its target does not cover the object
              its `unless` holds
                `uid = 0` holds

            deny `web/2` (audit) at web.policy:2 matches:
              its target covers the object

            record `web/3` at web.policy:3 does not match:
              its `if` does not hold
                `uid >= 1000` does not hold
            -- stderr
            -- exit 0
        "#]],
    );
    dir.check(
        &ask("unix connect to /run/x"),
        "",
        &expect![[r#"
        verdict: allow, since nothing decides
        no rule is about this family and operation
        -- stderr
        -- exit 0
    "#]],
    );
    dir.check(
        &ask("tcp conect to 10.1.1.1"),
        "",
        &expect![[r#"
        -- stderr
        error[P0202]: unknown operation `conect`
          --> question:1:5
           |
         1 | tcp conect to 10.1.1.1
           |     ^^^^^^
           |
           = help: did you mean `connect`?

        1 error
        error: the question is not one that a policy can answer
        help: write it as in `unix connect to /run/x.sock as exe=/usr/bin/nc, uid=1000`
        -- exit 2
    "#]],
    );
}

#[test]
fn a_question_in_words_of_its_own_and_its_answer_for_machines() {
    let dir = Dir::new("machines").file("web.policy", WEB);
    let words = [
        "explain",
        "web.policy",
        "--format",
        "json",
        "--",
        "tcp",
        "connect",
        "to",
        "10.1.1.1",
    ];
    dir.check(&words, "", &expect![[r#"
        {"errno":null,"hypothetical":{"rule":null,"verdict":"allow"},"recorded":["web/3"],"rule":null,"rules":[{"because":"no","effect":"deny","file":"web.policy","line":1,"matches":false,"mode":"enforce","reasons":["its target does not cover the object","its `unless` does not hold","  `uid = 0` does not hold"],"rule":"web"},{"because":null,"effect":"deny","file":"web.policy","line":2,"matches":false,"mode":"audit","reasons":["its target does not cover the object"],"rule":"web/2"},{"because":null,"effect":"record","file":"web.policy","line":3,"matches":true,"mode":"enforce","reasons":["its `if` holds","  `uid >= 1000` holds"],"rule":"web/3"}],"schema":1,"verdict":"allow"}
        -- stderr
        -- exit 0
    "#]]);
}

#[test]
fn a_refused_policy_explains_nothing() {
    let dir = Dir::new("refused").file("a.policy", "deny tcp conect\n");
    let question = ["explain", "a.policy", "--", "tcp connect"];
    dir.check(
        &question,
        "",
        &expect![[r#"
        -- stderr
        error[P0202]: unknown operation `conect`
          --> a.policy:1:10
           |
         1 | deny tcp conect
           |          ^^^^^^
           |
           = help: did you mean `connect`?

        1 error
        -- exit 1
    "#]],
    );
    let batch = dir.run(&["explain", "a.policy", "--batch", "-"], "{}\n");
    assert_eq!((batch.status.code(), &*batch.stdout), (Some(1), &b""[..]));
}

const BATCH: &str = r#"{"family":"tcp","operation":"connect","addr":"10.0.0.1","port":443,"subject":{"exe":"/usr/bin/curl","uid":1000}}

{"family":"unix","operation":"connect","path":"/run/docker.sock","subject":{"comm":"nc"}}
{"family":"unix","operation":"connect","path":"/run/docker.sock","subject":{"comm":"dockerd"}}
{"family":"unix","operation":"conect","path":"/run/docker.sock"}
nonsense
{"family":"unix","operation":"connect","name_hex":"00ff"}
"#;

#[test]
fn a_batch_answers_line_by_line() {
    let dir = Dir::new("batch")
        .file("a.policy", DOCKER)
        .file("requests", BATCH);
    let answers = expect![[r#"
        {"verdict":"allow","rule":null,"errno":null,"hypothetical":{"verdict":"allow","rule":null},"recorded":[]}
        {"verdict":"deny","rule":"docker","errno":"EPERM","hypothetical":{"verdict":"deny","rule":"docker"},"recorded":[]}
        {"verdict":"allow","rule":null,"errno":null,"hypothetical":{"verdict":"allow","rule":null},"recorded":[]}
        {"error":{"key":"operation","message":"unknown operation `conect`"}}
        {"error":{"key":null,"message":"the line is not JSON: expected ident at line 1 column 2"}}
        {"verdict":"allow","rule":null,"errno":null,"hypothetical":{"verdict":"allow","rule":null},"recorded":[]}
        -- stderr
        -- exit 0
    "#]];
    let from_stdin = ["explain", "a.policy", "--batch", "-"];
    let from_file = ["explain", "a.policy", "--batch", "requests"];
    dir.check(&from_stdin, BATCH, &answers);
    assert_eq!(dir.run(&from_stdin, BATCH), dir.run(&from_file, ""));
    // Neither an end of line nor UTF-8 is asked of the last line.
    dir.check(
        &["explain", "a.policy", "--batch", "-"],
        b"\xff\n{}",
        &expect![[r#"
            {"error":{"key":null,"message":"the line is not UTF-8"}}
            {"error":{"key":"family","message":"`family` is missing"}}
            -- stderr
            -- exit 0
        "#]],
    );
}

#[test]
fn a_batch_answers_before_it_waits() {
    let dir = Dir::new("coprocess").file("a.policy", DOCKER);
    let mut child = dir
        .command(&["explain", "a.policy", "--batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    for line in BATCH.lines().filter(|line| !line.is_empty()) {
        writeln!(to, "{line}").unwrap();
        // The next question is asked when this one is answered.
        let mut answer = Vec::new();
        while answer.last() != Some(&b'\n') {
            let mut byte = [0];
            from.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        assert!(answer.starts_with(b"{"));
    }
    drop(to);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
