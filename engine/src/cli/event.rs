//! `explain --event`: from a denial in the log to the why.
//!
//! An event says what was judged and for whom, so the policy can be asked again
//! and answers with its reasons. What an event does not say (groups, capabilities,
//! the parent) the policy is not told; and it may be another one by now. So the
//! event's own answer stands beside, and where they differ that is said.

use super::batch::{End, opened, read_line};
use super::explain::{SCHEMA, to_json};
use super::output;
use crate::error::ExpectedError;
use policy_lang::diag::show;
use policy_lang::request::{Object, Request, parse_json_line};
use policy_lang::source::Sources;
use policy_lang::words::attribute::TYPE_WORDS;
use policy_lang::{CheckedPolicy, Explanation, explain};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;

/// What is read of an event; the rest is passed over. Of the shape of Tracee's
/// releases the time is a number, and `args` stand for `data`.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    timestamp: Value,
    #[serde(default, alias = "args")]
    data: Vec<Datum>,
    decision: Decision,
}

impl Event {
    /// When it was, as it says itself.
    fn time(&self) -> String {
        match &self.timestamp {
            Value::String(time) => time.clone(),
            Value::Number(nanos) => nanos.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
        }
    }
}

#[derive(Deserialize)]
struct Datum {
    name: String,
    #[serde(default, alias = "value")]
    int32: Value,
}

#[derive(Deserialize)]
struct Decision {
    action: Action,
    rule: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    errno: Option<String>,
    family: String,
    operation: String,
    #[serde(default)]
    object: Thing,
    #[serde(default)]
    subject: Process,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    Allow,
    Deny,
    Kill,
    WouldDeny,
    Record,
}

