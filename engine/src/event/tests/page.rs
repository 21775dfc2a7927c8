//! The examples of `docs/events.md`: the lines that a record becomes, broken up.
//! `UPDATE_EXPECT=1` rewrites them.

use super::*;
use crate::event::Shape;

/// Longest object or list that stands on one line.
const INLINE: usize = 100;

/// The parts of a text between the commas, or the first colon, that stand in no
/// object, list or string of it.
fn parts(text: &str, mark: char) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let inside = |one: char| {
        match one {
            '"' if !escaped => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth -= 1,
            _ => {}
        }
        escaped = quoted && !escaped && one == '\\';
        one == mark && depth == 0 && !quoted
    };
    text.split(inside).collect()
}

/// A value with the members of what is long one below the other, in their order.
fn broken_up(value: &str, indent: usize) -> String {
    let (first, last) = match value.chars().next() {
        Some('{') => ('{', '}'),
        Some('[') => ('[', ']'),
        _ => return value.to_owned(),
    };
    let inner = value.strip_prefix(first).unwrap();
    let inner = inner.strip_suffix(last).unwrap();
    let long = value.len() > INLINE;
    let members = parts(inner, ',').into_iter().map(|member| {
        let (name, value) = match parts(member, ':')[..] {
            [name, value] if !name.is_empty() => (format!("{name}: "), value),
            _ => (String::new(), member),
        };
        let start = if long {
            "  ".repeat(indent + 1)
        } else {
            String::new()
        };
        format!("{start}{name}{}", broken_up(value, indent + 1))
    });
    let members: Vec<String> = members.collect();
    if long {
        format!(
            "{first}\n{}\n{}{last}",
            members.join(",\n"),
            "  ".repeat(indent)
        )
    } else {
        format!("{first}{}{last}", members.join(", "))
    }
}

fn example(shape: Shape) -> String {
    let mut record = unix(Hook::UnixStreamConnect);
    typed(&mut record, b"\x01\0/var/run/docker.sock\0");
    let mut table = Table::new(&["docker-socket"]);
    table.rules[0].1.truncate(1);
    let event = decode(record.as_bytes()).unwrap();
    let processes = record.processes();
    let renderer = Renderer::new(&table, &Mounts, &processes, BOOT_EPOCH);
    let line = renderer.shaped(shape).line(&event).unwrap();
    let shown = broken_up(&line, 0);
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(read(&shown), read(&line));
    shown
}

#[test]
fn the_page_shows_both_shapes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/events.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut blocks = page.split("```json\n");
    let mut wanted = vec![blocks.next().unwrap().to_owned()];
    for shape in [Shape::Tracee, Shape::TraceeLegacy] {
        let (_, after) = blocks.next().unwrap().split_once("```\n").unwrap();
        wanted.push(format!("{}\n```\n{after}", example(shape)));
    }
    assert_eq!(blocks.next(), None);
    expect_test::expect_file![path].assert_eq(&wanted.join("```json\n"));
}
