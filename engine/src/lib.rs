//! The engine.

#[cfg(feature = "daemon")]
pub mod event;
#[cfg(feature = "daemon")]
pub mod kernel;
