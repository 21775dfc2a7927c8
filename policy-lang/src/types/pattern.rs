//! Patterns over paths and names (notes 4 to 6, 18 to 20, 38 to 49).
//!
//! One layer of escapes, quoted or bare: `\xNN` is that byte, `\c` is c, both
//! literal.

use super::Fault;
use super::text::{bad_hex, hex};
use crate::diag::{Code, show, show_bytes};

/// Whether `/` parts components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Syntax {
    /// It does: `*`, `?` and `[…]` never match it.
    Path,
    /// It is a byte like others.
    Text,
}

/// One step of a pattern with wildcards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// This byte.
    Byte(u8),
    /// `?`: any byte (of a component).
    One,
    /// `[…]`: a byte in, or not in, these ranges.
    Class {
        /// Whether it is `[!…]`.
        negated: bool,
        /// Inclusive ranges.
        ranges: Vec<(u8, u8)>,
    },
    /// `*`: any run of bytes (of a component), empty included.
    Run,
    /// `**`: any run of bytes, `/` included.
    Deep,
    /// `**/` after a `/`: nothing, or whatever ends in `/`.
    Directories,
}

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// These bytes and nothing else.
    Literal(Box<[u8]>),
    /// With wildcards.
    Glob(Syntax, Box<[Piece]>),
}

impl Pattern {
    /// Whether bytes match: a set of places in the pattern, moved on a byte at a time.
    #[must_use]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        let (syntax, pieces) = match self {
            Self::Literal(literal) => return **literal == *bytes,
            Self::Glob(syntax, pieces) => (*syntax, pieces),
        };
        let mut places = vec![false; pieces.len() + 1];
        enter(&mut places, pieces, 0);
        for byte in bytes {
            let mut next = vec![false; pieces.len() + 1];
            for (place, piece) in pieces.iter().enumerate() {
                if !places.get(place).copied().unwrap_or(false) {
                    continue;
                }
                let component = syntax == Syntax::Text || *byte != b'/';
                match piece {
                    Piece::Byte(wanted) if wanted == byte => enter(&mut next, pieces, place + 1),
                    Piece::One if component => enter(&mut next, pieces, place + 1),
                    Piece::Class { negated, ranges } if component => {
                        let within = ranges.iter().any(|(a, z)| a <= byte && byte <= z);
                        if within != *negated {
                            enter(&mut next, pieces, place + 1);
                        }
                    }
                    Piece::Run if component => enter(&mut next, pieces, place),
                    Piece::Deep => enter(&mut next, pieces, place),
                    Piece::Directories => {
                        stay(&mut next, place);
                        if *byte == b'/' {
                            enter(&mut next, pieces, place + 1);
                        }
                    }
                    Piece::Byte(_) | Piece::One | Piece::Class { .. } | Piece::Run => {}
                }
            }
            places = next;
        }
        places.last().copied().unwrap_or(false)
    }

    /// The bytes, if there are no wildcards.
    #[must_use]
    pub fn literal(&self) -> Option<&[u8]> {
        match self {
            Self::Literal(bytes) => Some(bytes),
            Self::Glob(..) => None,
        }
    }

    /// The bytes before the first wildcard, all of them if there is none.
    #[must_use]
    pub fn start(&self) -> Vec<u8> {
        match self {
            Self::Literal(bytes) => bytes.to_vec(),
            Self::Glob(_, pieces) => pieces
                .iter()
                .map_while(|piece| match piece {
                    Piece::Byte(byte) => Some(*byte),
                    Piece::One
                    | Piece::Class { .. }
                    | Piece::Run
                    | Piece::Deep
                    | Piece::Directories => None,
                })
                .collect(),
        }
    }
}

/// Goes to a place, and on past what can match nothing.
fn enter(places: &mut [bool], pieces: &[Piece], mut place: usize) {
    loop {
        stay(places, place);
        match pieces.get(place) {
            Some(Piece::Run | Piece::Deep | Piece::Directories) => place += 1,
            _ => return,
        }
    }
}

fn stay(places: &mut [bool], place: usize) {
    if let Some(here) = places.get_mut(place) {
        *here = true;
    }
}

/// Reads a pattern. `inner` is the word, or what stands between its quotes.
///
/// # Errors
/// When an escape or a class is not well formed.
pub fn parse(inner: &str, syntax: Syntax) -> Result<Pattern, Fault> {
    if !inner
        .bytes()
        .any(|byte| matches!(byte, b'\\' | b'*' | b'?' | b'['))
    {
        return Ok(Pattern::Literal(inner.as_bytes().into()));
    }
    let mut pieces = Vec::new();
    let mut bytes = inner.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => pieces.push(Piece::Byte(escaped(&mut bytes)?)),
            b'?' => pieces.push(Piece::One),
            b'[' => pieces.push(class(&mut bytes)?),
            b'*' => {
                let mut stars = 1;
                while bytes.next_if_eq(&b'*').is_some() {
                    stars += 1;
                }
                if syntax == Syntax::Text || stars == 1 {
                    push_run(&mut pieces, Piece::Run);
                } else if whole_component(&pieces) && bytes.next_if_eq(&b'/').is_some() {
                    push_run(&mut pieces, Piece::Directories);
                } else {
                    push_run(&mut pieces, Piece::Deep);
                }
            }
            _ => pieces.push(Piece::Byte(byte)),
        }
    }
    Ok(match literal_bytes(&pieces) {
        Some(bytes) => Pattern::Literal(bytes.into()),
        None => Pattern::Glob(syntax, pieces.into()),
    })
}

