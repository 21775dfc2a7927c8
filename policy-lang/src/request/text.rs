//! Requests in the language's own words: `explain … -- '…'` and `expect` (notes 95).

use super::json::{concrete_family, namespace};
use super::{Namespace, Object, Request};
use crate::ast::{Fact, Form, Operand, Question, Target, Word};
use crate::check::value::Gathered;
use crate::diag::suggest::did_you_mean;
use crate::diag::{Code, Diagnostic, show};
use crate::parse::parse_question;
use crate::source::{SourceFile, Span};
use crate::types::address::address;
use crate::types::pattern::Pattern;
use crate::types::{Fault, Values};
use crate::words::attribute::{ATTRIBUTES, Attribute, Kind, LAST_PORT, Owner};
use crate::words::family;
use crate::words::operation::{OPERATIONS, Operation};
use crate::words::shape::Shape;

/// Reads a request such as `unix connect to /run/x as exe = /usr/bin/nc, uid = 0`.
#[must_use]
pub fn parse_request(file: &SourceFile) -> (Option<Request>, Vec<Diagnostic>) {
    let (asked, mut diagnostics) = parse_question(file);
    let Some(asked) = asked else {
        return (None, diagnostics);
    };
    match question(file, &asked) {
        Ok(request) if diagnostics.is_empty() => (Some(request), diagnostics),
        Ok(_) => (None, diagnostics),
        Err(found) => {
            diagnostics.extend(found);
            (None, diagnostics)
        }
    }
}

/// The request of a question that was parsed from `file`.
///
/// # Errors
/// When a word is unknown, a value is not literal and single, or the object is
/// none that the family and operation have.
pub fn question(file: &SourceFile, asked: &Question) -> Result<Request, Vec<Diagnostic>> {
    let mut reader = Reader {
        file,
        found: Vec::new(),
    };
    let family = reader.family(asked.family);
    let operation = reader.operation(asked.operation);
    let pair = family.zip(operation);
    let object = match (pair, &asked.target) {
        (Some((family, operation)), Some(target)) => {
            reader.object(target, Shape::of(family, operation))
        }
        _ => Some(Object::None),
    };
    let mut request = pair
        .zip(object)
        .map(|((family, operation), object)| Request::new(family, operation, object));
    let mut seen: Vec<(Attribute, Span)> = Vec::new();
    for fact in &asked.facts {
        reader.fact(fact, &mut seen, request.as_mut());
    }
    match request {
        Some(request) if reader.found.is_empty() => Ok(request),
        _ => Err(reader.found),
    }
}

struct Reader<'f> {
    file: &'f SourceFile,
    found: Vec<Diagnostic>,
}

impl<'f> Reader<'f> {
    fn slice(&self, span: Span) -> &'f str {
        self.file.slice(span)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    fn fault(&mut self, span: Span, fault: Fault) {
        let found = Diagnostic::new(fault.code, span, fault.message);
        self.report(found.maybe_help(fault.help));
    }

    fn family(&mut self, word: Word) -> Option<family::Family> {
        let text = self.slice(word.span);
        match concrete_family(text) {
            Ok(family) => Some(family),
            Err(message) => {
                let help = did_you_mean(text, family::words());
                self.report(
                    Diagnostic::new(Code::UnknownFamily, word.span, message).maybe_help(help),
                );
                None
            }
        }
    }

    fn operation(&mut self, word: Word) -> Option<Operation> {
        let text = self.slice(word.span);
        let known = Operation::from_word(text);
        if known.is_none() {
            let help = did_you_mean(text, OPERATIONS.iter().map(|one| one.word()));
            let message = format!("unknown operation `{}`", show(text));
            self.report(
                Diagnostic::new(Code::UnknownOperation, word.span, message).maybe_help(help),
            );
        }
        known
    }

