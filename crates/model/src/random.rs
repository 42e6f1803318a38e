//! Every stream of random numbers of the project: a function of what it is for, never of the order of calls.
//!
//! Burn's device generators are process-wide and cannot be saved, so nothing here uses them. A ChaCha8 generator
//! keyed by (seed, purpose, path, index) gives the same numbers on any machine, with any number of threads, in a
//! resumed run as in an uninterrupted one. Dropout needs no stream: it hashes where a value stands (`dropout.rs`).

use rand::SeedableRng;

/// The generator behind every stream: ChaCha with eight rounds, counter based, portable.
pub type Rng = rand::rngs::ChaCha8Rng;

/// What the numbers of a stream are for; two purposes never share numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights; the path is the parameter's, the index 0.
    Weights = 1,
    /// Training, validation and test examples; the path is the split's name, the index the example's.
    Examples = 3,
    /// Tokens that a model goes on with; the path is the task's name, the index the sample's.
    Samples = 4,
}

/// The stream of random numbers for one purpose, place and index.
///
/// ```
/// use qkv_model::random::{Purpose, stream};
/// use rand::RngExt;
///
/// let draw = |index| stream(7, Purpose::Examples, "train", index).random::<u64>();
/// assert_eq!(draw(3), draw(3));
/// assert_ne!(draw(3), draw(4));
/// ```
pub fn stream(seed: u64, purpose: Purpose, path: &str, index: u64) -> Rng {
    let mut key = [0; 32];
    let words = [seed, purpose as u64, fnv1a(path.as_bytes()), index];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    Rng::from_seed(key)
}

/// The 64-bit FNV-1a hash, <http://www.isthe.com/chongo/tech/comp/fnv/>.
///
/// The standard library's hasher may change between releases; a run must not.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn fnv1a_gives_its_authors_test_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn every_part_of_the_key_changes_the_stream() {
        let first = |seed, purpose, path, index| stream(seed, purpose, path, index).random::<u64>();
        let base = first(1, Purpose::Weights, "w_q", 2);
        assert_eq!(base, first(1, Purpose::Weights, "w_q", 2));
        assert_ne!(base, first(2, Purpose::Weights, "w_q", 2));
        assert_ne!(base, first(1, Purpose::Examples, "w_q", 2));
        assert_ne!(base, first(1, Purpose::Weights, "w_k", 2));
        assert_ne!(base, first(1, Purpose::Weights, "w_q", 3));
    }
}
