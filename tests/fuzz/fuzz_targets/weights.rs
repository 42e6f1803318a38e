//! `model.safetensors`.
#![no_main]

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    qkv_fuzz::mutator::tensors(data, size, max_size, seed)
});
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qkv_fuzz::trained::weights(bytes));
