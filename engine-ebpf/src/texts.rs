//! What a decision reads: the policy in force, and the texts that its patterns
//! with wildcards are held against.
//!
//! A text is read where it is kept, a byte at a time, and only if no lookup
//! knows it whole.

use crate::count::count;
use crate::kernel;
use crate::maps::Image;
use crate::subject;
use crate::tables::{Lookups, Words};
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use core::ptr::read_volatile;
use policy_abi::decide::{Tables, automaton, class_of_text, cut, step};
use policy_abi::event::Counter;
use policy_abi::facts::Facts;
use policy_abi::fields::{Dimension, Lookup};
use policy_abi::identity::{PLACE_ABSTRACT, PLACE_KNOWN, Place, TEXT_BYTES, Text};
use policy_abi::image::{STATE_DEAD, STATE_LONG};

/// What reading gives when the image is damaged.
const DAMAGED: u32 = u32::MAX;
/// Where a text that is longer than what is kept of it is cut.
///
/// VERIFIER: on 6.1 the chain of calls has no room for doing it after the loop.
const LAST: u32 = TEXT_BYTES as u32 - 1;
/// The length of a text of which nothing is kept.
const NO_TEXT: u32 = u32::MAX;
/// Bytes of a process's name that can be other than NUL.
const COMM_BYTES: u32 = 15;

/// A policy, and the texts of one operation.
pub(crate) struct World<'w> {
    pub(crate) image: *const Image,
    pub(crate) facts: &'w Facts,
    /// The object of a unix operation, or null.
    pub(crate) place: *const Place,
}

impl Tables for World<'_> {
    #[inline(always)]
    fn word(&self, index: u32) -> Option<u64> {
        Lookups(self.image).word(index)
    }

    #[inline(always)]
    fn pair_class(&self, lookup: u32, key: [u64; 2]) -> Option<u32> {
        Lookups(self.image).pair_class(lookup, key)
    }

    #[inline(always)]
    fn number_class(&self, lookup: u32, value: u32) -> Option<u32> {
        Lookups(self.image).number_class(lookup, value)
    }

    #[inline(always)]
    fn wide_class(&self, lookup: u32, value: [u64; 2]) -> Option<u32> {
        Lookups(self.image).wide_class(lookup, value)
    }

    #[inline(always)]
    fn text_class(&self, lookup: Lookup, _: [u64; 2], domain: u64) -> Option<u32> {
        let class = text_class(self.image, lookup as u32, domain, self.facts, self.place);
        if class == 0 { None } else { Some(class) }
    }

    #[inline(always)]
    fn unknown(&self, value: u64) -> u64 {
        kernel::opaque_memory(value)
    }

    #[inline(always)]
    fn read(&self, dimension: Dimension, start: u32) -> Option<u32> {
        let (image, number) = (self.image, dimension as u32);
        let end = match dimension {
            Dimension::Exe => {
                let leader = kernel::group_leader(kernel::current());
                match subject::known(leader) {
                    Some(identity) => {
                        // SAFETY: a map's value, valid while the program runs.
                        let exe = unsafe { &(*identity).exe };
                        text_end(image, number, start, &raw const exe.text, text_length(exe))
                    }
                    None => STATE_LONG,
                }
            }
            Dimension::Comm => {
                let [low, high] = self.facts.comm;
                comm_end(image, number, start, low, high)
            }
            Dimension::Unix if !self.place.is_null() => {
                // SAFETY: not null, and a place.
                let place = unsafe { &*self.place };
                text_end(
                    image,
                    number,
                    start,
                    &raw const place.text,
                    text_length(place),
                )
            }
            _ => STATE_LONG,
        };
        state(end)
    }
}

/// A state that a function gave.
#[inline(always)]
pub(crate) const fn state(end: u32) -> Option<u32> {
    if end == DAMAGED { None } else { Some(end) }
}

/// The length of a place's text, more than is kept when there is none.
#[inline(always)]
const fn text_length(place: &Place) -> u32 {
    match place.state {
        PLACE_KNOWN => path_length(place.length),
        PLACE_ABSTRACT => place.length,
        _ => NO_TEXT,
    }
}