    fn object(&mut self, target: &Target, shape: Shape) -> Option<Object> {
        let (place, ports) = match &target.object {
            crate::ast::Object::Option(operand) => return self.option(operand, shape),
            crate::ast::Object::Place { place, ports } => (place.as_ref(), ports.as_ref()),
        };
        let any = |operand: &&Operand| matches!(operand, Operand::Word(word) if word.form == Form::Bare && self.slice(word.span) == "any");
        let place = place.filter(|operand| !any(operand));
        let ports = ports.filter(|operand| !any(operand));
        match (shape, place, ports) {
            (_, None, None) => Some(Object::None),
            (Shape::Unix, Some(place), None) => self.unix(place),
            (Shape::Address, Some(place), None) => {
                let addr = self.address(place)?;
                Some(Object::Ip {
                    addr: Some(addr),
                    port: None,
                })
            }
            (Shape::AddressPort, place, ports) => {
                let addr = match place {
                    None => None,
                    Some(place) => Some(self.address(place)?),
                };
                let port = match ports {
                    None => None,
                    Some(ports) => Some(self.port(ports)?),
                };
                Some(Object::Ip { addr, port })
            }
            _ => {
                self.report(no_such_object(target.span));
                None
            }
        }
    }

    fn option(&mut self, operand: &Operand, shape: Shape) -> Option<Object> {
        if shape != Shape::Option {
            self.report(no_such_object(operand.span()));
            return None;
        }
        let Values::Options(options) = self.single(operand, Kind::Option)? else {
            return None;
        };
        options.first().copied().map(Object::Option)
    }

    fn unix(&mut self, operand: &Operand) -> Option<Object> {
        let Values::Unix(set) = self.single(operand, Kind::UnixTarget)? else {
            return None;
        };
        let literal = |patterns: &[Pattern]| {
            let first = patterns.first().and_then(Pattern::literal);
            first.map(<[u8]>::to_vec)
        };
        if set.unnamed {
            return Some(Object::Unnamed);
        }
        let path = literal(&set.paths).map(Object::Path);
        path.or_else(|| literal(&set.names).map(Object::Abstract))
    }

    fn address(&mut self, operand: &Operand) -> Option<std::net::IpAddr> {
        let text = self.slice(operand.span());
        let found = address(text);
        if found.is_none() {
            let message = format!("`{}` is not a single address", show(text));
            self.report(
                Diagnostic::new(Code::WrongValue, operand.span(), message).help(
                    "one operation is asked about: write one address, without a prefix or a range",
                ),
            );
        }
        found
    }

    fn port(&mut self, operand: &Operand) -> Option<u16> {
        let number = self.number(operand, LAST_PORT)?;
        u16::try_from(number).ok()
    }

    fn number(&mut self, operand: &Operand, largest: u32) -> Option<u32> {
        let values = self.single(operand, Kind::Number(largest))?;
        let Values::Numbers(set) = values else {
            return None;
        };
        set.ranges.first().map(|(first, _)| *first)
    }

    /// A literal, single value; reports what is not one.
    fn single(&mut self, operand: &Operand, want: Kind) -> Option<Values> {
        let Operand::Word(word) = operand else {
            self.report(
                Diagnostic::new(
                    Code::WrongValue,
                    operand.span(),
                    "a set stands for one value",
                )
                .help("write a single value"),
            );
            return None;
        };
        let mut gathered = Gathered::new(want);
        if let Err(fault) = gathered.add(self.slice(word.span), word.form) {
            self.fault(word.span, fault);
            return None;
        }
        let values = gathered.finish();
        let single = |patterns: &[Pattern]| patterns.iter().all(|one| one.literal().is_some());
        let good = match &values {
            Values::Numbers(set) => set.ranges.iter().all(|(first, last)| first == last),
            Values::Patterns(patterns) => single(patterns),
            Values::Unix(set) => single(&set.paths) && single(&set.names),
            Values::Addresses(_) | Values::Names(_) | Values::Words(_) | Values::Options(_) => true,
        };
        if good {
            return Some(values);
        }
        let message = format!("`{}` is not a single value", show(self.slice(word.span)));
        self.report(
            Diagnostic::new(Code::WrongValue, word.span, message)
                .help("values are literal here; a wildcard is meant as itself after `\\`"),
        );
        None
    }

