//! The texts that few policies ask of a subject: its unit and its cgroup, its
//! creator's name and program.
//!
//! A pair's list is answered below the decision, where the frames of a chain of
//! calls have no room for reading a text: the classes of those that patterns with
//! wildcards are held against are found before.

use crate::ask::{Kept, creator_of, is_of_cgroup};
use crate::cgroup;
use crate::kernel;
use crate::maps::Image;
use crate::tables::{Lookups, Words};
use crate::texts::{comm_end, path_length, state, text_end};
use policy_abi::ask::{TEXTS, class_of_rare};
use policy_abi::decide::Tables;
use policy_abi::fields::{Dimension, Lookup};
use policy_abi::identity::Creator;
use policy_abi::image::STATE_LONG;

/// What [`of`] gives when the image is damaged.
pub(crate) const DAMAGED: u64 = u64::MAX;

/// The classes of the running task's texts, as [`policy_abi::ask::Has::texts`].
///
/// VERIFIER: followed once, by its types.
#[unsafe(export_name = "rare_texts")]
#[inline(never)]
pub(crate) extern "C" fn of(image: *const Image) -> u64 {
    if image.is_null() {
        return DAMAGED;
    }
    // VERIFIER: here, where it is one load out of a task, and not once for each text.
    let creator = creator_of(kernel::group_leader(kernel::current()));
    let mut texts = 0;
    for (place, lookup) in TEXTS.iter().enumerate() {
        let class = rare_class(image, *lookup as u32, creator);
        if class == u32::MAX {
            return DAMAGED;
        }
        texts |= u64::from(class & 0xffff) << (16 * place);
    }
    texts
}

/// [`class_of_rare`] as a function of its own, `u32::MAX` when the image is damaged.
/// `creator` is what is kept of the process's creator, or null.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn rare_class(image: *const Image, lookup: u32, creator: *const Creator) -> u32 {
    if image.is_null() {
        return u32::MAX;
    }
    let Some(lookup) = Lookup::from_raw(lookup) else {
        return u32::MAX;
    };
    let kept = Kept {
        task: kernel::current(),
        creator,
    };
    class_of_rare(&Texts { image, creator }, &kept, lookup).unwrap_or(u32::MAX)
}

/// A policy, and what is kept of the running task.
struct Texts {
    image: *const Image,
    /// Of the process's creator, or null.
    creator: *const Creator,
}

impl Tables for Texts {
    #[inline(always)]
    fn word(&self, index: u32) -> Option<u64> {
        Words(self.image).word(index)
    }

    #[inline(always)]
    fn pair_class(&self, lookup: u32, key: [u64; 2]) -> Option<u32> {
        Lookups(self.image).pair_class(lookup, key)
    }

    #[inline(always)]
    fn read(&self, dimension: Dimension, start: u32) -> Option<u32> {
        let (image, number) = (self.image, dimension as u32);
        let end = if is_of_cgroup(dimension) {
            let Some(cgroup) = cgroup::known(kernel::current()) else {
                return Some(STATE_LONG);
            };
            // SAFETY: a map's value, valid while the program runs.
            let cgroup = unsafe { &*cgroup };
            if dimension == Dimension::Unit {
                let [_, length] = cgroup.unit;
                text_end(
                    image,
                    number,
                    start,
                    &raw const cgroup.unit_text,
                    length as u32,
                )
            } else {
                let length = cgroup::text_length(cgroup);
                text_end(image, number, start, &raw const cgroup.text, length)
            }
        } else {
            if self.creator.is_null() {
                return Some(STATE_LONG);
            }
            // SAFETY: not null, and as above.
            let creator = unsafe { &*self.creator };
            if dimension == Dimension::ParentComm {
                let [low, high] = creator.comm;
                comm_end(image, number, start, low, high)
            } else {
                let length = path_length(creator.exe_length);
                text_end(image, number, start, &raw const creator.exe_text, length)
            }
        };
        state(end)
    }
}
