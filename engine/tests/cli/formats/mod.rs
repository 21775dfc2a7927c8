//! What the program writes, format by format, and the codes it ends with.

mod code;
mod exit_codes;
mod github;
mod human;
mod json;
mod junit;
mod policies;
mod sarif;
mod terminal;
