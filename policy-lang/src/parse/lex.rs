//! Text to tokens, one letter each: the alphabet of `grammar.pest`.
//!
//! Here is all that looks at bytes: white space, comments, characters that
//! have no place in a policy, strings that do not end, brackets that do not
//! match, and nesting too deep to parse safely.

use crate::diag::{Code, Diagnostic, show_bytes};
use crate::limits;
use crate::source::{SourceFile, Span};

/// Where a token stands in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The tokens of a file.
pub(crate) struct Lexed {
    /// One letter a token.
    pub(crate) letters: String,
    /// Their places.
    pub(crate) tokens: Vec<Token>,
    /// The comments.
    pub(crate) comments: Vec<Span>,
    /// What was wrong.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Whether the letters are safe to parse.
    pub(crate) parseable: bool,
}

/// How deep brackets and `not` may be nested before the grammar sees them: the
/// language's own bound, and a set and a test within it.
const RAW_DEPTH: usize = limits::NESTING + 2;
/// Findings of one kind in one file that are shown one by one.
const SHOWN: usize = 50;

struct Lexer<'a> {
    file: &'a SourceFile,
    bytes: &'a [u8],
    out: Lexed,
    open: Vec<Open>,
    /// How many of `open` are braces: to look would take a step each.
    braces: usize,
    nots: usize,
    depth: usize,
    /// Findings so far, by kind.
    found: Vec<(Code, usize)>,
}

struct Open {
    bracket: u8,
    span: Span,
    weight: usize,
}

/// Turns a file into tokens.
pub(crate) fn lex(file: &SourceFile) -> Lexed {
    let mut lexer = Lexer {
        file,
        bytes: file.text().as_bytes(),
        out: Lexed {
            letters: String::with_capacity(file.text().len() / 5),
            tokens: Vec::with_capacity(file.text().len() / 5),
            comments: Vec::new(),
            diagnostics: Vec::new(),
            parseable: true,
        },
        open: Vec::new(),
        braces: 0,
        nots: 0,
        depth: 0,
        found: Vec::new(),
    };
    lexer.check_characters();
    lexer.run();
    lexer.out
}

/// Bytes that are looked at together.
const BLOCK: usize = 32;

