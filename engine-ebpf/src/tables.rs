//! The policy in force, and what is looked up in its image.
//!
//! VERIFIER: a lookup is a function of global linkage, so that it is followed
//! once, for any arguments, and not once for every way that leads to it. 0 is a
//! damaged image: no class has that number. What is far is looked for where what
//! is near was not enough.

use crate::kernel;
use crate::maps::{ACTIVE, FAR, Image, TABLES};
use core::ptr::{null, read_volatile};
use policy_abi::decide::Tables;
use policy_abi::family::{BIND, pair};
use policy_abi::fields::Dimension;
use policy_abi::image::{
    FAR_STEPS, GENERATION, NEAR_WORDS, PAGE_WORDS, PAIR_DIR, SLOT, STEPS, SUMMARY_WORDS, TOGETHER,
};
use policy_abi::lookup::{class_of_number, class_of_pair, class_of_wide, directory};
use policy_abi::maps::Active;

/// Times that the word in force is read again when its slot has been refilled.
const RETRIES: u32 = 3;

/// An image with its lookups, each followed once.
pub(crate) struct Lookups(pub(crate) *const Image);

impl Tables for Lookups {
    #[inline(always)]
    fn word(&self, index: u32) -> Option<u64> {
        word(self.0, index)
    }

    #[inline(always)]
    fn far(&self, index: u32) -> Option<u64> {
        far(self.0, index)
    }

    #[inline(always)]
    fn pair_class(&self, lookup: u32, key: [u64; 2]) -> Option<u32> {
        let [first, second] = key;
        some(pair_class(self.0, lookup, first, second))
    }

    #[inline(always)]
    fn number_class(&self, lookup: u32, value: u32) -> Option<u32> {
        some(number_class(self.0, lookup, value))
    }

    #[inline(always)]
    fn wide_class(&self, lookup: u32, value: [u64; 2]) -> Option<u32> {
        let [high, low] = value;
        some(wide_class(self.0, lookup, high, low))
    }

    /// An image alone has no texts.
    #[inline(always)]
    fn read(&self, _: Dimension, _: u32) -> Option<u32> {
        None
    }
}

/// A class that a function gave.
#[inline(always)]
const fn some(class: u32) -> Option<u32> {
    if class == 0 { None } else { Some(class) }
}

/// What of an image is near: what a lookup reads that finds no room elsewhere.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Words(pub(crate) *const Image);

impl Tables for Words {
    #[inline(always)]
    fn word(&self, index: u32) -> Option<u64> {
        word(self.0, index)
    }

    #[inline(always)]
    fn hidden(&self, value: u64) -> u64 {
        kernel::opaque(value)
    }

    #[inline(always)]
    fn read(&self, _: Dimension, _: u32) -> Option<u32> {
        None
    }
}

/// A whole image, near and far.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Whole(pub(crate) *const Image);

impl Tables for Whole {
    #[inline(always)]
    fn summary(&self, row: u32) -> Option<[u64; SUMMARY_WORDS as usize]> {
        if !row.is_multiple_of(TOGETHER) {
            return None;
        }
        let words = together(self.0, row)?;
        // SAFETY: inside the map's value, as `together` says.
        let read = |at| unsafe { read_volatile(words.wrapping_add(at)) };
        Some([read(0), read(1), read(2)])
    }

    #[inline(always)]
    fn all(&self) -> u64 {
        kernel::opaque(u64::MAX)
    }

    #[inline(always)]
    fn word(&self, index: u32) -> Option<u64> {
        word(self.0, index)
    }

    #[inline(always)]
    fn far(&self, index: u32) -> Option<u64> {
        far(self.0, index)
    }

    #[inline(always)]
    fn read(&self, _: Dimension, _: u32) -> Option<u32> {
        None
    }
}

/// What of an image is far: what a large lookup reads.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Pages(*const Image);

impl Tables for Pages {
    #[inline(always)]
    fn word(&self, index: u32) -> Option<u64> {
        page_word(self.0, index.wrapping_sub(NEAR_WORDS))
    }

    #[inline(always)]
    fn hidden(&self, value: u64) -> u64 {
        kernel::opaque(value)
    }

    #[inline(always)]
    fn read(&self, _: Dimension, _: u32) -> Option<u32> {
        None
    }
}

/// A word that may be far.
#[inline(always)]
pub(crate) fn far(image: *const Image, index: u32) -> Option<u64> {
    if index < NEAR_WORDS {
        return word(image, index);
    }
    page_word(image, index - NEAR_WORDS)
}

/// Where [`TOGETHER`] words stand, of which the first has an index that is a
/// multiple of as many: near, or all in one page.
#[inline(always)]
fn together(image: *const Image, index: u32) -> Option<*const u64> {
    let words = u64::from(index) & !u64::from(TOGETHER - 1);
    // VERIFIER: as in `word`.
    if index < NEAR_WORDS {
        let at = kernel::opaque(words) & u64::from(NEAR_WORDS - TOGETHER);
        return Some(image.cast::<u64>().wrapping_add(at as usize));
    }
    let page = page(image, index - NEAR_WORDS)?;
    let at = kernel::opaque(words) & u64::from(PAGE_WORDS - TOGETHER);
    Some(page.wrapping_add(at as usize))
}

