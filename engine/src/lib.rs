//! The engine.

#[cfg(feature = "daemon")]
pub mod kernel;
