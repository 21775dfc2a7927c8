//! The policy in force, and how another takes its place.

use crate::anchors::Anchors;
use crate::config::{Config, Mode};
use crate::event::{Book, Cgroups, Places};
use crate::files::{self, FilesError};
use crate::host;
use crate::kernel::stats::Totals;
use crate::kernel::{Kernel, KernelError, Loadable, OnError};
use policy_abi::event::Tally;
use policy_abi::family::pair;
use policy_abi::hooks::Hook;
use policy_abi::mediation;
use policy_lang::ast::Effect;
use policy_lang::compile::{Enforcement, Image, compile_with};
use policy_lang::diag::{Diagnostic, Report, Severity, Style, render_all, show_bytes};
use policy_lang::selection::Selection;
use policy_lang::source::{SourceFile, Sources};
use policy_lang::{CheckedPolicy, Lints};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::warn;

/// Where the hierarchy of control groups (v2) is mounted.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Why a policy was not put in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Its files cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// It has errors; the text shows them.
    #[error("{0}")]
    Refused(String),
    /// This kernel lacks hooks that its rules need; the text shows which.
    #[error("{0}")]
    Unenforceable(String),
    /// A path in it leads nowhere, so that a rule about it would match nothing.
    #[error(
        "`{0}` cannot be anchored: its symbolic links go in a circle, or it is on no mount of PID 1"
    )]
    Lost(String),
    /// The mounts of this host cannot be read.
    #[error("cannot read the mounts of PID 1")]
    Mounts(#[source] std::io::Error),
    /// The accounts that it names cannot be looked up.
    #[error("cannot read `{0}`, which has names that the policy compares")]
    Accounts(&'static str, #[source] std::io::Error),
    /// The kernel did not take it.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

impl ReloadError {
    /// Whether the same text is refused again for as long as this kernel runs; all
    /// else may mend itself.
    const fn lasts(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unenforceable(_))
    }
}

/// The policies of the daemon.
pub(super) struct Policies {
    paths: Vec<PathBuf>,
    mode: Mode,
    allow_lockout: bool,
    allow_unenforced: bool,
    /// Hooks that rules can need and this kernel lacks.
    lacking: Vec<Hook>,
    selection: Selection,
    hash_key: [u64; 2],
    generation: u64,
    sources: Option<Sources>,
    /// Sources that were refused, so that one text is refused once.
    refused: Option<Sources>,
    image: Option<Arc<Image>>,
    anchors: Option<Anchors>,
    book: Book,
    cgroups: Cgroups,
    /// Counts of the rules of former generations, by id.
    retired: BTreeMap<String, Tally>,
    /// The image whose slot is retired at the next switch.
    former: Option<Arc<Image>>,
    took: Took,
}

/// What a reload took, in microseconds: the parts that make it slow.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Took {
    /// Up to the kernel: reading, checking, anchoring, compiling.
    compile: u64,
    /// Filling the idle slot, and waiting until no program uses what was in it; loading
    /// programs that were not needed before.
    fill: u64,
    /// Attaching hooks, and the switch.
    switch: u64,
}

