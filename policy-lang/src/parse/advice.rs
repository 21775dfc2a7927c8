//! What to write instead of text that no statement takes.

use super::build::Builder;
use crate::diag::suggest::{did_you_mean, nearest};
use crate::source::Span;
use crate::types::address::looks_like;
use crate::words::attribute::Attribute;

/// Words that start a statement, then those that start a clause or join something,
/// for "did you mean".
const STARTERS: &[&str] = &[
    "deny", "kill", "allow", "record", "default", "for", "let", "extend", "mode", "language",
    "test", "audit", "enforce", "if", "unless", "with", "id", "because", "severity", "tag", "to",
    "on", "port", "and", "or", "expect",
];

/// How many of [`STARTERS`] start a statement.
const STATEMENT_STARTERS: usize = 13;

/// Words of other languages, and those of this one that say the same.
const ELSEWHERE: &[(&str, &str)] = &[
    ("accept", "allow"),
    ("block", "deny"),
    ("but", "unless"),
    ("comment", "because"),
    ("define", "let"),
    ("drop", "deny"),
    ("except", "unless"),
    ("forbid", "deny"),
    ("from", "if"),
    ("import", "let"),
    ("log", "record"),
    ("pass", "allow"),
    ("permit", "allow"),
    ("reason", "because"),
    ("refuse", "deny"),
    ("reject", "deny"),
    ("return", "with"),
    ("set", "let"),
    ("var", "let"),
    ("when", "if"),
    ("where", "if"),
    ("without", "unless"),
];

pub(super) const STATEMENTS: &str = "a statement begins with `deny`, `kill`, `allow`, `record`, `default deny`, `for`, `let`, `extend`, `mode`, `language` or `test`";
pub(super) const CLAUSES: &str =
    "clauses are `if`, `unless`, `with`, `id`, `because`, `severity` and `tag`";
pub(super) const EXPECTATIONS: &str =
    "a test holds expectations: `expect deny tcp connect to 10.0.0.1 as uid = 1000`";

/// What to write instead, where a slip is common.
pub(super) fn slip(builder: &Builder<'_>, at: usize) -> Option<String> {
    let letters = builder.letters.as_bytes();
    let letter = |at: usize| letters.get(at).copied().unwrap_or(0);
    let text = builder.file.slice(builder.tokens_span(at, at + 1));
    let previous = letter(at.wrapping_sub(1));
    match letter(at) {
        b'=' if previous == b'=' => Some("equality is written with one `=`".to_owned()),
        b'=' => Some("a test is `attribute = value`, after `if` or `unless`".to_owned()),
        b'?' => Some("a condition is denied with `not`".to_owned()),
        b'W' => Some("`port` belongs to a target: write `to port …`".to_owned()),
        b'U' | b'V' => Some("the target comes before the clauses, and once".to_owned()),
        b'}' | b')' if previous == b'{' => Some("a list has at least one word".to_owned()),
        b',' if matches!(previous, b',' | b'{') => {
            Some("exactly one comma stands between two values".to_owned())
        }
        b',' => Some("several values stand in braces: `{ a, b }`".to_owned()),
        b'w' if matches!(text, "&&" | "||") => {
            Some("conditions are joined by `and` and `or`".to_owned())
        }
        b'w' if Attribute::from_word(text).is_some() => None,
        b'w' | b'a'..=b'f' => did_you_mean(text, STARTERS.iter().copied()),
        _ => None,
    }
}

/// Our word for one of another language's, or for one in capitals.
pub(super) fn from_elsewhere(builder: &Builder<'_>, at: usize) -> Option<String> {
    let text = builder.file.slice(builder.tokens_span(at, at + 1));
    let lower = text.to_ascii_lowercase();
    if let Some((_, ours)) = ELSEWHERE.iter().find(|(word, _)| *word == lower) {
        return Some(format!("did you mean `{ours}`?"));
    }
    (text != lower && STARTERS.contains(&lower.as_str()))
        .then(|| format!("words are written in lower case: `{lower}`"))
}