/// The bytes of pieces that are nothing else.
fn literal_bytes(pieces: &[Piece]) -> Option<Vec<u8>> {
    let byte = |piece: &Piece| {
        if let Piece::Byte(byte) = piece {
            Some(*byte)
        } else {
            None
        }
    };
    pieces.iter().map(byte).collect()
}

/// The same run twice in a row says nothing more.
fn push_run(pieces: &mut Vec<Piece>, piece: Piece) {
    if pieces.last() != Some(&piece) {
        pieces.push(piece);
    }
}

/// Whether what comes next starts a component past the first slash.
fn whole_component(pieces: &[Piece]) -> bool {
    matches!(pieces.last(), Some(Piece::Byte(b'/') | Piece::Directories))
}

/// The byte after a backslash.
fn escaped(bytes: &mut impl Iterator<Item = u8>) -> Result<u8, Fault> {
    match bytes.next() {
        Some(b'x') => hex(bytes).ok_or_else(bad_hex),
        Some(byte) => Ok(byte),
        None => Err(Fault::new(
            Code::BadEscape,
            "a backslash stands at the end of a pattern",
        )
        .help("to have white space or punctuation in it, write the whole pattern in quotes")),
    }
}

/// A class, past its `[`.
fn class(bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>) -> Result<Piece, Fault> {
    let unclosed = || {
        Fault::new(Code::BadPattern, "a `[` is not closed")
            .help("write `\\[` for the character itself")
    };
    let negated = bytes.next_if(|byte| matches!(byte, b'!' | b'^')).is_some();
    let mut ranges = Vec::new();
    loop {
        let first = match bytes.next().ok_or_else(unclosed)? {
            b']' if !ranges.is_empty() => break,
            b'\\' => escaped(bytes)?,
            byte => byte,
        };
        let mut last = first;
        if bytes.peek() == Some(&b'-') {
            bytes.next();
            match bytes.peek().ok_or_else(unclosed)? {
                // `-` last is itself.
                b']' => {
                    ranges.extend([(first, first), (b'-', b'-')]);
                    bytes.next();
                    break;
                }
                b'\\' => {
                    bytes.next();
                    last = escaped(bytes)?;
                }
                byte => {
                    last = *byte;
                    bytes.next();
                }
            }
        }
        if first > last {
            let text = show_bytes(&[first, b'-', last]);
            return Err(Fault::new(
                Code::BadPattern,
                format!("`{text}` in a class ends before it starts"),
            )
            .help(format!("write `{}`", show_bytes(&[last, b'-', first]))));
        }
        ranges.push((first, last));
    }
    Ok(Piece::Class { negated, ranges })
}

/// What a path pattern stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathUse {
    /// A file or a socket: never the root.
    Object,
    /// A control group, whose root is `/`.
    Cgroup,
}

/// Reads a path pattern, and refuses one that no object can have (notes 49).
///
/// # Errors
/// As [`parse`]; when it does not begin with `/`; when a component is empty, `.` or `..`.
pub fn parse_path(inner: &str, path_use: PathUse) -> Result<Pattern, Fault> {
    if !inner.starts_with('/') {
        return Err(
            Fault::new(Code::WrongValue, format!("`{}` is not a path", show(inner)))
                .help("a path begins with `/`, as in `/usr/bin/curl`"),
        );
    }
    if inner == "/" && path_use == PathUse::Cgroup {
        return Ok(Pattern::Literal((*b"/").into()));
    }
    let pattern = parse(inner, Syntax::Path)?;
    let reason = match &pattern {
        Pattern::Literal(bytes) => bytes
            .split(|byte| *byte == b'/')
            .skip(1)
            .find_map(bad_component),
        Pattern::Glob(_, pieces) => pieces
            .split(|piece| *piece == Piece::Byte(b'/'))
            .enumerate()
            .skip(1)
            .find_map(|(index, part)| bad_pieces(pieces, index, part)),
    };
    match reason {
        None => Ok(pattern),
        Some(reason) => Err(Fault::new(
            Code::BadPath,
            format!("the path `{}` {reason}", show(inner)),
        )
        .help("no object has such a path")),
    }
}

fn bad_component(component: &[u8]) -> Option<&'static str> {
    match component {
        b"" => Some("ends in `/` or has an empty component"),
        b"." => Some("has a component `.`"),
        b".." => Some("has a component `..`"),
        _ => None,
    }
}

/// As [`bad_component`], for the pieces between two slashes. `Directories` ends in a slash of its own.
fn bad_pieces(pieces: &[Piece], index: usize, part: &[Piece]) -> Option<&'static str> {
    let own = part.rsplit(|piece| *piece == Piece::Directories).next()?;
    let parts = pieces
        .iter()
        .filter(|piece| **piece == Piece::Byte(b'/'))
        .count();
    let after_directories = own.len() < part.len();
    let last = index == parts;
    if own.is_empty() && after_directories && last {
        return bad_component(b"");
    }
    bad_component(&literal_bytes(own)?)
}

#[cfg(test)]
mod tests;
