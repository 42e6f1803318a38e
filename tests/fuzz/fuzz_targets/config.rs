//! `config.toml`, and behind a NUL each what `--set` sets.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qkv_fuzz::trained::config(bytes));
