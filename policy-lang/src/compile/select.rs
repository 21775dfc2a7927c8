//! A selection of events ([`policy_abi::select`]): filters become terms over the
//! same sets as those of rules, in groups that belong to no pair.

use super::Host;
use super::pairs::{Group, Pair, Pairs, Placed, Sets, intern};
use super::writer::{Full, Writer};
use crate::ast::Effect;
use crate::checked::RuleIndex;
use crate::maps::HashMap;
use crate::selection::{Choice, Selection, Wish};
use crate::terms::{Literal, Sign, of_condition};
use crate::words::family::Family;
use crate::words::operation::OPERATIONS;
use crate::words::shape::Shape;
use policy_abi::hooks::Hook;
use policy_abi::mediation;
use policy_abi::select::{EVERYTHING, Event, NOTHING, SEATS, TABLE_WORDS};
use std::collections::BTreeSet;

/// The rule of a term that is none's.
const NO_RULE: RuleIndex = RuleIndex(policy_abi::decide::NO_RULE);

/// What is wanted of a family's operations.
#[derive(Clone, Copy, Debug)]
enum Want {
    Nothing,
    Everything,
    /// What the terms of a group take.
    Group(usize),
}

/// What is wanted of an event, by the place in its table.
#[derive(Debug)]
struct Table {
    event: &'static Event,
    wants: Vec<Want>,
}

/// A selection as the image has it.
#[derive(Debug, Default)]
pub(super) struct Selected {
    tables: Vec<Table>,
    /// The terms of filters, for descriptors of their own.
    pub(super) groups: Vec<Group>,
    /// Pairs that are judged whether rules are about them or not.
    pub(super) pairs: BTreeSet<Pair>,
    /// The hooks that make events of operations which no rule is about.
    pub(super) hooks: BTreeSet<Hook>,
}

/// Collects what a selection wants; adds to `sets` what its filters compare.
pub(super) fn collect(selection: &Selection, sets: &mut Sets, host: &dyn Host) -> Selected {
    let mut all = Selected::default();
    for choice in selection.choices() {
        let table = all.table(choice, sets, host);
        all.tables.push(table);
    }
    all
}

impl Selected {
    fn table(&mut self, choice: &Choice, sets: &mut Sets, host: &dyn Host) -> Table {
        let event = choice.event;
        let mut known: HashMap<Vec<usize>, Want> = HashMap::default();
        let mut wants = vec![Want::Nothing; TABLE_WORDS as usize];
        for family in Family::all() {
            for matched in [false, true] {
                let about = |wish: &Wish| wish.families.contains(family) && (matched || wish.plain);
                let wishes = choice.wishes.iter().enumerate();
                let places: Vec<usize> = wishes
                    .filter(|(_, wish)| about(wish))
                    .map(|(place, _)| place)
                    .collect();
                if !matched && !places.is_empty() {
                    self.judge(event, family);
                }
                let want = *known
                    .entry(places)
                    .or_insert_with_key(|places| self.want(&choice.wishes, places, sets, host));
                let place = 2 * usize::from(family.number()) + usize::from(matched);
                if let Some(word) = wants.get_mut(place) {
                    *word = want;
                }
            }
        }
        Table { event, wants }
    }

    /// Has a family's operations judged that an event is about.
    fn judge(&mut self, event: &Event, family: Family) {
        for operation in OPERATIONS {
            let number = operation.number();
            if !event.operations.contains(&number) {
                continue;
            }
            let hooks = mediation::hooks(family.number(), number);
            let writes = hooks.iter().filter(|hook| event.written_by(**hook));
            for hook in writes {
                self.pairs.insert((family, *operation));
                self.hooks.insert(*hook);
            }
        }
    }

    /// What some wishes come to together.
    fn want(
        &mut self,
        wishes: &[Wish],
        places: &[usize],
        sets: &mut Sets,
        host: &dyn Host,
    ) -> Want {
        let mut terms = Vec::new();
        for wish in places.iter().filter_map(|place| wishes.get(*place)) {
            let Some(filter) = &wish.subject else {
                return Want::Everything;
            };
            let mut make = |axis, negated, values: &_| Literal {
                axis,
                negated,
                values: std::sync::Arc::clone(values),
            };
            // What a filter asks for is a process's, whatever the object is.
            for literals in of_condition(filter.condition(), Sign::Plain, Shape::Nothing, &mut make)
            {
                let literals = literals.iter();
                terms.push(Placed {
                    rule: NO_RULE,
                    effect: Effect::Record,
                    literals: literals
                        .map(|one| intern(one, Effect::Record, sets, host))
                        .collect(),
                });
            }
        }
        if terms.is_empty() {
            return Want::Nothing;
        }
        let pairs = Vec::new();
        self.groups.push(Group { pairs, terms });
        Want::Group(self.groups.len() - 1)
    }

    /// Writes the tables; `descriptors` are those of the groups. Gives the
    /// directory's place, 0 when nothing was chosen.
    pub(super) fn write(&self, writer: &mut Writer, descriptors: &[u32]) -> Result<u32, Full> {
        if self.tables.is_empty() {
            return Ok(0);
        }
        let mut directory = vec![0_u64; SEATS as usize];
        for Table { event, wants } in &self.tables {
            let words = wants.iter().map(|want| match want {
                Want::Nothing => Some(NOTHING),
                Want::Everything => Some(EVERYTHING),
                Want::Group(group) => descriptors.get(*group).copied(),
            });
            let words: Option<Vec<u64>> = words.map(|word| word.map(u64::from)).collect();
            let base = writer.append_rows(words.ok_or(Full)?)?;
            for seat in event.seats {
                if let Some(word) = directory.get_mut(*seat as usize) {
                    *word = u64::from(base);
                }
            }
        }
        writer.append_near(&directory)
    }
}

/// Adds pairs without rules for what a selection has judged beside.
pub(super) fn add_pairs(pairs: &mut Pairs) {
    let covered: BTreeSet<Pair> = pairs.covered().into_iter().collect();
    let beside = pairs.selected.pairs.difference(&covered);
    let beside: Vec<Pair> = beside.copied().collect();
    if !beside.is_empty() {
        let terms = Vec::new();
        pairs.groups.push(Group {
            pairs: beside,
            terms,
        });
    }
}
