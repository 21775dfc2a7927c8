//! Sets in the form that questions are answered on: sorted, merged, each once.

use super::keys;
use crate::maps::{HashMap, RandomState};
use crate::types::pattern::Pattern;
use crate::types::{UnixSet, Values};
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

/// A set of [`Sets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SetId(pub(super) u32);

/// Names and patterns over them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    /// In order, each once.
    pub(crate) literals: Vec<Rc<[u8]>>,
    /// Those with wildcards.
    pub(crate) globs: Vec<Pattern>,
}

impl Texts {
    fn of<'v>(patterns: impl Iterator<Item = &'v Pattern>) -> Self {
        let mut texts = Self::default();
        for pattern in patterns {
            match pattern {
                Pattern::Literal(bytes) => texts.literals.push(Rc::from(&**bytes)),
                Pattern::Glob(..) => texts.globs.push(pattern.clone()),
            }
        }
        texts.in_order()
    }

    fn in_order(mut self) -> Self {
        self.literals.sort_unstable();
        self.literals.dedup();
        self
    }

    /// Whether one of them matches.
    pub(crate) fn hold(&self, bytes: &[u8]) -> bool {
        let literal = self.literals.binary_search_by(|one| (**one).cmp(bytes));
        literal.is_ok() || self.globs.iter().any(|glob| glob.holds(bytes))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.literals.is_empty() && self.globs.is_empty()
    }
}

/// A set of values of one axis.
#[derive(Clone, Debug)]
pub(crate) enum Set {
    /// Ranges that neither touch nor overlap, in order.
    Numbers(Vec<(u32, u32)>),
    /// The same of both versions of IP.
    Addresses {
        v4: Vec<(u32, u32)>,
        v6: Vec<(u128, u128)>,
    },
    Texts(Texts),
    /// Bits by index of word.
    Words(u64),
    Unix {
        paths: Texts,
        names: Texts,
        unnamed: bool,
    },
}

impl Set {
    fn of(values: &Values) -> Self {
        match values {
            Values::Numbers(set) => Self::Numbers(merged(&set.ranges)),
            Values::Addresses(set) => Self::Addresses {
                v4: merged(&set.v4),
                v6: merged(&set.v6),
            },
            Values::Patterns(patterns) => Self::Texts(Texts::of(patterns.iter())),
            Values::Names(names) => Self::Texts(
                Texts {
                    literals: names.iter().map(|name| Rc::from(&**name)).collect(),
                    globs: Vec::new(),
                }
                .in_order(),
            ),
            Values::Words(bits) => Self::Words(*bits),
            // Two numbers of which nobody asks for ranges: eight bytes are a text.
            Values::Options(options) => {
                let bytes = options.iter().map(|one| {
                    let both = u64::from(one.level) << 32 | u64::from(one.name);
                    Rc::from(both.to_be_bytes())
                });
                Self::Texts(
                    Texts {
                        literals: bytes.collect(),
                        globs: Vec::new(),
                    }
                    .in_order(),
                )
            }
            Values::Unix(UnixSet {
                paths,
                names,
                unnamed,
            }) => Self::Unix {
                paths: Texts::of(paths.iter()),
                names: Texts::of(names.iter()),
                unnamed: *unnamed,
            },
        }
    }
}

impl Set {
    /// Whether it is plain that the set has a value that any object can have.
    fn is_plain(&self) -> bool {
        match self {
            Self::Numbers(ranges) => !ranges.is_empty(),
            Self::Addresses { v4, .. } => v4.first().is_some_and(|(first, _)| *first != 0),
            Self::Texts(texts) | Self::Unix { paths: texts, .. } => !texts.literals.is_empty(),
            Self::Words(bits) => *bits != 0,
        }
    }
}

/// A number that has a next one.
pub(crate) trait Number: Copy + Ord {
    fn next(self) -> Option<Self>;
}

macro_rules! number {
    ($($type:ty)+) => { $(
        impl Number for $type {
            fn next(self) -> Option<Self> { self.checked_add(1) }
        }
    )+ };
}

number! { u32 u128 }

fn merged<T: Number>(ranges: &[(T, T)]) -> Vec<(T, T)> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut out: Vec<(T, T)> = Vec::with_capacity(sorted.len());
    for (first, last) in sorted {
        // A range of nothing, as `port > 65535` is.
        if first > last {
            continue;
        }
        match out.last_mut() {
            Some((_, end)) if end.next().is_none_or(|next| first <= next) => *end = last.max(*end),
            _ => out.push((first, last)),
        }
    }
    out
}

/// All sets that are asked about, each once.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    all: Vec<Entry>,
    by_value: HashMap<Arc<Values>, SetId>,
    /// Keeps the values too, so that no address is used again.
    by_place: HashMap<*const Values, (SetId, Arc<Values>)>,
}

/// A set, and what it is found by once that was asked for.
#[derive(Debug)]
struct Entry {
    set: Set,
    /// Whether it is plain that it has a value that any object can have.
    plain: bool,
    keys: OnceCell<Vec<keys::Part>>,
}

impl Sets {
    /// One with room for what some rules ask for.
    pub(super) fn for_rules(rules: usize) -> Self {
        Self {
            all: Vec::with_capacity(rules),
            by_value: HashMap::with_capacity_and_hasher(rules, RandomState::default()),
            by_place: HashMap::with_capacity_and_hasher(rules, RandomState::default()),
        }
    }

    pub(crate) fn enter(&mut self, values: &Arc<Values>) -> SetId {
        let place = Arc::as_ptr(values);
        if let Some((id, _)) = self.by_place.get(&place) {
            return *id;
        }
        let id = self.by_value.get(values).copied().unwrap_or_else(|| {
            let id = SetId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
            let set = Set::of(values);
            self.all.push(Entry {
                plain: set.is_plain(),
                set,
                keys: OnceCell::new(),
            });
            self.by_value.insert(values.clone(), id);
            id
        });
        self.by_place.insert(place, (id, values.clone()));
        id
    }

    pub(crate) fn get(&self, id: SetId) -> Option<&Set> {
        self.all.get(id.0 as usize).map(|entry| &entry.set)
    }

    /// Whether it is plain that a set has a value that any object can have.
    pub(super) fn is_plain(&self, id: SetId) -> bool {
        self.all.get(id.0 as usize).is_some_and(|entry| entry.plain)
    }

    /// What an [`super::Index`] has a set under.
    pub(super) fn keys(&self, id: SetId) -> &[keys::Part] {
        let entry = self.all.get(id.0 as usize);
        entry.map_or(&[], |entry| {
            entry.keys.get_or_init(|| keys::keys_of(&entry.set))
        })
    }
}
