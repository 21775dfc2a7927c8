//! `test`.

use crate::Dir;
use expect_test::expect;

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
