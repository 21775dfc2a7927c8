//! Publishing a policy: fill the idle slot, read it back, attach what it needs,
//! one write.

use super::abi::Abi;
use super::error::KernelError;
use super::load::{Kernel, on_map};
use super::stats::Totals;
use super::sys::RawTable;
use aya::maps::{Array, ArrayOfMaps, MapData};
use policy_abi::event::Tally;
use policy_abi::hooks::Hook;
use policy_abi::image::{IMAGE_WORDS, MAX_RULES};
use policy_abi::maps::{self, Active, ON_ERROR_WORDS, SLOTS};

/// Words of a table's map value.
const WORDS: usize = IMAGE_WORDS as usize;

/// Pairs that are refused when the tables cannot be used, a bit each.
#[derive(Clone, Debug, Default)]
pub struct OnError(pub [u64; ON_ERROR_WORDS as usize]);

impl OnError {
    /// Adds a pair.
    pub fn refuse(&mut self, pair: u32) {
        if let Some(word) = self.0.get_mut((pair / 64) as usize) {
            *word |= 1 << (pair % 64);
        }
    }
}

/// A compiled policy, ready for the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Loadable<'a> {
    /// The words of its image.
    pub words: &'a [u64],
    /// Its generation, which the image carries.
    pub generation: u64,
    /// Hooks that its rules need.
    pub hooks: &'a [Hook],
    /// What happens when the image cannot be used.
    pub on_error: &'a OnError,
}

impl Kernel {
    /// Fills the idle slot. Gives the final counts of the policy that had it,
    /// whose last decision is over by then.
    ///
    /// # Errors
    ///
    /// When the tables do not fit or the kernel refuses; what is in force stays in force.
    pub fn fill(&mut self, policy: &Loadable<'_>) -> Result<Option<Totals>, KernelError> {
        let table = filled(policy.words)?;
        let idle = self.idle();
        // The update waits until no program uses the slot's former table.
        let mut tables: ArrayOfMaps<_, MapData> = self.map(maps::TABLES)?;
        tables
            .set(idle, &table, 0)
            .map_err(on_map(maps::TABLES, "written"))?;
        self.take_tallies(idle)
    }

    /// Puts the policy of the idle slot in force by one store.
    ///
    /// # Errors
    ///
    /// When a hook cannot be attached; what was in force stays in force.
    pub fn switch(&mut self, policy: &Loadable<'_>) -> Result<(), KernelError> {
        let idle = self.idle();
        self.attach(policy.hooks)?;
        self.set_on_error(policy.on_error)?;
        let active = Active {
            slot: idle,
            generation: policy.generation,
        };
        self.active.store(active.pack());
        self.slot = Some(idle);
        Ok(())
    }

    /// The slot that is not in force.
    fn idle(&self) -> u32 {
        self.slot.map_or(0, |slot| (slot + 1) % SLOTS)
    }

    fn set_on_error(&mut self, on_error: &OnError) -> Result<(), KernelError> {
        let mut map: Array<_, u64> = self.map(maps::ON_ERROR)?;
        for (index, word) in (0..).zip(on_error.0) {
            map.set(index, word, 0)
                .map_err(on_map(maps::ON_ERROR, "written"))?;
        }
        Ok(())
    }

    /// Counts of the rules of a slot.
    ///
    /// # Errors
    ///
    /// When the map cannot be read.
    pub fn tallies(&mut self, slot: u32) -> Result<Totals, KernelError> {
        let map: Array<_, Abi<Tally>> = self.map(maps::TALLIES)?;
        let mut totals = Vec::new();
        for rule in 0..MAX_RULES {
            let tally = map.get(&(slot * MAX_RULES + rule), 0);
            totals.push(tally.map_err(on_map(maps::TALLIES, "read"))?.0);
        }
        while totals
            .last()
            .is_some_and(|tally| *tally == Tally::default())
        {
            totals.pop();
        }
        Ok(Totals(totals))
    }

    /// Reads a slot's counts and sets them back to zero.
    fn take_tallies(&mut self, slot: u32) -> Result<Option<Totals>, KernelError> {
        if self.slot.is_none() {
            return Ok(None);
        }
        let totals = self.tallies(slot)?;
        let mut map: Array<_, Abi<Tally>> = self.map(maps::TALLIES)?;
        for (rule, _) in (0..).zip(&totals.0) {
            map.set(slot * MAX_RULES + rule, Abi(Tally::default()), 0)
                .map_err(on_map(maps::TALLIES, "written"))?;
        }
        Ok(Some(totals))
    }

    /// A map of the object by its name.
    pub(super) fn map<'a, M>(&'a mut self, name: &'static str) -> Result<M, KernelError>
    where
        M: TryFrom<&'a mut aya::maps::Map>,
    {
        let map = self.ebpf.map_mut(name).ok_or(KernelError::NoMap(name))?;
        M::try_from(map).ok().ok_or(KernelError::NoMap(name))
    }
}

/// A new table that holds `words`, frozen and read back.
fn filled(words: &[u64]) -> Result<MapData, KernelError> {
    if words.len() > WORDS {
        return Err(KernelError::TooLarge {
            words: words.len(),
            room: WORDS,
        });
    }
    let failed = |what| move |source| KernelError::System { what, source };
    let table = RawTable::create(WORDS).map_err(failed("making a map for the tables"))?;
    table.write(words).map_err(failed("filling the tables"))?;
    table.freeze().map_err(failed("freezing the tables"))?;
    let found = table.read().map_err(failed("reading the tables back"))?;
    let rest = std::iter::repeat(&0);
    if let Some(word) = found
        .iter()
        .zip(words.iter().chain(rest))
        .position(|(a, b)| a != b)
    {
        return Err(KernelError::ReadBack(word));
    }
    MapData::from_fd(table.into_fd()).map_err(on_map(maps::TABLES, "taken over"))
}
