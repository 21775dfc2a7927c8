//! What crosses the boundary between user space and the kernel, and the code
//! that decides, which runs on both sides of it.
//!
//! Rules of this package, each learnt from somebody's bug:
//!
//! - every structure that crosses is `#[repr(C)]` and derives zerocopy's
//!   `IntoBytes`, which refuses padding at compile time;
//! - no `bool`, `Option`, `usize`, reference or enum with data in anything that
//!   crosses; flags are `u32`;
//! - bytes become enums only by a `from_raw` that can say "unknown";
//! - names of maps and globals are constants here, used by both sides;
//! - no dependency on aya, pest or the standard library.
//!
//! [`decide::decide`] is the decision procedure. It is generic over
//! [`decide::Tables`], so the same code answers in the kernel over a map and
//! under `cargo test` over a vector. [`image`] says how the words of that table
//! are laid out.
#![no_std]
#![forbid(unsafe_code)]
#![expect(
    clippy::inline_always,
    reason = "the kernel verifies what is inlined into a program with that program's ranges"
)]

pub mod ask;
pub mod decide;
pub mod event;
pub mod facts;
pub mod family;
pub mod fields;
pub mod hash;
pub mod hooks;
pub mod identity;
pub mod image;
pub mod lookup;
pub mod maps;
pub mod mediation;
pub mod offsets;
pub mod select;
pub mod traits;
pub mod wide;

/// Version of everything in this package that the BPF object and the engine
/// must agree on. The loader refuses an object with another number.
///
/// 1: first.
/// 2: automata in the image.
/// 3: rare dimensions, by lists.
/// 4: details of a hook in records, ports of waiting sockets.
/// 5: texts of cgroups and creators, what a thread binds; states that are settled.
/// 6: what is told of a process once, and what it was allowed.
/// 7: a selection of events in the image, suppressed events in tallies.
/// 8: wide rows and far pages in the image, more recorded rules in records, brief
///    records, who is woken, what a listen was judged on, a memo without the program.
/// 9: indexes of large lookups, headers of wide rows at multiples of four words; what
///    was told of a process, beside its identity.
pub const ABI_VERSION: u32 = 9;
