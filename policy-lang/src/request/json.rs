//! Requests of `explain --batch`: one JSON object a line (notes 24 to 36, 104 to 110).

use super::{Namespace, Object, Request};
use crate::words::attribute::{LAST_ID, LAST_PORT, LAST_PROTOCOL, NAMESPACE_WORDS, TYPE_WORDS};
use crate::words::capability;
use crate::words::family::{Family, Named, named};
use crate::words::operation::Operation;
use crate::words::shape::Shape;
use crate::words::sockopt::SocketOption;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// Why a line is no request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    /// One line.
    pub message: String,
    /// The key that it is about.
    pub key: Option<String>,
}

impl RequestError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            key: None,
        }
    }

    fn at(key: &str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            key: Some(key.to_owned()),
        }
    }

    /// `{"error":{…}}`, the answer in the line's place.
    #[must_use]
    pub fn to_json(&self) -> String {
        json!({ "error": { "message": self.message, "key": self.key } }).to_string()
    }
}

impl std::fmt::Display for RequestError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for RequestError {}

/// Keys of a request.
const KEYS: &[&str] = &[
    "family",
    "operation",
    "addr",
    "port",
    "path",
    "name",
    "name_hex",
    "unnamed",
    "option",
    "type",
    "protocol",
    "subject",
];

/// Reads a line; `Ok(None)` for a blank one.
///
/// # Errors
/// When the line is not a request; nothing of it is guessed.
pub fn parse_json_line(line: &str) -> Result<Option<Request>, RequestError> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(line)
        .map_err(|error| RequestError::new(format!("the line is not JSON: {error}")))?;
    let Value::Object(all) = value else {
        return Err(RequestError::new("the line is not a JSON object"));
    };
    let fields = Fields {
        all: &all,
        prefix: "",
    };
    fields.known(|key| KEYS.contains(&key))?;
    let family = family(fields)?;
    let operation = fields
        .text("operation")?
        .ok_or_else(|| missing("operation"))?;
    let operation = Operation::from_word(operation)
        .ok_or_else(|| RequestError::at("operation", format!("unknown operation `{operation}`")))?;
    let mut request = Request::new(family, operation, object(fields, family, operation)?);
    if let Some(word) = fields.text("type")? {
        request.socket_type = Some(index(TYPE_WORDS, word, "type")?);
    }
    request.protocol = fields.number("protocol", LAST_PROTOCOL)?;
    match all.get("subject") {
        None | Some(Value::Null) => {}
        Some(Value::Object(subject)) => {
            read_subject(&mut request, subject)?;
        }
        Some(_) => return Err(RequestError::at("subject", "`subject` is not an object")),
    }
    Ok(Some(request))
}

fn missing(key: &str) -> RequestError {
    RequestError::at(key, format!("`{key}` is missing"))
}

/// One object's keys.
#[derive(Clone, Copy)]
struct Fields<'j> {
    all: &'j Map<String, Value>,
    prefix: &'static str,
}

impl<'j> Fields<'j> {
    fn known(self, known: impl Fn(&str) -> bool) -> Result<(), RequestError> {
        match self.all.keys().find(|key| !known(key)) {
            None => Ok(()),
            Some(key) => Err(self.error(key, "is not a key of a request")),
        }
    }

    fn error(self, key: &str, what: &str) -> RequestError {
        let key = format!("{}{key}", self.prefix);
        let shown = crate::diag::show(&key);
        RequestError::at(&key, format!("`{shown}` {what}"))
    }

