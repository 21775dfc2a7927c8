//! When the ring is looked at.
//!
//! Waking the daemon costs the process that is judged microseconds, many times
//! what writing the record does. So one record wakes it, and from then on it
//! looks by itself and nobody wakes it: each [`STEP`], until [`QUIET`] looks
//! found nothing. Then it asks to be woken again, and looks once more after each
//! of [`TRAIL`]: a program may have read just before that nobody is to be woken,
//! and written its record just after.

use std::time::Duration;

/// Between two looks while records come. The ring holds what comes meanwhile
/// many times over.
const STEP: Duration = Duration::from_millis(1);
/// Looks that find nothing before the daemon asks to be woken.
const QUIET: usize = 4;
/// After it asked: how long until it looks once more, and again.
const TRAIL: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(20),
    Duration::from_secs(1),
];

/// When to look next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// At once: the ring was not emptied.
    Now,
    /// After a time, and before when woken.
    After(Duration),
    /// When woken.
    Woken,
}

/// How many looks in a row found nothing.
#[derive(Debug)]
pub struct Pace {
    empty: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { empty: QUIET }
    }
}

impl Pace {
    /// Whether records are to wake the reader. To be told to the programs before
    /// the next look.
    #[must_use]
    pub const fn wakes(&self) -> bool {
        self.empty >= QUIET
    }

    /// After a look: whether it found anything, and whether it left nothing.
    pub fn looked(&mut self, found: bool, emptied: bool) -> Look {
        if found {
            self.empty = 0;
        } else {
            self.empty = self.empty.saturating_add(1);
        }
        if !emptied {
            return Look::Now;
        }
        match self.empty.checked_sub(QUIET) {
            None => Look::After(STEP),
            Some(asked) => TRAIL
                .get(asked)
                .map_or(Look::Woken, |time| Look::After(*time)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Look, Pace, QUIET, STEP, TRAIL};

    #[test]
    fn who_is_not_woken_looks() {
        let mut pace = Pace::default();
        assert!(pace.wakes());
        assert_eq!(pace.looked(true, false), Look::Now);
        assert_eq!(pace.looked(true, true), Look::After(STEP));
        for _ in 1..QUIET {
            assert!(!pace.wakes());
            assert_eq!(pace.looked(false, true), Look::After(STEP));
        }
        assert_eq!(pace.looked(false, true), Look::After(TRAIL[0]));
        assert!(pace.wakes());
        assert_eq!(pace.looked(false, true), Look::After(TRAIL[1]));
        assert_eq!(pace.looked(false, true), Look::After(TRAIL[2]));
        assert_eq!(pace.looked(false, true), Look::Woken);
        assert_eq!(pace.looked(false, true), Look::Woken);
        assert_eq!(pace.looked(true, true), Look::After(STEP));
        assert!(!pace.wakes());
    }
}
