//! Publishing a policy: fill the idle slot, read it back, attach what it needs,
//! one write.

use super::error::KernelError;
use super::load::{Kernel, on_map};
use super::stats::Totals;
use super::sys::{Length, RawTable, set_slot};
use aya::Ebpf;
use aya::maps::{Array, Map, MapData};
use policy_abi::event::{TALLIES, Tallies, Tally};
use policy_abi::hooks::Hook;
use policy_abi::image::{IMAGE_WORDS, MAX_RULES, NEAR_WORDS, PAGE_WORDS, SLOT};
use policy_abi::maps::{self, Active, ON_ERROR_WORDS, SLOTS};
use std::os::fd::AsFd as _;
use zerocopy::{FromBytes as _, IntoBytes as _};

/// Words that are near.
const NEAR: usize = NEAR_WORDS as usize;
/// Words of a page of what is far.
const PAGE: usize = PAGE_WORDS as usize;
/// Words of an element of counts.
const COUNTS: usize = size_of::<Tallies>() / size_of::<u64>();

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
    /// How many rules it has.
    pub rules: usize,
    /// Its generation, which the image carries.
    pub generation: u64,
    /// Hooks that its rules need.
    pub hooks: &'a [Hook],
    /// What happens when the image cannot be used.
    pub on_error: &'a OnError,
}

/// The two places for policies, each with its counts.
pub(super) struct Slots {
    /// The one in force.
    active: Option<u32>,
    tables: MapData,
    far: MapData,
    counts: MapData,
    /// Whether a slot's policy has pages of what is far.
    paged: [bool; SLOTS as usize],
    /// Each slot's counts, and of how many rules.
    tallies: [Option<(RawTable, usize)>; SLOTS as usize],
}

impl Kernel {
    /// Fills the idle slot, and loads what programs the policy needs and are not
    /// loaded yet. Gives the final counts of the policy that had the slot,
    /// whose last decision is over by then.
    ///
    /// # Errors
    ///
    /// When the tables do not fit or the kernel refuses; what is in force stays in force.
    pub fn fill(&mut self, policy: &Loadable<'_>) -> Result<Option<Totals>, KernelError> {
        // Filling waits for the kernel, and loading takes long.
        self.begin(policy.hooks, |slots| slots.fill(policy))
    }

    /// Puts the policy of the idle slot in force by one store.
    ///
    /// # Errors
    ///
    /// When a hook cannot be attached; what was in force stays in force.
    pub fn switch(&mut self, policy: &Loadable<'_>) -> Result<(), KernelError> {
        let idle = self.slots.idle();
        self.attach(policy.hooks)?;
        self.set_on_error(policy.on_error)?;
        let active = Active {
            slot: idle,
            generation: policy.generation,
        };
        self.active.store(active.pack());
        self.slots.active = Some(idle);
        Ok(())
    }

    fn set_on_error(&mut self, on_error: &OnError) -> Result<(), KernelError> {
        let mut map: Array<_, u64> = self.map(maps::ON_ERROR)?;
        for (index, word) in (0..).zip(on_error.0) {
            map.set(index, word, 0)
                .map_err(on_map(maps::ON_ERROR, "written"))?;
        }
        Ok(())
    }

    /// The slot in force.
    #[must_use]
    pub const fn slot(&self) -> Option<u32> {
        self.slots.active
    }

