//! libFuzzer's wrapper of [`interdict_fuzz::generated`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| interdict_fuzz::timed(interdict_fuzz::generated, bytes));
