//! Counts kept by the kernel.

use super::error::KernelError;
use super::load::{Kernel, on_map};
use aya::maps::PerCpuArray;
use policy_abi::event::{COUNTERS, Counter, Tally};
use policy_abi::maps;

/// Counts of a policy's rules by index; rules past the end counted nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals(pub Vec<Tally>);

impl Kernel {
    /// Every counter, summed over the CPUs that can exist. What was remembered is
    /// in [`Counter::Decisions`] and [`Counter::Allowed`] as well.
    ///
    /// # Errors
    ///
    /// When the map cannot be read.
    pub fn counters(&mut self) -> Result<Vec<(Counter, &'static str, u64)>, KernelError> {
        let map: PerCpuArray<_, u64> = self.map(maps::COUNTERS)?;
        let sum = |counter: Counter| {
            let values = map.get(&(counter as u32), 0);
            let values = values.map_err(on_map(maps::COUNTERS, "read"))?;
            Ok::<u64, KernelError>(values.iter().sum())
        };
        let remembered = sum(Counter::Remembered)?;
        COUNTERS
            .iter()
            .map(|(counter, name)| {
                let allowed = matches!(counter, Counter::Decisions | Counter::Allowed);
                let beside = if allowed { remembered } else { 0 };
                Ok((*counter, *name, sum(*counter)?.saturating_add(beside)))
            })
            .collect()
    }
}