/// Microseconds since.
fn micros(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// A policy as it was read, which no host has been asked about.
pub(super) struct Checked {
    sources: Sources,
    policy: CheckedPolicy,
    /// What that took.
    took: Duration,
}

/// A policy on its way to the kernel.
struct Compiled {
    image: Image,
    anchors: Anchors,
    on_error: OnError,
    /// About rules that this kernel cannot enforce, where that is allowed.
    unenforced: Option<String>,
}

impl Policies {
    pub(super) fn new(config: &Config, hash_key: [u64; 2]) -> Self {
        Self {
            paths: config.policy.clone(),
            mode: config.mode,
            allow_lockout: config.allow_lockout,
            allow_unenforced: config.allow_unenforced,
            lacking: Vec::new(),
            selection: config.events.selection().clone(),
            hash_key,
            generation: 0,
            sources: None,
            refused: None,
            image: None,
            anchors: None,
            book: Book::new(),
            cgroups: Cgroups::new(CGROUPS),
            retired: BTreeMap::new(),
            former: None,
            took: Took::default(),
        }
    }

    /// Says which hooks the kernel lacks that rules can need.
    pub(super) fn lack(&mut self, hooks: &[Hook]) {
        hooks.clone_into(&mut self.lacking);
    }

    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn rules(&self) -> usize {
        self.image.as_ref().map_or(0, |image| image.rules.len())
    }

    /// Forgets the rules of policies that no event can name any more. To be called
    /// when the ring is empty: filling the slot in force waited until no program
    /// judged by the policy that had it.
    pub(super) fn forget_former(&mut self) {
        self.book.forget_before(self.generation.saturating_sub(1));
    }

    pub(super) const fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn image(&self) -> Option<&Image> {
        self.image.as_deref()
    }

    pub(super) fn former(&self) -> Option<&Image> {
        self.former.as_deref()
    }

    pub(super) const fn took(&self) -> Took {
        self.took
    }

    pub(super) const fn retired(&self) -> &BTreeMap<String, Tally> {
        &self.retired
    }

    pub(super) const fn places(&self) -> &dyn Places {
        self
    }

    /// Reads and checks the policies, without the kernel and without this host.
    pub(super) fn check(&self) -> Result<Checked, ReloadError> {
        let began = Instant::now();
        let sources = files::read(&self.paths)?;
        let policy = self.checked(&sources)?;
        Ok(Checked {
            sources,
            policy,
            took: began.elapsed(),
        })
    }

    /// Reads, checks, anchors and compiles; gives how many rules that are.
    pub(super) fn rehearse(&self) -> Result<usize, ReloadError> {
        let Checked {
            sources, policy, ..
        } = self.check()?;
        let compiled = self.compiled(&policy, &sources, 1)?;
        Ok(compiled.image.rules.len())
    }

    /// Whether another policy would come of reading everything again: the files
    /// differ from those in force and from those last refused, or what the paths
    /// in them lead to does. What cannot be read counts as changed, so that the
    /// reload says why.
    pub(super) fn changed(&self) -> bool {
        let Ok(found) = files::read(&self.paths) else {
            return true;
        };
        match (&self.refused, &self.sources) {
            (Some(refused), _) => !same(refused, &found),
            (None, Some(known)) if same(known, &found) => self.moved(known),
            (None, _) => true,
        }
    }

    /// Whether the paths of the policy in force lead elsewhere by now.
    fn moved(&self, sources: &Sources) -> bool {
        let Some(image) = &self.image else {
            return true;
        };
        let policy = self.checked(sources);
        let again = policy.and_then(|policy| self.compiled(&policy, sources, self.generation));
        again.map_or(true, |again| again.image.words != image.words)
    }

    /// Reads, checks, compiles, anchors and publishes.
    pub(super) fn load(&mut self, kernel: &mut Kernel) -> Result<(), ReloadError> {
        let began = Instant::now();
        let sources = files::read(&self.paths)?;
        let done = self
            .checked(&sources)
            .and_then(|policy| self.publish(&policy, &sources, kernel, began));
        match done {
            Ok(()) => {
                self.sources = Some(sources);
                self.refused = None;
                Ok(())
            }
            Err(error) => {
                self.refused = error.lasts().then_some(sources);
                Err(error)
            }
        }
    }

    /// Compiles, anchors and publishes the first policy.
    pub(super) fn begin(
        &mut self,
        checked: Checked,
        kernel: &mut Kernel,
    ) -> Result<(), ReloadError> {
        let Checked {
            sources,
            policy,
            took,
        } = checked;
        let now = Instant::now();
        let began = now.checked_sub(took).unwrap_or(now);
        self.publish(&policy, &sources, kernel, began)?;
        self.sources = Some(sources);
        Ok(())
    }

    /// The checked policy, or why it is refused, as text.
    fn checked(&self, sources: &Sources) -> Result<CheckedPolicy, ReloadError> {
        // Warnings are for `check`; here only what refuses the policy counts.
        let (policy, report) = policy_lang::load_with(sources, Lints::None, None);
        let policy = policy.ok_or_else(|| refused(sources, &report))?;
        if self.mode == Mode::Enforce && !self.allow_lockout {
            let found = lockouts(&policy);
            if !found.is_empty() {
                return Err(refused(sources, &Report::new(found)));
            }
        }
        Ok(policy)
    }

    /// Everything up to the kernel.
    fn compiled(
        &self,
        policy: &CheckedPolicy,
        sources: &Sources,
        generation: u64,
    ) -> Result<Compiled, ReloadError> {
        let anchors = Anchors::of_host(self.hash_key).map_err(ReloadError::Mounts)?;
        let enforcement = match self.mode {
            Mode::Enforce => Enforcement::AsWritten,
            Mode::Audit => Enforcement::AuditAll,
        };
        let image = compile_with(policy, &self.selection, &anchors, generation, enforcement)
            .map_err(|found| refused(sources, &Report::new(found)))?;
        if let Some(path) = anchors.lost() {
            return Err(ReloadError::Lost(show_bytes(&path)));
        }
        if let Some((file, error)) = anchors.accounts().failure() {
            return Err(ReloadError::Accounts(file, error));
        }
        let unenforced = self.unenforced(policy, sources)?;
        let on_error = on_error(policy, &image, enforcement);
        Ok(Compiled {
            image,
            anchors,
            on_error,
            unenforced,
        })
    }

    /// What is to be said of rules that this kernel cannot enforce; an error unless
    /// that is allowed.
    fn unenforced(
        &self,
        policy: &CheckedPolicy,
        sources: &Sources,
    ) -> Result<Option<String>, ReloadError> {
        let mut found = host::unenforced(policy, |hook| self.lacking.contains(&hook));
        if found.is_empty() {
            return Ok(None);
        }
        if !self.allow_unenforced {
            for one in &mut found {
                one.severity = Severity::Error;
            }
            if let Some(last) = found.pop() {
                found.push(last.help(
                    "to load the policy without them, set `allow_unenforced = true` in the configuration, or give `--allow-unenforced`",
                ));
            }
        }
        let text = render_all(&Report::new(found), sources, Style::Plain);
        let text = text.trim_end().to_owned();
        if self.allow_unenforced {
            Ok(Some(text))
        } else {
            Err(ReloadError::Unenforceable(text))
        }
    }

    fn publish(
        &mut self,
        policy: &CheckedPolicy,
        sources: &Sources,
        kernel: &mut Kernel,
        began: Instant,
    ) -> Result<(), ReloadError> {
        let generation = self.generation + 1;
        let Compiled {
            image,
            anchors,
            on_error,
            unenforced,
        } = self.compiled(policy, sources, generation)?;
        if let Some(text) = unenforced {
            warn!("rules that this kernel cannot enforce:\n{text}");
        }
        for (file, name) in anchors.accounts().unknown() {
            let name = show_bytes(&name);
            warn!("`{name}` is not in {file}: rules that compare it match nobody by that name");
        }
        for (path, kind) in anchors.foreign() {
            let (path, kind) = (show_bytes(&path), show_bytes(&kind));
            warn!("`{path}` lies on {kind}: no exemption can rest on it, so none does");
        }
        for hook in image
            .hooks
            .iter()
            .filter(|hook| self.lacking.contains(hook))
        {
            let name = hook.name();
            warn!(
                "this kernel lacks the hook `{name}`: events that are selected of what it sees are not made"
            );
        }
        let image = Arc::new(image);
        // An event can come right after the switch.
        self.book.enter(generation, Arc::clone(&image));
        self.anchors = Some(anchors);
        let loadable = Loadable {
            words: &image.words,
            rules: image.rules.len(),
            generation,
            hooks: &self.hooks(&image),
            on_error: &on_error,
        };
        kernel.phases_mut().end("compiling");
        let (compile, began) = (micros(began), Instant::now());
        let retired = kernel.fill(&loadable)?;
        self.retire(retired);
        let (fill, began) = (micros(began), Instant::now());
        kernel.switch(&loadable)?;
        kernel.phases_mut().end("switch");
        self.took = Took {
            compile,
            fill,
            switch: micros(began),
        };
        self.former = self.image.replace(image);
        self.generation = generation;
        Ok(())
    }

    /// The hooks that a policy's pairs and the selection need, of those that there are.
    fn hooks(&self, image: &Image) -> Vec<Hook> {
        let pairs = image.pairs.iter();
        let needed = pairs.flat_map(|(family, of)| mediation::hooks(family.number(), of.number()));
        let mut hooks: Vec<Hook> = needed.chain(&image.hooks).copied().collect();
        hooks.retain(|hook| !self.lacking.contains(hook));
        hooks.sort();
        hooks.dedup();
        hooks
    }

    /// The hooks that the policy in force needs.
    pub(super) fn needed(&self) -> Vec<Hook> {
        let image = self.image.as_deref();
        image.map_or_else(Vec::new, |image| self.hooks(image))
    }

    /// Adds the final counts of the slot that was taken.
    fn retire(&mut self, totals: Option<Totals>) {
        let (Some(totals), Some(former)) = (totals, self.former.take()) else {
            return;
        };
        for (rule, tally) in former.rules.iter().zip(totals.0) {
            let sum = self.retired.entry(rule.id.clone()).or_default();
            *sum = sum.plus(&tally);
        }
    }
}

impl Places for Policies {
    fn host_path(&self, device: u32, in_fs: &[u8]) -> Option<Vec<u8>> {
        self.anchors.as_ref()?.host_path(device, in_fs)
    }

    fn cgroup(&self, id: u64) -> Option<Vec<u8>> {
        self.cgroups.path(id)
    }
}

fn refused(sources: &Sources, report: &Report) -> ReloadError {
    ReloadError::Refused(
        render_all(report, sources, Style::Plain)
            .trim_end()
            .to_owned(),
    )
}

/// What is enforced and cuts the host off, as errors.
fn lockouts(policy: &CheckedPolicy) -> Vec<Diagnostic> {
    let all = policy_lang::lifelines::lockouts(policy);
    let enforced = all.iter().filter(|one| one.enforced);
    let refusals = enforced.filter_map(|one| one.finding(policy));
    refusals
        .map(|mut found| {
            found.severity = Severity::Error;
            found.help(
                "name who is exempt with `unless`; if it is meant, set `allow_lockout = true` in the configuration, or give `--allow-lockout`",
            )
        })
        .collect()
}

/// Whether two readings of the policies gave the same files.
fn same(one: &Sources, other: &Sources) -> bool {
    let key = |file: &SourceFile| (file.name().to_owned(), file.text().clone(), file.length());
    one.files()
        .iter()
        .map(key)
        .eq(other.files().iter().map(key))
}

/// The pairs that are refused when the tables cannot be used: those for which an
/// enforced rule denies.
fn on_error(policy: &CheckedPolicy, image: &Image, enforcement: Enforcement) -> OnError {
    let mut bits = OnError::default();
    if enforcement == Enforcement::AuditAll {
        return bits;
    }
    for (family, operation) in &image.pairs {
        let denied = policy.rules().iter().any(|rule| {
            let denies = matches!(
                rule.effect,
                Effect::Kill | Effect::Deny | Effect::DefaultDeny
            );
            denies && rule.enforced && rule.covers(*family, *operation)
        });
        if denied && let Some(pair) = pair(family.number(), operation.number()) {
            bits.refuse(pair);
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::{Policies, ReloadError};
    use crate::config::{Config, Mode};

    /// Whether a policy is taken: where it is enforced, where it is not, and where a
    /// lock-out is allowed.
    fn taken(name: &str, policy: &str) -> [bool; 3] {
        let file_name = format!("interdict-{name}-{}.policy", std::process::id());
        let file = std::env::temp_dir().join(file_name);
        std::fs::write(&file, policy).unwrap();
        let ways = [
            (Mode::Enforce, false),
            (Mode::Audit, false),
            (Mode::Enforce, true),
        ];
        let taken = ways.map(|(mode, allow_lockout)| {
            let config = Config {
                policy: vec![file.clone()],
                mode,
                allow_lockout,
                ..Config::default()
            };
            match Policies::new(&config, [0; 2]).check() {
                Ok(_) => true,
                Err(ReloadError::Refused(said)) => {
                    assert!(said.contains("P0519"), "{said}");
                    false
                }
                Err(other) => panic!("{other:?}"),
            }
        });
        std::fs::remove_file(&file).unwrap();
        taken
    }

    #[test]
    fn what_cannot_mend_itself_is_refused_once() {
        assert!(ReloadError::Refused(String::new()).lasts());
        assert!(ReloadError::Unenforceable(String::new()).lasts());
        assert!(!ReloadError::Lost(String::new()).lasts());
        assert!(!ReloadError::Mounts(std::io::ErrorKind::Other.into()).lasts());
    }

    #[test]
    fn only_what_is_enforced_cuts_the_host_off() {
        let cuts = "deny unix connect to /run/systemd/notify id a";
        assert_eq!(taken("enforced", cuts), [false, true, true]);
        assert_eq!(taken("audited", &format!("audit {cuts}")), [true; 3]);
        let spares = format!("{cuts} unless uid = 0");
        assert_eq!(taken("spares", &spares), [true; 3]);
        let hidden = "default deny any any id a\naudit allow any any id b";
        assert_eq!(taken("hidden", hidden), [false, true, true]);
    }
}
