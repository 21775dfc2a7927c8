//! What the daemon says of itself on SIGUSR1 and at its end: one line of JSON.

use super::pipeline::Pipeline;
use super::policy::{Policies, Took};
use crate::config::Mode;
use crate::kernel::phases::{self, Phases};
use crate::kernel::{Kernel, KernelError};
use crate::mounts;
use policy_abi::event::Tally;
use policy_abi::hooks::Hook;
use policy_lang::compile::{Anchor, Image, Place, PlaceUse};
use policy_lang::diag::show_bytes;
use serde::Serialize;
use std::collections::BTreeMap;

/// The report; it only grows.
#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    generation: u64,
    mode: &'static str,
    /// What the last reload that was put in force took.
    reload_micros: Took,
    /// What the start took, up to saying that a policy is in force.
    start_micros: Start<'a>,
    counters: BTreeMap<&'static str, u64>,
    /// Hooks whose programs are attached, by name.
    hooks: Vec<&'static str>,
    events: Events,
    rules: BTreeMap<&'a str, Counts>,
    /// Of the policy in force: where the paths of each rule that has any lie.
    anchors: BTreeMap<&'a str, Vec<Anchored<'a>>>,
}

#[derive(Serialize)]
struct Start<'a> {
    /// Phases one after another, each by the clock and of processors.
    phases: Vec<Phase<'a>>,
    /// Of a processor, to load each program; several are loaded at once.
    programs: BTreeMap<&'a str, u64>,
}

#[derive(Serialize)]
struct Phase<'a> {
    name: &'a str,
    #[serde(flatten)]
    took: phases::Took,
}

#[derive(Serialize)]
struct Events {
    written: u64,
    unwritten: u64,
    undecodable: u64,
}

/// Counts of a rule since the daemon's start, over all generations.
#[derive(Serialize)]
struct Counts {
    matched: u64,
    denied: u64,
    would_deny: u64,
    emitted: u64,
    lost: u64,
    suppressed: u64,
}

/// A path of a rule.
#[derive(Serialize)]
struct Anchored<'a> {
    path: &'a str,
    /// Whether an exemption rests on it.
    exempts: bool,
    /// Without one, nothing that the kernel sees is at the path.
    places: Vec<Placed>,
}

/// A place in a file system.
#[derive(Serialize)]
struct Placed {
    /// `major:minor`, as mountinfo has it.
    device: String,
    /// From the file system's root.
    path: String,
}

impl<'a> Anchored<'a> {
    fn of(anchor: &'a Anchor) -> Self {
        Self {
            path: &anchor.path,
            exempts: anchor.place_use == PlaceUse::Ground,
            places: anchor.places.iter().map(Placed::of).collect(),
        }
    }
}

impl Placed {
    fn of(place: &Place) -> Self {
        Self {
            device: mounts::device(place.device),
            path: show_bytes(&place.path),
        }
    }
}

/// Where the paths of each rule lie.
fn anchors(image: &Image) -> BTreeMap<&str, Vec<Anchored<'_>>> {
    let rules = image.rules.iter().filter(|rule| !rule.anchors.is_empty());
    rules
        .map(|rule| {
            let all = rule.anchors.iter().flat_map(|of| of.iter());
            (rule.id.as_str(), all.map(Anchored::of).collect())
        })
        .collect()
}

/// The line.
pub(super) fn report(
    kernel: &mut Kernel,
    policies: &Policies,
    mode: Mode,
    pipeline: &Pipeline,
) -> Result<String, KernelError> {
    let counters = kernel
        .counters()?
        .into_iter()
        .map(|(_, name, count)| (name, count))
        .collect();
    let mut hooks: Vec<_> = kernel.attached().map(Hook::name).collect();
    hooks.sort_unstable();
    let (written, unwritten) = pipeline.counts();
    let mut sums: BTreeMap<&str, Tally> = BTreeMap::new();
    for (id, tally) in policies.retired() {
        sums.insert(id, *tally);
    }
    let slot = kernel.slot().unwrap_or(0);
    let slots = [(policies.image(), slot), (policies.former(), 1 - slot)];
    for (image, slot) in slots {
        let Some(image) = image else {
            continue;
        };
        let totals = kernel.tallies(slot)?.0;
        let counted = totals
            .into_iter()
            .chain(std::iter::repeat(Tally::default()));
        for (rule, tally) in image.rules.iter().zip(counted) {
            let sum = sums.entry(&rule.id).or_default();
            *sum = sum.plus(&tally);
        }
    }
    let rules = sums
        .into_iter()
        .map(|(id, tally)| (id, Counts::from(tally)))
        .collect();
    let report = Report {
        schema: 1,
        generation: policies.generation(),
        mode: mode.word(),
        reload_micros: policies.took(),
        start_micros: start(kernel.phases()),
        counters,
        hooks,
        events: Events {
            written,
            unwritten,
            undecodable: pipeline.undecodable(),
        },
        rules,
        anchors: policies.image().map(anchors).unwrap_or_default(),
    };
    Ok(serde_json::to_string(&report).unwrap_or_else(|error| format!("\"{error}\"")))
}

fn start(phases: &Phases) -> Start<'_> {
    let ended = phases.ended().iter();
    Start {
        phases: ended
            .map(|(name, took)| Phase { name, took: *took })
            .collect(),
        programs: phases.programs().iter().copied().collect(),
    }
}

impl From<Tally> for Counts {
    fn from(tally: Tally) -> Self {
        let Tally {
            matched,
            denied,
            would_deny,
            emitted,
            lost,
            suppressed,
        } = tally;
        Self {
            matched,
            denied,
            would_deny,
            emitted,
            lost,
            suppressed,
        }
    }
}
