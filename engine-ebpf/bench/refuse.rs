//! What an LSM program costs that refuses and does nothing else: one for each
//! deciding hook, of which `cargo xtask bench` attaches one at a time.
#![no_std]
#![no_main]

mod nothing;

/// `-EPERM`.
const VERDICT: i32 = -1;
