//! `fmt`.

use crate::Dir;
use expect_test::expect;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

const MESSY: &str = "# who\nlet tools={/usr/bin/a,/usr/bin/b,} # these\n\n\n\ndeny unix connect on @\"odd name\" unless exe in tools\n";
const NEAT: &str = "# who\nlet tools = { /usr/bin/a, /usr/bin/b } # these\n\ndeny unix connect to \"@odd name\" unless exe in tools\n";

#[test]
fn files_are_formatted_in_place() {
    let dir = Dir::new("fmt-place")
        .file("d/messy.policy", MESSY)
        .file("d/neat.policy", NEAT)
        .file("d/notes.txt", MESSY);
    let messy = dir.path().join("d/messy.policy");
    let neat = dir.path().join("d/neat.policy");
    fs::set_permissions(&messy, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(&neat).unwrap();
    dir.check(
        &["fmt", "d"],
        "",
        &expect![[r#"
            -- stderr
            -- exit 0
        "#]],
    );
    assert_eq!(fs::read_to_string(&messy).unwrap(), NEAT);
    assert_eq!(
        fs::read_to_string(dir.path().join("d/notes.txt")).unwrap(),
        MESSY
    );
    assert_eq!(fs::metadata(&messy).unwrap().mode() & 0o7777, 0o640);
    // What is formatted is not written: nothing that watches it wakes up.
    let after = fs::metadata(&neat).unwrap();
    assert_eq!((before.ino(), before.mtime()), (after.ino(), after.mtime()));
    assert_eq!(fs::read_dir(dir.path().join("d")).unwrap().count(), 3);
}

#[test]
fn a_link_stays_one() {
    let dir = Dir::new("fmt-link").file("real.policy", MESSY);
    symlink("real.policy", dir.path().join("link.policy")).unwrap();
    assert_eq!(dir.run(&["fmt", "link.policy"], "").status.code(), Some(0));
    let link = fs::symlink_metadata(dir.path().join("link.policy")).unwrap();
    assert!(link.is_symlink());
    assert_eq!(
        fs::read_to_string(dir.path().join("real.policy")).unwrap(),
        NEAT
    );
}

#[test]
fn standard_input_goes_to_standard_output() {
    let dir = Dir::new("fmt-stdin");
    for text in [MESSY, NEAT] {
        let output = dir.run(&["fmt", "-"], text);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), NEAT);
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn check_shows_the_difference_and_writes_nothing() {
    let dir = Dir::new("fmt-check")
        .file("messy.policy", MESSY)
        .file("neat.policy", NEAT)
        .file("end.policy", "deny tcp connect");
    let output = dir.run(&["fmt", "--check", "."], "");
    assert_eq!(output.status.code(), Some(1));
    // Not `expect!`, which takes the space off an empty line of context.
    let expected = [
        "--- ./end.policy",
        "+++ ./end.policy (formatted)",
        "@@ -1,1 +1,1 @@",
        "-deny tcp connect",
        "\\ No newline at end of file",
        "+deny tcp connect",
        "--- ./messy.policy",
        "+++ ./messy.policy (formatted)",
        "@@ -1,6 +1,4 @@",
        " # who",
        "-let tools={/usr/bin/a,/usr/bin/b,} # these",
        "+let tools = { /usr/bin/a, /usr/bin/b } # these",
        " ",
        "-",
        "-",
        "-deny unix connect on @\"odd name\" unless exe in tools",
        "+deny unix connect to \"@odd name\" unless exe in tools",
        "",
    ];
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        expected.join("\n")
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("messy.policy")).unwrap(),
        MESSY
    );
    dir.check(
        &["fmt", "--check", "neat.policy"],
        "",
        &expect![[r#"
        -- stderr
        -- exit 0
    "#]],
    );
    assert_eq!(
        dir.run(&["fmt", "--check", "-"], MESSY).status.code(),
        Some(1)
    );
}

#[test]
fn a_broken_file_is_refused_and_the_others_are_formatted() {
    let broken = "deny tcp\nallow  tcp connect\n";
    let dir = Dir::new("fmt-broken")
        .file("broken.policy", broken)
        .file("messy.policy", MESSY)
        .file("wrong.policy", "deny  tpc connect\n");
    dir.check(
        &["fmt", "."],
        "",
        &expect![[r#"
            -- stderr
            error[P0101]: expected an operation, found `allow`
              --> ./broken.policy:1:6
               |
             1 | deny tcp
               |      ^^^ the sentence is not complete here
             2 | allow  tcp connect
               | ----- found this instead
               |
               = help: operations are `connect`, `bind`, `listen`, `accept`, `create`, `setsockopt` and `any`

            1 error
            -- exit 1
        "#]],
    );
    let text = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(text("broken.policy"), broken);
    assert_eq!(text("messy.policy"), NEAT);
    // What is wrong with it is no matter of form.
    assert_eq!(text("wrong.policy"), "deny tpc connect\n");
}

#[test]
fn what_cannot_be_written() {
    let dir = Dir::new("fmt-unwritable");
    dir.check(
        &["fmt", "nowhere.policy"],
        "",
        &expect![[r#"
        -- stderr
        error: cannot read `nowhere.policy`: No such file or directory (os error 2)
        -- exit 3
    "#]],
    );
    dir.check(
        &["fmt"],
        "",
        &expect![[r#"
        -- stderr
        error: the following required arguments were not provided:
          <PATH>...

        Usage: interdict fmt <PATH>...

        For more information, try '--help'.
        -- exit 2
    "#]],
    );
    let output = dir.run(&["fmt", "/dev/null"], "");
    assert_eq!(output.status.code(), Some(0), "there is nothing to write");
}
