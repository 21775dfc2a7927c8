//! What an LSM program costs that does nothing: one for each deciding hook.
//! `cargo xtask bench` measures it beside the real ones.
#![no_std]
#![no_main]

mod nothing;

/// Allowed.
const VERDICT: i32 = 0;
