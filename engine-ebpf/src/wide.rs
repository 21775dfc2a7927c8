//! Decisions of pairs that have more terms than a word has bits: the hooks' side
//! of [`policy_abi::wide`].
//!
//! One loop takes all steps, through the words of the rows and through the record
//! rules that matched: the frames of a chain of calls have 512 bytes together. Its
//! state is kept with the thread, since the verifier follows a loop over memory of a
//! map once, and one over the stack for each thing that it knows of it (700,000
//! instructions, 6.12).

use crate::ask::Acting;
use crate::count::count;
use crate::dispatch::{FAILED, Said, fill_has, say};
use crate::emit::Caller;
use crate::kernel;
use crate::maps::{DECIDING, Image, Missing};
use crate::settle::{settle, settle_rule};
use crate::tables::{Lookups, Whole, Words, generation, slot};
use crate::texts::World;
use crate::{memo, subject};
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use core::ptr::{null, read_volatile, write_volatile};
use policy_abi::ask::{Has, MAKES_EVENTS};
use policy_abi::decide::{NO_RULE, Tables, form, list};
use policy_abi::event::{Action, Counter, FURTHER_RULES, Further};
use policy_abi::facts::Facts;
use policy_abi::fields::{Dimension, Lookup};
use policy_abi::identity::{Identity, Place};
use policy_abi::image::{ROW_WORDS, TERMS_PER_WORD};
use policy_abi::wide::{self, Form, ROWS, Rows, Turn, Walk};

/// Steps of the longest loop: each word's, and one for each record term.
const STEPS: u32 = Walk::TURNS + ROW_WORDS * TERMS_PER_WORD;

/// No rule has this index.
const NO_LAST: u16 = u16::MAX;

const _: () = assert!(policy_abi::image::MAX_RULES < NO_LAST as u32);

/// What the loop is for: the verdict, and what an event says of record rules.
const JUDGE: u16 = 0;
/// Counts of record rules: this, and what [`say`] gave.
const SETTLE: u16 = 1;
/// None: the image is damaged.
const DAMAGED: u16 = u16::MAX;

/// Decisions of one thread that are under way: one, and one in a softirq that came
/// between.
const ROOMS: usize = 2;

/// What is kept with a thread.
#[repr(C)]
pub(crate) struct Rooms {
    /// How many are taken. Whoever comes between is through before the other goes on.
    taken: u64,
    rooms: [Deciding; ROOMS],
}

/// State of the loop.
#[repr(C)]
struct Deciding {
    said: Said,
    form: Form,
    has: Has,
    /// Its note is the base of the terms whose record rules are gone through, 0 for none.
    walk: Walk,
    rows: Rows,
    further: Further,
    /// Of the caller's socket.
    protocol: u32,
    /// The last record rule that was gone through.
    last: u16,
    /// [`JUDGE`], [`SETTLE`] and what follows it, or [`DAMAGED`].
    purpose: u16,
}

/// Words of that state.
const STATE_WORDS: usize = size_of::<Deciding>() / size_of::<u64>();

const _: () = assert!(size_of::<Deciding>() == 184, "a state has no padding");

/// What the loop is handed.
#[repr(C)]
struct Running {
    image: *const Image,
    deciding: *mut Deciding,
}

/// An image whose parts of rows are read by a function that is followed once.
struct Parts(*const Image);

impl Tables for Parts {
    #[inline(always)]
    fn word(&self, index: u32) -> Option<u64> {
        Words(self.0).word(index)
    }

    #[inline(always)]
    fn far(&self, index: u32) -> Option<u64> {
        Whole(self.0).far(index)
    }

    #[inline(always)]
    fn pair_class(&self, lookup: u32, key: [u64; 2]) -> Option<u32> {
        Lookups(self.0).pair_class(lookup, key)
    }

    #[inline(always)]
    fn number_class(&self, lookup: u32, value: u32) -> Option<u32> {
        Lookups(self.0).number_class(lookup, value)
    }

    #[inline(always)]
    fn text_class(&self, _: Lookup, _: [u64; 2], _: u64) -> Option<u32> {
        None
    }

    #[inline(always)]
    fn all(&self) -> u64 {
        kernel::opaque_memory(u64::MAX)
    }

    #[inline(always)]
    fn part(&self, form: Form, row: u32, at: u32) -> Option<u64> {
        let mut found = 0;
        (wide_part(self.0, form.0, row, at, &raw mut found) != 0).then_some(found)
    }

    #[inline(always)]
    fn read(&self, _: Dimension, _: u32) -> Option<u32> {
        None
    }
}