/// Whether a byte begins no character that is refused.
const fn plain(byte: u8) -> bool {
    (byte >= 0x20 && byte != 0x7f && byte != 0xc2 && byte != 0xe2 && byte != 0xef)
        || byte == b'\n'
        || byte == b'\t'
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span {
            source: self.file.id(),
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
        }
    }

    /// Reports the first [`SHOWN`] findings of a kind. The others are not even
    /// made: a file can have a million.
    fn report(&mut self, code: Code, make: impl FnOnce() -> Diagnostic) {
        let known = self.found.iter_mut().find(|(one, _)| *one == code);
        let count = if let Some((_, count)) = known {
            *count += 1;
            *count
        } else {
            self.found.push((code, 1));
            1
        };
        if count <= SHOWN {
            self.out.diagnostics.push(make());
        }
    }

    /// Characters that have no place in a policy, wherever they stand (notes 57, 102).
    fn check_characters(&mut self) {
        let mut at = 0;
        while at < self.bytes.len() {
            // Most text is plain: many bytes at once are looked at without a branch.
            let block = self.bytes.get(at..at + BLOCK).filter(|_| at % BLOCK == 0);
            if block.is_some_and(|block| block.iter().fold(true, |all, one| all & plain(*one))) {
                at += BLOCK;
                continue;
            }
            let byte = self.byte(at);
            if plain(byte) || (byte == b'\r' && self.byte(at + 1) == b'\n') {
                at += 1;
                continue;
            }
            if byte < 0x20 || byte == 0x7f {
                let span = self.span(at, at + 1);
                self.report(Code::ControlCharacter, || control_character(span, byte));
                at += 1;
                continue;
            }
            let rest = self.file.text().get(at..).unwrap_or("");
            let Some(c) = rest.chars().next() else { break };
            let span = self.span(at, at + c.len_utf8());
            if crate::diag::hides(c) {
                self.report(Code::HiddenCharacter, || {
                    let message = format!("`U+{:04X}` hides or reorders text", u32::from(c));
                    Diagnostic::new(Code::HiddenCharacter, span, message)
                        .help("remove it; in a pattern, write its bytes as `\\xNN`")
                });
            } else if c.is_control() {
                self.report(Code::ControlCharacter, || {
                    let message = format!("control character `U+{:04X}`", u32::from(c));
                    Diagnostic::new(Code::ControlCharacter, span, message)
                        .help("remove it; in a pattern, write its bytes as `\\xNN`")
                });
            }
            at += c.len_utf8();
        }
    }

    fn run(&mut self) {
        let mut at = 0;
        while at < self.bytes.len() {
            let byte = self.byte(at);
            at = match byte {
                b' ' | b'\t' | b'\n' | b'\r' => at + 1,
                b'#' => self.comment(at),
                b'"' => self.string(at, at, '"'),
                b'@' if self.byte(at + 1) == b'"' => self.string(at, at + 1, '@'),
                b'{' | b'(' => self.opened(at, byte),
                b'}' | b')' => self.closed(at, byte),
                b',' | b'=' | b'<' | b'>' | b'!' => self.operator(at, byte),
                _ if is_word(byte) => self.word(at),
                // A control character, reported already: white space from here on.
                _ => at + 1,
            };
        }
        for open in std::mem::take(&mut self.open) {
            self.unclosed(&open);
        }
    }

    fn push(&mut self, letter: char, start: usize, end: usize) -> usize {
        self.out.letters.push(letter);
        let span = self.span(start, end);
        self.out.tokens.push(Token {
            start: span.start,
            end: span.end,
        });
        end
    }

    fn comment(&mut self, start: usize) -> usize {
        let rest = self.bytes.get(start..).unwrap_or(&[]);
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len());
        let mut end = start + length;
        if self.byte(end.wrapping_sub(1)) == b'\r' {
            end -= 1;
        }
        let span = self.span(start, end);
        self.out.comments.push(span);
        start + length
    }

    fn string(&mut self, start: usize, quote: usize, letter: char) -> usize {
        self.nots = 0;
        let mut at = quote + 1;
        loop {
            match self.byte(at) {
                b'"' => return self.push(letter, start, at + 1),
                b'\\' if !matches!(self.byte(at + 1), 0 | b'\n') => at += 2,
                b'\n' => break,
                0 if at >= self.bytes.len() => break,
                _ => at += 1,
            }
        }
        let span = self.span(start, at);
        self.report(Code::UnclosedString, || {
            Diagnostic::new(
                Code::UnclosedString,
                span,
                "the string is not closed on its line",
            )
            .help("end it with `\"`; a quote character within is written `\\\"`")
        });
        self.push(letter, start, at)
    }

    fn opened(&mut self, at: usize, bracket: u8) -> usize {
        let weight = 1 + std::mem::take(&mut self.nots);
        self.depth += weight;
        self.braces += usize::from(bracket == b'{');
        let span = self.span(at, at + 1);
        self.too_deep(span);
        self.open.push(Open {
            bracket,
            span,
            weight,
        });
        self.push(char::from(bracket), at, at + 1)
    }

    fn too_deep(&mut self, span: Span) {
        if self.depth + self.nots > RAW_DEPTH && self.out.parseable {
            self.out.parseable = false;
            self.report(Code::TooDeep, || too_deep(span));
        }
    }

    fn closed(&mut self, at: usize, bracket: u8) -> usize {
        self.nots = 0;
        let span = self.span(at, at + 1);
        let opener = if bracket == b'}' { b'{' } else { b'(' };
        // A brace closes what was forgotten within it.
        let count = if opener == b'{' {
            self.braces
        } else {
            self.open.len() - self.braces
        };
        if count > 0 {
            while let Some(open) = self.open.pop() {
                self.depth -= open.weight;
                self.braces -= usize::from(open.bracket == b'{');
                if open.bracket == opener {
                    break;
                }
                self.unclosed(&open);
            }
        } else {
            let name = char::from(bracket);
            self.report(Code::Unbalanced, || {
                Diagnostic::new(Code::Unbalanced, span, format!("`{name}` closes nothing"))
                    .label(format!("no `{}` stands open here", char::from(opener)))
                    .help(format!(
                        "remove it, or write `{}` where it begins",
                        char::from(opener)
                    ))
            });
        }
        self.push(char::from(bracket), at, at + 1)
    }

    fn unclosed(&mut self, open: &Open) {
        let (opener, closer) = if open.bracket == b'{' {
            ('{', '}')
        } else {
            ('(', ')')
        };
        self.report(Code::Unbalanced, || {
            Diagnostic::new(
                Code::Unbalanced,
                open.span,
                format!("this `{opener}` is never closed"),
            )
            .help(format!("write `{closer}` where it ends"))
        });
    }

    fn operator(&mut self, at: usize, byte: u8) -> usize {
        self.nots = 0;
        let equals = self.byte(at + 1) == b'=';
        match (byte, equals) {
            (b'<', true) => self.push('1', at, at + 2),
            (b'>', true) => self.push('2', at, at + 2),
            (b'!', true) => self.push('!', at, at + 2),
            // A lone `!` is no operator.
            (b'!', false) => self.push('?', at, at + 1),
            _ => self.push(char::from(byte), at, at + 1),
        }
    }

    fn word(&mut self, start: usize) -> usize {
        let rest = self.bytes.get(start..).unwrap_or(&[]);
        let length = rest
            .iter()
            .position(|byte| !is_word(*byte))
            .unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or(&[]);
        let letter = keyword(text);
        if letter == 'c' {
            self.nots += 1;
            let span = self.span(start, start + length);
            self.too_deep(span);
        } else {
            self.nots = 0;
        }
        self.push(letter, start, start + length)
    }
}

fn control_character(span: Span, byte: u8) -> Diagnostic {
    let name = show_bytes(&[byte]);
    let help = if byte == b'\r' {
        "end lines with a line feed, or with carriage return and line feed"
    } else {
        "in a string or a pattern, write it as `\\xNN`"
    };
    Diagnostic::new(
        Code::ControlCharacter,
        span,
        format!("control character `{name}`"),
    )
    .help(help)
}

