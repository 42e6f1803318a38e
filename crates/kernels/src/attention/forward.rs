//! The forward pass: an online softmax over tiles of keys, one task for each tile of queries.

use pulp::{Simd, WithSimd};

use super::product::{Left, Product, Store};
use super::softmax::{online_softmax, rescale_rows};
use super::tile::{self, K_TILE, Q_TILE, Queries, Step};
use super::{Attention, Softmax};
use crate::memory::{RowsMut, SharedView, View, ViewMut, with_scratch};
use crate::parallel;
use crate::simd::{Float, Level, width};

/// What attention reads.
#[derive(Debug, Clone, Copy)]
pub struct AttentionInputs<'a, T> {
    /// `[batch, q_len, n_heads, d_k]`
    pub q: View<'a, T>,
    /// `[batch, k_len, n_kv_heads, d_k]`
    pub k: View<'a, T>,
    /// `[batch, k_len, n_kv_heads, d_v]`
    pub v: View<'a, T>,
}

impl<T: Float> AttentionInputs<'_, T> {
    #[track_caller]
    pub(super) fn check(&self, attention: &Attention<'_, T>) {
        self.q.check("q", attention.q_axes());
        self.k.check("k", attention.k_axes());
        self.v.check("v", attention.v_axes());
    }
}

/// Computes the context of every query, and the two numbers from which the backward makes its weights again.
///
/// ```text
/// for every tile of keys j:
///     m' = max(m, max_j s_ij)      p_ij = exp(s_ij - m')      the largest exponent is zero: nothing overflows
///     l  = l · exp(m - m') + Σ_j p_ij
///     o  = o · exp(m - m') + Σ_j dropout(p_ij) v_j
/// context_i = o / l                normalizer_i = (m, l)
/// ```
///
/// The log-sum-exp of a query is `m + ln l`. It is kept as its two parts, because of a score in the thousands only a
/// difference to the largest one has digits to spare. A query that sees no key gets a context of zero and a normalizer
/// of (-∞, 0). The result is the same for any number of threads.
///
/// # Shapes
///
/// `context` `[batch, q_len, n_heads, d_v]`, `normalizer` `[batch, n_heads, q_len, 2]`, contiguous.
///
/// # Panics
///
/// If a slice is shorter than its strides and the sizes of `attention` say, rows of `context` overlap, `n_kv_heads`
/// does not divide `n_heads`, or the dropout probability is not in `0.0..1.0`.
///
/// # Examples
///
/// ```
/// use qkv_kernels::{Attention, AttentionInputs, CausalAlign, View, ViewMut, attention_forward};
///
/// // One head of width one: the second query is 0, so it weighs both values equally.
/// let (q, k, v) = ([5.0, 0.0], [1.0, 2.0], [10.0, 20.0]);
/// let attention = Attention { causal: Some(CausalAlign::TopLeft), ..Attention::<f32>::new(1, 2, 1, 1) };
/// let view = |data| View::contiguous(data, 2, 1, 1);
/// let inputs = AttentionInputs { q: view(&q), k: view(&k), v: view(&v) };
/// let (mut context, mut normalizer) = ([0.0; 2], [0.0; 4]);
/// attention_forward(&attention, inputs, ViewMut::contiguous(&mut context, 2, 1, 1), &mut normalizer);
/// assert_eq!(context, [10.0, 15.0]);
/// ```
#[track_caller]
pub fn attention_forward<T: Float>(
    attention: &Attention<'_, T>,
    inputs: AttentionInputs<'_, T>,
    context: ViewMut<'_, T>,
    normalizer: &mut [T],
) {
    attention.check();
    inputs.check(attention);
    let Attention { q_len, n_heads, d_k, d_v, .. } = *attention;
    assert_eq!(normalizer.len(), attention.normalizer_len(), "two numbers for each query of each head");

    let context = SharedView::new("context", context, attention.context_axes());
    let level = Level::current();
    let n_tiles = q_len.div_ceil(Q_TILE);
    // Measured: 60 GFLOP/s in tiles of this size, and a nanosecond for each exponential.
    let work_ns = attention.n_pairs() * ((d_k + d_v) as f64 / 30.0 + 1.0);
    // The queries of a head, tile by tile.
    let sequences = normalizer.chunks_mut((q_len * 2).max(1));
    let tiles = sequences.flat_map(|normalizer| normalizer.chunks_mut(Q_TILE * 2)).enumerate();
    parallel::for_each(tiles, work_ns, |(task, normalizer)| {
        let (sequence, start) = (task / n_tiles, task % n_tiles * Q_TILE);
        let queries = Queries {
            batch: sequence / n_heads,
            head: sequence % n_heads,
            start,
            len: Q_TILE.min(q_len - start),
        };
        let Queries { batch, head, len, .. } = queries;
        // SAFETY: this task alone has these queries of this head.
        #[expect(unsafe_code)]
        let context = unsafe { context.rows(batch, head..head + 1, start..start + len) };
        with_scratch(
            scratch_sizes(attention, len, level.lanes::<T>()),
            |[q, scores, factors, v, sums, max, denominator, rescale]| {
                let scratch = Scratch { q, scores, factors, v, sums, max, denominator, rescale };
                level.dispatch(Tile { attention, inputs, queries, scratch, normalizer, context });
            },
        );
    });
}