/// Writes a part of a row to `found`; 0 when the image is damaged.
///
/// VERIFIER: followed once, by its types.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn wide_part(image: *const Image, form: u64, row: u32, at: u32, found: *mut u64) -> u32 {
    if image.is_null() || found.is_null() {
        return 0;
    }
    let Some(part) = wide::part(&Whole(image), Form(form), row, at) else {
        return 0;
    };
    // SAFETY: not null, and of a word's size: the verifier has seen to that.
    unsafe { found.write(part) };
    1
}

/// [`Rows::are_apart`], asked of summaries that are read at once: 1 or 0,
/// [`UNREADABLE`] when the image is damaged.
///
/// VERIFIER: followed once, by its types.
#[unsafe(export_name = "wide_apart")]
#[inline(never)]
extern "C" fn apart(image: *const Image, form: u64, rows: *const Rows) -> u32 {
    if image.is_null() || rows.is_null() {
        return UNREADABLE;
    }
    // SAFETY: the verifier checks that callers hand over rows.
    let rows = unsafe { &*rows };
    rows.are_apart(&Whole(image), Form(form))
        .map_or(UNREADABLE, u32::from)
}

/// [`apart`]: it cannot be said.
const UNREADABLE: u32 = 2;

/// The decision about a wide pair by an image, its counts and its event; 0, the errno
/// of a refusal, or [`FAILED`].
///
/// VERIFIER: followed once, by its types.
#[unsafe(export_name = "wide_concluded")]
#[inline(never)]
pub(crate) extern "C" fn concluded(
    caller: *const Caller,
    facts: *mut Facts,
    place: *const Place,
    identity: *mut Identity,
    image: *const Image,
) -> u32 {
    if caller.is_null() || facts.is_null() || image.is_null() {
        return FAILED;
    }
    // SAFETY: the verifier checks that callers hand over what hooks know.
    let caller = unsafe { &*caller };
    // SAFETY: the same for facts.
    let facts = unsafe { &mut *facts };
    count(Counter::Decisions);
    subject::fill(kernel::current(), identity, facts);
    let world = World {
        image,
        facts,
        place,
    };
    let mut rows = Rows(found_nowhere());
    let form = form(&Words(image), facts).unwrap_or(Form(0));
    if rows.find(&world, facts, form).is_none() {
        return FAILED;
    }
    let Some(list) = list(&Words(image), form) else {
        return FAILED;
    };
    if !list.needs(MAKES_EVENTS) {
        let are_apart = apart(image, form.0, &raw const rows);
        if are_apart == UNREADABLE {
            return FAILED;
        }
        if are_apart == 1 {
            // No term matches, so that there is nothing to walk through.
            count(Counter::Allowed);
            if memo::is_kept(list) {
                memo::keep(&raw const *facts, image, identity);
            }
            return 0;
        }
    }
    let Some(rooms) = DECIDING.of_task(kernel::current(), Missing::Create) else {
        count(Counter::NoTaskStorage);
        return FAILED;
    };
    // SAFETY: a map's value, valid while the program runs; the thread's own.
    let taken = unsafe { &raw mut (*rooms).taken };
    // SAFETY: a field of it.
    let before = unsafe { read_volatile(taken) };
    if before >= ROOMS as u64 {
        return FAILED;
    }
    // SAFETY: as above.
    unsafe { write_volatile(taken, before + 1) };
    // SAFETY: as above.
    let first = unsafe { &raw mut (*rooms).rooms }.cast::<Deciding>();
    // VERIFIER: the mask is seen where the comparison is not.
    let at = kernel::opaque(before) & (ROOMS as u64 - 1);
    // SAFETY: inside the rooms, of which nobody else has this one.
    let deciding = unsafe { &mut *first.wrapping_add(at as usize) };
    clear(deciding);
    deciding.rows = rows;
    let answer = decided(&world, caller, identity, deciding);
    // SAFETY: as above.
    unsafe { write_volatile(taken, before) };
    answer
}

/// Rows that were not looked for. Zeros side by side would become a `memset`.
#[inline(always)]
fn found_nowhere() -> [u32; ROWS] {
    let zero = kernel::opaque(0) as u32;
    [zero; ROWS]
}

/// Makes a state zeros.
#[inline(always)]
fn clear(deciding: &mut Deciding) {
    for word in 0..STATE_WORDS {
        let at = core::ptr::from_mut(deciding)
            .cast::<u64>()
            .wrapping_add(word);
        // A store each: a `memset` would go byte by byte.
        // SAFETY: inside the state, which is words.
        unsafe { write_volatile(at, 0) };
    }
}