impl Action {
    const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Kill => "kill",
            Self::WouldDeny => "would-deny",
            Self::Record => "record",
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Thing {
    addr: Option<IpAddr>,
    port: Option<u16>,
    path: Option<String>,
    path_hex: Option<String>,
    path_in_fs: bool,
    name_hex: Option<String>,
    unnamed: bool,
    unreadable: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Process {
    exe: Option<String>,
    exe_hex: Option<String>,
    exe_in_fs: bool,
    comm: Option<String>,
    comm_hex: Option<String>,
    uid: Option<u32>,
    gid: Option<u32>,
    loginuid: Option<u32>,
    unit: Option<String>,
    cgroup: Option<String>,
    cgroup_hex: Option<String>,
}

/// Explains every event of a file, or of standard input, one a line.
pub(super) fn run(
    policy: &CheckedPolicy,
    sources: &Sources,
    path: &Path,
    as_json: bool,
) -> Result<(), ExpectedError> {
    let cannot_read = |source| ExpectedError::Input {
        path: path.to_owned(),
        source,
    };
    let mut input = opened(path).map_err(cannot_read)?;
    let mut line = Vec::new();
    let mut first = true;
    loop {
        let event = match read_line(&mut input, &mut line).map_err(cannot_read)? {
            End::Input => return Ok(()),
            End::Line if line.trim_ascii().is_empty() => continue,
            End::Line => asked(&line),
            End::TooLong => Err("the line is too long".to_owned()),
        };
        let answer = event.map(|(event, request)| {
            let explanation = explain(policy, sources, &request);
            (event, explanation)
        });
        output::answer(&if as_json {
            format!("{}\n", machine(answer, policy)?)
        } else {
            let gap = if first { "" } else { "\n" };
            format!("{gap}{}", human(answer, policy))
        })?;
        first = false;
    }
}

/// The event of a line, and what it says was asked.
fn asked(line: &[u8]) -> Result<(Event, Request), String> {
    let event: Event = serde_json::from_slice(line)
        .map_err(|error| format!("the line is no event with a decision: {error}"))?;
    let Decision {
        family,
        operation,
        action,
        errno,
        ..
    } = &event.decision;
    if let (Action::Allow, Some(errno)) = (action, errno) {
        return Err(format!(
            "the kernel failed the {family} {operation} with {errno} before there was anything to judge"
        ));
    }
    let question = json!({ "family": family, "operation": operation }).to_string();
    let request = parse_json_line(&question).map_err(|error| error.message)?;
    let mut request = request.ok_or("the event names no operation")?;
    let decision = &event.decision;
    request.object = decision.object.object()?;
    let kind = event.data.iter().find(|one| one.name == "type");
    request.socket_type = kind.and_then(|one| socket_type(&one.int32));
    let from = &decision.subject;
    let subject = &mut request.subject;
    subject.exe = bytes(from.exe.as_ref(), from.exe_hex.as_ref())?.filter(|_| !from.exe_in_fs);
    subject.comm = bytes(from.comm.as_ref(), from.comm_hex.as_ref())?;
    subject.cgroup = bytes(from.cgroup.as_ref(), from.cgroup_hex.as_ref())?;
    subject.unit = bytes(from.unit.as_ref(), None)?;
    subject.uid = from.uid;
    subject.gid = from.gid;
    subject.loginuid = from.loginuid;
    Ok((event, request))
}

impl Thing {
    fn object(&self) -> Result<Object, String> {
        Ok(if self.unreadable {
            Object::Unreadable
        } else if self.unnamed {
            Object::Unnamed
        } else if let Some(name) = bytes(None, self.name_hex.as_ref())? {
            Object::Abstract(name)
        } else if let Some(path) = bytes(self.path.as_ref(), self.path_hex.as_ref())? {
            // A place that the host cannot see has no name in a policy.
            if self.path_in_fs {
                Object::None
            } else {
                Object::Path(path)
            }
        } else if self.addr.is_some() || self.port.is_some() {
            Object::Ip {
                addr: self.addr,
                port: self.port,
            }
        } else {
            Object::None
        })
    }
}

/// A text of an event: its bytes, where the text is not what they are.
fn bytes(text: Option<&String>, hex: Option<&String>) -> Result<Option<Vec<u8>>, String> {
    let Some(hex) = hex else {
        return Ok(text.map(|text| text.as_bytes().to_vec()));
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pairs = hex.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    });
    let all: Option<Vec<u8>> = pairs.collect();
    all.map(Some)
        .ok_or_else(|| "what should be hexadecimal is not".to_owned())
}

/// A socket's type by the kernel's number.
fn socket_type(number: &Value) -> Option<u8> {
    let word = match number.as_u64()? {
        1 => "stream",
        2 => "dgram",
        3 => "raw",
        5 => "seqpacket",
        _ => return None,
    };
    let place = TYPE_WORDS.iter().position(|one| *one == word)?;
    u8::try_from(place).ok()
}

/// Whether the policy decides as the event says.
fn agrees(event: &Event, explanation: &Explanation, policy: &CheckedPolicy) -> bool {
    let decision = &explanation.decision;
    let outcome = match event.decision.action {
        Action::WouldDeny => decision.hypothetical,
        Action::Allow | Action::Deny | Action::Kill | Action::Record => decision.actual,
    };
    let rule = outcome.rule.and_then(|index| policy.rule(index));
    let same_rule = rule.map(|rule| &*rule.id) == event.decision.rule.as_deref();
    let verdict = outcome.verdict.word();
    match event.decision.action {
        Action::Allow => verdict == "allow" && same_rule,
        // It names the rule that records, not one that allows.
        Action::Record => verdict == "allow",
        Action::Deny => verdict == "deny" && same_rule,
        Action::Kill => verdict == "kill" && same_rule,
        Action::WouldDeny => verdict != "allow" && same_rule,
    }
}

type Answer = Result<(Event, Explanation), String>;

fn machine(answer: Answer, policy: &CheckedPolicy) -> Result<Value, ExpectedError> {
    let (event, explanation) = match answer {
        Ok(answer) => answer,
        Err(message) => {
            return Ok(json!({ "schema": SCHEMA, "error": { "message": message } }));
        }
    };
    let mut answer = to_json(&explanation, policy)?;
    let said = json!({
        "timestamp": event.time(),
        "action": event.decision.action.word(),
        "rule": event.decision.rule,
        "agrees": agrees(&event, &explanation, policy),
    });
    if let Some(object) = answer.as_object_mut() {
        object.insert("event".to_owned(), said);
    }
    Ok(answer)
}

fn human(answer: Answer, policy: &CheckedPolicy) -> String {
    let (event, explanation) = match answer {
        Ok(answer) => answer,
        Err(message) => return format!("error: {}\n", show(&message)),
    };
    let Decision {
        action,
        rule,
        file,
        line,
        family,
        operation,
        ..
    } = &event.decision;
    let mut said = format!(
        "{}: {} of {family} {operation}",
        event.time(),
        action.word()
    );
    // Writing to a string cannot fail.
    if let Some(rule) = rule {
        write!(said, " by `{rule}`").ok();
    }
    if let (Some(file), Some(line)) = (file, line) {
        write!(said, " at {file}:{line}").ok();
    }
    let differs = if agrees(&event, &explanation, policy) {
        ""
    } else {
        "the event says otherwise: the policy is another one by now, or it asks for what an event \
         does not say (`user`, `group`, `ruid`, `rgid`, `cap`, namespaces, `parent.*`)\n"
    };
    format!("{}\n{differs}{}", show(&said), explanation.to_text(policy))
}
