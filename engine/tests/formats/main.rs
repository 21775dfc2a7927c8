//! What the program writes, format by format, and the codes it ends with.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the form in which UPDATE_EXPECT=1 writes what it saw"
)]

mod code;
mod exit_codes;
mod github;
mod json;
mod junit;
mod policies;
mod program;
mod sarif;
mod terminal;
