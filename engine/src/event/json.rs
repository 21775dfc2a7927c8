//! Records as JSON on one line whose strings drive no terminal, whoever wrote them:
//! `serde_json`, that escapes a few characters more.

use super::text::drives;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;
use serde_json::value::RawValue;
use std::io::{self, Write};
use std::rc::Rc;

/// Appends a value.
///
/// # Errors
/// When it cannot be written as JSON, as no record of this module.
pub(super) fn write<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Harmless))
}

/// JSON that was written before, and stands as it is.
#[derive(Clone, Debug)]
pub(super) struct Raw(Rc<RawValue>);

impl Raw {
    /// Writes a value.
    pub(super) fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        let mut written = Vec::new();
        write(value, &mut written)?;
        let raw: Box<RawValue> = serde_json::from_slice(&written)?;
        Ok(Self(raw.into()))
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// JSON without spaces, in which what drives a terminal is escaped although JSON would
/// let it stand.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if is_plain(fragment.as_bytes()) {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, acts)) = rest.char_indices().find(|(_, one)| drives(*one)) {
            let (before, after) = rest.split_at(at);
            // All of them lie below U+10000, so one unit is enough.
            write!(out, "{before}\\u{:04x}", u32::from(acts))?;
            rest = after.strip_prefix(acts).unwrap_or_default();
        }
        out.write_all(rest.as_bytes())
    }
}

/// Whether no byte of a text needs a look: all can be seen, and none means anything
/// in JSON. Without a way out on the first, so that many are looked at together.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let is_plain = |byte: u8| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
    bytes
        .iter()
        .fold(true, |plain, byte| plain & is_plain(*byte))
}

#[cfg(test)]
mod tests {
    use super::{Raw, drives, write};
    use proptest::prelude::*;
    use serde::Serialize;
    use std::collections::BTreeMap;

    fn written(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        write(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_rule_s_text_arrives_and_does_not_act() {
        let text = "a\"b\n\u{9b}c\u{202e}\u{7f}\u{2028}é";
        let line = written(&text);
        assert_eq!(line, r#""a\"b\n\u009bc\u202e\u007f\u2028é""#);
    }

    #[test]
    fn what_was_written_before_stands_as_it_is() {
        let raw = Raw::of(&[BTreeMap::from([("a", "\u{9b}")])]).unwrap();
        let twice = written(&vec![raw.clone(), raw]);
        assert_eq!(twice, r#"[[{"a":"\u009b"}],[{"a":"\u009b"}]]"#);
    }

    proptest! {
        #[test]
        fn every_text_arrives_and_none_acts(
            text in prop_oneof![any::<String>(), "[\0-~é\u{7f}-\u{9f}\u{200d}-\u{202f}\u{2065}-\u{206a}]*"]
        ) {
            let line = written(&BTreeMap::from([("named", [&text])]));
            prop_assert!(!line.chars().any(drives));
            let read: BTreeMap<String, [String; 1]> = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(&read["named"], &[text]);
        }
    }
}