    fn fact(
        &mut self,
        fact: &Fact,
        seen: &mut Vec<(Attribute, Span)>,
        request: Option<&mut Request>,
    ) {
        let word = fact.attribute;
        let text = self.slice(word.span);
        let Some(attribute) = Attribute::from_word(text) else {
            let help =
                did_you_mean(text, ATTRIBUTES.iter().map(|one| one.word())).unwrap_or_else(|| {
                    "give what the rules ask for, such as `exe` or `uid`".to_owned()
                });
            let message = format!("unknown attribute `{}`", show(text));
            self.report(Diagnostic::new(Code::UnknownAttribute, word.span, message).help(help));
            return;
        };
        if attribute.owner() == Owner::Object {
            let message = format!("`{text}` is said by the target");
            self.report(
                Diagnostic::new(Code::WrongValue, word.span, message)
                    .help("write `to …` before `as`"),
            );
            return;
        }
        let before = seen.iter().find(|(known, _)| *known == attribute);
        if let Some((_, before)) = before.filter(|_| !attribute.many()) {
            let found = Diagnostic::new(
                Code::RepeatedClause,
                word.span,
                format!("`{text}` is given twice"),
            );
            let found = found.also(*before, "the first one");
            self.report(found);
            return;
        }
        seen.push((attribute, word.span));
        let want = attribute.kind();
        let values = self.single(&fact.value, want);
        if let Some((values, request)) = values.zip(request) {
            give(request, attribute, values);
        }
    }
}

