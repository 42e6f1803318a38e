//! `config.json` of a checkpoint as the experiment of its run.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qkv_fuzz::trained::registry(bytes));
