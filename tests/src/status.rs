//! The daemon's counters, and how they must add up.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What `status: ` is followed by.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// Of the policy in force.
    pub generation: u64,
    /// Counters of the kernel side, by name.
    pub counters: BTreeMap<String, u64>,
    /// Names of the hooks that are attached.
    pub hooks: Vec<String>,
    /// What became of events in user space.
    pub events: Events,
    /// Counts of each rule since the daemon's start.
    pub rules: BTreeMap<String, Tally>,
    /// Where the paths of each rule in force lie.
    pub anchors: BTreeMap<String, Vec<Anchor>>,
}

/// A path of a rule, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Anchor {
    /// As a pattern is written.
    pub path: String,
    /// Whether an exemption rests on it.
    pub exempts: bool,
    /// Where it lies.
    pub places: Vec<Place>,
}

/// A place in a file system.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Place {
    /// `major:minor`.
    pub device: String,
    /// From the file system's root.
    pub path: String,
}

/// Events in user space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Events {
    /// Lines that were written.
    pub written: u64,
    /// Lines that could not be written.
    pub unwritten: u64,
    /// Records that no line could be made of.
    pub undecodable: u64,
}

/// Counts of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Tally {
    /// Decisions that it determined or recorded.
    pub matched: u64,
    /// Refused.
    pub denied: u64,
    /// Let go by audit mode alone.
    pub would_deny: u64,
    /// Events submitted.
    pub emitted: u64,
    /// Events without room.
    pub lost: u64,
    /// Events that the selection did not ask for.
    pub suppressed: u64,
}

/// What counts failures: zero unless a test provokes them.
const FAILURES: [&str; 8] = [
    "no_tables",
    "no_task_storage",
    "no_socket_storage",
    "unreadable_paths",
    "unreadable_subjects",
    "unreadable_addresses",
    "events_lost",
    "long_texts",
];

impl Status {
    /// A counter of the kernel side.
    #[must_use]
    pub fn counter(&self, name: &str) -> u64 {
        let value = self.counters.get(name);
        *value.unwrap_or_else(|| panic!("no counter `{name}` in {:?}", self.counters))
    }

    /// The counts of a rule, zeros when it has none yet.
    #[must_use]
    pub fn rule(&self, id: &str) -> Tally {
        self.rules.get(id).copied().unwrap_or_default()
    }

    /// Events that the kernel side submitted.
    #[must_use]
    pub fn submitted(&self) -> u64 {
        self.counter("events") - self.counter("events_lost")
    }

    /// Events that user space is done with.
    #[must_use]
    pub const fn handled(&self) -> u64 {
        let Events {
            written,
            unwritten,
            undecodable,
        } = self.events;
        written + unwritten + undecodable
    }

    /// Since an earlier one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let counters = self
            .counters
            .iter()
            .map(|(name, count)| (name.clone(), count - earlier.counter(name)));
        let rules = self.rules.iter().map(|(id, tally)| {
            let before = earlier.rule(id);
            let since = Tally {
                matched: tally.matched - before.matched,
                denied: tally.denied - before.denied,
                would_deny: tally.would_deny - before.would_deny,
                emitted: tally.emitted - before.emitted,
                lost: tally.lost - before.lost,
                suppressed: tally.suppressed - before.suppressed,
            };
            (id.clone(), since)
        });
        Self {
            generation: self.generation,
            counters: counters.collect(),
            hooks: self.hooks.clone(),
            events: Events {
                written: self.events.written - earlier.events.written,
                unwritten: self.events.unwritten - earlier.events.unwritten,
                undecodable: self.events.undecodable - earlier.events.undecodable,
            },
            rules: rules.collect(),
            anchors: self.anchors.clone(),
        }
    }

    /// What holds at every moment of quiet.
    pub fn adds_up(&self) {
        assert_eq!(
            self.counter("decisions"),
            self.counter("allowed") + self.counter("denied"),
            "every decision allows or denies: {self:?}"
        );
        for (id, tally) in &self.rules {
            assert_eq!(
                tally.matched,
                tally.emitted + tally.suppressed + tally.lost,
                "every match of {id} has an event, or counts as suppressed or lost: {tally:?}"
            );
            assert!(
                tally.matched >= tally.denied + tally.would_deny,
                "{id}: {tally:?}"
            );
        }
        let denied: u64 = self.rules.values().map(|tally| tally.denied).sum();
        assert_eq!(self.counter("denied"), denied, "each by a rule: {self:?}");
        let would_deny: u64 = self.rules.values().map(|tally| tally.would_deny).sum();
        assert_eq!(self.counter("would_deny"), would_deny, "{self:?}");
        assert_eq!(self.submitted(), self.handled(), "events: {self:?}");
        assert_eq!(
            (self.events.unwritten, self.events.undecodable),
            (0, 0),
            "events that nobody sees: {self:?}"
        );
    }

    /// No failure was counted.
    pub fn no_failures(&self) {
        self.no_failures_but(&[]);
    }

    /// No failure was counted, these aside.
    pub fn no_failures_but(&self, provoked: &[&str]) {
        for name in FAILURES.iter().filter(|name| !provoked.contains(name)) {
            assert_eq!(self.counter(name), 0, "`{name}` in {:?}", self.counters);
        }
    }
}
