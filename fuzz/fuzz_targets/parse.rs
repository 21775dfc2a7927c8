//! libFuzzer's wrapper of [`interdict_fuzz::parse`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| interdict_fuzz::timed(interdict_fuzz::parse, bytes));
