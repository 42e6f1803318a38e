//! `config.json` of a checkpoint.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qkv_fuzz::readers::description(bytes));
