//! The rules of the last few generations, for the events that still speak of them.

use super::rules::{Rule, Rules};
use policy_lang::Importance;
use policy_lang::compile::{Image, RuleMeta};
use std::collections::VecDeque;
use std::sync::Arc;

/// Generations that are kept. A record speaks of the one that was in force when
/// its program began; what lies in the ring is younger than the last few.
pub const KEPT: usize = 8;

/// Rules by generation.
#[derive(Debug, Default)]
pub struct Book {
    generations: VecDeque<(u64, Arc<Image>)>,
}

impl Book {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters a generation. It is to be done before the switch: its first event
    /// can come right after.
    pub fn enter(&mut self, generation: u64, image: Arc<Image>) {
        self.generations.push_front((generation, image));
        self.generations.truncate(KEPT);
    }

    /// Forgets the generations before one.
    pub fn forget_before(&mut self, generation: u64) {
        self.generations.retain(|entry| entry.0 >= generation);
    }

    fn image(&self, generation: u64) -> Option<&Image> {
        let entered = |entry: &&(u64, Arc<Image>)| entry.0 == generation;
        self.generations.iter().find(entered).map(|entry| &*entry.1)
    }
}

impl Rules for Book {
    fn rule(&self, generation: u64, index: u32) -> Option<Rule<'_>> {
        let rules = &self.image(generation)?.rules;
        rules.get(usize::try_from(index).ok()?).map(rule)
    }

    fn rule_of_term(&self, generation: u64, word: u32) -> Option<u32> {
        let words = &self.image(generation)?.words;
        let term = words.get(usize::try_from(word).ok()?)?;
        // The rule is the low half of its term.
        u32::try_from(term & u64::from(u32::MAX)).ok()
    }
}

fn rule(meta: &RuleMeta) -> Rule<'_> {
    Rule {
        id: &meta.id,
        policy: &meta.policy,
        file: &meta.file,
        line: meta.line,
        because: meta.because.as_deref(),
        severity: meta.severity.map(Importance::word),
        tags: &meta.tags,
        mode: if meta.enforced { "enforce" } else { "audit" },
        errno: meta.errno,
    }
}
