//! The canonical form of a policy file.
//!
//! A file has one form, whoever wrote it: four spaces a level, lines of at most
//! [`WIDTH`] characters where words allow it, `to` before the object of a
//! connect and `on` elsewhere (in a list, `to` if `connect` is in it), a quoted
//! abstract name as `"@…"`. What fits on a line stands on one; else a rule has
//! its clauses on lines of their own, a condition its `or`s and `and`s, a set its
//! elements. Empty lines between statements, expectations and elements are kept,
//! at most one.
//!
//! Nothing is reordered, added or left out but white space and the comma after a
//! last element. [`format()`] holds the tokens and comments of its result against
//! those of the file before it gives it away, so a slip in the layout can make
//! no policy mean something else.

mod cursor;
mod doc;
mod layout;
mod parts;
pub(crate) mod reworded;

use crate::diag::{Code, Diagnostic};
use crate::parse::{Lexed, lex, parse};
use crate::source::{SourceFile, Sources};

pub use reworded::reworded;

/// Characters of a line, where words allow it.
pub const WIDTH: usize = 100;

/// Why a file has no canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not well formed, and this is why.
    Syntax(Vec<Diagnostic>),
    /// The layout lost or made up a word: a defect of this crate.
    Defect,
}

/// A file in canonical form, with a line feed at its end unless it is empty.
///
/// Names, types and values are not looked at: what `check` refuses for those can
/// be formatted.
///
/// # Errors
/// When the file has an error of syntax.
pub fn format(file: &SourceFile) -> Result<String, Refused> {
    let (tree, found) = parse(file);
    // What a file is called is no matter of its text.
    let found: Vec<Diagnostic> = found
        .into_iter()
        .filter(|one| one.code != Code::FileName)
        .collect();
    if !found.is_empty() {
        return Err(Refused::Syntax(found));
    }
    let lexed = lex(file);
    let text = doc::print(&layout::file(file, &tree, &lexed));
    let again = Sources::single("x", text.as_str());
    let same = again
        .files()
        .first()
        .is_some_and(|written| signature(written, &lex(written)) == signature(file, &lexed));
    if same { Ok(text) } else { Err(Refused::Defect) }
}

/// Tokens and comments, less what the canonical form may change.
fn signature(file: &SourceFile, lexed: &Lexed) -> (Vec<String>, Vec<String>) {
    let slice = |start: u32, end: u32| file.text().get(start as usize..end as usize).unwrap_or("");
    let words: Vec<&str> = lexed
        .tokens
        .iter()
        .map(|token| slice(token.start, token.end))
        .collect();
    let mut kept = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let next = words.get(index + 1).copied();
        let last_comma = *word == "," && matches!(next, None | Some("}" | "expect"));
        if last_comma {
            continue;
        }
        kept.push(match *word {
            "to" => "on".to_owned(),
            word => cursor::canonical(word).into_owned(),
        });
    }
    let comments = lexed.comments.iter();
    let comments = comments.map(|span| file.slice(*span).trim_end().to_owned());
    (kept, comments.collect())
}

#[cfg(test)]
mod tests;
