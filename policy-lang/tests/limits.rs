//! The bounds of the language (notes 119): exactly the bound is accepted, one more
//! is refused, and the error says which bound it was and how large it is.

use policy_lang::source::Sources;
use policy_lang::{limits, load};
use std::fmt::Write as _;

/// The first error's code and message; nothing for a policy that is accepted.
fn refused(files: &[String]) -> Option<(&'static str, String)> {
    let mut sources = Sources::new();
    for (index, text) in files.iter().enumerate() {
        sources.add(format!("f{index}.policy"), text.as_str());
    }
    let (policy, report) = load(&sources);
    let first = report.diagnostics().first();
    if policy.is_some() {
        return None;
    }
    first.map(|one| (one.code.id(), one.message.clone()))
}

/// Holds one text to a bound.
#[track_caller]
fn bound(limit: usize, code: &str, what: &str, text: impl Fn(usize) -> String) {
    bound_files(limit, code, what, |size| vec![text(size)]);
}

#[track_caller]
fn bound_files(limit: usize, code: &str, what: &str, files: impl Fn(usize) -> Vec<String>) {
    assert_eq!(refused(&files(limit)), None, "exactly {limit}");
    let found = refused(&files(limit + 1));
    let good = matches!(&found, Some((id, message)) if *id == code && message.contains(what) && message.contains(&limit.to_string()));
    assert!(good, "one past {limit}: {found:?}");
}

fn repeated(count: usize, piece: impl Fn(usize) -> String, between: &str) -> String {
    let all: Vec<String> = (0..count).map(piece).collect();
    all.join(between)
}

#[test]
fn sizes_of_files_and_policies() {
    bound(limits::FILE_BYTES, "P0401", "the file has", |size| {
        format!("#{}", "x".repeat(size - 1))
    });
    let full = format!("#{}", "x".repeat(limits::FILE_BYTES - 1));
    bound_files(limits::POLICY_BYTES, "P0401", "the policy has", |size| {
        let mut files = vec![full.clone(); size / limits::FILE_BYTES];
        files.push("\n".repeat(size % limits::FILE_BYTES));
        files
    });
    bound_files(limits::FILES, "P0401", "files", |count| {
        vec![String::new(); count]
    });
}

#[test]
fn numbers_of_rules_and_values() {
    bound(limits::RULES, "P0402", "rules and defaults", |count| {
        // Of two families, since one has no room for so many alternatives.
        let family = |index: usize| {
            if index.is_multiple_of(2) {
                "udp"
            } else {
                "unix"
            }
        };
        repeated(
            count,
            |index| format!("deny {} connect", family(index)),
            "\n",
        )
    });
    bound(limits::ADDRESSES, "P0405", "addresses", |count| {
        let address =
            |index: usize| format!("10.{}.{}.{}", index >> 16, index >> 8 & 255, index & 255);
        let all = repeated(count, address, ",");
        // The same ones again are the same ones.
        format!("let a = {{ {all} }}\ndeny tcp connect to a\ndeny tcp bind on {{ a, 10.0.0.0 }}")
    });
    bound(limits::PATHS, "P0405", "literal paths", |count| {
        let all = repeated(count, |index| format!("/{index}"), ",");
        format!("let a = {{ {all} }}\ndeny unix connect to a if exe in a")
    });
    bound(limits::GLOBS, "P0405", "patterns with wildcards", |count| {
        let all = repeated(count, |index| format!("/{index}*"), ",");
        format!("deny unix connect if exe in {{ {all} }}")
    });
}

#[test]
fn alternatives_and_tests() {
    let rules = |family: &str, count: usize| {
        let mut text = String::new();
        for start in (0..count).step_by(1_000) {
            let tests = repeated((count - start).min(1_000), |_| "uid = 0".to_owned(), " or ");
            writeln!(text, "deny {family} connect if {tests}").ok();
        }
        text
    };
    bound(limits::TERMS_PER_PAIR, "P0404", "`udp connect`", |count| {
        rules("udp", count)
    });
    bound(limits::TERMS, "P0404", "the policy", |count| {
        let families = ["udp", "unix", "sctp", "raw", "icmp"];
        let mut text = String::new();
        for (index, family) in families.iter().enumerate() {
            let rest = count.saturating_sub(index * limits::TERMS_PER_PAIR);
            text += &rules(family, rest.min(limits::TERMS_PER_PAIR));
        }
        text
    });
    bound(limits::TESTS_PER_RULE, "P0404", "tests", |count| {
        let tests = repeated(count, |_| "uid = 0".to_owned(), " and ");
        format!("deny udp connect if {tests}")
    });
}

#[test]
fn nesting() {
    let depth = |limit, text: fn(usize) -> String| {
        bound(limit, "P0006", "nested more than", text);
    };
    depth(limits::NESTING, |count| {
        format!(
            "{}deny udp connect{}",
            "for uid = 0 {".repeat(count),
            "}".repeat(count)
        )
    });
    depth(limits::NESTING, |count| {
        format!(
            "deny udp connect if {}uid = 0{}",
            "(".repeat(count),
            ")".repeat(count)
        )
    });
    depth(limits::NESTING, |count| {
        format!("deny udp connect if {}uid = 0", "not ".repeat(count))
    });
    depth(limits::NESTING, |count| {
        let (scopes, groups) = (count / 2, count - count / 2);
        format!(
            "{}deny udp connect if {}uid = 0{}{}",
            "for uid = 0 {".repeat(scopes),
            "(".repeat(groups),
            ")".repeat(groups),
            "}".repeat(scopes)
        )
    });
    // Names within names.
    depth(limits::NESTING, |count| {
        let mut text = "let a0 = uid = 0\n".to_owned();
        for index in 1..=(count - 1) / 2 {
            writeln!(text, "let a{index} = not a{}", index - 1).ok();
        }
        // Each `not` and each name is a level: one for the first name, two a step.
        let steps = (count - 1) / 2;
        let even = if count.is_multiple_of(2) { "not " } else { "" };
        text + &format!("deny udp connect if {even}a{steps}")
    });
}

#[test]
fn lengths() {
    bound(limits::NAME_BYTES, "P0403", "the name has", |length| {
        format!("let {} = {{ 1 }}", "a".repeat(length))
    });
    bound(limits::NAME_BYTES, "P0403", "the id has", |length| {
        format!("deny udp connect id {}", "a".repeat(length))
    });
    for keyword in ["because", "tag"] {
        bound(limits::TEXT_BYTES, "P0403", "the text has", |length| {
            format!("deny udp connect {keyword} \"{}\"", "a".repeat(length))
        });
    }
    bound(limits::TEXT_BYTES, "P0403", "the text has", |length| {
        format!("test \"{}\" {{ }}", "a".repeat(length))
    });
    for (before, after) in [
        ("to /", ""),
        ("to \"/", "\""),
        ("to @", ""),
        ("if exe = /", ""),
        ("if comm = a", ""),
        ("if unit in { a", " }"),
        ("if cgroup = /", ""),
        ("if user = a", ""),
    ] {
        bound(limits::PATTERN_BYTES, "P0403", "the value has", |length| {
            format!(
                "deny unix connect {before}{}{after}",
                "a".repeat(length - 1)
            )
        });
    }
}
