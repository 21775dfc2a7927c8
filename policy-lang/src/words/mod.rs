//! **The** tables of the language's words: families, operations, attributes,
//! errnos, capabilities, socket options, and the words that cannot be names.

pub mod attribute;
pub mod capability;
pub mod errno;
pub mod family;
pub mod interpreter;
pub mod operation;
pub mod reserved;
pub mod shape;
pub mod sockopt;