    /// The value of a key that is there and not null.
    fn value(self, key: &str) -> Option<&'j Value> {
        self.all.get(key).filter(|value| !value.is_null())
    }

    /// Whether a key is there and null.
    fn null(self, key: &str) -> bool {
        self.all.get(key).is_some_and(Value::is_null)
    }

    fn text(self, key: &str) -> Result<Option<&'j str>, RequestError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(key, "is not a string")),
        }
    }

    fn bytes(self, key: &str) -> Result<Option<Vec<u8>>, RequestError> {
        Ok(self.text(key)?.map(|text| text.as_bytes().to_vec()))
    }

    fn number(self, key: &str, largest: u32) -> Result<Option<u32>, RequestError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let number = value
            .as_u64()
            .ok_or_else(|| self.error(key, "is not a whole number"))?;
        let number = u32::try_from(number)
            .ok()
            .filter(|number| *number <= largest);
        let number = number.ok_or_else(|| self.error(key, &format!("is larger than {largest}")))?;
        Ok(Some(number))
    }

    /// A string, or a list of strings.
    fn list(self, key: &str) -> Result<Vec<&'j str>, RequestError> {
        match self.value(key) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(all)) => all
                .iter()
                .map(|one| {
                    one.as_str()
                        .ok_or_else(|| self.error(key, "holds something that is not a string"))
                })
                .collect(),
            Some(_) => Err(self.error(key, "is not a string or a list of strings")),
        }
    }
}

fn index(table: &[&str], word: &str, key: &str) -> Result<u8, RequestError> {
    let found = table.iter().position(|known| *known == word);
    found.and_then(|at| u8::try_from(at).ok()).ok_or_else(|| {
        let shown = crate::diag::show(word);
        RequestError::at(key, format!("unknown word `{shown}`"))
    })
}

/// One concrete family, by word or number (notes 31, 32).
fn family(fields: Fields<'_>) -> Result<Family, RequestError> {
    let word = match fields.value("family") {
        None => return Err(missing("family")),
        Some(Value::String(word)) => word.clone(),
        Some(value) => match value.as_u64() {
            Some(number) => number.to_string(),
            None => return Err(fields.error("family", "is not a string")),
        },
    };
    concrete_family(&word).map_err(|message| RequestError::at("family", message))
}

/// The family of a request's word.
pub(super) fn concrete_family(word: &str) -> Result<Family, String> {
    match word {
        "any" => return Err("`any` is not one family".to_owned()),
        "ip" => return Ok(Family::IP_OTHER),
        "tcp" => return Ok(Family::TCP),
        _ => {}
    }
    let shown = crate::diag::show(word);
    match named(word) {
        Named::Families(set) | Named::Numbered(set, _) => set.iter().next(),
        Named::Refused(Some(help)) => return Err(format!("unknown family `{shown}`: {help}")),
        Named::Refused(None) => None,
    }
    .ok_or_else(|| format!("unknown family `{shown}`"))
}

