//! Words that cannot be names (notes 54).

use super::{attribute, family, operation};

/// Words that start a statement.
pub const STATEMENTS: &[&str] = &[
    "deny", "kill", "allow", "record", "default", "for", "let", "extend", "mode", "language",
    "test", "audit", "enforce",
];
/// Words that start a clause.
pub const CLAUSES: &[&str] = &["if", "unless", "with", "id", "because", "severity", "tag"];
/// The other keywords.
pub const KEYWORDS: &[&str] = &[
    "to", "on", "port", "option", "as", "expect", "by", "recorded", "not", "and", "or", "in",
    "unnamed",
];
/// Words kept for later versions of the language.
pub const LATER: &[&str] = &[
    "include",
    "except",
    "until",
    "quiet",
    "host",
    "from",
    "log",
    "script",
    "ancestor",
    "container",
    "pod",
    "exec",
    "file",
    "interface",
];
/// The built-in address sets.
pub const BUILT_IN: &[&str] = &[
    "loopback",
    "private",
    "linklocal",
    "multicast",
    "unspecified",
    "public",
];

/// Whether a word cannot name a definition.
#[must_use]
pub fn cannot_be_defined(word: &str) -> bool {
    let lists = [STATEMENTS, CLAUSES, KEYWORDS, LATER, BUILT_IN];
    lists.iter().any(|list| list.contains(&word))
        || family::words().any(|known| known == word)
        || operation::Operation::from_word(word).is_some()
        || attribute::Attribute::from_word(word).is_some()
}

/// Whether a word cannot be an id.
#[must_use]
pub fn cannot_be_id(word: &str) -> bool {
    [STATEMENTS, CLAUSES, LATER]
        .iter()
        .any(|list| list.contains(&word))
}

/// Whether a word has the form of a name (notes 53); its length is another matter.
#[must_use]
pub fn is_name(word: &str) -> bool {
    let mut bytes = word.bytes();
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let later = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    bytes.next().is_some_and(first) && bytes.all(later)
}
