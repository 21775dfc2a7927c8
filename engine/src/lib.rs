//! The engine.

pub mod cli;
pub mod error;
#[cfg(feature = "daemon")]
pub mod event;
pub mod files;
#[cfg(feature = "daemon")]
pub mod kernel;
