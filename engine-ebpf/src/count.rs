//! Counting, exact under preemption: one atomic addition on the CPU's own slot.

use crate::kernel;
use crate::maps::{COUNTERS, TALLIES};
use policy_abi::event::{Counter, TALLIES as TOGETHER, Tally};
use policy_abi::image::MAX_RULES;

/// Adds one.
#[inline(always)]
pub(crate) fn count(counter: Counter) {
    if let Some(value) = COUNTERS.get_ptr_mut(counter as u32) {
        add(value);
    }
}

/// Adds one and says what the CPU's count was before.
#[inline(always)]
pub(crate) fn count_up(counter: Counter) -> u64 {
    match COUNTERS.get_ptr_mut(counter as u32) {
        Some(value) => fetch_add(value),
        None => 0,
    }
}

/// The counts of a rule, none for an index that no policy has.
#[inline(always)]
pub(crate) fn tally(slot: u32, rule: u32) -> Option<*mut Tally> {
    if rule >= MAX_RULES {
        return None;
    }
    let some = TALLIES.get_value_ptr_mut(slot, &(rule / TOGETHER))?;
    // VERIFIER: the mask is seen where a comparison is not.
    let at = kernel::opaque(u64::from(rule)) & u64::from(TOGETHER - 1);
    Some(some.cast::<Tally>().wrapping_add(at as usize))
}

/// Adds one to a number that others add to as well.
///
/// In assembly, since the target's `core` has no read-modify-write atomics and
/// a plain `+=` is a load, an addition and a store.
#[inline(always)]
pub(crate) fn add(value: *mut u64) {
    // SAFETY: a map's value is aligned and lives as long as the program runs.
    #[cfg(target_arch = "bpf")]
    unsafe {
        core::arch::asm!("lock *(u64 *)({at} + 0) += {one}", at = in(reg) value, one = in(reg) 1_u64);
    }
    #[cfg(not(target_arch = "bpf"))]
    fetch_add(value);
}

#[cfg(target_arch = "bpf")]
#[inline(always)]
fn fetch_add(value: *mut u64) -> u64 {
    let mut one = 1_u64;
    // SAFETY: a map's value is aligned and lives as long as the program runs.
    unsafe {
        core::arch::asm!(
            "{one} = atomic_fetch_add((u64 *)({at} + 0), {one})",
            at = in(reg) value,
            one = inout(reg) one,
        );
    }
    one
}

/// Sets the lowest bit and says what the number was.
#[cfg(target_arch = "bpf")]
#[inline(always)]
pub(crate) fn fetch_or_one(value: *mut u64) -> u64 {
    let mut one = 1_u64;
    // SAFETY: as above.
    unsafe {
        core::arch::asm!(
            "{one} = atomic_fetch_or((u64 *)({at} + 0), {one})",
            at = in(reg) value,
            one = inout(reg) one,
        );
    }
    one
}

/// For the lints, as below.
#[cfg(not(target_arch = "bpf"))]
pub(crate) fn fetch_or_one(value: *mut u64) -> u64 {
    use core::sync::atomic::{AtomicU64, Ordering};
    // SAFETY: as above.
    let atomic = unsafe { AtomicU64::from_ptr(value) };
    atomic.fetch_or(1, Ordering::Relaxed)
}

/// For the lints, which look at this package as if it were built for the host.
#[cfg(not(target_arch = "bpf"))]
fn fetch_add(value: *mut u64) -> u64 {
    use core::sync::atomic::{AtomicU64, Ordering};
    // SAFETY: as above.
    let atomic = unsafe { AtomicU64::from_ptr(value) };
    atomic.fetch_add(1, Ordering::Relaxed)
}
