//! An event, and what it must say.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::actor::Subject;
use crate::protocol::Reply;

/// One line of the daemon's events.
#[derive(Clone, Debug)]
pub struct Event(Value);

/// What was to be reached, in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A unix socket by the path where it lies.
    Path(String),
    /// One by its abstract name.
    Name(Vec<u8>),
    /// One without a name.
    Unnamed,
    /// An address and a port.
    Ip(IpAddr, u16),
    /// None that a target could name.
    Nothing,
}

impl Object {
    /// A path.
    #[must_use]
    pub fn path(path: &str) -> Self {
        Self::Path(path.to_owned())
    }

    /// An address in text, and a port.
    #[must_use]
    pub fn ip(address: &str, port: u16) -> Self {
        Self::Ip(address.parse().unwrap(), port)
    }
}

/// What decided, about what, where.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The rule's id.
    pub rule: &'static str,
    /// The hook.
    pub hook: &'static str,
    /// The event's name.
    pub name: &'static str,
    /// The object.
    pub object: Object,
}

impl Decided {
    /// By `socket_connect`.
    #[must_use]
    pub const fn connect(rule: &'static str, object: Object) -> Self {
        Self {
            rule,
            hook: "socket_connect",
            name: "security_socket_connect",
            object,
        }
    }

    /// By `socket_sendmsg`.
    #[must_use]
    pub const fn send(rule: &'static str, object: Object) -> Self {
        Self {
            rule,
            hook: "socket_sendmsg",
            name: "security_socket_sendmsg",
            object,
        }
    }

    /// By `unix_stream_connect`.
    #[must_use]
    pub const fn stream(rule: &'static str, object: Object) -> Self {
        Self {
            rule,
            hook: "unix_stream_connect",
            name: "security_socket_connect",
            object,
        }
    }

    /// By `socket_create`.
    #[must_use]
    pub const fn create(rule: &'static str) -> Self {
        Self {
            rule,
            hook: "socket_create",
            name: "security_socket_create",
            object: Object::Nothing,
        }
    }

    /// By `socket_bind`.
    #[must_use]
    pub const fn bind(rule: &'static str, object: Object) -> Self {
        Self {
            rule,
            hook: "socket_bind",
            name: "security_socket_bind",
            object,
        }
    }

    /// By `socket_listen`.
    #[must_use]
    pub const fn listen(rule: &'static str, object: Object) -> Self {
        Self {
            rule,
            hook: "socket_listen",
            name: "security_socket_listen",
            object,
        }
    }

    /// By `socket_accept`.
    #[must_use]
    pub const fn accept(rule: &'static str, object: Object) -> Self {
        Self {
            rule,
            hook: "socket_accept",
            name: "security_socket_accept",
            object,
        }
    }

    /// By `socket_setsockopt`.
    #[must_use]
    pub const fn option(rule: &'static str) -> Self {
        Self {
            rule,
            hook: "socket_setsockopt",
            name: "security_socket_setsockopt",
            object: Object::Nothing,
        }
    }

    /// By `sctp_bind_connect`.
    #[must_use]
    pub const fn association(rule: &'static str, object: Object) -> Self {
        Self {
            rule,
            hook: "sctp_bind_connect",
            name: "security_sctp_bind_connect",
            object,
        }
    }

    /// By `unix_may_send`, in a send.
    #[must_use]
    pub const fn datagram(rule: &'static str, object: Object) -> Self {
        Self {
            rule,
            hook: "unix_may_send",
            name: "security_unix_may_send",
            object,
        }
    }

    /// By `unix_may_send`, in connect(2).
    #[must_use]
    pub const fn datagram_connect(rule: &'static str, object: Object) -> Self {
        Self {
            rule,
            hook: "unix_may_send",
            name: "security_socket_connect",
            object,
        }
    }
}

impl Event {
    /// Of a line.
    #[must_use]
    pub fn read(line: &str) -> Self {
        let value = serde_json::from_str(line);
        Self(value.unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// A member by its JSON pointer, null when there is none.
    #[must_use]
    pub fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// A text.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// The generation of the policy that decided.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.at("/decision/generation").as_u64().unwrap()
    }

    /// A member is what it must be.
    #[track_caller]
    pub fn says(&self, pointer: &str, expected: impl Into<Value>) -> &Self {
        assert_eq!(
            self.at(pointer),
            &expected.into(),
            "{pointer} of {}",
            self.0
        );
        self
    }

    /// A member of `data` by its name, null when there is none.
    #[must_use]
    pub fn datum(&self, name: &str) -> &Value {
        let data = self.at("/data").as_array().unwrap();
        let found = data.iter().find(|one| one["name"] == name);
        found
            .and_then(|one| one.as_object()?.iter().find(|(key, _)| *key != "name"))
            .map_or(&Value::Null, |(_, value)| value)
    }

    /// The address as the caller wrote it.
    #[must_use]
    pub fn typed(&self) -> &Value {
        self.datum("remote_addr")
    }

    /// It speaks of this decision, by this actor's thread.
    #[track_caller]
    pub fn speaks_of(&self, decided: &Decided, subject: &Subject, reply: &Reply) {
        self.says("/decision/rule", decided.rule);
        self.says("/decision/hook", decided.hook);
        self.says("/name", decided.name);
        let policy = decided.rule.split('/').next().unwrap();
        if decided.rule.contains('/') {
            self.says("/decision/policy", policy);
            self.says("/policies/matched", json!([policy]));
        }
        self.object(&decided.object);
        self.subject(subject);
        self.says("/workload/process/host_pid", reply.pid);
    }

    #[track_caller]
    fn object(&self, object: &Object) {
        let expected = match object {
            Object::Path(path) => {
                self.says("/decision/object/path", path.as_str());
                assert!(self.at("/decision/object/inode").is_u64(), "{}", self.0);
                "unix"
            }
            Object::Name(name) => {
                self.says("/decision/object/name_hex", hex(name));
                "unix"
            }
            Object::Unnamed => {
                self.says("/decision/object/unnamed", true);
                "unix"
            }
            Object::Ip(address, port) => {
                self.says("/decision/object/addr", address.to_string());
                self.says("/decision/object/port", *port);
                return;
            }
            Object::Nothing => {
                self.says("/decision/object", json!({}));
                return;
            }
        };
        self.says("/decision/family", expected);
    }

    #[track_caller]
    fn subject(&self, subject: &Subject) {
        let exe = subject.exe.as_ref().map(|exe| exe.to_str().unwrap());
        self.says("/decision/subject/exe", exe);
        self.says("/decision/subject/comm", subject.comm.as_str());
        self.says("/decision/subject/uid", subject.uid);
        self.says("/decision/subject/gid", subject.gid);
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
