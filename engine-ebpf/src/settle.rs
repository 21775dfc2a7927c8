//! The counts of the rules that an operation met.

use crate::count::{add, tally};
use crate::dispatch::Said;
use crate::emit::{EMITTED, SUPPRESSED};
use crate::maps::Image;
use crate::tables::Words;
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::decide::{NO_RULE, Tables as _};
use policy_abi::event::Action;

/// Counts for the rules concerned what was decided and what became of the event.
/// Without an image, for none of those that recorded.
///
/// VERIFIER: followed once, by its types.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn settle(said: *const Said, image: *const Image, emitted: u32) -> u32 {
    if said.is_null() {
        return 0;
    }
    // SAFETY: the verifier checks that callers hand over what was said.
    let said = unsafe { &*said };
    let (verdict, action) = (&said.verdict, said.action);
    if action == Action::Allow as u32 {
        // A plain event: no rule is concerned.
        return 0;
    }
    if action != Action::Record as u32 {
        settle_rule(said.slot, said.outcome().rule, action, emitted);
    }
    if image.is_null() || verdict.recorded == 0 {
        return 0;
    }
    let mut recorded = Recorded {
        words: Words(image),
        rest: verdict.recorded,
        terms: verdict.terms,
        last: NO_RULE,
        slot: said.slot,
        emitted,
    };
    // SAFETY: `settle_next` has the signature that the helper calls, and
    // `recorded` outlives the call.
    unsafe {
        bpf_loop(
            u64::BITS,
            settle_next as *const () as *mut c_void,
            (&raw mut recorded).cast(),
            0,
        );
    }
    1
}

/// State of the loop over the record rules that matched.
#[repr(C)]
struct Recorded {
    words: Words,
    rest: u64,
    terms: u32,
    last: u32,
    slot: u32,
    emitted: u32,
}

/// Counts for one record term; 1 ends the loop.
unsafe extern "C" fn settle_next(_index: u32, recorded: *mut Recorded) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `settle` gave it.
    let recorded = unsafe { &mut *recorded };
    if recorded.rest == 0 {
        return 1;
    }
    let bit = recorded.rest.trailing_zeros();
    recorded.rest &= recorded.rest - 1;
    let Some(word) = recorded.words.word(recorded.terms.wrapping_add(bit)) else {
        return 1;
    };
    let rule = word as u32;
    // Terms of one rule stand together.
    if rule != recorded.last {
        let action = Action::Record as u32;
        settle_rule(recorded.slot, rule, action, recorded.emitted);
    }
    recorded.last = rule;
    0
}

/// Counts for one rule.
#[inline(always)]
pub(crate) fn settle_rule(slot: u32, rule: u32, action: u32, emitted: u32) {
    let Some(tally) = tally(slot, rule) else {
        return;
    };
    // SAFETY: a map's value, valid while the program runs; written by atomic
    // additions alone.
    let tally = unsafe { &mut *tally };
    add(&raw mut tally.matched);
    match Action::from_raw(action) {
        Some(Action::Deny | Action::Kill) => add(&raw mut tally.denied),
        Some(Action::WouldDeny) => add(&raw mut tally.would_deny),
        Some(Action::Allow | Action::Record) | None => {}
    }
    add(match emitted {
        EMITTED => &raw mut tally.emitted,
        SUPPRESSED => &raw mut tally.suppressed,
        _ => &raw mut tally.lost,
    });
}
