//! Records as JSON on one line whose strings drive no terminal, whoever wrote them.
//!
//! A serializer of our own, since events are written by the hundred thousand a
//! second: names of members are known to need no escape, most texts are seen to
//! need none at one glance, and what does not change from event to event is kept
//! as it was written ([`Raw`]). It knows what the records of this module are made
//! of and no more. Apart from escaping what [`drives`] a terminal it writes what
//! `serde_json` does, byte for byte; a test compares the two.

use super::text::drives;
use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer,
};
use std::fmt;

/// Why there is no JSON: a record holds what none of this module has.
#[derive(Debug)]
pub struct JsonError(String);

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JsonError {}

impl serde::ser::Error for JsonError {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self(what.to_string())
    }
}

/// Appends a value.
pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), JsonError> {
    value.serialize(&mut Writer { out, raw: false })
}

/// JSON that was written before, and stands as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Raw(pub(super) std::rc::Rc<str>);

/// By which the writer knows it.
const RAW: &str = "interdict::event::json::Raw";

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(RAW, &*self.0)
    }
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    /// The next text is JSON.
    raw: bool,
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn number(&mut self, mut number: u64) {
        let mut digits = [b'0'; 20];
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            let value = (number % 10) as u8;
            *digit = b'0' + value;
            used += 1;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.bytes(digits.get(digits.len() - used..).unwrap_or_default());
    }

    fn text(&mut self, text: &str) {
        self.out.push(b'"');
        if is_plain(text.as_bytes()) {
            self.bytes(text.as_bytes());
        } else {
            text.chars().for_each(|character| self.character(character));
        }
        self.out.push(b'"');
    }

    fn character(&mut self, character: char) {
        match character {
            '"' => self.bytes(b"\\\""),
            '\\' => self.bytes(b"\\\\"),
            '\n' => self.bytes(b"\\n"),
            '\r' => self.bytes(b"\\r"),
            '\t' => self.bytes(b"\\t"),
            '\u{8}' => self.bytes(b"\\b"),
            '\u{c}' => self.bytes(b"\\f"),
            other if drives(other) => {
                // All of them lie below U+10000, so one unit is enough.
                let unit = format!("\\u{:04x}", u32::from(other));
                self.bytes(unit.as_bytes());
            }
            other => self.bytes(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
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

/// An object or an array that is being written.
struct Compound<'w, 'o> {
    writer: &'w mut Writer<'o>,
    begun: bool,
    end: u8,
}

impl<'w, 'o> Compound<'w, 'o> {
    fn new(writer: &'w mut Writer<'o>, begin: u8, end: u8) -> Self {
        writer.out.push(begin);
        Self {
            writer,
            begun: false,
            end,
        }
    }

    fn next(&mut self) {
        if self.begun {
            self.writer.out.push(b',');
        }
        self.begun = true;
    }

    fn finish(self) {
        self.writer.out.push(self.end);
    }
}

impl SerializeStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = JsonError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), JsonError> {
        self.next();
        self.writer.out.push(b'"');
        self.writer.bytes(name.as_bytes());
        self.writer.bytes(b"\":");
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), JsonError> {
        self.finish();
        Ok(())
    }
}

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = JsonError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), JsonError> {
        self.next();
        key.serialize(&mut *self.writer)?;
        self.writer.out.push(b':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), JsonError> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), JsonError> {
        self.finish();
        Ok(())
    }
}

impl SerializeSeq for Compound<'_, '_> {
    type Ok = ();
    type Error = JsonError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), JsonError> {
        self.next();
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), JsonError> {
        self.finish();
        Ok(())
    }
}

/// What no record has.
macro_rules! none_has {
    ($( $method:ident($($argument:ty),*) -> $result:ty; )+) => {
        $(
            fn $method(self, $(_: $argument),*) -> Result<$result, JsonError> {
                Err(JsonError::custom(concat!("no record has this: ", stringify!($method))))
            }
        )+
    };
}

/// Numbers without a sign.
macro_rules! numbers {
    ($( $method:ident($type:ty); )+) => {
        $(
            fn $method(self, number: $type) -> Result<(), JsonError> {
                self.number(u64::from(number));
                Ok(())
            }
        )+
    };
}

impl<'w, 'o> Serializer for &'w mut Writer<'o> {
    type Ok = ();
    type Error = JsonError;
    type SerializeSeq = Compound<'w, 'o>;
    type SerializeMap = Compound<'w, 'o>;
    type SerializeStruct = Compound<'w, 'o>;
    type SerializeTuple = Impossible<(), JsonError>;
    type SerializeTupleStruct = Impossible<(), JsonError>;
    type SerializeTupleVariant = Impossible<(), JsonError>;
    type SerializeStructVariant = Impossible<(), JsonError>;

    numbers! {
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
    }

    fn serialize_i64(self, number: i64) -> Result<(), JsonError> {
        if number < 0 {
            self.out.push(b'-');
        }
        self.number(number.unsigned_abs());
        Ok(())
    }

    fn serialize_i32(self, number: i32) -> Result<(), JsonError> {
        self.serialize_i64(number.into())
    }

    fn serialize_bool(self, value: bool) -> Result<(), JsonError> {
        self.bytes(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), JsonError> {
        if std::mem::take(&mut self.raw) {
            self.bytes(text.as_bytes());
        } else {
            self.text(text);
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), JsonError> {
        self.bytes(b"null");
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), JsonError> {
        self.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), JsonError> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), JsonError> {
        self.raw = name == RAW;
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'w, 'o>, JsonError> {
        Ok(Compound::new(self, b'[', b']'))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'w, 'o>, JsonError> {
        Ok(Compound::new(self, b'{', b'}'))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'w, 'o>, JsonError> {
        Ok(Compound::new(self, b'{', b'}'))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), JsonError> {
        Err(JsonError::custom("no record has a variant of its own"))
    }

    none_has! {
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}

#[cfg(test)]
mod tests {
    use super::{Raw, write};
    use proptest::prelude::*;
    use serde::Serialize;
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    struct Record {
        small: u16,
        large: u64,
        signed: i32,
        is: bool,
        text: String,
        nothing: Option<u32>,
        all: Vec<String>,
        named: BTreeMap<&'static str, String>,
    }

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
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    #[test]
    fn what_was_written_before_stands_as_it_is() {
        let raw = Raw(r#"[{"a":1}]"#.into());
        assert_eq!(written(&vec![raw.clone(), raw]), r#"[[{"a":1}],[{"a":1}]]"#);
    }

    proptest! {
        #[test]
        fn as_the_others_write_it(
            small: u16, large: u64, signed: i32, is: bool, nothing: Option<u32>,
            // What drives a terminal and JSON lets stand is not here.
            text in "[\0-~é\u{3000}-\u{3010}\u{1f600}]*", all: Vec<u8>,
        ) {
            let all = all.iter().map(ToString::to_string).collect();
            let named = BTreeMap::from([("a", text.clone()), ("b", String::new())]);
            let record = Record { small, large, signed, is, text, nothing, all, named };
            prop_assert_eq!(written(&record), serde_json::to_string(&record).unwrap());
        }
    }
}
