//! Bytes that a process chose, as text that drives no terminal and breaks no line.

use super::json::is_plain;

/// A text that can be shown, and what it was where that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// The text, with `\xNN` for what cannot be shown.
    pub(super) text: String,
    /// All its bytes in hexadecimal, when something was replaced.
    pub(super) hex: Option<String>,
}

/// Shows bytes of unknown origin.
pub(super) fn show(bytes: &[u8]) -> Shown {
    if is_plain(bytes)
        && let Ok(text) = str::from_utf8(bytes)
    {
        // Nearly always.
        return Shown {
            text: text.to_owned(),
            hex: None,
        };
    }
    let mut text = String::with_capacity(bytes.len());
    let mut replaced = false;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if drives(character) {
                let mut buffer = [0; 4];
                escape(&mut text, character.encode_utf8(&mut buffer).as_bytes());
                replaced = true;
            } else {
                text.push(character);
            }
        }
        escape(&mut text, chunk.invalid());
        replaced |= !chunk.invalid().is_empty();
    }
    let hex = replaced.then(|| hex(bytes));
    Shown { text, hex }
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        digits(&mut out, *byte);
    }
    out
}

fn escape(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        out.push_str("\\x");
        digits(out, *byte);
    }
}

fn digits(out: &mut String, byte: u8) {
    for nibble in [byte >> 4, byte & 15] {
        out.extend(char::from_digit(u32::from(nibble), 16));
    }
}

/// Whether a character does something instead of being seen: controls of both
/// sets, line and paragraph separators, and the bidirectional controls.
pub(super) const fn drives(character: char) -> bool {
    character.is_ascii_control()
        || matches!(character,
            '\u{80}'..='\u{9f}'
            | '\u{2028}' | '\u{2029}'
            | '\u{61c}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{Shown, drives, show};
    use proptest::prelude::*;

    fn check(bytes: &[u8], text: &str, hex: Option<&str>) {
        let hex = hex.map(ToOwned::to_owned);
        assert_eq!(
            show(bytes),
            Shown {
                text: text.to_owned(),
                hex
            }
        );
    }

    #[test]
    fn what_can_be_seen_is_left_alone() {
        check(b"", "", None);
        check(b"/run/docker.sock", "/run/docker.sock", None);
        check("/srv/größe/日本".as_bytes(), "/srv/größe/日本", None);
        check(br"a\x1bb", r"a\x1bb", None);
        check(br#"q"uote"#, r#"q"uote"#, None);
    }

    #[test]
    fn what_acts_is_escaped_and_kept_in_hex() {
        check(b"\x1b[2J", r"\x1b[2J", Some("1b5b324a"));
        check(b"a\nb\0c\x7f", r"a\x0ab\x00c\x7f", Some("610a6200637f"));
        check(b"\xff\xfe", r"\xff\xfe", Some("fffe"));
        check(b"\xe2\x82", r"\xe2\x82", Some("e282"));
        check("\u{9b}31m".as_bytes(), r"\xc2\x9b31m", Some("c29b33316d"));
        check(
            "a\u{202e}b".as_bytes(),
            r"a\xe2\x80\xaeb",
            Some("61e280ae62"),
        );
        check("\u{2028}".as_bytes(), r"\xe2\x80\xa8", Some("e280a8"));
        check("\u{2066}".as_bytes(), r"\xe2\x81\xa6", Some("e281a6"));
    }

    proptest! {
        #[test]
        fn nothing_acts_and_nothing_is_lost(
            bytes in prop_oneof![
                any::<Vec<u8>>(),
                any::<String>().prop_map(String::into_bytes),
                "[ -~\u{7f}-\u{9f}\u{200d}-\u{202f}\u{2065}-\u{206a}]*".prop_map(String::into_bytes),
            ]
        ) {
            let shown = show(&bytes);
            prop_assert!(!shown.text.chars().any(drives));
            match shown.hex {
                None => prop_assert_eq!(shown.text.as_bytes(), &bytes),
                Some(hex) => {
                    let byte = |at| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap();
                    let decoded: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
                    prop_assert_eq!(decoded, bytes);
                }
            }
        }
    }
}
