//! Puts an image together: lookups, rows, terms, descriptors, directories.

use super::Enforcement;
use super::classes::{Classes, Dimensioned};
use super::lookup::{self, Built};
use super::pairs::{Group, Interned, Pairs, Placed};
use crate::ast::Effect;
use crate::checked::CheckedPolicy;
use crate::diag::{Code, Diagnostic};
use crate::maps::HashMap;
use crate::source::Span;
use policy_abi::family::pair;
use policy_abi::fields::{DIMENSIONS, Dimension, LOOKUPS, Lookup, Shape};
use policy_abi::image::{
    BODY, CLASS_UNREADABLE, DESC_ENFORCED, DESC_RECORD, DESC_TERMS, DESC_VERDICT, DESC_WORDS,
    IMAGE_WORDS, LOOKUP_DIR, MAGIC, PAIR_DIR, term,
};

/// The words so far.
struct Writer {
    words: Vec<u64>,
    /// Rows that are there already, by content.
    rows: HashMap<Vec<u64>, u32>,
}

/// The image does not fit; nothing is said yet of what to do about it.
struct Full;

impl Writer {
    /// Appends words and says where.
    fn append(&mut self, words: &[u64]) -> Result<u32, Full> {
        let base = self.words.len();
        if base + words.len() > IMAGE_WORDS as usize {
            return Err(Full);
        }
        self.words.extend_from_slice(words);
        u32::try_from(base).ok().ok_or(Full)
    }

    fn set(&mut self, at: u32, word: u64) -> Result<(), Full> {
        let place = self.words.get_mut(at as usize).ok_or(Full)?;
        *place = word;
        Ok(())
    }

    fn append_rows(&mut self, rows: Vec<u64>) -> Result<u32, Full> {
        if let Some(base) = self.rows.get(&rows) {
            return Ok(*base);
        }
        let base = self.append(&rows)?;
        self.rows.insert(rows, base);
        Ok(base)
    }
}

/// The words of a policy.
pub(super) fn assemble(
    policy: &CheckedPolicy,
    pairs: &Pairs,
    classes: &Classes,
    generation: u64,
    enforcement: Enforcement,
) -> Result<Vec<u64>, Vec<Diagnostic>> {
    let mut writer = Writer {
        words: vec![0; BODY as usize],
        rows: HashMap::default(),
    };
    let done = fill(&mut writer, policy, pairs, classes, enforcement);
    let used = writer.words.len() as u64;
    let headed = done.and_then(|()| {
        writer.set(0, MAGIC)?;
        writer.set(1, generation)?;
        writer.set(2, used)
    });
    headed
        .map(|()| writer.words)
        .map_err(|Full| vec![too_large(policy)])
}

fn too_large(policy: &CheckedPolicy) -> Diagnostic {
    let span = policy
        .rules()
        .first()
        .map_or_else(Span::default, |rule| rule.span);
    let message = format!("the policy does not fit into the {IMAGE_WORDS} words of a table image");
    Diagnostic::new(Code::ImageTooLarge, span, message)
        .help("use networks and ranges instead of single addresses, and fewer paths")
}

fn fill(
    writer: &mut Writer,
    policy: &CheckedPolicy,
    pairs: &Pairs,
    classes: &Classes,
    enforcement: Enforcement,
) -> Result<(), Full> {
    for found in LOOKUPS {
        if let Some(of) = classes.of(found.dimension()) {
            let built = lookup_words(*found, of)?;
            let base = writer.append(&built.words)?;
            let at = LOOKUP_DIR + 2 * *found as u32;
            writer.set(at, u64::from(base) | u64::from(built.bits) << 32)?;
            writer.set(at + 1, built.seed)?;
        }
    }
    for group in &pairs.groups {
        let desc = descriptor(writer, policy, group, classes, enforcement)?;
        for (family, operation) in &group.pairs {
            let index = pair(family.number(), operation.number()).ok_or(Full)?;
            writer.set(PAIR_DIR + index, u64::from(desc))?;
        }
    }
    Ok(())
}

