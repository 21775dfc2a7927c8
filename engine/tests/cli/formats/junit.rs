//! `test --format junit` is well-formed XML that says what the tests came to,
//! whatever their names.

use super::policies::HOSTILE;
use crate::program::Dir;
use roxmltree::{Document, Node};

fn children<'d>(node: Node<'d, 'd>, tag: &str) -> Vec<Node<'d, 'd>> {
    let all = node.children().filter(Node::is_element);
    all.inspect(|child| assert_eq!(child.tag_name().name(), tag))
        .collect()
}

#[test]
fn results_are_suites_and_cases() {
    let dir = Dir::new("junit")
        .file(
            "a.policy",
            "deny tcp connect id a\ntest \"one\" { expect deny by a tcp connect }\n",
        )
        .file(
            "b.policy",
            "test \"two\" { expect allow tcp connect expect kill tcp connect }\n",
        );
    let ran = dir.ran(&["test", "--format=junit", "."], b"");
    assert_eq!((&*ran.err, ran.exit), ("", 1));
    let document = Document::parse(&ran.out).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    assert_eq!(
        (root.attribute("tests"), root.attribute("failures")),
        (Some("2"), Some("1"))
    );
    let suites = children(root, "testsuite");
    let names: Vec<_> = suites.iter().map(|suite| suite.attribute("name")).collect();
    assert_eq!(names, [Some("./a.policy"), Some("./b.policy")]);
    let good = children(suites[0], "testcase")[0];
    assert_eq!(
        (good.attribute("name"), good.attribute("line")),
        (Some("one"), Some("2"))
    );
    assert!(!good.has_children());
    let bad = children(children(suites[1], "testcase")[0], "failure")[0];
    assert_eq!(
        bad.attribute("message"),
        Some("expected `allow`, it is `deny` by `a`")
    );
    assert_eq!(bad.text().unwrap().trim().lines().count(), 2);
}

#[test]
fn hostile_text_is_text() {
    // A test's name, an exe and a file's name can hold every character that XML cannot.
    let name = HOSTILE.replace('"', "\\\"").replace('\u{1b}', "\\x1b");
    let name = name.replace(['\u{202e}', '\u{85}'], "\\x00\\x0d\\x7f");
    let text = format!("test \"{name}\" {{ expect deny tcp connect as exe = \"/a<&]]>\" }}\n");
    let dir = Dir::new("junit-hostile").file("a<&\">.policy", text);
    // Such a file's rules have no ids, so it has none.
    let ran = dir.ran(
        &["test", "--format=junit", "-"],
        std::fs::read(dir.path().join("a<&\">.policy")).unwrap(),
    );
    assert_eq!((&*ran.err, ran.exit), ("", 1));
    let document = Document::parse(&ran.out).unwrap();
    let case = document
        .descendants()
        .find(|node| node.has_tag_name("testcase"))
        .unwrap();
    let name = case.attribute("name").unwrap();
    assert!(
        name.starts_with("%25:,\\x1b[2J\"'<&>]]>\\x00\\x0d\\x7fé日"),
        "{name}"
    );
    let failure = document
        .descendants()
        .find(|node| node.has_tag_name("failure"))
        .unwrap();
    assert!(failure.text().unwrap().contains("]]>"));
}

#[test]
fn no_tests_are_an_empty_report() {
    let ran = Dir::new("junit-none").ran(&["test", "--format=junit", "-"], b"");
    assert_eq!(ran.exit, 0);
    let document = Document::parse(&ran.out).unwrap();
    assert_eq!(document.root_element().attribute("tests"), Some("0"));
}
