//! `[events]`: which events are made, as it is written and as it is meant.
//!
//! Each event has a word, or parts that are wished for together: a word, and the
//! families and the processes that it is about.

use policy_abi::mediation;
use policy_abi::select::{EVENTS, Event};
use policy_lang::diag::suggest::nearest;
use policy_lang::diag::{Report, Style, render_all, show};
use policy_lang::selection::{Filter, FilterError, Selection, TooLarge, Wish, filter};
use policy_lang::source::{Position, Sources};
use policy_lang::words::family::{self, FamilySet, Named, named};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::ops::Range;
use toml::Spanned;

/// The table.
#[derive(Clone, Debug, Default)]
pub struct Events {
    written: Vec<(Spanned<String>, Spanned<Chosen>)>,
    selection: Selection,
}

impl PartialEq for Events {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Events {}

/// What is chosen of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Chosen {
    Word(String),
    Parts(Vec<Part>),
}

/// A part of an event's operations.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    select: Spanned<String>,
    families: Option<Spanned<Vec<Spanned<String>>>>,
    subject: Option<Spanned<String>>,
}

/// What is wrong, and where in the text.
enum Wrong {
    Here {
        message: String,
        at: Range<usize>,
    },
    /// The findings of a condition, which have their places.
    Condition(Box<Report>),
}

fn wrong<T>(at: Range<usize>, message: impl Into<String>) -> Result<T, Wrong> {
    let message = message.into();
    Err(Wrong::Here { message, at })
}

impl Events {
    /// What it means.
    #[must_use]
    pub const fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Finds out what it means. `name` and `text` are those of the file.
    ///
    /// # Errors
    /// What is wrong, with its place, as text.
    pub(super) fn check(&mut self, name: &str, text: &str) -> Result<(), String> {
        let mut selection = Selection::default();
        for (key, chosen) in &self.written {
            let checked = event(key).and_then(|event| {
                let wishes = wishes(event, chosen, text)?;
                let large = |error: TooLarge| Wrong::Here {
                    message: error.to_string(),
                    at: key.span(),
                };
                selection.choose(event, wishes).map_err(large)
            });
            checked.map_err(|wrong| wrong.shown(name, text))?;
        }
        self.selection = selection;
        Ok(())
    }
}

impl Wrong {
    /// With its place in the file.
    fn shown(&self, name: &str, text: &str) -> String {
        let sources = Sources::single(name, text);
        let (message, at) = match self {
            Self::Here { message, at } => (message, at),
            Self::Condition(report) => {
                let shown = render_all(report, &sources, Style::Plain);
                return shown.trim_end().to_owned();
            }
        };
        let start = u32::try_from(at.start).unwrap_or(u32::MAX);
        let position = sources.files().first().map(|file| file.position(start));
        let place = position.map_or_else(String::new, |Position { line, column }| {
            format!(":{line}:{column}")
        });
        format!("{}{place}: {message}", show(name))
    }
}

fn event(key: &Spanned<String>) -> Result<&'static Event, Wrong> {
    let name = key.get_ref();
    if let Some(event) = Event::named(name) {
        return Ok(event);
    }
    let names = EVENTS.iter().map(|event| event.name);
    let help = match nearest(name, names.clone()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("events are {}", names.collect::<Vec<_>>().join(", ")),
    };
    wrong(key.span(), format!("`{}` is no event; {help}", show(name)))
}

/// What is wished of an event; nothing when it is off.
fn wishes(event: &Event, chosen: &Spanned<Chosen>, text: &str) -> Result<Vec<Wish>, Wrong> {
    let whole;
    let parts = match chosen.get_ref() {
        Chosen::Word(word) if word == "off" => return Ok(Vec::new()),
        Chosen::Word(word) => {
            whole = [Part {
                select: Spanned::new(chosen.span(), word.clone()),
                families: None,
                subject: None,
            }];
            &whole
        }
        Chosen::Parts(parts) if parts.is_empty() => {
            return wrong(chosen.span(), "a list of no parts: write `\"off\"`");
        }
        Chosen::Parts(parts) => parts.as_slice(),
    };
    parts.iter().map(|part| wish(event, part, text)).collect()
}

