//! The grammar that the program parses by, written for people: rules over
//! letters (`policy-lang/src/grammar.pest`) become rules over words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Rules for what is not in the language: recovery, and what is parsed alone.
const LEFT_OUT: &[&str] = &[
    "stray",
    "unfinished",
    "stray_expectation",
    "stray_token",
    "stray_brace",
    "one",
    "one_clause",
    "one_target",
    "one_expectation",
    "request",
];
/// Letters of the lexer that are no keyword's.
const LETTERS: &[(&str, &str)] = &[("!", "!="), ("1", "<="), ("2", ">=")];
/// Classes of words, which are ranges of letters.
const CLASSES: &[&str] = &["word", "name", "list_name", "object_name", "subject_name"];

/// One rule a paragraph, in the order of the grammar; keywords stand where they are used.
pub(crate) fn ebnf(pest: &str) -> String {
    let rules = rules(pest);
    let mut keywords: BTreeMap<&str, String> = BTreeMap::new();
    let mut letters: BTreeMap<char, &str> = BTreeMap::new();
    for (name, body) in &rules {
        if let Some(literal) = literal(body) {
            let word = name.strip_prefix("kw_").unwrap_or(name);
            let letter = literal.chars().next().filter(char::is_ascii_alphabetic);
            if let Some(letter) = letter {
                letters.insert(letter, word);
                keywords.insert(name, format!("\"{word}\""));
            } else {
                let terminal = match literal {
                    "\\\"" => "STRING".to_owned(),
                    "@" => "AT_STRING".to_owned(),
                    mark => format!("\"{mark}\""),
                };
                keywords.insert(name, terminal);
            }
        }
    }
    keywords.insert("close", "\"}\"".to_owned());
    let mut out = String::new();
    for (name, body) in &rules {
        if CLASSES.contains(&name.as_str()) {
            let but = excluded(body, &letters);
            let said = if but.is_empty() {
                String::new()
            } else {
                format!(" but {}", but.join(" "))
            };
            writeln!(out, "{name:14} = WORD{said}").unwrap();
        } else if !keywords.contains_key(name.as_str()) && !LEFT_OUT.contains(&name.as_str()) {
            writeln!(out, "{name:14} = {}", expression(body, &keywords)).unwrap();
        }
    }
    out
}

/// Names and bodies, in order, without comments.
fn rules(pest: &str) -> Vec<(String, String)> {
    let code: String = pest
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, " "])
        .collect();
    let mut all = Vec::new();
    let mut rest = code.as_str();
    while let Some((name, after)) = rest.split_once('=') {
        let open = after.find('{').unwrap();
        let end = close(after, open);
        all.push((
            name.trim().to_owned(),
            after.get(open + 1..end).unwrap().trim().to_owned(),
        ));
        rest = after.get(end + 1..).unwrap();
    }
    all
}

/// Where the brace that opens at `open` closes; braces in quotes are text.
fn close(text: &str, open: usize) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices().skip(open) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// The text of a body that is one literal.
fn literal(body: &str) -> Option<&str> {
    let inner = body.strip_prefix('"')?.strip_suffix('"')?;
    (inner.len() == 1 || inner.starts_with('\\')).then_some(inner)
}

/// Keywords whose letters are in none of a class's ranges.
fn excluded<'w>(body: &str, letters: &BTreeMap<char, &'w str>) -> Vec<&'w str> {
    let ranges: Vec<(char, char)> = body
        .split('|')
        .map(|part| {
            let mut ends = part.chars().filter(char::is_ascii_alphabetic);
            let first = ends.next().unwrap();
            (first, ends.next().unwrap_or(first))
        })
        .collect();
    let within = |letter: char| ranges.iter().any(|(a, z)| (*a..=*z).contains(&letter));
    letters
        .iter()
        .filter(|(letter, _)| !within(**letter))
        .map(|(_, word)| *word)
        .collect()
}

/// A body without what only spares the parser a look: which letters a statement
/// can begin with, and recovery that is tried before it.
fn unguarded(body: &str) -> String {
    let mut body = body.to_owned();
    while let Some((before, guard)) = body.split_once("&'") {
        let after = guard.split_once(" ~ ").map_or("", |(_, after)| after);
        body = format!("{before}{after}");
    }
    for name in LEFT_OUT {
        body = body.replace(&format!("({name} | "), "(");
    }
    body
}

/// A body with its letters as words, without what recovers from mistakes.
fn expression(body: &str, keywords: &BTreeMap<&str, String>) -> String {
    let mut words: Vec<String> = Vec::new();
    let body = &unguarded(body);
    for token in tokens(body) {
        let said = match token.as_str() {
            "~" | "SOI" => continue,
            "EOI" => {
                // `"}" | EOI`: the lexer tells about a brace that is never closed.
                if words.last().is_some_and(|last| last == "|") {
                    words.pop();
                }
                continue;
            }
            token if LEFT_OUT.contains(&token) => {
                assert_eq!(words.pop().as_deref(), Some("|"), "{body}");
                continue;
            }
            token => keywords
                .get(token)
                .cloned()
                .unwrap_or_else(|| terminal(token)),
        };
        words.push(said);
    }
    // A group of one, where what was left out stood beside it.
    let alone = |three: &[String]| matches!(three, [a, _, z] if a == "(" && z == ")");
    while let Some(at) = words.windows(3).position(alone) {
        words.remove(at + 2);
        words.remove(at);
    }
    let mut out = words.join(" ");
    for (from, to) in [
        ("( ", "("),
        (" )", ")"),
        (" *", "*"),
        (" +", "+"),
        (" ?", "?"),
    ] {
        out = out.replace(from, to);
    }
    // An operator that is not there.
    out.replace(" | ! operator)", ")?")
        .replace("! ", "!")
        .trim()
        .to_owned()
}

/// A quoted letter as what it stands for; a name as itself.
fn terminal(token: &str) -> String {
    let Some(letter) = literal(token) else {
        return token.to_owned();
    };
    let word = LETTERS.iter().find(|(known, _)| *known == letter);
    format!("\"{}\"", word.map_or(letter, |(_, word)| word))
}

/// Names, quoted letters and marks.
fn tokens(body: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut quoted = false;
    let mut fresh = true;
    for c in body.chars() {
        if quoted || c == '"' {
            let ends = quoted && c == '"';
            match all.last_mut().filter(|_| quoted) {
                Some(last) => last.push(c),
                None => all.push(c.to_string()),
            }
            quoted = !ends;
            fresh = true;
        } else if c.is_ascii_alphanumeric() || c == '_' {
            match all.last_mut().filter(|_| !fresh) {
                Some(last) => last.push(c),
                None => all.push(c.to_string()),
            }
            fresh = false;
        } else {
            if !c.is_whitespace() {
                all.push(c.to_string());
            }
            fresh = true;
        }
    }
    all
}
