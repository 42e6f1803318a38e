//! Random bytes for what asks the system for them, of which a page without wasm-bindgen has none: Burn numbers parameters
//! by them, and no weight depends on those numbers. Two modules count alike, so that what they do can be repeated.

use std::cell::Cell;

thread_local! {
    static COUNTER: Cell<u64> = const { Cell::new(0) };
}

/// [SplitMix64](https://prng.di.unimi.it/splitmix64.c)
fn next() -> u64 {
    COUNTER.with(|counter| {
        let state = counter.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        counter.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// What `getrandom` calls with `--cfg getrandom_backend="custom"`.
#[expect(unsafe_code, reason = "its signature is that of getrandom: a pointer and a length")]
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(
    bytes: *mut u8,
    length: usize,
) -> Result<(), getrandom::Error> {
    // SAFETY: getrandom gives a buffer of this length, which may be uninitialised and is only written to.
    let bytes = unsafe { std::slice::from_raw_parts_mut(bytes.cast::<std::mem::MaybeUninit<u8>>(), length) };
    for chunk in bytes.chunks_mut(8) {
        for (byte, random) in chunk.iter_mut().zip(next().to_le_bytes()) {
            byte.write(random);
        }
    }
    Ok(())
}
