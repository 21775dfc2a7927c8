//! Words to values: what each kind takes.

use super::{Checker, inner};
use crate::ast::{Form, Word};
use crate::diag::suggest::did_you_mean;
use crate::diag::{Code, Diagnostic, show};
use crate::limits;
use crate::source::Span;
use crate::types::address::{AddressSet, looks_like};
use crate::types::number::{self, NumberSet};
use crate::types::pattern::{self, PathUse, Syntax};
use crate::types::{Fault, UnixSet, Values, text};
use crate::words::attribute::{Kind, LAST_ID};
use crate::words::reserved::is_name;
use crate::words::sockopt::SocketOption;

/// A set in the making.
#[derive(Debug)]
pub(crate) struct Gathered {
    want: Kind,
    values: Values,
    /// Elements added.
    pub(crate) count: usize,
}

impl Gathered {
    pub(crate) fn new(want: Kind) -> Self {
        let values = match want {
            Kind::Number(_) => Values::Numbers(NumberSet::default()),
            Kind::Address => Values::Addresses(AddressSet::default()),
            Kind::Path(_) | Kind::Text => Values::Patterns(Vec::new()),
            Kind::Name => Values::Names(Vec::new()),
            Kind::Word(_) => Values::Words(0),
            Kind::UnixPath | Kind::Abstract | Kind::UnixTarget => Values::Unix(UnixSet::default()),
            Kind::Option => Values::Options(Vec::new()),
        };
        Self {
            want,
            values,
            count: 0,
        }
    }

    /// What it takes.
    pub(crate) const fn want(&self) -> Kind {
        self.want
    }

    /// The set, each element once.
    pub(crate) fn finish(self) -> Values {
        let mut values = self.values;
        match &mut values {
            Values::Numbers(set) => unique(&mut set.ranges),
            Values::Addresses(set) => {
                unique(&mut set.v4);
                unique(&mut set.v6);
            }
            Values::Names(names) => unique(names),
            Values::Options(options) => unique(options),
            Values::Patterns(_) | Values::Words(_) | Values::Unix(_) => {}
        }
        values
    }

    /// Adds a built-in address set; false if there is none of that name.
    pub(crate) fn add_built_in(&mut self, name: &str) -> bool {
        match &mut self.values {
            Values::Addresses(set) => set.add_built_in(name),
            Values::Numbers(_)
            | Values::Patterns(_)
            | Values::Names(_)
            | Values::Words(_)
            | Values::Unix(_)
            | Values::Options(_) => false,
        }
    }

