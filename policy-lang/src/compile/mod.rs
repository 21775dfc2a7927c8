//! A checked policy to the words of a table image ([`policy_abi::image`]).
//!
//! Shares no code with [`crate::eval`], which it must agree with: a property
//! test compares [`policy_abi::decide`] over the image with the definition.

mod asks;
mod automaton;
mod classes;
mod globs;
mod groups;
mod image;
mod keys;
mod lookup;
mod net;
mod pairs;
mod rows;
mod select;
mod support;
mod texts;
mod writer;

use self::classes::Classes;
use self::pairs::Pairs;
use crate::ast::Effect;
use crate::checked::{CheckedPolicy, Importance, RuleIndex};
use crate::diag::Diagnostic;
use crate::selection::Selection;
use crate::words::family::Family;
use crate::words::operation::Operation;
use policy_abi::hooks::Hook;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What a path in a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlaceUse {
    /// A rule names it: what lies there is denied or recorded, or is kept from an
    /// `allow`.
    Named,
    /// An exemption rests on it: an `allow`, or an `unless` of a denial. What lies
    /// on a file system that somebody else answers for is in no place then.
    Ground,
}

/// A path inside one file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file system's `s_dev`, as the kernel packs it.
    pub device: u32,
    /// Absolute from the file system's root.
    pub path: Vec<u8>,
}

/// A file system that is reached from a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Where on the host it is mounted, from the folder on, without a slash at
    /// either end; empty for the file system that the folder itself is on.
    pub below: Vec<u8>,
    /// What of it is there.
    pub place: Place,
}

/// What a name in /etc/passwd or /etc/group is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// A user.
    User,
    /// A group.
    Group,
}

/// What compiling must know of a host.
pub trait Host {
    /// The key of [`policy_abi::hash`].
    fn hash_key(&self) -> [u64; 2];

    /// Where a literal path lies, once links are followed and mounts resolved:
    /// in no place, or in several.
    fn places(&self, path: &[u8], place_use: PlaceUse) -> Vec<Place>;

    /// The place of a folder, and every mount below it that can be seen; links
    /// in the folder's path are followed. None when it is in no place. A host
    /// that says no more has no mounts.
    fn reaches(&self, folder: &[u8], place_use: PlaceUse) -> Vec<Reach> {
        let places = self.places(folder, place_use).into_iter();
        places
            .map(|place| Reach {
                below: Vec::new(),
                place,
            })
            .collect()
    }

    /// The number of a user or group by its name. None, as on a host without
    /// accounts, when there is no such name: nobody is it then.
    fn account(&self, account: Account, name: &[u8]) -> Option<u32> {
        let _ = (account, name);
        None
    }
}

/// A host on which every path is one place and every name of an account somebody's
/// own: what stands for any where there is none to ask.
#[derive(Debug, Default)]
pub struct AnyHost {
    accounts: RefCell<HashMap<(Account, Vec<u8>), u32>>,
}

impl Host for AnyHost {
    fn hash_key(&self) -> [u64; 2] {
        [0; 2]
    }

    fn places(&self, path: &[u8], _: PlaceUse) -> Vec<Place> {
        vec![Place {
            device: 1,
            path: path.to_vec(),
        }]
    }

    fn account(&self, account: Account, name: &[u8]) -> Option<u32> {
        let mut all = self.accounts.borrow_mut();
        let next = u32::try_from(all.len()).ok()?;
        Some(*all.entry((account, name.to_vec())).or_insert(next))
    }
}

/// How the rules of an image are enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// As each rule says.
    AsWritten,
    /// None is enforced: `--mode audit`.
    AuditAll,
}

/// What events and counters say of a rule, once the policy itself is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleMeta {
    /// Its index in terms and events.
    pub index: RuleIndex,
    /// Its id.
    pub id: String,
    /// The file that has it, as it was named.
    pub file: String,
    /// That file's stem: what events call the policy.
    pub policy: String,
    /// The line on which it starts, from 1.
    pub line: u32,
    /// What it does.
    pub effect: Effect,
    /// Whether it is enforced in this image.
    pub enforced: bool,
    /// Name of the errno that it denies with.
    pub errno: &'static str,
    /// Why it is there.
    pub because: Option<String>,
    /// How much it matters.
    pub severity: Option<Importance>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Where the paths lie that it compares.
    pub anchors: Vec<Arc<[Anchor]>>,
}

