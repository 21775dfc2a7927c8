//! The `decision` object of an event: the rule, the object, the subject.

use super::address;
use super::decode::Event;
use super::limit::Limits;
use super::place::{self, Program};
use super::record::{Decision, Object, SCHEMA, Subject};
use super::render::{Cut, before_nul, comm_bytes};
use super::rules::{Places, Rule, Rules};
use super::text::{hex, show};
use super::words;
use crate::mounts;
use policy_abi::decide::NO_RULE;
use policy_abi::event::FLAG_FAILED;
use policy_abi::facts::{OBJECT_UNNAMED, OBJECT_UNREADABLE};
use policy_lang::unit;
use policy_lang::words::errno::Errno;

/// The rules that an event speaks of.
pub(super) struct Named<'a> {
    /// The one that the action is about.
    rule: Option<Rule<'a>>,
    /// Its number, when it has no name any more.
    unknown: Option<u32>,
    /// The record rules that matched, in byte order of their ids.
    recorded: Vec<Rule<'a>>,
    /// How many more matched that have no name any more, or found no room in the record.
    recorded_unknown: u32,
}

impl<'a> Named<'a> {
    pub(super) fn of(rules: &'a dyn Rules, event: &Event) -> Self {
        let record = event.record();
        let generation = record.generation;
        let index = (record.rule != NO_RULE).then_some(record.rule);
        let rule = index.and_then(|index| rules.rule(generation, index));
        let further = &record.further;
        let mut recorded = Vec::new();
        let mut recorded_unknown = u32::from(further.unnamed);
        let mut seen = Vec::new();
        let bits = (0..u64::BITS).filter(|bit| record.recorded >> bit & 1 == 1);
        let of_bits =
            bits.map(|bit| rules.rule_of_term(generation, record.terms.wrapping_add(bit)));
        let others = further.rules.iter().take(usize::from(further.named));
        for index in of_bits.chain(others.map(|index| Some(u32::from(*index)))) {
            let Some(index) = index else {
                recorded_unknown += 1;
                continue;
            };
            if seen.contains(&index) {
                // One rule can have several terms.
                continue;
            }
            seen.push(index);
            match rules.rule(generation, index) {
                Some(rule) => recorded.push(rule),
                None => recorded_unknown += 1,
            }
        }
        recorded.sort_by(|a: &Rule<'_>, b: &Rule<'_>| a.id.as_bytes().cmp(b.id.as_bytes()));
        Self {
            unknown: index.filter(|_| rule.is_none()),
            rule,
            recorded,
            recorded_unknown,
        }
    }

    /// Stems of the files concerned, the deciding rule's first, each once.
    pub(super) fn policies(&self) -> Vec<&str> {
        let mut stems: Vec<&str> = Vec::new();
        for rule in self.rule.iter().chain(&self.recorded) {
            if !stems.contains(&rule.policy) {
                stems.push(rule.policy);
            }
        }
        stems
    }
}

/// What is known of the process besides its record.
pub(super) struct Whose<'a> {
    pub(super) exe: Option<&'a Program>,
    /// The path of its cgroup.
    pub(super) cgroup: Option<&'a [u8]>,
}

/// The decision. `cut` holds what the rest of the event had to leave out.
pub(super) fn decision<'n>(
    event: &Event,
    named: &'n Named<'_>,
    places: &dyn Places,
    whose: &Whose<'_>,
    limits: &Limits,
    mut cut: Cut,
) -> Decision<'n> {
    let record = event.record();
    let rule = named.rule.as_ref();
    let object = object(event, places, limits, &mut cut);
    let subject = subject(event, whose, limits, &mut cut);
    Decision {
        schema: SCHEMA,
        action: words::action(event.action()),
        rule: rule.map(|rule| rule.id),
        recorded: recorded(named, limits, &mut cut),
        policy: rule.map(|rule| rule.policy),
        file: rule.map(|rule| within(rule.file, limits.file, "decision.file", &mut cut)),
        line: rule.map(|rule| rule.line),
        because: rule
            .and_then(|rule| rule.because)
            .map(|text| within(text, limits.because, "decision.because", &mut cut)),
        severity: rule.and_then(|rule| rule.severity),
        tags: rule.map_or_else(Vec::new, |rule| tags(rule.tags, limits, &mut cut)),
        mode: rule.map(|rule| rule.mode),
        generation: record.generation,
        errno: returned(event).map(|number| errno(number, rule)),
        hook: event.hook().name(),
        family: words::family(record.facts.family),
        operation: words::operation(record.facts.operation),
        object,
        subject,
        rule_index: named.unknown,
        recorded_unknown: named.recorded_unknown,
        failed: event.has(FLAG_FAILED),
        cut,
    }
}