    /// Adds one value, as written in the language.
    pub(crate) fn add(&mut self, source: &str, form: Form) -> Result<(), Fault> {
        self.count += 1;
        let text = inner(source, form);
        if text.len() > limits::PATTERN_BYTES {
            let message = format!(
                "the value has {} bytes, more than {}",
                text.len(),
                limits::PATTERN_BYTES
            );
            return Err(Fault::new(Code::TooLong, message).help("no path on Linux is longer"));
        }
        let abstract_name = form == Form::AtQuoted || text.starts_with('@');
        let want = self.want;
        let wrong = || wrong_value(want, text);
        match (want, &mut self.values) {
            (Kind::Number(largest), Values::Numbers(set)) if form == Form::Bare => {
                let parsed = number::parse(text, largest);
                set.ranges
                    .push(parsed.map_err(|fault| ids_are_numbers(fault, largest, text))?);
            }
            (Kind::Address, Values::Addresses(set)) if form == Form::Bare => {
                set.add(text)?;
            }
            (Kind::Path(path_use), Values::Patterns(patterns)) if form != Form::AtQuoted => {
                patterns.push(pattern::parse_path(text, path_use)?);
            }
            (Kind::Text, Values::Patterns(patterns)) if form != Form::AtQuoted => {
                patterns.push(pattern::parse(text, Syntax::Text)?);
            }
            (Kind::Name, Values::Names(names)) if form != Form::AtQuoted => {
                names.push(match form {
                    Form::Bare => text.as_bytes().into(),
                    Form::Quoted | Form::AtQuoted => text::unescape(text)?.into(),
                });
            }
            (Kind::Word(table), Values::Words(bits)) if form != Form::AtQuoted => {
                *bits |= 1 << word_index(table, text)?;
            }
            (Kind::UnixTarget, Values::Unix(set)) if form == Form::Bare && text == "unnamed" => {
                set.unnamed = true;
            }
            (Kind::UnixTarget | Kind::Abstract, Values::Unix(set)) if abstract_name => {
                let name = match form {
                    Form::AtQuoted => text,
                    Form::Bare | Form::Quoted => text.strip_prefix('@').unwrap_or(text),
                };
                set.names.push(pattern::parse(name, Syntax::Text)?);
            }
            (Kind::UnixTarget | Kind::UnixPath, Values::Unix(set)) if text.starts_with('/') => {
                set.paths.push(pattern::parse_path(text, PathUse::Object)?);
            }
            (Kind::Option, Values::Options(options)) if form == Form::Bare => {
                options.push(SocketOption::parse(text)?);
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }
}

/// A name where an id is needed.
fn ids_are_numbers(fault: Fault, largest: u32, text: &str) -> Fault {
    if largest == LAST_ID && is_name(text) {
        return fault.help("names are held against `user` and `group`");
    }
    fault
}

fn unique<T: Ord>(all: &mut Vec<T>) {
    if all.len() > 1 {
        all.sort_unstable();
        all.dedup();
    }
}

/// The place of a word in a table.
fn word_index(table: &[&'static str], text: &str) -> Result<usize, Fault> {
    if let Some(index) = table.iter().position(|word| *word == text) {
        return Ok(index);
    }
    let lower = text.to_ascii_lowercase();
    let bare = lower.strip_prefix("cap_").unwrap_or(&lower);
    let help = if table.contains(&bare) {
        Some(format!("write `{bare}`"))
    } else {
        did_you_mean(text, table.iter().copied())
    };
    let help = help.unwrap_or_else(|| {
        if table.len() < 8 {
            format!("it is one of `{}`", table.join("`, `"))
        } else {
            "capabilities are those of capabilities(7), in lower case and without `CAP_`".to_owned()
        }
    });
    let message = format!("unknown word `{}`", show(text));
    Err(Fault::new(Code::UnknownWord, message).help(help))
}

fn wrong_value(want: Kind, text: &str) -> Fault {
    let fault = Fault::new(
        Code::WrongValue,
        format!("`{}` is not {}", show(text), want.noun()),
    );
    match want {
        Kind::Number(_) | Kind::Address | Kind::Option => fault.help("write it without quotes"),
        Kind::Abstract => fault.help("an abstract name begins with `@`"),
        Kind::UnixPath => fault.help("a path begins with `/`"),
        Kind::UnixTarget => fault.help(
            "a unix target is a path that begins with `/`, an `@name`, `unnamed`, `any`, or a set of these",
        ),
        Kind::Path(_) | Kind::Text | Kind::Name | Kind::Word(_) => {
            fault.help("an `@name` is an object; processes have none")
        }
    }
}

/// Whether a bare word can only be a value, of whatever kind (notes 60).
pub(super) fn only_a_value(text: &str) -> bool {
    text.starts_with(['/', '@'])
        || number::plain(text).is_some()
        || number::is_range(text)
        || looks_like(text)
}

impl Checker<'_> {
    /// Reports what is wrong with a value.
    pub(super) fn fault(&mut self, span: Span, fault: Fault) {
        let found = Diagnostic::new(fault.code, span, fault.message);
        self.report(found.maybe_help(fault.help));
    }

    /// Adds a word as a value, and reports what is wrong with it.
    pub(super) fn add_value(&mut self, gathered: &mut Gathered, word: Word) -> bool {
        let source = self.slice(word.span);
        match gathered.add(source, word.form) {
            Ok(()) => true,
            Err(fault) => {
                self.fault(word.span, fault);
                false
            }
        }
    }
}
