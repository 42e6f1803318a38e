//! `MANIFEST.json`, as it is and signed anew.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qkv_fuzz::readers::manifest(bytes));
