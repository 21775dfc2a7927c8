//! `explain --code`: the pages of the diagnostics, as the program shows them.
use crate::program::Dir;
use expect_test::expect;
use policy_lang::diag::codes::CODES;

use serde_json::Value;

#[test]
fn a_page_for_people() {
    let dir = Dir::new("code-page");
    let ran = dir.ran(&["explain", "--code", "P0203"], b"");
    assert_eq!((&*ran.err, ran.exit), ("", 0));
    expect![[r#"
        P0203 (error): a word is no attribute

        What

        The word before a comparison is no attribute of a process, a socket or an object.

        Why

        A test of an attribute that does not exist could only be false, or true, for everybody: an exemption for nobody
        or for all.

        Example

            deny tcp connect to 10.0.0.1 unless euid = 0

        Instead

        `uid` and `gid` are the effective ids, `ruid` and `rgid` the real ones, `loginuid` who logged in:

            deny tcp connect to 10.0.0.1 unless uid = 0
    "#]].assert_eq(&ran.out);
}

#[test]
fn every_code_has_a_page_in_the_program() {
    let dir = Dir::new("code-every");
    for code in CODES {
        let ran = dir.ran(&["explain", "--code", code.id(), "--format", "json"], b"");
        let page: Value = serde_json::from_str(&ran.out).unwrap();
        let text = |key: &str| page[key].as_str().unwrap().to_owned();
        assert_eq!((text("code"), ran.exit), (code.id().to_owned(), 0));
        assert_eq!(text("severity"), code.severity().word());
        assert_eq!(text("summary"), code.summary());
        assert!(text("page").contains("## Instead"), "{}", code.id());
    }
}

#[test]
fn what_is_no_code_is_a_wrong_command_line() {
    let dir = Dir::new("code-unknown");
    for (asked, said) in [
        (
            "P9999",
            "error: `P9999` is not the code of a diagnostic\n\
             help: codes stand in brackets before a finding, as in `error[P0203]`\n",
        ),
        (
            "p203",
            "error: `P203` is not the code of a diagnostic\nhelp: did you mean `P0203`?\n",
        ),
        (
            "P020\u{1b}[2J",
            "error: `P020\\x1b[2J` is not the code of a diagnostic\nhelp: did you mean `P0202`?\n",
        ),
    ] {
        let ran = dir.ran(&["explain", "--code", asked], b"");
        assert_eq!((&*ran.out, ran.exit), ("", 2), "{asked:?}");
        assert_eq!(ran.err, said);
    }
    // A code is written as it comes.
    let lower = dir.ran(&["explain", "--code", "p0203"], b"");
    assert_eq!(lower, dir.ran(&["explain", "--code", "P0203"], b""));
}
