//! The program as its users meet it: arguments, input and files in; standard
//! output, standard error and the exit code out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the form in which UPDATE_EXPECT=1 writes what it saw"
)]

use expect_test::{Expect, expect};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const DOCKER: &str = "# allow P0506: the shortest example\n\
                      # allow P0524: no other engine here\n\
                      deny unix connect to /run/docker.sock unless comm = dockerd \
                      id docker because \"root is behind it\"\n";

/// A fresh directory that the program runs in.
struct Dir(PathBuf);

impl Dir {
    fn new(test: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interdict"));
        command.args(arguments).current_dir(&self.0);
        command
    }

    fn run(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that does not read its input has closed it.
        stdin.write_all(input.as_ref()).ok();
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// Runs and compares all three outputs.
    fn check(&self, arguments: &[&str], input: impl AsRef<[u8]>, expected: &Expect) {
        let output = self.run(arguments, input);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        expected.assert_eq(&format!(
            "{}-- stderr\n{}-- exit {}\n",
            text(&output.stdout),
            text(&output.stderr),
            output.status.code().unwrap(),
        ));
    }
}

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
            {"diagnostics":[],"errors":0,"left_out":0,"schema":1,"warnings":0}
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
            -- stderr
            -- exit 1
        "#]],
    );
    dir.check(
        &["check", "--format=json", "web.policy"],
        "",
        &expect![[r#"
            {"diagnostics":[{"code":"P0202","help":"did you mean `connect`?","labels":[{"column":10,"end":15,"end_column":16,"end_line":1,"file":"web.policy","line":1,"start":9,"text":""}],"message":"unknown operation `conect`","severity":"error"},{"code":"P0302","help":"the network is `10.0.0.0/8`","labels":[{"column":21,"end":59,"end_column":31,"end_line":3,"file":"web.policy","line":3,"start":49,"text":""}],"message":"`10.0.0.1/8` has bits set past its prefix","severity":"error"},{"code":"P0301","help":"names are held against `user` and `group`","labels":[{"column":28,"end":91,"end_column":32,"end_line":4,"file":"web.policy","line":4,"start":87,"text":""}],"message":"`root` is not a number","severity":"error"}],"errors":3,"left_out":0,"schema":1,"warnings":0}
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
    expect![[r#"{"level":"error","locations":[{"physicalLocation":{"artifactLocation":{"uri":"web.policy"},"region":{"endColumn":31,"endLine":3,"startColumn":21,"startLine":3}}}],"message":{"text":"`10.0.0.1/8` has bits set past its prefix (the network is `10.0.0.0/8`)"},"relatedLocations":[],"ruleId":"P0302"}"#]].assert_eq(&log["runs"][0]["results"][1].to_string());
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
        -- stderr
        -- exit 0
    "#]],
    );
    let denied = dir.run(&["check", "--deny-warnings", "a.policy"], "");
    assert_eq!(denied.status.code(), Some(1));
}

#[test]
fn what_the_kernel_cannot_decide_is_an_error_of_check_alone() {
    let dir = Dir::new("kernel").file("a.policy", "deny unix connect to /run/*.sock\n");
    dir.check(
        &["check", "a.policy"],
        "",
        &expect![[r#"
        error[P0601]: this build cannot decide a target with wildcards in the kernel yet
          --> a.policy:1:1
           |
         1 | deny unix connect to /run/*.sock
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           |

        1 error
        -- stderr
        -- exit 1
    "#]],
    );
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

#[test]
fn a_directory_stands_for_its_policy_files() {
    let dir = Dir::new("directory")
        .file("d/b.policy", "record tcp connect\n")
        .file("d/a.policy", DOCKER)
        .file("d/.hidden.policy", "nonsense\n")
        .file("d/notes.txt", "nonsense\n")
        .file("d/deeper/c.policy", "nonsense\n")
        .file("d/folder.policy/x", "nonsense\n")
        .file("data/linked", "record udp connect\n");
    symlink("../data/linked", dir.0.join("d/linked.policy")).unwrap();
    dir.check(
        &["check", "d"],
        "",
        &expect![[r#"
        3 rules in 3 files: nothing to say
        -- stderr
        -- exit 0
    "#]],
    );
    // A file that is reached twice counts once, by whatever path.
    dir.check(
        &["check", "d/a.policy", "d", "d/../d/a.policy", "./d"],
        "",
        &expect![[r#"
            3 rules in 3 files: nothing to say
            -- stderr
            -- exit 0
        "#]],
    );
}

#[test]
fn standard_input_is_a_file_called_stdin() {
    let dir = Dir::new("stdin").file("a.policy", "record tcp connect\n");
    dir.check(
        &["check", "-", "a.policy"],
        "deny tcp conect",
        &expect![[r#"
            error[P0202]: unknown operation `conect`
              --> stdin:1:10
               |
             1 | deny tcp conect
               |          ^^^^^^
               |
               = help: did you mean `connect`?

            1 error
            -- stderr
            -- exit 1
        "#]],
    );
    let question = ["explain", "-", "--", "tcp connect to 10.0.0.1"];
    dir.check(
        &question,
        "deny tcp connect",
        &expect![[r#"
        verdict: deny, by deny `stdin/1`
        the caller gets EPERM

        deny `stdin/1` at stdin:1 matches:
          it has no target and no condition
        -- stderr
        -- exit 0
    "#]],
    );
    dir.check(
        &["explain", "-", "--batch", "-"],
        "",
        &expect![[r#"
        -- stderr
        error: `-` cannot be the policy and the batch at once
        help: put one of them in a file
        -- exit 2
    "#]],
    );
}

#[test]
fn what_cannot_be_read() {
    let dir = Dir::new("unreadable")
        .file("d/notes.txt", "")
        .file("e/a.policy", "");
    dir.check(
        &["check", "nowhere"],
        "",
        &expect![[r#"
        -- stderr
        error: cannot read `nowhere`: No such file or directory (os error 2)
        -- exit 3
    "#]],
    );
    dir.check(
        &["check", "d", "d"],
        "",
        &expect![[r#"
        -- stderr
        error: no `.policy` file in `d`, `d`
        help: an empty policy is a `.policy` file without rules
        -- exit 3
    "#]],
    );
    // Files without rules are a policy; no file is none.
    dir.check(
        &["check", "e"],
        "",
        &expect![[r#"
        0 rules in 1 file: nothing to say
        -- stderr
        -- exit 0
    "#]],
    );
    symlink("nowhere", dir.0.join("d/gone.policy")).unwrap();
    dir.check(
        &["check", "d"],
        "",
        &expect![[r#"
        -- stderr
        error: cannot read `d/gone.policy`: No such file or directory (os error 2)
        -- exit 3
    "#]],
    );
    fs::remove_file(dir.0.join("d/gone.policy")).unwrap();
    // A socket's own path must be short.
    let socket = std::env::temp_dir().join(format!("interdict-{}.sock", std::process::id()));
    let listener = UnixListener::bind(&socket).unwrap();
    symlink(&socket, dir.0.join("d/socket.policy")).unwrap();
    dir.check(
        &["check", "d"],
        "",
        &expect![[r#"
        -- stderr
        error: `d/socket.policy` is not a regular file
        help: rename it, or take it out of the directory
        -- exit 3
    "#]],
    );
    drop(listener);
    fs::remove_file(socket).unwrap();
    dir.check(
        &["explain", "e", "--batch", "nowhere"],
        "",
        &expect![[r#"
        -- stderr
        error: cannot read `nowhere`: No such file or directory (os error 2)
        -- exit 3
    "#]],
    );
}

#[test]
fn a_policy_that_is_too_large_is_refused_without_being_read_whole() {
    let dir = Dir::new("large").file("a.policy", "");
    let file = fs::File::options()
        .write(true)
        .open(dir.0.join("a.policy"))
        .unwrap();
    file.set_len(1 << 34).unwrap();
    let output = dir.run(&["check", "a.policy"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("P0401"));
}

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

#[test]
fn the_page_of_a_code() {
    let dir = Dir::new("code");
    dir.check(
        &["explain", "--code", "P0203"],
        "",
        &expect![[r#"
        P0203 (error): a word is no attribute
        -- stderr
        -- exit 0
    "#]],
    );
    dir.check(
        &["explain", "--code", "p0501", "--format", "json"],
        "",
        &expect![[r#"
            {"code":"P0501","schema":1,"severity":"warning","summary":"a family is written as a number that has a word"}
            -- stderr
            -- exit 0
        "#]],
    );
    dir.check(
        &["explain", "--code", "P9999"],
        "",
        &expect![[r#"
        -- stderr
        error: `P9999` is not the code of a diagnostic
        help: codes stand in brackets before a finding, as in `error[P0203]`
        -- exit 2
    "#]],
    );
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

#[test]
fn a_wrong_command_line_ends_with_2() {
    let dir = Dir::new("usage").file("a.policy", "");
    for arguments in [
        &[][..],
        &["chek"],
        &["check"],
        &["check", "--format", "xml", "a.policy"],
        &["explain", "a.policy"],
        &["explain", "a.policy", "--code", "P0203"],
        &["explain", "--batch", "-"],
        &["explain", "a.policy", "--batch", "-", "--", "tcp connect"],
        &["explain", "--", "tcp connect"],
    ] {
        let output = dir.run(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{arguments:?}"
        );
    }
    for arguments in [&["--help"][..], &["--version"], &["check", "--help"]] {
        let output = dir.run(arguments, "");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_nobody_s_error() {
    let line = "{\"family\":\"tcp\",\"operation\":\"connect\"}\n";
    let dir = Dir::new("pipe")
        .file("a.policy", DOCKER)
        .file("requests", line.repeat(20_000));
    let mut child = dir
        .command(&["explain", "a.policy", "--batch", "requests"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

const TESTED: &str = "deny tcp connect to 10.0.0.0/8 id ten\n\
                      record tcp bind id binds\n\
                      test \"what holds\" { expect deny by ten tcp connect to 10.0.0.1 }\n\
                      test \"what <fails> & \\\"why\\\"\" {\n\
                      expect allow\n  tcp connect to 10.0.0.1\n\
                      expect deny by ten recorded by binds udp connect\n\
                      }\n";

#[test]
fn tests_that_fail_are_the_answer_no() {
    let dir = Dir::new("tests").file("web.policy", TESTED);
    dir.check(
        &["test", "web.policy", "--coverage"],
        "",
        &expect![[r#"
        test what holds ... ok
        test what <fails> & "why" ... FAILED
          web.policy:5: expect allow tcp connect to 10.0.0.1
            expected `allow`, it is `deny` by `ten`
          web.policy:7: expect deny by ten recorded by binds udp connect
            expected `deny` by `ten`, it is `allow` because no rule decides
            `binds` does not record it
        3 expectations in 2 tests: 1 hold, 2 fail
        1 of 2 rules decide in a test; these do not:
          binds (web.policy:2)
        -- stderr
        -- exit 1
    "#]],
    );
    dir.check(
        &["test", "web.policy", "--coverage", "--format", "json"],
        "",
        &expect![[r#"
            {"coverage":{"not_covered":[{"file":"web.policy","line":2,"rule":"binds"}],"rules":2},"failed":1,"passed":1,"schema":1,"tests":[{"expectations":1,"failures":[],"file":"web.policy","line":3,"name":"what holds"},{"expectations":2,"failures":[{"expectation":"expect allow tcp connect to 10.0.0.1","line":5,"reasons":["expected `allow`, it is `deny` by `ten`"]},{"expectation":"expect deny by ten recorded by binds udp connect","line":7,"reasons":["expected `deny` by `ten`, it is `allow` because no rule decides","`binds` does not record it"]}],"file":"web.policy","line":4,"name":"what <fails> & \"why\""}]}
            -- stderr
            -- exit 1
        "#]],
    );
    dir.check(
        &["test", "web.policy", "--format", "junit"],
        "",
        &expect![[r#"
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites tests="2" failures="1">
              <testsuite name="web.policy" tests="2" failures="1">
                <testcase classname="web.policy" name="what holds" file="web.policy" line="3"/>
                <testcase classname="web.policy" name="what &lt;fails&gt; &amp; &quot;why&quot;" file="web.policy" line="4">
                  <failure message="expected `allow`, it is `deny` by `ten`">
            5: expect allow tcp connect to 10.0.0.1: expected `allow`, it is `deny` by `ten`
            7: expect deny by ten recorded by binds udp connect: expected `deny` by `ten`, it is `allow` because no rule decides; `binds` does not record it
            </failure>
                </testcase>
              </testsuite>
            </testsuites>
            -- stderr
            -- exit 1
        "#]],
    );
}

#[test]
fn tests_that_hold_a_policy_without_any_and_one_that_is_refused() {
    let holds = "deny tcp connect id a test \"t\" { expect deny by a tcp connect }\n";
    let dir = Dir::new("tests-hold").file("a.policy", holds);
    dir.check(
        &["test", "a.policy", "--coverage"],
        "",
        &expect![[r#"
        test t ... ok
        1 expectation in 1 test: 1 hold, 0 fail
        1 of 1 rule decide in a test
        -- stderr
        -- exit 0
    "#]],
    );
    dir.check(
        &["test", "-"],
        "deny tcp connect\n",
        &expect![[r#"
        0 expectations in 0 tests: 0 hold, 0 fail
        -- stderr
        -- exit 0
    "#]],
    );
    dir.check(
        &["test", "-"],
        "test \"t\" { expect denied tcp connect }\n",
        &expect![[r#"
            -- stderr
            error[P0211]: `denied` is nothing that a test can expect
              --> stdin:1:19
               |
             1 | test "t" { expect denied tcp connect }
               |                   ^^^^^^
               |
               = help: expect `deny`, `kill`, `allow` or `default-deny`

            1 error
            -- exit 1
        "#]],
    );
}