/// The errno that the caller got: the decision's, or where nothing could be judged
/// the kernel's own.
fn returned(event: &Event) -> Option<u32> {
    let record = event.record();
    let [told, ..] = record.detail;
    let number = if event.hook().tells() {
        told
    } else {
        record.errno
    };
    (number != 0).then_some(number)
}

/// The errno by the name that its rule has for it: some numbers have two.
fn errno(number: u32, rule: Option<&Rule<'_>>) -> String {
    match rule.and_then(|rule| Errno::from_name(rule.errno)) {
        Some(errno) if u32::from(errno.number) == number => errno.name.to_owned(),
        _ => words::errno(number),
    }
}

fn recorded<'n>(named: &'n Named<'_>, limits: &Limits, cut: &mut Cut) -> Vec<&'n str> {
    if named.recorded.len() > limits.names {
        cut.push("decision.recorded");
    }
    let rules = named.recorded.iter().take(limits.names);
    rules.map(|rule| rule.id).collect()
}

/// As many tags as fit, whole.
fn tags<'n>(tags: &'n [String], limits: &Limits, cut: &mut Cut) -> Vec<&'n str> {
    let mut room = limits.tags;
    let mut kept = Vec::new();
    for tag in tags {
        let Some(left) = room.checked_sub(tag.len()) else {
            cut.push("decision.tags");
            break;
        };
        room = left;
        kept.push(tag.as_str());
    }
    kept
}

/// As much of `text` as fits, whole characters.
fn within<'n>(text: &'n str, limit: usize, member: &'static str, cut: &mut Cut) -> &'n str {
    if text.len() <= limit {
        return text;
    }
    cut.push(member);
    let end = text.floor_char_boundary(limit);
    text.get(..end).unwrap_or_default()
}

fn object(event: &Event, places: &dyn Places, limits: &Limits, cut: &mut Cut) -> Object {
    let facts = &event.record().facts;
    let mut object = Object {
        unnamed: facts.object_kind == OBJECT_UNNAMED,
        unreadable: facts.object_kind == OBJECT_UNREADABLE,
        ..Object::default()
    };
    if let Some((addr, port)) = address::canonical(facts) {
        object.addr = Some(addr);
        object.port = Some(port);
    }
    if let Some(name) = place::name(event) {
        object.name = Some(format!("@{}", show(name).text));
        object.name_hex = Some(hex(name));
    }
    if let Some(place) = place::object(event, places, limits.path) {
        object.device = Some(mounts::device(place.device));
        // A name that is bound to has no file yet.
        object.inode = (place.inode != 0).then_some(place.inode);
        if place.too_long || place.path.as_ref().is_some_and(|path| path.cut) {
            cut.push("decision.object.path");
        }
        if let Some(path) = place.path {
            let shown = show(&path.bytes);
            object.path = Some(shown.text);
            object.path_hex = shown.hex;
            object.path_in_fs = path.in_fs;
        }
    }
    object
}

fn subject(event: &Event, whose: &Whose<'_>, limits: &Limits, cut: &mut Cut) -> Subject {
    let record = event.record();
    let Whose { exe, cgroup } = *whose;
    let file = exe.map(|exe| &exe.file);
    let path = file.and_then(|file| file.path.as_ref());
    if file.is_some_and(|file| file.too_long) || path.is_some_and(|path| path.cut) {
        cut.push("decision.subject.exe");
    }
    let shown = path.map(|path| show(&path.bytes));
    let comm = show(before_nul(&comm_bytes(record.facts.comm)));
    let unit = cgroup.and_then(unit::of_cgroup);
    let unit = unit.map(|unit| show(unit).text);
    let cgroup = cgroup.map(|path| {
        if path.len() > limits.path {
            cut.push("decision.subject.cgroup");
        }
        show(path.get(..limits.path).unwrap_or(path))
    });
    let (exe_text, exe_hex) = shown.map_or((None, None), |shown| (Some(shown.text), shown.hex));
    let (cgroup, cgroup_hex) = cgroup.map_or((None, None), |shown| (Some(shown.text), shown.hex));
    Subject {
        exe: exe_text,
        exe_hex,
        exe_in_fs: path.is_some_and(|path| path.in_fs),
        exe_device: file.map(|file| mounts::device(file.device)),
        exe_inode: file.map(|file| file.inode).filter(|inode| *inode != 0),
        exe_seeded: exe.is_some_and(|exe| exe.seeded),
        comm: comm.text,
        comm_hex: comm.hex,
        uid: record.facts.uid,
        gid: record.facts.gid,
        cgroup,
        cgroup_hex,
        cgroup_id: record.cgroup,
        unit,
        loginuid: (record.loginuid != u32::MAX).then_some(record.loginuid),
    }
}
