//! The groups that a policy names: a bit each, since a process is in any number
//! of them.

use super::pairs::Pairs;
use super::writer::{Full, Writer};
use crate::checked::CheckedPolicy;
use crate::diag::{Code, Diagnostic};
use crate::types::Values;
use crate::types::number::NumberSet;
use policy_abi::ask;
use policy_abi::fields::Dimension;
use policy_abi::image::MAX_GROUPS;
use std::collections::BTreeSet;

/// Group ids, each once; the place of one is its bit.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeSet<u32>);

impl Groups {
    /// Those that the sets of a policy name.
    pub(super) fn new(policy: &CheckedPolicy, pairs: &Pairs) -> Result<Self, Vec<Diagnostic>> {
        let sets = pairs.sets.of(Dimension::Groups);
        let named = sets.iter().flat_map(|(values, _)| ids(values));
        let all = Self(named.collect());
        if all.0.len() <= MAX_GROUPS as usize {
            return Ok(all);
        }
        let mut seen = BTreeSet::new();
        let terms = pairs.groups.iter().flat_map(|group| &group.terms);
        let mut over = terms.filter(|placed| {
            for one in &placed.literals {
                if one.dimension == Dimension::Groups {
                    seen.extend(
                        sets.get(one.set)
                            .into_iter()
                            .flat_map(|(values, _)| ids(values)),
                    );
                }
            }
            seen.len() > MAX_GROUPS as usize
        });
        let rule = over.find_map(|placed| policy.rule(placed.rule));
        let message = format!(
            "the policy names {} groups; the kernel compares {MAX_GROUPS}",
            all.0.len()
        );
        let span = rule.map_or_else(Default::default, |rule| rule.span);
        Err(vec![
            Diagnostic::new(Code::ImageTooLarge, span, message)
                .help("compare `user` or `unit` instead, which have no such bound"),
        ])
    }

    /// The bits of a set.
    pub(super) fn mask(&self, set: &NumberSet) -> u64 {
        let numbered = (0_u32..).zip(&self.0);
        let within = numbered.filter(|(_, id)| set.holds(**id));
        within.fold(0, |mask, (bit, _)| mask | 1 << bit)
    }

    /// Writes the ids, and says where.
    pub(super) fn write(&self, writer: &mut Writer) -> Result<ask::Groups, Full> {
        let words: Vec<u64> = self.0.iter().copied().map(u64::from).collect();
        let count = u32::try_from(words.len()).ok().ok_or(Full)?;
        Ok(ask::Groups::new(writer.append_near(&words)?, count))
    }
}

/// A set is of single ids: each is a name's.
fn ids(values: &Values) -> Vec<u32> {
    if let Values::Numbers(set) = values {
        set.ranges.iter().map(|(id, _)| *id).collect()
    } else {
        Vec::new()
    }
}