/// The page of what is far that has a word.
#[inline(always)]
fn page(image: *const Image, at: u32) -> Option<*const u64> {
    let slot = word(image, SLOT)? as u32;
    // A slot's pages are replaced when no program uses its former image any more.
    let page = FAR.get_value_ptr_mut(slot, &(at / PAGE_WORDS))?;
    Some(page.cast::<u64>().cast_const())
}

/// A word in the pages of what is far.
#[inline(always)]
fn page_word(image: *const Image, at: u32) -> Option<u64> {
    let page = page(image, at)?;
    // VERIFIER: as in `word`.
    let at = kernel::opaque(u64::from(at)) & u64::from(PAGE_WORDS - 1);
    let word = page.wrapping_add(at as usize);
    // SAFETY: inside the map's value: its length is a power of two.
    Some(unsafe { read_volatile(word) })
}

#[inline(always)]
fn word(image: *const Image, index: u32) -> Option<u64> {
    if index >= NEAR_WORDS {
        return None;
    }
    // VERIFIER: the compiler proves the comparison in its own way, in a
    // register other than the one it then adds ("max value is outside of
    // the allowed memory range", 6.12); the mask is seen.
    let index = kernel::opaque(u64::from(index)) & u64::from(NEAR_WORDS - 1);
    let word = image.cast::<u64>().wrapping_add(index as usize);
    // SAFETY: inside the map's value: its length is a power of two.
    Some(unsafe { read_volatile(word) })
}

/// [`class_of_pair`] as a function of its own.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn pair_class(image: *const Image, lookup: u32, first: u64, second: u64) -> u32 {
    if image.is_null() {
        return 0;
    }
    let Some(stands) = directory(&Words(image), lookup) else {
        return 0;
    };
    let class = if stands.base < NEAR_WORDS {
        class_of_pair(&Words(image), stands, [first, second])
    } else {
        class_of_pair(&Pages(image), stands, [first, second])
    };
    class.unwrap_or(0)
}

/// [`class_of_number`] as a function of its own.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn number_class(image: *const Image, lookup: u32, value: u32) -> u32 {
    if image.is_null() {
        return 0;
    }
    let Some(stands) = directory(&Words(image), lookup) else {
        return 0;
    };
    let class = if stands.base < NEAR_WORDS {
        class_of_number(&Words(image), stands, value, STEPS)
    } else {
        class_of_number(&Pages(image), stands, value, FAR_STEPS)
    };
    class.unwrap_or(0)
}

/// [`class_of_wide`] as a function of its own.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn wide_class(image: *const Image, lookup: u32, high: u64, low: u64) -> u32 {
    if image.is_null() {
        return 0;
    }
    let Some(stands) = directory(&Words(image), lookup) else {
        return 0;
    };
    let class = if stands.base < NEAR_WORDS {
        class_of_wide(&Words(image), stands, [high, low], STEPS)
    } else {
        class_of_wide(&Pages(image), stands, [high, low], FAR_STEPS)
    };
    class.unwrap_or(0)
}

/// The word that says what is in force; 0 before the first policy has been
/// switched on, which hooks are attached before.
#[inline(always)]
pub(crate) fn word_in_force() -> u64 {
    match ACTIVE.get_ptr(0) {
        // SAFETY: a map's value of one aligned word.
        Some(word) => unsafe { read_volatile(word) },
        None => 0,
    }
}

/// [`concerns`]: there are rules for the pair.
pub(crate) const OPERATION: u32 = 1;
/// [`concerns`]: there are rules for the family's `bind`.
pub(crate) const BINDING: u32 = 2;

/// What of a family and an operation a policy has rules for, as a mask; all
/// where that cannot be known.
///
/// VERIFIER: followed once, by its types.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn concerns(family: u32, operation: u32) -> u32 {
    if word_in_force() == 0 {
        return 0;
    }
    let image = in_force();
    if image.is_null() {
        return OPERATION | BINDING;
    }
    let of = |operation| match pair(family as u16, operation) {
        Some(pair) => word(image, PAIR_DIR + pair) != Some(0),
        None => true,
    };
    u32::from(of(operation as u16)) * OPERATION + u32::from(of(BIND)) * BINDING
}

/// The image of the policy in force, which says its slot and generation itself; null
/// when there is none that can be used.
///
/// VERIFIER: not inlined, for want of stack.
#[inline(never)]
pub(crate) fn in_force() -> *const Image {
    for _ in 0..RETRIES {
        let Some(active) = Active::unpack(word_in_force()) else {
            break;
        };
        let Some(image) = TABLES.get_value_ptr_mut(active.slot, &0) else {
            break;
        };
        if generation(image) == active.generation {
            return image;
        }
        // Preempted between the two reads for as long as two reloads take.
    }
    null()
}

/// The slot that an image was loaded into.
#[inline(always)]
pub(crate) fn slot(image: *const Image) -> u32 {
    // SAFETY: a word of the value's head.
    unsafe { read_volatile(image.cast::<u64>().wrapping_add(SLOT as usize)) as u32 }
}

/// The generation of an image.
#[inline(always)]
pub(crate) fn generation(image: *const Image) -> u64 {
    // SAFETY: the second word of the value.
    unsafe { read_volatile(image.cast::<u64>().wrapping_add(GENERATION as usize)) }
}
