//! Which of the groups that a policy names the acting task is in.
//!
//! The kernel keeps a task's supplementary groups sorted and never changes them
//! in place, so each named group is searched for by halving. Both loops are one,
//! a step a turn: as many as the groups that are there need.

use crate::count::count;
use crate::kernel::{self, cred_egid, cred_groups, groups_count, task_cred};
use crate::maps::Image;
use crate::tables::Words;
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::ask::Groups;
use policy_abi::decide::Tables as _;
use policy_abi::event::Counter;
use policy_abi::image::{GROUPS, MAX_GROUPS};

/// Groups that a task can have, the kernel's `NGROUPS_MAX`.
const MOST: u32 = 1 << 16;
/// Halvings that the longest list takes, and the look at what is left.
const STEPS: u32 = MOST.ilog2() + 1;

/// State of the search.
#[repr(C)]
struct Search {
    words: Words,
    /// The task's `struct group_info`.
    groups: u64,
    /// What was found, a bit for each named group.
    found: u64,
    /// Where the named group stands in the image.
    at: u32,
    /// Its bit.
    bit: u32,
    /// Its id.
    wanted: u32,
    /// Where what is left of the list begins.
    base: u32,
    /// How many of the list are left.
    left: u32,
    length: u32,
    /// Steps of this search that are still to come.
    steps: u32,
    steps_each: u32,
    egid: u32,
    failed: u32,
}

/// A bit for each group that a policy names and the running task is in; none
/// when the image is damaged, which the decision then finds as well.
///
/// VERIFIER: followed once, by its types.
#[unsafe(export_name = "groups_of")]
pub(crate) extern "C" fn of(image: *const Image) -> u64 {
    if image.is_null() {
        return 0;
    }
    let words = Words(image);
    let Some(named) = words.word(GROUPS).map(Groups) else {
        return 0;
    };
    let cred = task_cred(kernel::current());
    let groups = cred_groups(cred);
    let length = if groups.is_null() {
        0
    } else {
        kernel::at_most(groups_count(groups), MOST)
    };
    let steps_each = u32::BITS - length.saturating_sub(1).leading_zeros() + 1;
    let steps_each = kernel::at_most(steps_each, STEPS);
    let mut search = Search {
        words,
        groups: groups as u64,
        found: 0,
        at: named.base(),
        bit: 0,
        wanted: 0,
        base: 0,
        left: 0,
        length,
        steps: 0,
        steps_each,
        egid: cred_egid(cred),
        failed: 0,
    };
    let turns = kernel::at_most(named.count(), MAX_GROUPS) * steps_each;
    // SAFETY: `step` has the signature that the helper calls, and `search`
    // outlives the call.
    unsafe {
        bpf_loop(
            turns,
            step as *const () as *mut c_void,
            (&raw mut search).cast(),
            0,
        );
    }
    if search.failed != 0 {
        count(Counter::UnreadableSubjects);
    }
    search.found
}

/// One halving, or the next group; 1 ends the loop.
unsafe extern "C" fn step(_index: u32, search: *mut Search) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `of` gave it.
    let search = unsafe { &mut *search };
    // VERIFIER: what it knows of these would be another thing at each turn, and
    // each turn would be followed.
    let [mut steps, mut left, mut base] = [search.steps, search.left, search.base].map(unknown);
    if steps == 0 {
        let Some(word) = search.words.word(search.at) else {
            return 1;
        };
        search.wanted = word as u32;
        search.found |= u64::from(search.wanted == search.egid) << (search.bit & 63);
        base = 0;
        left = unknown(search.length);
        steps = unknown(search.steps_each);
    }
    if left != 0 {
        let half = left / 2;
        let Some(id) = kernel::group_id(search.groups, base.wrapping_add(half)) else {
            search.failed = 1;
            return 1;
        };
        search.found |= u64::from(id == search.wanted) << (search.bit & 63);
        let reached = kernel::opaque(u64::from(id <= search.wanted)) as u32;
        base = base.wrapping_add(half.wrapping_mul(reached));
        left = left.wrapping_sub(half);
    }
    steps = steps.wrapping_sub(1);
    let next = kernel::opaque(u64::from(steps == 0)) as u32;
    search.bit = unknown(search.bit.wrapping_add(next));
    search.at = unknown(search.at.wrapping_add(next));
    search.found = kernel::opaque_memory(search.found);
    search.steps = unknown(steps);
    search.left = unknown(left);
    search.base = unknown(base);
    0
}

/// A number of which the verifier knows nothing.
#[inline(always)]
fn unknown(number: u32) -> u32 {
    kernel::opaque_memory(u64::from(number)) as u32
}