/// The object: what keys are there must be possible for the pair (notes 30, 34).
fn object(
    fields: Fields<'_>,
    family: Family,
    operation: Operation,
) -> Result<Object, RequestError> {
    let unnamed = match fields.value("unnamed") {
        None | Some(Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(_) => return Err(fields.error("unnamed", "is not true or false")),
    };
    let there = ["addr", "port", "path", "name", "name_hex", "option"]
        .into_iter()
        .filter(|key| fields.value(key).is_some())
        .chain(unnamed.then_some("unnamed"));
    let shape = Shape::of(family, operation);
    let mut unix = None;
    for key in there {
        let fits = match shape {
            Shape::Nothing => false,
            Shape::Unix => matches!(key, "path" | "name" | "name_hex" | "unnamed"),
            Shape::Address => key == "addr",
            Shape::AddressPort => matches!(key, "addr" | "port"),
            Shape::Option => key == "option",
        };
        if !fits {
            let what = format!("does not belong to `{family} {operation}`");
            return Err(fields.error(key, &what));
        }
        if shape == Shape::Unix
            && let Some(other) = unix.replace(key)
        {
            return Err(fields.error(
                key,
                &format!("stands beside `{other}`: there is one object"),
            ));
        }
    }
    match shape {
        Shape::Nothing => Ok(Object::None),
        Shape::Unix => unix_object(fields, unix),
        Shape::Address | Shape::AddressPort => ip_object(fields),
        Shape::Option => option_object(fields),
    }
}

fn unix_object(fields: Fields<'_>, key: Option<&str>) -> Result<Object, RequestError> {
    let Some(key) = key else {
        return Ok(Object::None);
    };
    match key {
        "path" => Ok(Object::Path(fields.bytes(key)?.unwrap_or_default())),
        "name" => Ok(Object::Abstract(fields.bytes(key)?.unwrap_or_default())),
        "name_hex" => {
            let text = fields.text(key)?.unwrap_or_default();
            let bytes = unhex(text)
                .ok_or_else(|| fields.error(key, "is not pairs of hexadecimal digits"))?;
            Ok(Object::Abstract(bytes))
        }
        _ => Ok(Object::Unnamed),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|two| two.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect(),
    )
}

fn ip_object(fields: Fields<'_>) -> Result<Object, RequestError> {
    let addr = match fields.text("addr")? {
        None => None,
        Some(text) => {
            let parsed: Option<IpAddr> = text.parse().ok();
            Some(parsed.ok_or_else(|| fields.error("addr", "is not an address"))?)
        }
    };
    let port = fields.number("port", LAST_PORT)?;
    let port = port.and_then(|port| u16::try_from(port).ok());
    Ok(match (addr, port) {
        (None, None) => Object::None,
        (addr, port) => Object::Ip { addr, port },
    })
}

fn option_object(fields: Fields<'_>) -> Result<Object, RequestError> {
    match fields.text("option")? {
        None => Ok(Object::None),
        Some(text) => match SocketOption::parse(text) {
            Ok(option) => Ok(Object::Option(option)),
            Err(fault) => Err(RequestError::at("option", fault.message)),
        },
    }
}

/// Keys of a subject: the language's attribute names, but those of the socket (notes 24).
const SUBJECT_KEYS: &[&str] = &[
    "exe",
    "comm",
    "uid",
    "gid",
    "ruid",
    "rgid",
    "loginuid",
    "user",
    "group",
    "unit",
    "cgroup",
    "cap",
    "userns",
    "netns",
    "pidns",
    "mntns",
    "cgroupns",
    "parent.comm",
    "parent.exe",
    "parent.uid",
];

fn read_subject(request: &mut Request, all: &Map<String, Value>) -> Result<(), RequestError> {
    let fields = Fields {
        all,
        prefix: "subject.",
    };
    fields.known(|key| SUBJECT_KEYS.contains(&key))?;
    let subject = &mut request.subject;
    subject.exe = fields.bytes("exe")?;
    subject.comm = fields.bytes("comm")?;
    // Absent ids and namespaces have defaults; null says that there is none (notes 1).
    for (key, place) in [("uid", &mut subject.uid), ("gid", &mut subject.gid)] {
        if all.contains_key(key) {
            *place = fields.number(key, LAST_ID)?;
        }
    }
    subject.ruid = fields.number("ruid", LAST_ID)?;
    subject.rgid = fields.number("rgid", LAST_ID)?;
    subject.loginuid = fields.number("loginuid", LAST_ID)?;
    subject.user = fields.bytes("user")?;
    subject.group = fields
        .list("group")?
        .into_iter()
        .map(|group| group.as_bytes().to_vec())
        .collect();
    subject.unit = fields.bytes("unit")?;
    subject.cgroup = fields.bytes("cgroup")?;
    subject.cap = fields
        .list("cap")?
        .into_iter()
        .map(|word| index(capability::WORDS, word, "subject.cap"))
        .collect::<Result<_, _>>()?;
    let namespaces = [
        ("userns", &mut subject.userns),
        ("netns", &mut subject.netns),
        ("pidns", &mut subject.pidns),
        ("mntns", &mut subject.mntns),
        ("cgroupns", &mut subject.cgroupns),
    ];
    for (key, place) in namespaces {
        if fields.null(key) {
            *place = None;
        } else if let Some(word) = fields.text(key)? {
            *place = Some(namespace(index(NAMESPACE_WORDS, word, key)?));
        }
    }
    subject.parent_comm = fields.bytes("parent.comm")?;
    subject.parent_exe = fields.bytes("parent.exe")?;
    subject.parent_uid = fields.number("parent.uid", LAST_ID)?;
    Ok(())
}

/// The namespace of a word's place in its table.
pub(super) const fn namespace(index: u8) -> Namespace {
    if index == 0 {
        Namespace::Host
    } else {
        Namespace::Other
    }
}

#[cfg(test)]
mod tests;
