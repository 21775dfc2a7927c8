//! The engine on a real kernel, in a guest: `cargo xtask test` runs it.

#[path = "kernel/docker.rs"]
mod docker;
