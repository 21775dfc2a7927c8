//! Whether the selection asks for an event, decided before one is written.

use crate::ask::{Asked, Hooked};
use crate::dispatch::read_for;
use crate::emit::Caller;
use crate::emit::call::connects;
use crate::kernel;
use crate::maps::Image;
use crate::tables::Words;
use crate::texts::World;
use core::ptr::null;
use policy_abi::decide::Tables as _;
use policy_abi::facts::Facts;
use policy_abi::hooks::Hook;
use policy_abi::image::SELECTION;
use policy_abi::select::{self, EVERYTHING, NOTHING};

/// What the functions below give when the image is damaged.
const DAMAGED: u32 = u32::MAX;

/// Whether an event is asked for, of an operation that a rule matched or that none
/// did. By default, and when it cannot be known, of what a rule matched.
#[inline(always)]
pub(crate) fn asks(image: *const Image, caller: &Caller, facts: &Facts, matched: bool) -> bool {
    if Words(image).word(SELECTION) == Some(0) {
        return matched;
    }
    match asked(image, caller, facts, u32::from(matched)) {
        DAMAGED => matched,
        found => found != 0,
    }
}

/// [`asks`] where something was selected: 1 or 0. `matched` likewise.
///
/// VERIFIER: followed once, by its types.
#[unsafe(export_name = "selection_asks")]
#[inline(never)]
extern "C" fn asked(
    image: *const Image,
    caller: *const Caller,
    facts: *const Facts,
    matched: u32,
) -> u32 {
    if image.is_null() || caller.is_null() || facts.is_null() {
        return DAMAGED;
    }
    // SAFETY: the verifier checks that callers hand over what hooks know.
    let caller = unsafe { &*caller };
    // SAFETY: the same for facts.
    let facts = unsafe { &*facts };
    let operation = u32::from(facts.operation) | matched << 16;
    let desc = match wanted(image, caller.hook, facts.family.into(), operation) {
        found @ (DAMAGED | NOTHING | EVERYTHING) => return found,
        desc => desc,
    };
    let Some(list) = select::list(&Words(image), desc) else {
        return DAMAGED;
    };
    let mut asked = Asked::of(caller.socket);
    if !read_for(&mut asked.has, image, caller, list) {
        return DAMAGED;
    }
    taken(image, facts, &raw mut asked, desc)
}

/// [`select::wanted`] of a hook's operation; in bit 16 of that, whether a rule
/// matched.
///
/// VERIFIER: followed once, by its types.
#[unsafe(export_name = "selection_wants")]
#[inline(never)]
extern "C" fn wanted(image: *const Image, hook: u32, family: u32, operation: u32) -> u32 {
    if image.is_null() {
        return DAMAGED;
    }
    let matched = operation >> 16 != 0;
    if !matched && select::is_beside(hook, operation as u16) {
        return NOTHING;
    }
    let connects = hook == Hook::UnixMaySend as u32 && connects(kernel::current());
    let seat = select::seat(hook, connects);
    select::wanted(&Words(image), seat, family as u16, matched).unwrap_or(DAMAGED)
}

/// [`select::takes`]: 1 or 0.
///
/// VERIFIER: followed once, by its types.
#[unsafe(export_name = "selection_takes")]
#[inline(never)]
extern "C" fn taken(image: *const Image, facts: *const Facts, asked: *mut Asked, desc: u32) -> u32 {
    if image.is_null() || facts.is_null() || asked.is_null() {
        return DAMAGED;
    }
    // SAFETY: the verifier checks that callers hand over facts.
    let facts = unsafe { &*facts };
    // Filters ask for the subject alone: there is no object to read.
    let world = World {
        image,
        facts,
        place: null(),
    };
    select::takes(&world, facts, &Hooked { asked }, desc).map_or(DAMAGED, u32::from)
}