/// A place in a request for an attribute's value.
enum Place<'r> {
    Number(&'r mut Option<u32>),
    Bytes(&'r mut Option<Vec<u8>>),
    Names(&'r mut Vec<Vec<u8>>),
    Words(&'r mut Vec<u8>),
    Word(&'r mut Option<u8>),
    Namespace(&'r mut Option<Namespace>),
    /// It is the object's: the target says it.
    Object,
}

fn place(request: &mut Request, attribute: Attribute) -> Place<'_> {
    let subject = &mut request.subject;
    match attribute {
        Attribute::Exe => Place::Bytes(&mut subject.exe),
        Attribute::Comm => Place::Bytes(&mut subject.comm),
        Attribute::Uid => Place::Number(&mut subject.uid),
        Attribute::Gid => Place::Number(&mut subject.gid),
        Attribute::Ruid => Place::Number(&mut subject.ruid),
        Attribute::Rgid => Place::Number(&mut subject.rgid),
        Attribute::Loginuid => Place::Number(&mut subject.loginuid),
        Attribute::User => Place::Bytes(&mut subject.user),
        Attribute::Group => Place::Names(&mut subject.group),
        Attribute::Unit => Place::Bytes(&mut subject.unit),
        Attribute::Cgroup => Place::Bytes(&mut subject.cgroup),
        Attribute::Cap => Place::Words(&mut subject.cap),
        Attribute::Userns => Place::Namespace(&mut subject.userns),
        Attribute::Netns => Place::Namespace(&mut subject.netns),
        Attribute::Pidns => Place::Namespace(&mut subject.pidns),
        Attribute::Mntns => Place::Namespace(&mut subject.mntns),
        Attribute::Cgroupns => Place::Namespace(&mut subject.cgroupns),
        Attribute::ParentComm => Place::Bytes(&mut subject.parent_comm),
        Attribute::ParentExe => Place::Bytes(&mut subject.parent_exe),
        Attribute::ParentUid => Place::Number(&mut subject.parent_uid),
        Attribute::Type => Place::Word(&mut request.socket_type),
        Attribute::Protocol => Place::Number(&mut request.protocol),
        Attribute::Addr | Attribute::Port | Attribute::Path | Attribute::Name => Place::Object,
    }
}

/// Gives a request an attribute's value.
fn give(request: &mut Request, attribute: Attribute, values: Values) {
    let place = place(request, attribute);
    match values {
        Values::Numbers(set) => {
            if let Place::Number(place) = place {
                *place = set.ranges.first().map(|(first, _)| *first);
            }
        }
        Values::Patterns(patterns) => {
            let literal = patterns.first().and_then(Pattern::literal);
            if let Place::Bytes(place) = place {
                *place = literal.map(<[u8]>::to_vec);
            }
        }
        Values::Names(names) => {
            let mut names = names.into_iter().map(<[u8]>::into_vec);
            match place {
                Place::Names(all) => all.extend(names),
                Place::Bytes(place) => *place = names.next(),
                Place::Number(_)
                | Place::Words(_)
                | Place::Word(_)
                | Place::Namespace(_)
                | Place::Object => {}
            }
        }
        Values::Words(bits) => give_word(place, bits),
        Values::Addresses(_) | Values::Unix(_) | Values::Options(_) => {}
    }
}

fn give_word(place: Place<'_>, bits: u64) {
    let Ok(index) = u8::try_from(bits.trailing_zeros()) else {
        return;
    };
    match place {
        Place::Words(all) => all.push(index),
        Place::Word(place) => *place = Some(index),
        Place::Namespace(place) => *place = Some(namespace(index)),
        Place::Number(_) | Place::Bytes(_) | Place::Names(_) | Place::Object => {}
    }
}

fn no_such_object(span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::ImpossibleTarget,
        span,
        "the operation has no such object",
    )
    .help("`unix` has paths and `@names`, IP families addresses and ports, `setsockopt` an `option`, `create` nothing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    fn read(text: &str) -> Result<Request, Vec<&'static str>> {
        let sources = Sources::single("request", text);
        let (request, found) = parse_request(&sources.files()[0]);
        request.ok_or_else(|| found.iter().map(|one| one.code.id()).collect())
    }

    #[test]
    fn a_request_in_words() {
        let request =
            read("unix connect to /run/docker.sock as exe=/usr/bin/nc, uid=1000").unwrap();
        assert_eq!(request.object, Object::Path(b"/run/docker.sock".to_vec()));
        assert_eq!(request.subject.exe.as_deref(), Some(&b"/usr/bin/nc"[..]));
        assert_eq!(
            (request.subject.uid, request.subject.gid),
            (Some(1000), Some(65_534))
        );
        let request = read("tcp connect to 10.0.0.1 port 443 as group = a, group = b, cap = net_raw, netns = other, type = stream, protocol = 6").unwrap();
        assert_eq!(request.subject.group, [b"a".to_vec(), b"b".to_vec()]);
        assert_eq!((request.socket_type, request.protocol), (Some(0), Some(6)));
        assert_eq!(
            read("unix connect to @a as comm = x").unwrap().object,
            Object::Abstract(b"a".to_vec())
        );
        assert_eq!(
            read("unix connect to unnamed").unwrap().object,
            Object::Unnamed
        );
        assert_eq!(read("unix connect to any").unwrap().object, Object::None);
        assert!(read("tcp connect to port 80").is_ok());
    }

    #[test]
    fn notes_95_values_are_literal_and_single() {
        assert_eq!(
            read("unix connect to /run/* as uid = 0").unwrap_err(),
            ["P0301"]
        );
        assert!(read("unix connect to /run/\\* as uid = 0").is_ok());
        assert_eq!(read("tcp connect as uid = 1-2").unwrap_err(), ["P0301"]);
        assert_eq!(read("tcp connect as uid = { 1 }").unwrap_err(), ["P0301"]);
        assert_eq!(
            read("tcp connect as uid = 1, uid = 2").unwrap_err(),
            ["P0103"]
        );
        assert_eq!(read("tcp connect to 10.0.0.0/8").unwrap_err(), ["P0301"]);
        assert_eq!(read("any connect").unwrap_err(), ["P0201"]);
        assert_eq!(read("tcp connect to /run/x").unwrap_err(), ["P0301"]);
        assert_eq!(read("unix connect to /x port 1").unwrap_err(), ["P0310"]);
        assert_eq!(
            read("tcp connect as addr = 10.0.0.1").unwrap_err(),
            ["P0301"]
        );
        assert_eq!(read("tcp connect deny").unwrap_err(), ["P0101"]);
    }
}
