//! What the tasks over strings of symbols share: drawing, numbering and labelling them.

use qkv_model::random::Rng;
use rand::RngExt;

use crate::error::TrainError;

/// `len` independent symbols below `n_symbols`.
pub(super) fn sample(rng: &mut Rng, len: usize, n_symbols: usize) -> Vec<u32> {
    (0..len).map(|_| rng.random_range(0..n_symbols as u32)).collect()
}

/// The symbols in ascending order.
pub(super) fn sorted(symbols: &[u32]) -> Vec<u32> {
    let mut sorted = symbols.to_vec();
    sorted.sort_unstable();
    sorted
}

/// How many strings there are, unless it overflows.
pub(super) fn count(len: usize, n_symbols: usize) -> Option<u64> {
    (n_symbols as u64).checked_pow(u32::try_from(len).ok()?)
}

/// String number `index`: its digits in base `n_symbols`.
pub(super) fn nth(mut index: u64, len: usize, n_symbols: usize) -> Vec<u32> {
    let mut symbols = vec![0; len];
    for symbol in symbols.iter_mut().rev() {
        *symbol = (index % n_symbols as u64) as u32;
        index /= n_symbols as u64;
    }
    symbols
}

/// The symbols' labels: their numbers.
pub(super) fn labels(n_symbols: usize) -> Vec<String> {
    (0..n_symbols).map(|symbol| symbol.to_string()).collect()
}

/// Checks a size of a task against its range.
pub(super) fn check(key: &'static str, value: usize, min: usize, max: usize) -> Result<(), TrainError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(TrainError::OutOfRange { key, expected: format!("between {min} and {max}"), got: value.to_string() })
}

/// Longest input of a task: attention keeps T×T weights per head and example.
pub(super) const MAX_LEN: usize = 4096;

/// Most symbols of a task.
pub(super) const MAX_SYMBOLS: usize = 65_536;