    /// Counts of the rules of a slot.
    ///
    /// # Errors
    ///
    /// When the map cannot be read.
    pub fn tallies(&self, slot: u32) -> Result<Totals, KernelError> {
        self.slots.tallies(slot)
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

impl Slots {
    /// Those of an object's maps, both empty.
    pub(super) fn of(ebpf: &mut Ebpf) -> Result<Self, KernelError> {
        let mut take = |name| match ebpf.take_map(name) {
            Some(Map::ArrayOfMaps(map)) => Ok(map),
            Some(_) | None => Err(KernelError::NoMap(name)),
        };
        Ok(Self {
            active: None,
            tables: take(maps::TABLES)?,
            far: take(maps::FAR)?,
            counts: take(maps::TALLIES)?,
            paged: [false; SLOTS as usize],
            tallies: [const { None }; SLOTS as usize],
        })
    }

    fn fill(&mut self, policy: &Loadable<'_>) -> Result<Option<Totals>, KernelError> {
        let idle = self.idle();
        let image = filled(policy.words, idle)?;
        // The update waits until no program uses the slot's former table, and
        // with it none its former pages and counts.
        put(&self.tables, idle, Some(&image.near))?;
        if image.far.is_some() || self.paged(idle) {
            put(&self.far, idle, image.far.as_ref())?;
            if let Some(paged) = self.paged.get_mut(idle as usize) {
                *paged = image.far.is_some();
            }
        }
        let totals = self.take_tallies(idle)?;
        self.make_tallies(idle, policy.rules)?;
        Ok(totals)
    }

    fn paged(&self, slot: u32) -> bool {
        self.paged.get(slot as usize).copied().unwrap_or(false)
    }

    /// The slot that is not in force.
    fn idle(&self) -> u32 {
        self.active.map_or(0, |slot| (slot + 1) % SLOTS)
    }

    /// Counts of the rules of a slot.
    fn tallies(&self, slot: u32) -> Result<Totals, KernelError> {
        let Some((table, rules)) = self.tallies.get(slot as usize).and_then(Option::as_ref) else {
            return Ok(Totals::default());
        };
        let words = rules * size_of::<Tally>() / size_of::<u64>();
        let words = table.read(words).map_err(failed("reading counts"))?;
        let counts = words.chunks_exact(size_of::<Tally>() / size_of::<u64>());
        let mut totals: Vec<Tally> = counts
            .filter_map(|words| Tally::read_from_bytes(words.as_bytes()).ok())
            .collect();
        while totals
            .last()
            .is_some_and(|tally| *tally == Tally::default())
        {
            totals.pop();
        }
        Ok(Totals(totals))
    }

    /// Reads a slot's counts.
    fn take_tallies(&self, slot: u32) -> Result<Option<Totals>, KernelError> {
        if self.active.is_none() {
            return Ok(None);
        }
        self.tallies(slot).map(Some)
    }

    /// Has zeros counted from in a slot, for so many rules.
    fn make_tallies(&mut self, slot: u32, rules: usize) -> Result<(), KernelError> {
        if rules > MAX_RULES as usize {
            return Err(KernelError::TooLarge {
                words: rules,
                room: MAX_RULES as usize,
            });
        }
        let elements = rules.div_ceil(TALLIES as usize).max(1);
        let elements = u32::try_from(elements).unwrap_or(u32::MAX);
        let Some(place) = self.tallies.get_mut(slot as usize) else {
            return Ok(());
        };
        if let Some((table, counted)) = place
            && table.elements() == elements
        {
            *counted = rules;
            let zeros = vec![0; COUNTS * elements as usize];
            return table.write(&zeros).map_err(failed("clearing counts"));
        }
        let table = RawTable::create(COUNTS, elements, Length::Own);
        let table = table.map_err(failed("making a map for counts"))?;
        put(&self.counts, slot, Some(&table))?;
        if let Some(place) = self.tallies.get_mut(slot as usize) {
            *place = Some((table, rules));
        }
        Ok(())
    }
}

/// Puts a table into a slot of an array of maps, or takes out what is there.
fn put(map: &MapData, slot: u32, table: Option<&RawTable>) -> Result<(), KernelError> {
    let done = set_slot(map.fd().as_fd(), slot, table.map(RawTable::fd));
    done.map_err(failed("putting tables into a slot"))
}

/// The maps of an image.
struct Filled {
    near: RawTable,
    far: Option<RawTable>,
}

/// New maps that hold `words` for a slot, frozen and read back.
fn filled(words: &[u64], slot: u32) -> Result<Filled, KernelError> {
    if words.len() > IMAGE_WORDS as usize {
        return Err(KernelError::TooLarge {
            words: words.len(),
            room: IMAGE_WORDS as usize,
        });
    }
    let (near, far) = words.split_at(words.len().min(NEAR));
    let mut near = near.to_vec();
    if let Some(word) = near.get_mut(SLOT as usize) {
        *word = u64::from(slot);
    }
    let pages = u32::try_from(far.len().div_ceil(PAGE)).unwrap_or(u32::MAX);
    let make = |words, elements, length| {
        RawTable::create(words, elements, length).map_err(failed("making a map for the tables"))
    };
    Ok(Filled {
        near: holding(make(NEAR, 1, Length::Fixed)?, &near)?,
        far: match pages {
            0 => None,
            pages => Some(holding(make(PAGE, pages, Length::Own)?, far)?),
        },
    })
}

/// A table that holds `words`, frozen and read back.
fn holding(table: RawTable, words: &[u64]) -> Result<RawTable, KernelError> {
    table.write(words).map_err(failed("filling the tables"))?;
    table.freeze().map_err(failed("freezing the tables"))?;
    let found = table.read(usize::MAX);
    let found = found.map_err(failed("reading the tables back"))?;
    let rest = std::iter::repeat(&0);
    if let Some(word) = found
        .iter()
        .zip(words.iter().chain(rest))
        .position(|(a, b)| a != b)
    {
        return Err(KernelError::ReadBack(word));
    }
    Ok(table)
}

/// A system call's error with what it was for.
fn failed(what: &'static str) -> impl FnOnce(std::io::Error) -> KernelError {
    move |source| KernelError::System { what, source }
}
