//! Softmax and cross-entropy in one, straight from the logits: no table of log-probabilities is written and read again.

use pulp::{Simd, WithSimd};

use super::ids;
use crate::memory::size;
use crate::parallel;
use crate::simd::{Float, Level, Vector, width};

/// What the backward of the loss reads.
#[derive(Debug, Clone, Copy)]
pub struct CrossEntropySaved<'a, T> {
    /// What the forward read, `[n, vocab]`.
    pub logits: &'a [T],
    /// What the forward read, `[n]`.
    pub targets: &'a [i64],
    /// What the forward wrote, `[n, 2]`.
    pub normalizer: &'a [T],
}

/// Measured: nanoseconds for a logit, forward and backward.
const NS_PER_LOGIT: f64 = 0.6;

/// Mean cross-entropy of `n` rows of logits, in nats.
///
/// ```text
/// m_i = max_c x_ic      l_i = Σ_c exp(x_ic - m_i)
/// loss = 1/n Σ_i [ln l_i - (x_it - m_i)]                  t = targets[i]; NaN where n = 0
/// ```
///
/// The losses are added up in `f64`, in an order that depends on `n` alone. `normalizer` gets `(m_i, l_i)` for the
/// backward.
///
/// # Shapes
///
/// `logits` `[n, vocab]`, `targets` `[n]` in `0..vocab`, `normalizer` `[n, 2]`.
///
/// # Panics
///
/// If the lengths contradict each other or a target is not in `0..vocab`.
///
/// # Examples
///
/// ```
/// let mut normalizer = [0.0; 4];
/// let loss = qkv_kernels::cross_entropy_forward(&[3.0, 3.0, -9.0, -9.0], &[0, 1], &mut normalizer);
/// assert_eq!(loss, std::f64::consts::LN_2);
/// ```
#[track_caller]
pub fn cross_entropy_forward<T: Float>(logits: &[T], targets: &[i64], normalizer: &mut [T]) -> T {
    let n = targets.len();
    let vocab = check(logits, targets, normalizer.len());
    let level = Level::current();
    let rows = parallel::rows_per_part(n);
    let mut losses = vec![0.0; n.div_ceil(rows)];
    let items =
        logits.chunks((rows * vocab).max(1)).zip(targets.chunks(rows)).zip(normalizer.chunks_mut(rows * 2));
    let work_ns = NS_PER_LOGIT * logits.len() as f64;
    parallel::for_each(items.zip(&mut losses), work_ns, |(((logits, targets), normalizer), loss)| {
        *loss = level.dispatch(Forward { logits, targets, normalizer, vocab });
    });
    T::from_f64(losses.iter().sum::<f64>() / n as f64)
}

/// Gradient of the mean cross-entropy by the logits, times the gradient `d_loss` of what comes after it. Overwrites
/// `d_logits` `[n, vocab]`.
///
/// ```text
/// forward:  (1) w_ic = exp(x_ic - m_i) / l_i      (2) loss = 1/n Σ_i -ln w_it
/// backward: dx_ic = dloss/n (w_ic - [c = t])
/// ```
///
/// # Panics
///
/// As the forward.
#[track_caller]
pub fn cross_entropy_backward<T: Float>(saved: CrossEntropySaved<'_, T>, d_loss: T, d_logits: &mut [T]) {
    let CrossEntropySaved { logits, targets, normalizer } = saved;
    let vocab = check(logits, targets, normalizer.len());
    assert_eq!(logits.len(), d_logits.len(), "the logits and their gradient are of one shape");
    let level = Level::current();
    let rows = parallel::rows_per_part(targets.len());
    let factor = T::from_f64(d_loss.to_f64() / targets.len() as f64);
    let row_len = (rows * vocab).max(1);
    let items = logits.chunks(row_len).zip(targets.chunks(rows)).zip(normalizer.chunks(rows * 2));
    let work_ns = NS_PER_LOGIT * logits.len() as f64;
    parallel::for_each(
        items.zip(d_logits.chunks_mut(row_len)),
        work_ns,
        |(((logits, targets), normalizer), d_logits)| {
            let saved = CrossEntropySaved { logits, targets, normalizer };
            level.dispatch(Backward { saved, factor, d_logits, vocab });
        },
    );
}

/// The size of the vocabulary.
#[track_caller]
fn check<T>(logits: &[T], targets: &[i64], normalizer_len: usize) -> usize {
    let n = targets.len();
    let vocab = logits.len().checked_div(n).unwrap_or(0);
    assert_eq!(logits.len(), size([n, vocab]), "{} logits do not make {n} rows", logits.len());
    assert_eq!(normalizer_len, size([n, 2]), "two numbers for each row");
    ids::check("targets", targets, vocab);
    vocab
}

struct Forward<'a, T> {
    logits: &'a [T],
    targets: &'a [i64],
    normalizer: &'a mut [T],
    vocab: usize,
}

impl<T: Float> WithSimd for Forward<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let lanes = width::<S, T>();
        let rows =
            self.logits.chunks_exact(self.vocab).zip(self.targets).zip(self.normalizer.chunks_exact_mut(2));
        let mut loss = 0.0;
        for ((x, &target), normalizer) in rows {
            let mut maxima = Vector::splat(simd, T::NEG_INFINITY);
            for x in x.chunks(lanes) {
                maxima = Vector::load_or(simd, x, T::NEG_INFINITY).max(maxima);
            }
            let max = maxima.largest();
            let base = Vector::splat(simd, max);
            let mut sums = Vector::splat(simd, T::ZERO);
            for x in x.chunks(lanes) {
                sums += (Vector::load_or(simd, x, T::NEG_INFINITY) - base).exp();
            }
            let sum = sums.sum();
            normalizer.copy_from_slice(&[max, sum]);
            loss += (sum.ln() - (x[target as usize] - max)).to_f64();
        }
        loss
    }
}

struct Backward<'a, T> {
    saved: CrossEntropySaved<'a, T>,
    factor: T,
    d_logits: &'a mut [T],
    vocab: usize,
}

impl<T: Float> WithSimd for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let CrossEntropySaved { logits, targets, normalizer } = self.saved;
        let lanes = width::<S, T>();
        let rows = logits.chunks_exact(self.vocab).zip(targets).zip(normalizer.chunks_exact(2));
        for (((x, &target), normalizer), d_x) in rows.zip(self.d_logits.chunks_exact_mut(self.vocab)) {
            // Forward (1): w = exp(x - m) / l.
            let max = Vector::splat(simd, normalizer[0]);
            let factor = Vector::splat(simd, self.factor / normalizer[1]);
            for (x, d_x) in x.chunks(lanes).zip(d_x.chunks_mut(lanes)) {
                ((Vector::load(simd, x) - max).exp() * factor).store(d_x);
            }
            // Forward (2): the target's logit alone enters a second time.
            d_x[target as usize] -= self.factor;
        }
    }
}
