//! interdict.

fn main() {}
