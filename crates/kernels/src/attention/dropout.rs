//! Which weights are dropped: a function of where they stand, so that the backward computes it again and no mask is
//! kept.

use crate::simd::Float;

/// Dropout of attention weights: each is zero with `probability`, and divided by `1 - probability` otherwise.
///
/// Whether weight `(batch, head, query, key)` stays is a hash of the four with `seed`, `step` and `layer`; neither the
/// order of computation nor the number of threads has a part in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Chance of a weight to be dropped, in `0.0..1.0`.
    pub probability: f64,
    /// Seed of the run.
    pub seed: u64,
    /// Training step.
    pub step: u64,
    /// Index of the layer: layers drop independently.
    pub layer: u64,
    /// Index of the first example in the batch of the step, of which this may be a part: it then drops what the whole
    /// batch would.
    pub first_example: u64,
}

/// The hash of one query, to which each key adds itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RowKey(u32, u32);

impl Dropout {
    /// Whether the weight of key `j` for query `i` stays.
    ///
    /// ```
    /// let dropout = qkv_kernels::Dropout { probability: 0.25, seed: 1, step: 2, layer: 3, first_example: 0 };
    /// let kept = (0..10_000).filter(|&j| dropout.keeps(0, 0, 0, j)).count();
    /// assert!((7_300..7_700).contains(&kept));
    /// ```
    pub fn keeps(&self, batch: usize, head: usize, i: usize, j: usize) -> bool {
        self.row(batch, head, i)(j)
    }

    /// Which keys' weights stay for query `i`.
    pub fn row(&self, batch: usize, head: usize, i: usize) -> impl Fn(usize) -> bool {
        let (key, threshold) = (self.row_key(batch, head, i), self.threshold());
        move |j| hash(key, j as u32) >= threshold
    }

    /// What a weight that stays is multiplied by: `1 / (1 - probability)`.
    pub fn factor(&self) -> f64 {
        1.0 / (1.0 - self.probability)
    }

    /// # Panics
    ///
    /// If the probability is not in `0.0..1.0`.
    #[track_caller]
    pub(super) fn check(&self) {
        let probability = self.probability;
        assert!((0.0..1.0).contains(&probability), "dropout probability {probability} is not in 0.0..1.0");
    }

    pub(super) fn row_key(&self, batch: usize, head: usize, i: usize) -> RowKey {
        let mut key = 0;
        let example = self.first_example + batch as u64;
        for part in [self.seed, self.step, self.layer, example, head as u64, i as u64] {
            key = split_mix(key ^ part);
        }
        RowKey(key as u32, (key >> 32) as u32)
    }

    /// Hashes below it are dropped.
    fn threshold(&self) -> u32 {
        // Saturating: a probability that rounds to one would ask for 2^32.
        (self.probability * 4_294_967_296.0).round() as u32
    }

    /// Fills `factors [n_keys, keys.len()]`, one row for each key from `first_key` on, with 0 or `1/(1 - probability)`.
    #[inline(always)]
    pub(super) fn fill<T: Float>(&self, keys: &[RowKey], first_key: usize, factors: &mut [T]) {
        let threshold = self.threshold();
        let factor = T::from_f64(self.factor());
        for (j, factors) in factors.chunks_exact_mut(keys.len()).enumerate() {
            let j = (first_key + j) as u32;
            for (out, &key) in factors.iter_mut().zip(keys) {
                *out = if hash(key, j) >= threshold { factor } else { T::ZERO };
            }
        }
    }
}

/// The finalizer of [SplitMix64](https://doi.org/10.1145/2714064.2660195) after one step of its counter.
fn split_mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// 32 bits for one key, by the three-round mixer `triple32` of
/// [hash-prospector](https://github.com/skeeto/hash-prospector), with the query's 64 bits entering at both ends: only
/// 32-bit products, which vectors have.
#[inline(always)]
fn hash(key: RowKey, j: u32) -> u32 {
    let mut x = j.wrapping_mul(0x9e37_79b1) ^ key.0;
    x ^= x >> 17;
    x = x.wrapping_mul(0xed5a_d4bb);
    x ^= x >> 11;
    x = x.wrapping_mul(0xac4c_1b51).wrapping_add(key.1);
    x ^= x >> 15;
    x = x.wrapping_mul(0x3184_8bab);
    x ^ (x >> 14)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropout(probability: f64) -> Dropout {
        Dropout { probability, seed: 11, step: 5, layer: 3, first_example: 0 }
    }

    #[test]
    fn the_share_of_dropped_weights_is_the_probability_along_every_axis() {
        for probability in [0.1, 0.5, 0.9] {
            let dropout = dropout(probability);
            let n = 40_000;
            // Four standard deviations of a fair coin's mean over n throws.
            let tolerance = 4.0 * (probability * (1.0 - probability) / n as f64).sqrt();
            let share =
                |keeps: &dyn Fn(usize) -> bool| (0..n).filter(|&x| !keeps(x)).count() as f64 / n as f64;
            for share in [
                share(&|j| dropout.keeps(0, 0, 0, j)),
                share(&|i| dropout.keeps(0, 0, i, 0)),
                share(&|h| dropout.keeps(0, h, 7, 7)),
                share(&|b| dropout.keeps(b, 1, 7, 7)),
                share(&|t| Dropout { step: t as u64, ..dropout }.keeps(0, 0, 1, 2)),
                share(&|x| dropout.keeps(0, 0, x, x)),
            ] {
                assert!((share - probability).abs() < tolerance, "{share} is not {probability}");
            }
        }
    }

    #[test]
    fn neighbours_are_independent() {
        let dropout = dropout(0.5);
        let n = 200;
        let kept = |i, j| dropout.keeps(1, 2, i, j);
        for (di, dj) in [(0, 1), (1, 0), (1, 1), (2, 0), (0, 16), (16, 0)] {
            let same = (0..n * n).filter(|x| kept(x / n, x % n) == kept(x / n + di, x % n + dj)).count();
            let share = same as f64 / (n * n) as f64;
            assert!((share - 0.5).abs() < 4.0 * 0.5 / n as f64, "({di}, {dj}): {share}");
        }
    }

    #[test]
    fn a_part_of_a_batch_drops_what_the_whole_does() {
        let whole = dropout(0.5);
        let part = Dropout { first_example: 5, ..whole };
        assert!((0..1000).all(|j| part.keeps(2, 1, 3, j) == whole.keeps(7, 1, 3, j)));
        assert!((0..1000).any(|j| part.keeps(2, 1, 3, j) != whole.keeps(2, 1, 3, j)));
    }

    #[test]
    fn nothing_is_dropped_at_probability_zero() {
        assert!((0..1000).all(|j| dropout(0.0).keeps(0, 0, 0, j)));
    }
}