/// Whether a word that starts nothing stands at the start of a line and looks as
/// if a statement was to start with it.
pub(super) fn starts_statement(builder: &Builder<'_>, at: usize) -> bool {
    let span = builder.tokens_span(at, at + 1);
    let line_start = builder.file.line_start(builder.file.line(span.start));
    let before = builder.file.slice(Span {
        start: line_start,
        end: span.start,
        ..span
    });
    if builder.letters.as_bytes().get(at) != Some(&b'w') || !before.trim().is_empty() {
        return false;
    }
    let starters = || STARTERS.iter().copied().take(STATEMENT_STARTERS);
    let lower = builder.file.slice(span).to_ascii_lowercase();
    let ours = ELSEWHERE.iter().find(|(word, _)| *word == lower);
    if let Some((_, ours)) = ours {
        return starters().any(|word| word == *ours);
    }
    // Most words are nothing of the kind, and there may be very many.
    let ends = |word: &str| (word.chars().next(), word.chars().next_back());
    let (first, last) = ends(&lower);
    let like = starters().filter(|word| ends(word).0 == first || ends(word).1 == last);
    like.clone().any(|word| word == lower) || nearest(&lower, like).is_some()
}

/// What is likely meant by a value where a statement or a clause could begin.
pub(super) fn target_or_test(builder: &Builder<'_>, at: usize) -> Option<String> {
    let letter = builder.letters.as_bytes().get(at).copied().unwrap_or(0);
    let text = builder.file.slice(builder.tokens_span(at, at + 1));
    let help = match letter {
        b'@' | b'{' => "a target begins with `to` or `on`",
        b'w' if text.starts_with(['/', '@']) || looks_like(text) => {
            "a target begins with `to` or `on`"
        }
        b'w' if Attribute::from_word(text).is_some() => {
            "a test stands after `if` or `unless`, or is joined by `and` or `or`"
        }
        _ => return None,
    };
    Some(help.to_owned())
}

/// What could stand where it does not, by what the grammar expects there.
pub(super) fn advise(builder: &Builder<'_>, base: usize, expected: &[&str]) -> Option<String> {
    let help = match *expected.first()? {
        "a family" => {
            "families are `unix`, `tcp`, `udp`, `sctp`, `icmp`, `raw`, `ip`, other words of Linux's address families, and `any`"
        }
        "an operation" => {
            "operations are `connect`, `bind`, `listen`, `accept`, `create`, `setsockopt` and `any`"
        }
        "a condition" => "a condition is a test such as `uid = 0`, or a name that `let` defines",
        "a value or a condition" | "a value" if expected.contains(&"a condition") => {
            "a set is `{ a, b }`, a condition `uid = 0`"
        }
        "a value" => "after `=` stands one value, after `in` a set: `{ a, b }`, a range or a name",
        "a text in quotes" => "write it in quotes: `\"…\"`",
        "a target" | "`port`" => {
            "a target is an address, network or set, and `port` after it or alone; for `unix`, a path or an `@name`"
        }
        "`,`" => "values are separated by commas",
        "`=`" => match builder.letters.as_bytes().get(base) {
            Some(b'G' | b'H') => "a definition is `let NAME = { a, b }` or `let NAME = CONDITION`",
            _ => "what a test gives is `as attribute = value, …`",
        },
        "`and`" if expected.contains(&"`{`") => {
            "the rules of a scope stand in braces: `for CONDITION { … }`"
        }
        "`and`" => "join tests by `and` or `or`",
        "a name" => "names begin with a letter or `_`",
        _ => return None,
    };
    Some(help.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_come_first() {
        assert_eq!(STARTERS[STATEMENT_STARTERS - 1], "enforce");
        for (_, ours) in ELSEWHERE {
            assert!(STARTERS.contains(ours), "{ours}");
        }
    }
}
