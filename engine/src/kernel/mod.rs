//! The kernel's side of the engine, and the only module that imports aya.

pub mod abi;
pub mod btf;
pub mod error;
mod functions;
pub mod install;
pub mod load;
mod loading;
mod namespaces;
pub mod phases;
pub mod preflight;
mod programs;
mod ring;
pub mod stats;
mod sys;

pub use error::KernelError;
pub use install::{Loadable, OnError};
pub use load::Kernel;
pub use ring::Turn;