/// A path of a policy, and where it lies on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// As a pattern is written.
    pub path: String,
    /// What it is for.
    pub place_use: PlaceUse,
    /// Its places; those of the folder before the first wildcard and of what is
    /// mounted below that for a pattern. Without one, nothing is at the path.
    pub places: Vec<Place>,
}

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Image {
    /// The words in use, at most [`policy_abi::image::IMAGE_WORDS`]. Those past
    /// [`policy_abi::image::NEAR_WORDS`] are far.
    pub words: Vec<u64>,
    /// Pairs that have terms, in order: what hooks must be attached for.
    pub pairs: Vec<(Family, Operation)>,
    /// Hooks that must be attached for the selection of events, whatever the rules.
    pub hooks: Vec<Hook>,
    /// All rules, by index.
    pub rules: Vec<RuleMeta>,
}

impl Image {
    /// The rules behind the bits of a verdict's or record's `recorded`, each once.
    #[must_use]
    pub fn recorded(&self, terms: u32, bits: u64) -> Vec<RuleIndex> {
        let mut rules: Vec<RuleIndex> = Vec::new();
        for bit in (0..64_u32).filter(|bit| bits >> bit & 1 == 1) {
            let Some(word) = self.words.get(terms.wrapping_add(bit) as usize) else {
                continue;
            };
            let rule = RuleIndex(u32::try_from(word & 0xffff_ffff).unwrap_or(u32::MAX));
            if rules.last() != Some(&rule) {
                rules.push(rule);
            }
        }
        rules
    }
}

/// Compiles a policy.
///
/// # Errors
/// When the tables are too small for the policy. Nothing is ever left out.
pub fn compile(
    policy: &CheckedPolicy,
    host: &dyn Host,
    generation: u64,
    enforcement: Enforcement,
) -> Result<Image, Vec<Diagnostic>> {
    let by_default = Selection::default();
    compile_with(policy, &by_default, host, generation, enforcement)
}

/// Compiles a policy together with a selection of events.
///
/// # Errors
/// As [`compile`].
pub fn compile_with(
    policy: &CheckedPolicy,
    selection: &Selection,
    host: &dyn Host,
    generation: u64,
    enforcement: Enforcement,
) -> Result<Image, Vec<Diagnostic>> {
    let pairs = pairs::collect(policy, selection, host);
    let classes = Classes::new(&pairs.sets, host)
        .map_err(|dimension| vec![support::too_many_states(policy, dimension)])?;
    let groups = groups::Groups::new(policy, &pairs)?;
    let words = image::assemble(policy, &pairs, &classes, &groups, generation, enforcement)?;
    Ok(Image {
        words,
        pairs: pairs.covered(),
        hooks: pairs.selected.hooks.iter().copied().collect(),
        rules: rule_meta(policy, &pairs, &classes, enforcement),
    })
}

fn rule_meta(
    policy: &CheckedPolicy,
    pairs: &Pairs,
    classes: &Classes,
    enforcement: Enforcement,
) -> Vec<RuleMeta> {
    let mut anchors = anchors(pairs, classes);
    let numbered = (0_u32..).map(RuleIndex).zip(policy.rules());
    numbered
        .map(|(index, rule)| RuleMeta {
            index,
            id: rule.id.to_string(),
            file: policy.file_name(rule.source).to_owned(),
            policy: policy.file_stem(rule.source).to_owned(),
            line: rule.line,
            effect: rule.effect,
            enforced: rule.enforced && enforcement == Enforcement::AsWritten,
            errno: rule.errno.name,
            because: rule.because.clone(),
            severity: rule.severity,
            tags: rule.tags.clone(),
            anchors: anchors.remove(&index).unwrap_or_default(),
        })
        .collect()
}

/// Where the paths of each rule lie.
fn anchors(pairs: &Pairs, classes: &Classes) -> BTreeMap<RuleIndex, Vec<Arc<[Anchor]>>> {
    let mut all: BTreeMap<RuleIndex, BTreeMap<_, Arc<[Anchor]>>> = BTreeMap::new();
    for term in pairs.groups.iter().flat_map(|group| &group.terms) {
        for one in &term.literals {
            let of = classes.of(one.dimension);
            if let Some(found) = of.and_then(|of| of.anchors.get(&one.set)) {
                let of_rule = all.entry(term.rule).or_default();
                of_rule.insert((one.dimension, one.set), Arc::clone(found));
            }
        }
    }
    all.into_iter()
        .map(|(rule, of_rule)| (rule, of_rule.into_values().collect()))
        .collect()
}

#[cfg(test)]
mod tests;