/// [`concluded`], in a room that has the rows.
#[inline(always)]
fn decided(
    world: &World<'_>,
    caller: &Caller,
    identity: *mut Identity,
    deciding: &mut Deciding,
) -> u32 {
    let World {
        image,
        facts,
        place,
    } = *world;
    let form = form(&Words(image), facts).unwrap_or(Form(0));
    deciding.said.verdict.actual.rule = NO_RULE;
    deciding.said.verdict.hypothetical.rule = NO_RULE;
    deciding.form = form;
    deciding.protocol = caller.socket.protocol;
    deciding.last = NO_LAST;
    if !fill_has(&mut deciding.has, image, form, caller) {
        return FAILED;
    }
    run(image, deciding);
    if deciding.purpose == DAMAGED {
        return FAILED;
    }
    deciding.said.slot = slot(image);
    deciding.said.generation = generation(image);
    deciding.said.count();
    let (said, further) = (&raw const deciding.said, &raw const deciding.further);
    let Some(emitted) = say(image, (caller, identity), facts, place, (said, further)) else {
        if list(&Words(image), form).is_some_and(memo::is_kept) {
            memo::keep(facts, image, identity);
        }
        return 0;
    };
    settle(said, null(), emitted);
    if deciding.said.verdict.recorded != 0 {
        deciding.purpose = SETTLE + emitted as u16;
        deciding.last = NO_LAST;
        let from = wide::deciding(&Words(image), form).unwrap_or(0);
        deciding.walk.restart(&Parts(image), from);
        run(image, deciding);
    }
    deciding.said.answer()
}

/// Runs the loop.
#[inline(always)]
fn run(image: *const Image, deciding: &mut Deciding) {
    let mut running = Running { image, deciding };
    // SAFETY: `step` has the signature that the helper calls, and `running`
    // outlives the call.
    unsafe {
        bpf_loop(
            STEPS,
            step as *const () as *mut c_void,
            (&raw mut running).cast(),
            0,
        );
    }
}

/// One step; 1 ends the loop.
unsafe extern "C" fn step(_index: u32, running: *mut Running) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `run` gave it.
    let running = unsafe { &*running };
    // SAFETY: what `run` was handed.
    let deciding = unsafe { &mut *running.deciding };
    let Some(ends) = stepped(running.image, deciding) else {
        deciding.purpose = DAMAGED;
        return 1;
    };
    i64::from(ends)
}

/// One step; true at the end, `None` when the image is damaged.
#[inline(always)]
fn stepped(image: *const Image, deciding: &mut Deciding) -> Option<bool> {
    let parts = Parts(image);
    let form = deciding.form;
    if deciding.walk.note != 0 {
        record_next(image, deciding)?;
        return Some(false);
    }
    let acting = Acting {
        protocol: deciding.protocol,
    };
    let rows = (form, &deciding.rows);
    let word = match deciding.walk.turn(&parts, rows, &acting, &deciding.has)? {
        Turn::On => return Some(false),
        Turn::End => return Some(true),
        Turn::Word(word) => word,
    };
    take_word(image, deciding, word)?;
    Some(false)
}

/// Takes in the terms of a word that match.
///
/// VERIFIER: not inlined, since lookups have no stack left beside what it needs.
#[inline(never)]
fn take_word(image: *const Image, deciding: &mut Deciding, word: u32) -> Option<()> {
    let parts = Parts(image);
    let form = deciding.form;
    let bits = deciding.walk.bits;
    let first_record = wide::deciding(&parts, form)?;
    if word < first_record {
        let verdict = &mut deciding.said.verdict;
        if wide::decide_word(&parts, form, word, bits, verdict)? {
            deciding.walk.skip(&parts, first_record);
        }
        return Some(());
    }
    let terms = wide::terms(&parts, form, word)?;
    let verdict = &mut deciding.said.verdict;
    if deciding.purpose == JUDGE && verdict.recorded == 0 {
        verdict.recorded = bits;
        verdict.terms = terms;
    } else {
        deciding.walk.note = terms;
    }
    Some(())
}

/// Names or counts for one record rule of the word at hand.
#[inline(never)]
fn record_next(image: *const Image, deciding: &mut Deciding) -> Option<()> {
    let bits = deciding.walk.bits;
    if bits == 0 {
        deciding.walk.note = 0;
        return Some(());
    }
    deciding.walk.bits = bits & (bits - 1);
    let at = deciding.walk.note.wrapping_add(bits.trailing_zeros());
    let rule = Whole(image).far(at)? as u16;
    // Terms of one rule stand together.
    if rule == deciding.last {
        return Some(());
    }
    deciding.last = rule;
    if deciding.purpose == JUDGE {
        let further = &mut deciding.further;
        let named = further.named;
        if (named as usize) < FURTHER_RULES {
            if let Some(place) = further.rules.get_mut(named as usize) {
                *place = rule;
            }
            further.named = named + 1;
        } else {
            further.unnamed = further.unnamed.wrapping_add(1);
        }
    } else {
        let emitted = u32::from(deciding.purpose - SETTLE);
        let action = Action::Record as u32;
        settle_rule(deciding.said.slot, u32::from(rule), action, emitted);
    }
    Some(())
}