/// Numbers of each part of a task's working memory. `across` are the queries in whole vectors.
fn scratch_sizes<T>(attention: &Attention<'_, T>, n_queries: usize, lanes: usize) -> [usize; 8] {
    let Attention { d_k, d_v, k_len, .. } = *attention;
    let across = n_queries.next_multiple_of(lanes);
    let v_width = d_v.next_multiple_of(lanes);
    let n_keys = K_TILE.min(k_len);
    [
        d_k * across,                                                  // q: qᵀ, scaled
        n_keys * across,                                               // scores
        if attention.dropout.is_some() { n_keys * across } else { 0 }, // factors of the dropout
        if v_width == d_v { 0 } else { n_keys * v_width },             // v: values in whole vectors
        n_queries * v_width,                                           // sums: context before the division
        across,                                                        // max: m
        across,                                                        // denominator: l
        across,                                                        // rescale: exp(m - m')
    ]
}

/// Working memory of a task, in parts of [`scratch_sizes`].
struct Scratch<'a, T> {
    q: &'a mut [T],
    scores: &'a mut [T],
    factors: &'a mut [T],
    v: &'a mut [T],
    sums: &'a mut [T],
    max: &'a mut [T],
    denominator: &'a mut [T],
    rescale: &'a mut [T],
}

struct Tile<'a, T> {
    attention: &'a Attention<'a, T>,
    inputs: AttentionInputs<'a, T>,
    queries: Queries,
    scratch: Scratch<'a, T>,
    /// `(m, l)` of each query.
    normalizer: &'a mut [T],
    context: RowsMut<'a, T>,
}

impl<T: Float> WithSimd for Tile<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { attention, inputs, queries, scratch, normalizer, mut context } = self;
        let Scratch { q, scores, factors, v, sums, max, denominator, rescale } = scratch;
        let Attention { d_v, .. } = *attention;
        let Queries { batch, head, start, len } = queries;
        let across = queries.lanes::<S, T>();
        let kv_head = attention.kv_head(head);
        let k_rows = inputs.k.rows(batch, kv_head, attention.k_axes());
        let v_rows = inputs.v.rows(batch, kv_head, attention.v_axes());
        let v_width = d_v.next_multiple_of(width::<S, T>());
        let row_keys = tile::row_keys(attention, queries);

        let q_rows = inputs.q.rows(batch, head, attention.q_axes());
        tile::transpose(q_rows, queries, across, attention.scale, q);
        let (first_max, first_sum) = match attention.softmax {
            Softmax::Standard => (T::NEG_INFINITY, T::ZERO),
            // The sink: a score of zero, so exp(0 - 0) = 1 to begin with.
            Softmax::Quiet => (T::ZERO, T::ONE),
        };
        max.fill(first_max);
        denominator.fill(first_sum);
        sums.fill(T::ZERO);

        let key_end = attention.key_end(batch, start + len);
        let mut first_key = 0;
        while first_key < key_end {
            let Step { n_keys, skip } = Step::new::<S, T>(attention, queries, (first_key, key_end), K_TILE);
            let visible = queries.without(skip);
            let lanes = across - skip;
            let scores = &mut scores[..n_keys * lanes];
            tile::rows_times(simd, (k_rows, first_key, n_keys), (&q[skip..], across), lanes, scores);
            tile::hide(attention, visible, first_key, lanes, scores);
            online_softmax(simd, scores, &mut max[skip..], &mut denominator[skip..], &mut rescale[skip..]);
            if let Some(dropout) = &attention.dropout {
                let factors = &mut factors[..n_keys * lanes];
                dropout.fill(&row_keys[skip..across], first_key, factors);
                tile::multiply(simd, scores, factors);
            }
            let sums = &mut sums[skip * v_width..];
            if first_key > 0 {
                rescale_rows(simd, sums, v_width, &rescale[skip..len]);
            }
            let (b, b_stride) = tile::padded::<S, T>((v_rows, first_key, n_keys), v);
            let (a, c) = (Left::Columns { data: scores, stride: lanes }, sums);
            let (m, n, store) = (visible.len, v_width, Store::Accumulate);
            Product { m, n, k: n_keys, a, b, b_stride, c, c_stride: n, store }.run(simd);
            first_key += n_keys;
        }

        for (i, sums) in sums.chunks_exact(v_width.max(1)).take(len).enumerate() {
            let context = context.row(head, start + i);
            if max[i] == T::NEG_INFINITY && denominator[i] == T::ZERO {
                context.fill(T::ZERO);
            } else {
                let factor = T::ONE / denominator[i];
                for (context, &sum) in context.iter_mut().zip(sums) {
                    *context = sum * factor;
                }
            }
        }
        for ((out, &max), &denominator) in normalizer.chunks_exact_mut(2).zip(&*max).zip(&*denominator) {
            out.copy_from_slice(&[max, denominator]);
        }
    }
}