/// The finding for nesting past its bound.
pub(super) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::TooDeep,
        span,
        format!(
            "scopes, parentheses and `not` are nested more than {} deep",
            limits::NESTING
        ),
    )
    .help("name a part of the condition with `let`")
}

/// Whether a byte is one that makes up words.
fn is_word(byte: u8) -> bool {
    WORD.get(usize::from(byte)).is_some_and(|is| *is)
}

/// [`makes_word`] of each byte: most bytes are asked about, one by one.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated at compile time, up to 255"
)]
static WORD: [bool; 256] = {
    let mut all = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        all[byte] = makes_word(byte as u8);
        byte += 1;
    }
    all
};

/// Bytes that make up words (notes 37).
const fn makes_word(byte: u8) -> bool {
    !matches!(
        byte,
        0..=b' '
            | b'{'
            | b'}'
            | b'('
            | b')'
            | b','
            | b'='
            | b'!'
            | b'<'
            | b'>'
            | b'"'
            | b'#'
            | 0x7f
    )
}

/// A word's letter.
const fn keyword(word: &[u8]) -> char {
    match word {
        b"deny" => 'A',
        b"kill" => 'B',
        b"allow" => 'C',
        b"record" => 'D',
        b"default" => 'E',
        b"for" => 'F',
        b"let" => 'G',
        b"extend" => 'H',
        b"mode" => 'I',
        b"language" => 'J',
        b"test" => 'K',
        b"audit" => 'L',
        b"enforce" => 'M',
        b"if" => 'N',
        b"unless" => 'O',
        b"with" => 'P',
        b"id" => 'Q',
        b"because" => 'R',
        b"severity" => 'S',
        b"tag" => 'T',
        b"to" => 'U',
        b"on" => 'V',
        b"port" => 'W',
        b"option" => 'X',
        b"as" => 'Y',
        b"expect" => 'Z',
        b"by" => 'a',
        b"recorded" => 'b',
        b"not" => 'c',
        b"and" => 'd',
        b"or" => 'e',
        b"in" => 'f',
        _ => 'w',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    fn letters(text: &str) -> (String, Vec<&'static str>) {
        let sources = Sources::single("t.policy", text);
        let lexed = lex(&sources.files()[0]);
        let codes = lexed.diagnostics.iter().map(|one| one.code.id()).collect();
        (lexed.letters, codes)
    }

    #[test]
    fn notes_37_words_end_at_delimiters_alone() {
        assert_eq!(letters("exe=/a,uid=0").0, "w=w,w=w");
        assert_eq!(letters("for exe=/usr/bin/x{").0, "Fw=w{");
        assert_eq!(letters("/a#b\n/a(b)").0, "ww(w)");
        assert_eq!(letters("@a:b;c+%~^&$'|[]*?\\-.é").0, "w");
        assert_eq!(letters("a<=b>=c!=d<e>f @\"x y\"").0, "w1w2w!w<w>w@");
    }

    #[test]
    fn notes_102_white_space() {
        assert_eq!(letters("a\r\nb\tc d"), ("wwww".into(), vec![]));
        assert_eq!(letters("a\rb").1, ["P0002"]);
        assert_eq!(letters("a\u{0}b").1, ["P0002"]);
        assert_eq!(letters("a\u{7f}b").1, ["P0002"]);
        assert_eq!(letters("\u{feff}a").1, ["P0003"]);
        assert_eq!(letters("a\u{a0}b"), ("w".into(), vec![]));
    }

    #[test]
    fn notes_57_hidden_characters_are_refused_everywhere() {
        for c in [
            '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{200b}', '\u{200f}', '\u{2060}',
        ] {
            assert_eq!(letters(&format!("# {c}")).1, ["P0003"], "{c:?}");
            assert_eq!(letters(&format!("\"{c}\"")).1, ["P0003"], "{c:?}");
        }
        assert_eq!(letters("\"\u{85}\"").1, ["P0002"]);
        assert_eq!(letters("# \u{2014} \u{20ac}").1, Vec::<&str>::new());
    }

    #[test]
    fn brackets_and_strings_that_do_not_end() {
        assert_eq!(letters("{ a").1, ["P0005"]);
        assert_eq!(letters("a }").1, ["P0005"]);
        assert_eq!(letters("{ ( a }").1, ["P0005"]);
        assert_eq!(letters("\"abc\nd"), ("\"w".into(), vec!["P0004"]));
        assert_eq!(letters("\"a\\\"b\"").1, Vec::<&str>::new());
        assert_eq!(letters("\"a\\").1, ["P0004"]);
    }

    #[test]
    fn depth_is_bounded_before_the_grammar() {
        assert_eq!(letters(&"(".repeat(50_000)).1[0], "P0006");
        assert_eq!(letters(&"not ".repeat(50_000)).1, ["P0006"]);
        let mixed = "not (".repeat(40);
        assert_eq!(letters(&mixed).1[0], "P0006");
    }
}
