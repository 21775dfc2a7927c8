//! Source files, and places in them.

use std::sync::{Arc, OnceLock};

/// A file's number within its [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u32);

impl SourceId {
    /// Its index within [`Sources`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A range of bytes in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset past the last byte.
    pub end: u32,
}

impl Span {
    /// From the start of `self` to the end of `other`, which is in the same file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            end: other.end.max(self.end),
            ..self
        }
    }
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character within it.
    pub column: u32,
}

/// One file of a policy.
#[derive(Debug)]
pub struct SourceFile {
    id: SourceId,
    name: String,
    text: Arc<str>,
    length: usize,
    invalid_at: Option<u32>,
    lines: OnceLock<Vec<u32>>,
}

impl SourceFile {
    fn new(id: SourceId, name: String, bytes: Vec<u8>) -> Self {
        let length = bytes.len();
        let (text, invalid_at) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let mut bytes = error.into_bytes();
                bytes.truncate(valid);
                (
                    String::from_utf8(bytes).unwrap_or_default(),
                    Some(u32::try_from(valid).unwrap_or(u32::MAX)),
                )
            }
        };
        Self {
            id,
            name,
            text: text.into(),
            length,
            invalid_at,
            lines: OnceLock::new(),
        }
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> SourceId {
        self.id
    }

    /// The name it was given under: a path, or anything for text without a file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The last component of the name, less `.policy`.
    #[must_use]
    pub fn stem(&self) -> &str {
        let base = self.name.rsplit('/').next().unwrap_or(&self.name);
        base.strip_suffix(".policy").unwrap_or(base)
    }

    /// The text, up to the first byte that is not UTF-8.
    #[must_use]
    pub const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Its length in bytes, whatever they are.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Offset of the first byte that is not UTF-8.
    #[must_use]
    pub const fn invalid_at(&self) -> Option<u32> {
        self.invalid_at
    }

    /// The text of a span of this file.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }

    /// Offsets at which lines start.
    fn lines(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            // A line of a policy is rarely shorter than this.
            let mut starts = Vec::with_capacity(self.text.len() / 32);
            starts.push(0);
            let breaks = self.text.match_indices('\n');
            starts.extend(breaks.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)));
            starts
        })
    }

    /// The line of an offset, counted from 1.
    #[must_use]
    pub fn line(&self, offset: u32) -> u32 {
        let line = self.lines().partition_point(|start| *start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// Line and column of an offset.
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        let line = self.line(offset);
        let start = self.line_start(line);
        let before = self.text.get(start as usize..offset as usize);
        let column = before.map_or(0, |text| text.chars().count()) + 1;
        Position {
            line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// Offset at which a line starts.
    #[must_use]
    pub fn line_start(&self, line: u32) -> u32 {
        let index = (line as usize).saturating_sub(1);
        self.lines().get(index).copied().unwrap_or(0)
    }

    /// A line's text, without its end.
    #[must_use]
    pub fn line_text(&self, line: u32) -> &str {
        let start = self.line_start(line) as usize;
        let rest = self.text.get(start..).unwrap_or("");
        let text = rest.split('\n').next().unwrap_or("");
        text.strip_suffix('\r').unwrap_or(text)
    }
}

/// The files of a policy. Their order never changes a verdict.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// No files yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A policy of one file.
    #[must_use]
    pub fn single(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let mut sources = Self::new();
        sources.add(name, bytes);
        sources
    }

    /// Adds a file.
    pub fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> SourceId {
        let id = SourceId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files
            .push(SourceFile::new(id, name.into(), bytes.into()));
        id
    }

    /// The files, in the order in which they were added.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// One file.
    #[must_use]
    pub fn file(&self, id: SourceId) -> Option<&SourceFile> {
        self.files.get(id.index())
    }

    /// The text of a span.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.file(span.source).map_or("", |file| file.slice(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let sources = Sources::single("a/b.policy", "é=1\r\nxy\n");
        let file = &sources.files()[0];
        assert_eq!(file.stem(), "b");
        assert_eq!(file.position(0), Position { line: 1, column: 1 });
        assert_eq!(file.position(2), Position { line: 1, column: 2 });
        assert_eq!(file.position(7), Position { line: 2, column: 2 });
        assert_eq!(file.line_text(1), "é=1");
        assert_eq!(file.line_text(2), "xy");
        assert_eq!(file.position(9), Position { line: 3, column: 1 });
    }

    #[test]
    fn text_ends_before_what_is_not_utf8() {
        let sources = Sources::single("x", b"ab\xffcd".to_vec());
        let file = &sources.files()[0];
        assert_eq!(&**file.text(), "ab");
        assert_eq!((file.invalid_at(), file.length()), (Some(2), 5));
    }
}
