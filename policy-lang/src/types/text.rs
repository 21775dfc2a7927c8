//! Plain texts in quotes: `because`, `tag`, names (notes 41).

use super::Fault;
use crate::diag::Code;

/// The bytes of a text, its escapes undone. `inner` is what stands between the quotes.
///
/// # Errors
/// When a backslash is followed by anything but `"`, `\`, `n`, `t` or `xNN`.
pub fn unescape(inner: &str) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match bytes.next() {
            Some(same @ (b'"' | b'\\')) => same,
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'x') => hex(&mut bytes).ok_or_else(bad_hex)?,
            _ => {
                return Err(Fault::new(Code::BadEscape, "a backslash that says nothing")
                    .help("the escapes are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\xNN`"));
            }
        });
    }
    Ok(out)
}

/// A text that must be UTF-8.
///
/// # Errors
/// As [`unescape`], and when the result is not UTF-8.
pub fn string(inner: &str) -> Result<String, Fault> {
    if !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    String::from_utf8(unescape(inner)?).ok().ok_or_else(|| {
        Fault::new(
            Code::BadString,
            "the text is not UTF-8 once its escapes are undone",
        )
        .help("write the characters themselves; only patterns hold bytes of any value")
    })
}

/// Two hex digits.
pub(super) fn hex(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let mut digit = || {
        let byte = bytes.next()?;
        let digit = char::from(byte).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    let high = digit()?;
    let low = digit()?;
    Some(high << 4 | low)
}

pub(super) fn bad_hex() -> Fault {
    Fault::new(
        Code::BadEscape,
        "`\\x` is not followed by two hexadecimal digits",
    )
    .help("write two, as in `\\x0a`, or `\\\\` for a backslash")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_41_escapes_of_texts() {
        assert_eq!(string("a\\\"\\\\\\n\\t\\x41").unwrap(), "a\"\\\n\tA");
        assert_eq!(string("\\xc3\\xa9").unwrap(), "é");
        assert_eq!(string("\\xff").map_err(|f| f.code), Err(Code::BadString));
        for bad in ["\\q", "\\x4", "\\xg0", "\\"] {
            assert_eq!(
                string(bad).map_err(|f| f.code),
                Err(Code::BadEscape),
                "{bad}"
            );
        }
    }
}