/// The length of a path's text, whose last byte is a slash.
#[inline(always)]
pub(crate) const fn path_length(length: u32) -> u32 {
    length.saturating_sub(1)
}

/// [`class_of_text`] as a function of its own; 0 when the image is damaged.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn text_class(
    image: *const Image,
    lookup: u32,
    domain: u64,
    facts: *const Facts,
    place: *const Place,
) -> u32 {
    if image.is_null() || facts.is_null() {
        return 0;
    }
    // SAFETY: the verifier checks that callers hand over facts.
    let facts = unsafe { &*facts };
    let world = World {
        image,
        facts,
        place,
    };
    let (lookup, key) = if lookup == Lookup::Exe as u32 {
        (Lookup::Exe, facts.exe)
    } else if lookup == Lookup::Comm as u32 {
        (Lookup::Comm, facts.comm)
    } else {
        (Lookup::Unix, facts.object)
    };
    class_of_text(&world, lookup, key, domain).unwrap_or(0)
}

/// State of the loop over a text.
#[repr(C)]
struct Reading {
    image: *const Image,
    text: *const Text,
    groups: u32,
    states: u32,
    length: u32,
    state: u32,
}

/// Where a text of `length` bytes leads from `start`, as far as that many bytes of
/// it are kept; [`STATE_LONG`] when it would depend on others.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn text_end(
    image: *const Image,
    dimension: u32,
    start: u32,
    text: *const Text,
    length: u32,
) -> u32 {
    if image.is_null() || text.is_null() {
        return DAMAGED;
    }
    if length == NO_TEXT {
        count(Counter::LongTexts);
        return STATE_LONG;
    }
    let Some((groups, states)) = automaton(&Words(image), dimension) else {
        return DAMAGED;
    };
    // VERIFIER: the state of the loop and what counting takes share their bytes of
    // the frame.
    let end = {
        let mut reading = Reading {
            image,
            text,
            groups,
            states,
            length,
            state: start,
        };
        // SAFETY: `read_byte` has the signature that the helper calls, and
        // `reading` outlives the call.
        unsafe {
            bpf_loop(
                TEXT_BYTES as u32,
                read_byte as *const () as *mut c_void,
                (&raw mut reading).cast(),
                0,
            );
        }
        reading.state
    };
    if end == STATE_LONG {
        count(Counter::LongTexts);
    }
    end
}

/// One byte of a text; 1 ends the loop.
unsafe extern "C" fn read_byte(index: u32, reading: *mut Reading) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `text_end` gave it.
    let reading = unsafe { &mut *reading };
    if index >= reading.length || reading.state == STATE_DEAD {
        return 1;
    }
    // VERIFIER: the mask is seen where the comparison is not.
    let at = kernel::opaque(u64::from(index)) & (TEXT_BYTES as u64 - 1);
    // SAFETY: inside the text.
    let byte = unsafe { read_volatile(reading.text.cast::<u8>().wrapping_add(at as usize)) };
    let words = Words(reading.image);
    let automaton = (reading.groups, reading.states);
    let next = if index < LAST {
        step(&words, automaton, reading.state, byte)
    } else {
        cut(&words, automaton, reading.state)
    };
    reading.state = next.unwrap_or(DAMAGED);
    i64::from(next.is_none())
}

/// Where the name of a process leads from `start`.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn comm_end(
    image: *const Image,
    dimension: u32,
    start: u32,
    low: u64,
    high: u64,
) -> u32 {
    if image.is_null() {
        return DAMAGED;
    }
    let words = Words(image);
    let Some(automaton) = automaton(&words, dimension) else {
        return DAMAGED;
    };
    let mut state = start;
    for at in 0..COMM_BYTES {
        let word = if at < 8 { low } else { high };
        let byte = (word >> (8 * (at % 8))) as u8;
        if byte == 0 || state == STATE_DEAD {
            break;
        }
        match step(&words, automaton, state, byte) {
            Some(next) => state = next,
            None => return DAMAGED,
        }
    }
    state
}