fn lookup_words(found: Lookup, of: &Dimensioned) -> Result<Built, Full> {
    match found.shape() {
        Shape::Pairs => lookup::pairs(&of.keys, IMAGE_WORDS as usize),
        Shape::Narrow => lookup::narrow(&of.narrow),
        Shape::Wide => lookup::wide(&of.wide),
    }
    .ok_or(Full)
}

/// Writes what a group's pairs share, and says where its descriptor is.
fn descriptor(
    writer: &mut Writer,
    policy: &CheckedPolicy,
    group: &Group,
    classes: &Classes,
    enforcement: Enforcement,
) -> Result<u32, Full> {
    let mut desc = vec![0_u64; DESC_WORDS as usize];
    let mut set = |at: u32, word: u64| desc.get_mut(at as usize).map(|place| *place = word);
    for dimension in DIMENSIONS {
        let asked = |one: &Interned| one.dimension == *dimension;
        let used = group
            .terms
            .iter()
            .any(|term| term.literals.iter().any(asked));
        if let Some(of) = classes.of(*dimension).filter(|_| used) {
            let base = writer.append_rows(rows(&group.terms, *dimension, of))?;
            set(*dimension as u32, u64::from(base)).ok_or(Full)?;
        }
    }
    let enforced = |placed: &Placed| {
        let rule = policy.rule(placed.rule);
        enforcement == Enforcement::AsWritten && rule.is_some_and(|rule| rule.enforced)
    };
    let records = |placed: &Placed| placed.effect == Effect::Record;
    let decides = |placed: &Placed| !records(placed);
    let in_force = |placed: &Placed| decides(placed) && enforced(placed);
    set(DESC_VERDICT, mask(&group.terms, decides)).ok_or(Full)?;
    set(DESC_ENFORCED, mask(&group.terms, in_force)).ok_or(Full)?;
    set(DESC_RECORD, mask(&group.terms, records)).ok_or(Full)?;
    let words: Vec<u64> = group
        .terms
        .iter()
        .map(|placed| term_word(policy, placed))
        .collect();
    let terms = writer.append(&words)?;
    set(DESC_TERMS, u64::from(terms)).ok_or(Full)?;
    writer.append(&desc)
}

/// Bits of the terms that are so.
fn mask(terms: &[Placed], so: impl Fn(&Placed) -> bool) -> u64 {
    let bits = terms.iter().enumerate().filter(|(_, placed)| so(placed));
    bits.fold(0, |mask, (bit, _)| mask | 1 << bit)
}

/// For each class of a dimension, the terms that take it.
fn rows(terms: &[Placed], dimension: Dimension, of: &Dimensioned) -> Vec<u64> {
    (0..of.end())
        .map(|class| {
            mask(terms, |placed| {
                let mut asked = placed
                    .literals
                    .iter()
                    .filter(|one| one.dimension == dimension);
                // An object that could not be read: whatever makes a deny match
                // and an allow not (notes 118). Subjects never have this class.
                if class == CLASS_UNREADABLE {
                    return placed.effect != Effect::Allow || asked.next().is_none();
                }
                asked.all(|one| of.contains(class, one.set) != one.negated)
            })
        })
        .collect()
}

fn term_word(policy: &CheckedPolicy, placed: &Placed) -> u64 {
    let effect = match placed.effect {
        Effect::Kill => policy_abi::image::Effect::Kill,
        Effect::Deny => policy_abi::image::Effect::Deny,
        Effect::Allow => policy_abi::image::Effect::Allow,
        Effect::DefaultDeny => policy_abi::image::Effect::DefaultDeny,
        Effect::Record => policy_abi::image::Effect::Record,
    };
    let errno = match placed.effect {
        Effect::Allow | Effect::Record => 0,
        Effect::Kill | Effect::Deny | Effect::DefaultDeny => {
            policy.rule(placed.rule).map_or(1, |rule| rule.errno.number)
        }
    };
    term(placed.rule.0, effect, errno)
}
