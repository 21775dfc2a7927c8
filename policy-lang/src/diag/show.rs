//! Text from elsewhere, made safe for a terminal.

use std::fmt::Write as _;

/// `text` with everything that could drive a terminal or hide text escaped.
#[must_use]
pub fn show(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        push(&mut out, c);
    }
    out
}

/// Bytes, as text where they are UTF-8, else as `\xNN`.
#[must_use]
pub fn show_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push(&mut out, c);
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            write!(out, "\\x{byte:02x}").ok();
        }
    }
    out
}

fn push(out: &mut String, c: char) {
    if c.is_control() && c.is_ascii() {
        write!(out, "\\x{:02x}", u32::from(c)).ok();
    } else if c.is_control() || hides(c) || unseen(c) {
        write!(out, "\\u{{{:x}}}", u32::from(c)).ok();
    } else {
        out.push(c);
    }
}

/// Characters that hide or reorder text (notes 57).
#[must_use]
pub(crate) const fn hides(c: char) -> bool {
    matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// More characters that a reader does not see, or that end a line somewhere. The
/// language takes them; what is shown is escaped.
const fn unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{2028}' | '\u{2029}' | '\u{2061}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drives_a_terminal() {
        assert_eq!(show("a\x1b[2J\u{202e}é"), "a\\x1b[2J\\u{202e}é");
        assert_eq!(show_bytes(b"a\xff\n"), "a\\xff\\x0a");
        assert_eq!(
            show("\u{61c}\u{9b}\u{2028}\u{e0041}"),
            "\\u{61c}\\u{9b}\\u{2028}\\u{e0041}"
        );
    }
}