fn wish(event: &Event, part: &Part, text: &str) -> Result<Wish, Wrong> {
    let plain = match part.select.get_ref().as_str() {
        "all" => true,
        "matched" => false,
        "off" => {
            return wrong(
                part.select.span(),
                "`off` stands alone: what no part selects makes no event",
            );
        }
        other => {
            return wrong(
                part.select.span(),
                format!("`{}` is not `all`, `matched` or `off`", show(other)),
            );
        }
    };
    let families = part.families.as_ref();
    let families = families.map(|words| {
        if words.get_ref().is_empty() {
            return wrong(words.span(), "a list of no families");
        }
        self::families(event, words.get_ref())
    });
    let subject = part
        .subject
        .as_ref()
        .map(|subject| condition(subject, text));
    Ok(Wish {
        plain,
        families: families.transpose()?.unwrap_or(FamilySet::ANY),
        subject: subject.transpose()?,
    })
}

fn families(event: &Event, words: &[Spanned<String>]) -> Result<FamilySet, Wrong> {
    let mut all = FamilySet::default();
    for word in words {
        let shown = show(word.get_ref());
        let set = match named(word.get_ref()) {
            Named::Families(set) | Named::Numbered(set, _) => set,
            Named::Refused(help) => {
                let meant = || nearest(word.get_ref(), family::words());
                let help = help.map_or_else(
                    || meant().map(|meant| format!("; did you mean `{meant}`?")),
                    |help| Some(format!("; {help}")),
                );
                let message = format!("`{shown}` is no family{}", help.unwrap_or_default());
                return wrong(word.span(), message);
            }
        };
        if !set.iter().any(|family| has(event, family.number())) {
            let message = format!("sockets of `{shown}` never have `{}`", event.name);
            return wrong(word.span(), message);
        }
        all = all.union(set);
    }
    Ok(all)
}

/// Whether sockets of a family have an event.
fn has(event: &Event, family: u16) -> bool {
    let mut operations = event.operations.iter();
    operations.any(|operation| {
        let mut hooks = mediation::hooks(family, *operation).iter();
        hooks.any(|hook| event.written_by(*hook))
    })
}

fn condition(subject: &Spanned<String>, text: &str) -> Result<Filter, Wrong> {
    let Some(at) = inside(subject, text) else {
        return wrong(
            subject.span(),
            "a condition is written without escapes: put it between single quotes",
        );
    };
    filter(text, at).map_err(|error| match error {
        FilterError::Condition(report) => Wrong::Condition(report),
        FilterError::Meaning { message, at } => Wrong::Here { message, at },
    })
}

/// Where a string's content stands; `None` when it is not written as it is.
fn inside(string: &Spanned<String>, text: &str) -> Option<Range<usize>> {
    let span = string.span();
    let written = text.get(span.clone())?;
    let at = written.find(string.get_ref().as_str())? + span.start;
    // Between the quotes there is nothing else, but the line's end after three.
    let quotes = written.len() - string.get_ref().len();
    matches!(quotes, 2 | 6 | 7).then_some(at..at + string.get_ref().len())
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Table;

        impl<'de> Visitor<'de> for Table {
            type Value = Events;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a table of events")
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Events, E> {
                Err(E::custom(
                    "`events` is a table that chooses among events; where they go is `event_sink`",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Events, A::Error> {
                let mut events = Events::default();
                while let Some(entry) = map.next_entry()? {
                    events.written.push(entry);
                }
                Ok(events)
            }
        }

        from.deserialize_any(Table)
    }
}

impl<'de> Deserialize<'de> for Chosen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Chosen;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("`all`, `matched`, `off`, a table or a list of tables")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Chosen, E> {
                Ok(Chosen::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Chosen, A::Error> {
                let part = Part::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Chosen::Parts(vec![part]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, all: A) -> Result<Chosen, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(all)).map(Chosen::Parts)
            }
        }

        from.deserialize_any(Either)
    }
}
