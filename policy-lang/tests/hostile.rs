//! Text that is meant to do harm: it is refused or accepted, soon, and nothing breaks.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured"
)]

use policy_lang::compile::{AnyHost, Enforcement};
use policy_lang::diag::{Style, render_all, to_json};
use policy_lang::source::Sources;
use policy_lang::{compile, limits, load};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What `check` may take for a file of any content, on a processor: two seconds as it
/// is released, twice that with debug assertions and less optimisation.
const MOST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 2 });

/// What this thread has run so far: what else the machine does is no fault of the text.
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let first = text.split_whitespace().next().unwrap();
    Duration::from_nanos(first.parse().unwrap())
}

/// All that `check` does, in each of its formats; gives the codes.
fn check(text: &[u8]) -> (Vec<&'static str>, Duration) {
    let start = on_processor();
    let sources = Sources::single("a.policy", text);
    let (policy, report) = load(&sources);
    let compiled =
        policy.map(|policy| compile(&policy, &AnyHost::default(), 1, Enforcement::AsWritten));
    drop(compiled);
    let screen = render_all(&report, &sources, Style::Plain);
    assert!(screen.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(to_json(&report, &sources).is_object());
    for file in sources.files() {
        policy_lang::fmt::format(file).ok();
    }
    let took = on_processor().saturating_sub(start);
    let codes = report.diagnostics().iter().map(|one| one.code.id());
    (codes.collect(), took)
}

/// One piece over and over, up to the largest file.
fn filled(piece: &str) -> String {
    piece.repeat(limits::FILE_BYTES / piece.len())
}

/// Numbered pieces, up to the largest file.
fn numbered(head: &str, piece: impl Fn(usize) -> String, tail: &str) -> String {
    let mut text = head.to_owned();
    for index in 0.. {
        let next = piece(index);
        if text.len() + next.len() + tail.len() > limits::FILE_BYTES {
            break;
        }
        text.push_str(&next);
    }
    text + tail
}

/// Definitions that use one another: `count` of them, each `body(i)`.
fn doubling(count: usize, body: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for index in 1..count {
        writeln!(text, "let a{index} = {}", body(index - 1)).unwrap();
    }
    text
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn shapes() -> Vec<(&'static str, String)> {
    let deep = "let a0 = uid = 0\n";
    vec![
        ("parentheses", "(".repeat(50_000)),
        (
            "parentheses of a condition",
            format!("deny tcp connect if {}", "(".repeat(50_000)),
        ),
        (
            "closed parentheses",
            format!(
                "deny tcp connect if {}uid = 0{}",
                "(".repeat(50_000),
                ")".repeat(50_000)
            ),
        ),
        ("a line of one word", "a".repeat(limits::FILE_BYTES)),
        (
            "a line of one path",
            format!(
                "deny unix connect to /{}",
                "a".repeat(limits::FILE_BYTES - 30)
            ),
        ),
        (
            "a line of stars",
            format!(
                "deny unix connect to /{}",
                "*a".repeat(limits::FILE_BYTES / 2 - 30)
            ),
        ),
        ("open braces", filled("{")),
        ("closed braces", filled("}")),
        (
            "nested braces",
            format!(
                "{}{}",
                "{".repeat(limits::FILE_BYTES / 2),
                "}".repeat(limits::FILE_BYTES / 2)
            ),
        ),
        ("pairs of braces", filled("{}")),
        ("crossed brackets", filled("{(}")),
        (
            "open and crossed",
            format!(
                "{}{}",
                "{".repeat(300_000),
                filled("(}").get(..600_000).unwrap()
            ),
        ),
        (
            "many open, one sort closed",
            format!("{}{}", "(".repeat(500_000), "}".repeat(500_000)),
        ),
        ("quotes", filled("\"")),
        ("quotes on lines", filled("\"\n")),
        ("at and quotes", filled("@\"")),
        ("one-letter words", filled("a ")),
        ("equal signs", filled("=")),
        ("operators and words", filled("= a ")),
        ("commas", filled(",")),
        ("numbers", filled("1 ")),
        ("new lines", filled("\n")),
        ("carriage returns", filled("\r")),
        ("empty comments", filled("#\n")),
        (
            "one comment",
            format!("#{}", "é".repeat(limits::FILE_BYTES / 2 - 1)),
        ),
        ("silencing comments", filled("# allow P0506: x\n")),
        (
            "silencing comments in one run with rules",
            numbered(
                "",
                |_| "# allow P0506: x\ndeny tcp connect unless comm = x\n".to_owned(),
                "",
            ),
        ),
        ("malformed silencing comments", filled("# allow P0506\n")),
        ("a broken rule each word", filled("deny ")),
        ("prefixes", filled("audit ")),
        ("a broken rule each line", filled("deny tcp\n")),
        (
            "unknown words everywhere",
            filled("deny tpc conect if uuid = x\n"),
        ),
        (
            "unknown names",
            numbered(
                "",
                |index| format!("deny tcp connect if nam{index} id r{index}\n"),
                "",
            ),
        ),
        (
            "unknown names near many",
            numbered(
                "",
                |index| {
                    if index % 2 == 0 {
                        format!("let abcdefgh{index} = uid = 0\n")
                    } else {
                        format!("deny tcp connect if abcdefgi{index}\n")
                    }
                },
                "",
            ),
        ),
        (
            "unknown ids",
            numbered(
                "deny tcp connect id a\ntest \"t\" {\n",
                |index| format!("expect deny by b{index} tcp connect\n"),
                "}",
            ),
        ),
        (
            "unknown ids near many",
            numbered(
                "",
                |index| {
                    if index % 2 == 0 {
                        format!("deny tcp connect id abcdefgh{index}\n")
                    } else {
                        format!("test \"t\" {{ expect deny by abcdefgi{index} tcp connect }}\n")
                    }
                },
                "",
            ),
        ),
        (
            "clauses",
            format!(
                "deny tcp connect {}",
                filled("tag \"x\" ").get(..1_000_000).unwrap()
            ),
        ),
        (
            "ids of one rule",
            format!(
                "deny tcp connect {}",
                filled("id x ").get(..1_000_000).unwrap()
            ),
        ),
        (
            "ifs of one rule",
            format!(
                "deny tcp connect {}",
                filled("if uid = 0 ").get(..1_000_000).unwrap()
            ),
        ),
        ("duplicate ids", filled("deny tcp connect id a\n")),
        (
            "rules",
            numbered("", |_| "deny tcp connect\n".to_owned(), ""),
        ),
        (
            "clauses of one kind before those of another",
            format!(
                "deny tcp connect{}{}",
                " id a".repeat(100_000),
                " tag \"t\"".repeat(60_000)
            ),
        ),
        (
            "rules for everything",
            filled("deny any any unless uid = 0\n"),
        ),
        ("scopes one after the other", filled("for uid = 0 { } ")),
        ("scopes within each other", filled("for uid = 0 { ")),
        (
            "rules in the deepest scope",
            numbered(
                &"for uid = 0 { ".repeat(60),
                |_| "deny tcp connect\n".to_owned(),
                &"}".repeat(60),
            ),
        ),
        (
            "not",
            format!("deny tcp connect if {}uid = 0", "not ".repeat(250_000)),
        ),
        (
            "and",
            numbered(
                "deny tcp connect if uid = 0",
                |_| " and uid = 0".to_owned(),
                "",
            ),
        ),
        (
            "or",
            numbered(
                "deny tcp connect if uid = 0",
                |_| " or uid = 0".to_owned(),
                "",
            ),
        ),
        (
            "or of and",
            numbered(
                "deny tcp connect if uid = 0",
                |_| " and (uid = 0 or gid = 0)".to_owned(),
                "",
            ),
        ),
        (
            "a set of numbers",
            numbered(
                "deny tcp connect to port { 1",
                |index| format!(",{}", index % 65_536),
                "}",
            ),
        ),
        (
            "a set of addresses",
            numbered(
                "deny tcp connect to { 1.1.1.1",
                |index| format!(",10.{}.{}.{}", index >> 16, index >> 8 & 255, index & 255),
                "}",
            ),
        ),
        (
            "a set of words",
            numbered(
                "deny tcp connect if comm in { a",
                |index| format!(",w{index}"),
                "}",
            ),
        ),
        (
            "a set of globs",
            numbered(
                "deny tcp connect if exe in { /a",
                |index| format!(",/{index}*"),
                "}",
            ),
        ),
        (
            "a set of paths",
            numbered(
                "deny unix connect to { /a",
                |index| format!(",/{index}"),
                "}",
            ),
        ),
        (
            "a set of broken values",
            numbered(
                "deny tcp connect to { 1.1.1.1",
                |_| ",10.0.0.1/8".to_owned(),
                "}",
            ),
        ),
        (
            "families",
            numbered("deny { tcp", |_| ",tcp".to_owned(), "} connect"),
        ),
        (
            "unknown families",
            numbered("deny { tcp", |_| ",tpc".to_owned(), "} connect"),
        ),
        (
            "useless families",
            numbered(
                "deny { tcp",
                |_| ",packet".to_owned(),
                "} connect to port 80",
            ),
        ),
        (
            "operations",
            numbered("deny tcp { bind", |_| ",bind".to_owned(), "}"),
        ),
        (
            "definitions",
            numbered("", |index| format!("let a{index} = {{ {index} }}\n"), ""),
        ),
        ("definitions of one name", filled("let a = { 1 }\n")),
        (
            "a chain of names",
            numbered(
                "let a0 = { 1 }\n",
                |index| format!("let a{} = a{index}\n", index + 1),
                "",
            ),
        ),
        (
            "a chain of names backwards",
            numbered("", |index| format!("let a{index} = a{}\n", index + 1), ""),
        ),
        (
            "a cycle of names",
            numbered(
                "let a0 = a1\n",
                |index| format!("let a{} = a{}\n", index + 1, index + 2),
                "let z = a0\n",
            ),
        ),
        (
            "doubling conditions",
            format!(
                "{deep}{}deny tcp connect if a59",
                doubling(60, |former| format!("a{former} or a{former}"))
            ),
        ),
        (
            "doubling ands",
            format!(
                "{deep}{}deny tcp connect if a59",
                doubling(60, |former| format!(
                    "(a{former} or gid = 0) and (a{former} or uid = 1)"
                ))
            ),
        ),
        (
            "doubling sets",
            format!(
                "let a0 = {{ 1, 2 }}\n{}deny tcp connect to port a59",
                doubling(60, |former| format!("{{ a{former}, a{former} }}"))
            ),
        ),
        ("many doubling sets", {
            let sets = doubling(60, |former| {
                format!("{{ a{former}, a{former}, a{former} }}")
            });
            numbered(
                &format!("let a0 = {{ 1, 2 }}\n{sets}"),
                |index| format!("deny tcp connect to port a{}\n", 1 + index % 59),
                "",
            )
        }),
        (
            "extensions of one set",
            numbered(
                "let a = { 1 }\n",
                |index| format!("extend a = {index}\n"),
                "deny tcp connect if uid in a",
            ),
        ),
        ("one set in many rules", {
            let set = numbered("let a = { 1", |index| format!(", {index}"), "}\n");
            let set: String = set.chars().take(500_000).collect();
            let set = set.rsplit_once(',').unwrap().0.to_owned() + " }\n";
            numbered(&set, |_| "deny tcp connect if uid in a\n".to_owned(), "")
        }),
        ("one large condition in many rules", {
            let condition = format!("let c = uid = 0{}\n", " or uid = 0".repeat(1_000));
            numbered(&condition, |_| "deny tcp connect if c\n".to_owned(), "")
        }),
        (
            "expectations",
            numbered(
                "test \"t\" {\n",
                |_| "expect deny tcp connect to 10.0.0.1 port 80 as uid = 0\n".to_owned(),
                "}",
            ),
        ),
        (
            "facts",
            numbered(
                "test \"t\" { expect deny tcp connect as uid = 0",
                |_| ", group = a".to_owned(),
                "}",
            ),
        ),
        (
            "facts that repeat",
            numbered(
                "test \"t\" { expect deny tcp connect as uid = 0",
                |_| ", uid = 0".to_owned(),
                "}",
            ),
        ),
        (
            "broken expectations",
            numbered("test \"t\" {\n", |_| "expect x\n".to_owned(), "}"),
        ),
        ("hidden characters", filled("\u{202e}")),
        ("control characters", filled("\u{1}")),
        ("text past ASCII", filled("é ")),
        ("backslashes", filled("\\")),
        (
            "classes",
            format!("deny tcp connect if comm = [{}]", "a-z".repeat(1_000)),
        ),
        ("options", filled("deny tcp setsockopt on option A/B\n")),
        ("a line of errors", filled("deny tpc connect ")),
        ("half a million errors in one line", filled("x=")),
        ("default and nothing", filled("default ")),
        ("let and nothing", filled("let ")),
        ("let and equal", filled("let a = ")),
        ("for and nothing", filled("for ")),
        ("expect outside", filled("expect ")),
    ]
}

/// Any text of a mebibyte is answered in two seconds, whatever it is.
#[test]
fn check_answers_soon_whatever_the_text() {
    // For whoever looks into one: those whose names hold this.
    let only = std::env::var("INTERDICT_SHAPE").unwrap_or_default();
    let shapes = shapes();
    let (next, slow) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((name, text)) = shapes.get(next.fetch_add(1, Ordering::Relaxed)) {
            if !name.contains(&only) {
                continue;
            }
            assert!(text.len() <= limits::FILE_BYTES, "{name}: {}", text.len());
            let (codes, took) = check(text.as_bytes());
            println!(
                "{took:>12.3?} {:>8} {name}: {:?}",
                text.len(),
                codes.first()
            );
            if took > MOST {
                slow.lock().unwrap().push(format!("{name}: {took:?}"));
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let slow = slow.into_inner().unwrap();
    assert!(slow.is_empty(), "{slow:#?}");
}
