//! Hooks that no rule needs any more: let go one at a time, after a while.
//!
//! A policy that is put back finds its hooks where they were, and an operation
//! that nobody has rules for costs nothing in the end.

use policy_abi::hooks::{HOOKS, Hook};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Since when hooks are attached for nothing.
pub(super) struct Idle {
    after: Duration,
    since: BTreeMap<Hook, Instant>,
}

impl Idle {
    pub(super) const fn new(after: Duration) -> Self {
        let since = BTreeMap::new();
        Self { after, since }
    }

    /// Takes note of what is attached and what the policy in force needs.
    pub(super) fn look(
        &mut self,
        now: Instant,
        attached: impl Iterator<Item = Hook>,
        needed: &[Hook],
    ) {
        let always = |hook| {
            let mut all = HOOKS.iter();
            all.any(|one| one.hook == hook && one.role.always())
        };
        let mut since = BTreeMap::new();
        for hook in attached.filter(|hook| !needed.contains(hook) && !always(*hook)) {
            since.insert(hook, self.since.get(&hook).copied().unwrap_or(now));
        }
        self.since = since;
    }

    /// When the next one is to be let go.
    pub(super) fn next(&self) -> Option<Instant> {
        self.since.values().min().map(|since| *since + self.after)
    }

    /// One whose time has come.
    pub(super) fn take(&mut self, now: Instant) -> Option<Hook> {
        let due = |since: &Instant| *since + self.after <= now;
        let (hook, _) = self.since.iter().find(|(_, since)| due(since))?;
        let hook = *hook;
        self.since.remove(&hook);
        Some(hook)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_again_stays() {
        let all = [Hook::TaskAlloc, Hook::SocketBind, Hook::SocketAccept];
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut idle = Idle::new(Duration::from_mins(5));
        let both = [Hook::SocketBind, Hook::SocketAccept];
        idle.look(start, all.into_iter(), &both);
        // `task_alloc` keeps identities, whatever the rules are.
        assert_eq!(idle.next(), None);
        idle.look(start, all.into_iter(), &[]);
        assert_eq!(idle.next(), Some(after(300)));
        assert_eq!(idle.take(after(299)), None);
        idle.look(after(299), all.into_iter(), &[Hook::SocketAccept]);
        assert_eq!(idle.take(after(300)), Some(Hook::SocketBind));
        assert_eq!((idle.take(after(300)), idle.next()), (None, None));
    }
}
