//! The engine: everything that touches the world.
//!
//! A policy's life: [`files`] are read, the language crate parses, checks and
//! compiles them, [`anchors`] says where the paths in them lie, [`kernel`] takes
//! the tables and switches. An event's life: a record in the kernel's ring
//! buffer, [`event`] makes a line of it, [`daemon`] writes it out.

#[cfg(feature = "daemon")]
mod accounts;
#[cfg(feature = "daemon")]
pub mod anchors;
pub mod cli;
#[cfg(feature = "daemon")]
pub mod config;
#[cfg(feature = "daemon")]
pub mod daemon;
pub mod error;
#[cfg(feature = "daemon")]
pub mod event;
pub mod files;
pub mod host;
#[cfg(feature = "daemon")]
pub mod kernel;
pub mod mounts;
pub mod needs;
mod replace;
