//! What the tests on real kernels stand on: the engine as a process, actors
//! that do what they are told, and the accounts that must add up.
//!
//! A test takes a [`case::Case`], which puts a policy in force. It lets an
//! [`actor::Actor`], the program `probe` under some name and user, make system
//! calls, and says for each what comes of it and which event must follow. At the
//! case's end no event is left over and every counter adds up.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a fixture fails its test by panicking"
)]

pub mod actor;
pub mod address;
pub mod calls;
pub mod case;
pub mod engine;
pub mod event;
pub mod lines;
pub mod place;
pub mod program;
pub mod protocol;
pub mod service;
pub mod skip;
pub mod status;
pub mod tricks;
