//! The backward pass: the weights are made again from the scores and the kept normalizer, tile by tile.
//!
//! One task owns some keys of one head of keys and values and walks over all queries that see them, so the gradients of
//! keys and values have one writer. Where there are few heads the keys of a head are split among tasks; each but the
//! first then keeps a sum of its own for the queries, and these are added in order. How keys are split depends on the
//! shapes alone.

use pulp::{Simd, WithSimd};

use super::Attention;
use super::forward::{AttentionInputs, dot, key_rows};
use super::product::{Left, Product, Store};
use super::tile::{self, Q_TILE, Queries, Step};
use crate::memory::{Shared, View, ViewMut, with_scratch};
use crate::parallel;
use crate::simd::{Float, Level, Vector, width};

/// Keys of a tile: scores and their gradients are two tiles of 64 × 64, 32 KiB together.
const K_TILE: usize = 64;

/// Keys whose gradients a task sums at once: at d 64 they take 512 KiB, a quarter of the second-level cache.
const SPAN: usize = 1024;

/// Tasks into which the work is split at least, where the keys are many enough.
const MIN_TASKS: usize = 16;

/// Keys of a task at least: fewer would not be worth a sum of their own for the queries.
const MIN_KEYS: usize = 256;

/// What the forward read and made, and the gradient of what it made.
#[derive(Debug, Clone, Copy)]
pub struct AttentionSaved<'a, T> {
    /// What the forward read.
    pub inputs: AttentionInputs<'a, T>,
    /// What it wrote, `[batch, q_len, n_heads, d_v]`.
    pub context: View<'a, T>,
    /// What it wrote, `[batch, n_heads, q_len, 2]`, contiguous.
    pub normalizer: &'a [T],
    /// Gradient of the loss by the context, `[batch, q_len, n_heads, d_v]`.
    pub d_context: View<'a, T>,
}

/// Where the gradients go.
#[derive(Debug)]
pub struct AttentionGradients<'a, T> {
    /// `[batch, q_len, n_heads, d_k]`
    pub d_q: ViewMut<'a, T>,
    /// `[batch, k_len, n_kv_heads, d_k]`
    pub d_k: ViewMut<'a, T>,
    /// `[batch, k_len, n_kv_heads, d_v]`
    pub d_v: ViewMut<'a, T>,
}

/// Computes the gradients of queries, keys and values from the gradient of the context. Overwrites what was there.
///
/// With `f_ij` the dropout factor, 0 or 1/(1 - probability), the forward was
///
/// ```text
/// (1) s_ij = scale · q_i · k_j + bias_ij
/// (2) w_ij = exp(s_ij - m_i) / l_i                    (m_i, l_i) the normalizer
/// (3) o_i  = Σ_j f_ij w_ij v_j
/// ```
///
/// and its mirror is
///
/// ```text
/// (3) dv_j  = Σ_i f_ij w_ij do_i                      dw_ij = f_ij (do_i · v_j)
/// (2) ds_ij = w_ij (dw_ij - D_i)                      D_i = Σ_j w_ij dw_ij = do_i · o_i by (3)
/// (1) dq_i  = scale · Σ_j ds_ij k_j                   dk_j = scale · Σ_i ds_ij q_i
/// ```
///
/// `D_i` needs no sum over the keys because `o_i` is kept. Nothing of size `q_len × k_len` is: memory beyond the
/// arguments is at most `MIN_TASKS - 1` times the gradient of one head's queries. The result is the same for any number
/// of threads.
///
/// # Panics
///
/// As [`attention_forward`](crate::attention_forward), for every view.
#[track_caller]
pub fn attention_backward<T: Float>(
    attention: &Attention<'_, T>,
    saved: AttentionSaved<'_, T>,
    gradients: AttentionGradients<'_, T>,
) {
    attention.check();
    saved.inputs.check(attention);
    saved.context.check("context", attention.context_axes());
    saved.d_context.check("d_context", attention.context_axes());
    let AttentionGradients { d_q, d_k, d_v } = gradients;
    d_q.check("d_q", attention.q_axes());
    d_k.check("d_k", attention.k_axes());
    d_v.check("d_v", attention.v_axes());
    let Attention { batch, q_len, k_len, n_heads, n_kv_heads, .. } = *attention;
    assert_eq!(
        saved.normalizer.len(),
        batch * n_heads * q_len * 2,
        "two numbers for each query of each head"
    );

    let n_sequences = batch * n_kv_heads;
    let wanted = MIN_TASKS.div_ceil(n_sequences.max(1)).min(k_len / MIN_KEYS).max(1);
    let chunk_len = k_len.div_ceil(wanted).next_multiple_of(K_TILE).max(1);
    let n_chunks = k_len.div_ceil(chunk_len).max(1);
    let mut partial_d_q = vec![T::ZERO; (n_chunks - 1) * batch * n_heads * q_len * attention.d_k];

    let d_q = Output::new(d_q);
    let d_k = Output::new(d_k);
    let d_v = Output::new(d_v);
    let partials = Shared::new(&mut partial_d_q);
    let level = Level::current();
    // Five products of the forward's two sizes.
    let work_ns = attention.n_pairs() * ((3 * attention.d_k + 2 * attention.d_v) as f64 / 30.0 + 1.0);
    parallel::for_each(n_sequences * n_chunks, work_ns, |task| {
        let (sequence, chunk) = (task / n_chunks, task % n_chunks);
        let (batch_idx, kv_head) = (sequence / n_kv_heads, sequence % n_kv_heads);
        // SAFETY: this task alone has these keys of this head of keys and values; different keys and heads do not
        // overlap, `check` made sure. It alone has this chunk for these queries: chunk 0 writes to `d_q`, where
        // different queries and heads do not overlap either, and every other chunk has its own contiguous partial sum.
        #[expect(unsafe_code)]
        let (d_k_row, d_v_row, d_q_row) = unsafe {
            (
                |j: usize| d_k.row(batch_idx, j, kv_head, attention.d_k),
                |j: usize| d_v.row(batch_idx, j, kv_head, attention.d_v),
                |i: usize, head: usize| {
                    if chunk == 0 {
                        d_q.row(batch_idx, i, head, attention.d_k)
                    } else {
                        let row = (((chunk - 1) * batch + batch_idx) * n_heads + head) * q_len + i;
                        partials.part(row * attention.d_k, attention.d_k)
                    }
                },
            )
        };
        let keys = Keys {
            batch: batch_idx,
            kv_head,
            start: chunk * chunk_len,
            end: ((chunk + 1) * chunk_len).min(k_len),
        };
        let lanes = level.lanes::<T>();
        let across = Q_TILE.min(q_len).next_multiple_of(lanes);
        let [k_width, v_width] = [attention.d_k, attention.d_v].map(|d| d.next_multiple_of(lanes));
        let span = SPAN.min(keys.end - keys.start);
        let tile = K_TILE.min(keys.end - keys.start);
        let queries = Q_TILE.min(q_len);
        let (pad_k, pad_v) = ((k_width != attention.d_k) as usize, (v_width != attention.d_v) as usize);
        let sizes = [
            attention.d_k * across,
            attention.d_v * across,
            across,
            across,
            across,
            tile * across,
            tile * across,
            if attention.dropout.is_some() { tile * across } else { 0 },
            pad_k * queries * k_width,
            pad_v * queries * v_width,
            pad_k * tile * k_width,
            queries * k_width,
            span * k_width,
            span * v_width,
        ];
        with_scratch(sizes, |parts| {
            let [
                q_t,
                d_context_t,
                max,
                shares,
                delta,
                weights,
                d_scores,
                factors,
                q,
                d_context,
                k,
                d_q,
                d_k,
                d_v,
            ] = parts;
            let scratch = Scratch {
                q_t,
                d_context_t,
                max,
                shares,
                delta,
                weights,
                d_scores,
                factors,
                q,
                d_context,
                k,
                d_q,
                d_k,
                d_v,
            };
            level.dispatch(Chunk { attention, saved, keys, scratch, d_q_row, d_k_row, d_v_row });
        });
    });

    if n_chunks > 1 {
        let n_rows = batch * n_heads * q_len;
        // Memory-bound: a number takes about half a nanosecond.
        let work_ns = partial_d_q.len() as f64 / 2.0;
        let n_tiles = q_len.div_ceil(Q_TILE);
        parallel::for_each(batch * n_heads * n_tiles, work_ns, |task| {
            let (sequence, tile) = (task / n_tiles, task % n_tiles);
            for i in tile * Q_TILE..q_len.min((tile + 1) * Q_TILE) {
                // SAFETY: this task alone has these queries of this head, and the tasks above are done.
                #[expect(unsafe_code)]
                let row = unsafe { d_q.row(sequence / n_heads, i, sequence % n_heads, attention.d_k) };
                for chunk in 0..n_chunks - 1 {
                    let start = (chunk * n_rows + sequence * q_len + i) * attention.d_k;
                    for (sum, &term) in row.iter_mut().zip(&partial_d_q[start..]) {
                        *sum += term;
                    }
                }
            }
        });
    }
}

/// A gradient with its strides, written by many tasks.
struct Output<'a, T> {
    data: Shared<'a, T>,
    batch_stride: usize,
    seq_stride: usize,
    head_stride: usize,
}

impl<'a, T> Output<'a, T> {
    fn new(view: ViewMut<'a, T>) -> Self {
        let ViewMut { data, batch_stride, seq_stride, head_stride } = view;
        Self { data: Shared::new(data), batch_stride, seq_stride, head_stride }
    }

    /// # Safety
    ///
    /// While the row is in use nobody else may ask for it.
    #[expect(unsafe_code, clippy::mut_from_ref)]
    #[inline(always)]
    unsafe fn row(&self, batch: usize, position: usize, head: usize, d: usize) -> &mut [T] {
        let start = batch * self.batch_stride + position * self.seq_stride + head * self.head_stride;
        // SAFETY: the view was checked: rows of different indices do not overlap, and the caller has this one alone.
        unsafe { self.data.part(start, d) }
    }
}

/// The keys of a task.
#[derive(Clone, Copy)]
struct Keys {
    batch: usize,
    kv_head: usize,
    start: usize,
    end: usize,
}

/// Working memory of a task. `across` are the queries of a tile in whole vectors, `k_width` and `v_width` are `d_k` and
/// `d_v` in whole vectors.
struct Scratch<'a, T> {
    /// qᵀ, scaled, `[d_k, across]`.
    q_t: &'a mut [T],
    /// The transposed gradient of the context, `[d_v, across]`.
    d_context_t: &'a mut [T],
    /// `m`, `1/l` and `D`, `[across]`.
    max: &'a mut [T],
    shares: &'a mut [T],
    delta: &'a mut [T],
    /// Scores, then weights, `[keys, across]`.
    weights: &'a mut [T],
    /// Gradient of the weights, then of the scores, `[keys, across]`.
    d_scores: &'a mut [T],
    /// Dropout, `[keys, across]`.
    factors: &'a mut [T],
    /// Where the widths do not fill vectors: queries, gradients of the context and keys that do.
    q: &'a mut [T],
    d_context: &'a mut [T],
    k: &'a mut [T],
    /// Sums of the gradients: `[queries, k_width]`, `[span, k_width]`, `[span, v_width]`.
    d_q: &'a mut [T],
    d_k: &'a mut [T],
    d_v: &'a mut [T],
}

struct Chunk<'a, T, Q, K, V> {
    attention: &'a Attention<'a, T>,
    saved: AttentionSaved<'a, T>,
    keys: Keys,
    scratch: Scratch<'a, T>,
    d_q_row: Q,
    d_k_row: K,
    d_v_row: V,
}

impl<'r, T, Q, K, V> WithSimd for Chunk<'_, T, Q, K, V>
where
    T: Float + 'r,
    Q: Fn(usize, usize) -> &'r mut [T],
    K: Fn(usize) -> &'r mut [T],
    V: Fn(usize) -> &'r mut [T],
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Keys { start, end, .. } = self.keys;
        let group = self.attention.n_heads / self.attention.n_kv_heads;
        let mut span_start = start;
        loop {
            let span = Keys { start: span_start, end: end.min(span_start + SPAN), ..self.keys };
            self.scratch.d_k.fill(T::ZERO);
            self.scratch.d_v.fill(T::ZERO);
            for head in span.kv_head * group..(span.kv_head + 1) * group {
                for q_start in (0..self.attention.q_len).step_by(Q_TILE) {
                    let len = Q_TILE.min(self.attention.q_len - q_start);
                    let queries = Queries { batch: span.batch, head, start: q_start, len };
                    self.tile(simd, queries, span);
                }
            }
            self.write_keys::<S>(span);
            span_start = span.end;
            if span_start >= end {
                break;
            }
        }
    }
}

impl<'r, T, Q, K, V> Chunk<'_, T, Q, K, V>
where
    T: Float + 'r,
    Q: Fn(usize, usize) -> &'r mut [T],
    K: Fn(usize) -> &'r mut [T],
    V: Fn(usize) -> &'r mut [T],
{
    /// Everything that goes between `queries` and the keys of `span`.
    #[inline(always)]
    fn tile<S: Simd>(&mut self, simd: S, queries: Queries, span: Keys) {
        let Attention { d_k, d_v, scale, .. } = *self.attention;
        let Queries { batch, head, start, len } = queries;
        let is_first = span.start == self.keys.start;
        let key_end = span.end.min(self.attention.key_end(batch, start + len));
        if key_end <= span.start {
            if is_first {
                (0..len).for_each(|i| (self.d_q_row)(start + i, head).fill(T::ZERO));
            }
            return;
        }
        let across = queries.lanes::<S, T>();
        let [k_width, v_width] = [d_k, d_v].map(|d| d.next_multiple_of(width::<S, T>()));
        let q_rows = self.saved.inputs.q.rows(batch, head, d_k);
        let d_context_rows = self.saved.d_context.rows(batch, head, d_v);
        let context_rows = self.saved.context.rows(batch, head, d_v);
        let (k_rows, v_rows) = key_rows(self.attention, &self.saved.inputs, batch, span.kv_head);
        let row_keys = tile::row_keys(self.attention, queries);
        let scratch = &mut self.scratch;

        tile::transpose(q_rows, queries, across, scale, scratch.q_t);
        tile::transpose(d_context_rows, queries, across, T::ONE, scratch.d_context_t);
        // A query that saw nothing keeps these: all its scores are -∞, so its weights are exp(-∞ - 0) · 0.
        for part in [&mut *scratch.max, scratch.shares, scratch.delta] {
            part.fill(T::ZERO);
        }
        let first = (batch * self.attention.n_heads + head) * self.attention.q_len + start;
        for (i, normalizer) in self.saved.normalizer[first * 2..(first + len) * 2].chunks_exact(2).enumerate()
        {
            let (max, denominator) = (normalizer[0], normalizer[1]);
            if max != T::NEG_INFINITY || denominator != T::ZERO {
                scratch.max[i] = max;
                scratch.shares[i] = T::ONE / denominator;
                scratch.delta[i] = dot(simd, d_context_rows.row(start + i), context_rows.row(start + i));
            }
        }
        let (q, q_stride) = tile::padded::<S, T>((q_rows, start, len), scratch.q);
        let (d_context, d_context_stride) =
            tile::padded::<S, T>((d_context_rows, start, len), scratch.d_context);

        scratch.d_q.fill(T::ZERO);
        let mut first_key = span.start;
        while first_key < key_end {
            let Step { n_keys, skip } =
                Step::new::<S, T>(self.attention, queries, (first_key, key_end), K_TILE);
            let seeing = queries.without(skip);
            let lanes = across - skip;
            let weights = &mut scratch.weights[..n_keys * lanes];
            let d_scores = &mut scratch.d_scores[..n_keys * lanes];
            // Forward (1): s_ij = scale · q_i · k_j + bias_ij.
            let q_t = (&scratch.q_t[skip..], across);
            tile::rows_times(simd, (k_rows, first_key, n_keys), q_t, lanes, weights);
            tile::hide(self.attention, seeing, first_key, lanes, weights);
            // Forward (3): o_i = Σ_j f_ij w_ij v_j. Here do_i · v_j.
            let d_context_t = (&scratch.d_context_t[skip..], across);
            tile::rows_times(simd, (v_rows, first_key, n_keys), d_context_t, lanes, d_scores);
            if let Some(dropout) = &self.attention.dropout {
                let factors = &mut scratch.factors[..n_keys * lanes];
                dropout.fill(&row_keys[skip..across], first_key, factors);
                tile::multiply(simd, d_scores, factors);
            }
            // Forward (2): w_ij = exp(s_ij - m_i) / l_i.
            let per_query = [&*scratch.max, scratch.shares, scratch.delta].map(|x| &x[skip..across]);
            score_gradients(simd, weights, d_scores, per_query);
            if self.attention.dropout.is_some() {
                tile::multiply(simd, weights, &scratch.factors[..n_keys * lanes]);
            }

            let store = Store::Accumulate;
            let offset = first_key - span.start;
            let a = Left::Rows { data: weights, stride: lanes };
            let (b, b_stride) = (&d_context[skip * d_context_stride..], d_context_stride);
            let c = &mut scratch.d_v[offset * v_width..];
            Product { m: n_keys, n: v_width, k: seeing.len, a, b, b_stride, c, c_stride: v_width, store }
                .run(simd);

            let a = Left::Rows { data: d_scores, stride: lanes };
            let (b, b_stride) = (&q[skip * q_stride..], q_stride);
            let c = &mut scratch.d_k[offset * k_width..];
            Product { m: n_keys, n: k_width, k: seeing.len, a, b, b_stride, c, c_stride: k_width, store }
                .run(simd);

            let a = Left::Columns { data: d_scores, stride: lanes };
            let (b, b_stride) = tile::padded::<S, T>((k_rows, first_key, n_keys), scratch.k);
            let c = &mut scratch.d_q[skip * k_width..];
            Product { m: seeing.len, n: k_width, k: n_keys, a, b, b_stride, c, c_stride: k_width, store }
                .run(simd);
            first_key += n_keys;
        }

        for (i, sums) in scratch.d_q.chunks_exact(k_width.max(1)).take(len).enumerate() {
            let row = (self.d_q_row)(start + i, head);
            for (out, &sum) in row.iter_mut().zip(sums) {
                *out = if is_first { sum * scale } else { *out + sum * scale };
            }
        }
    }

    /// Writes the sums of the span out.
    #[inline(always)]
    fn write_keys<S: Simd>(&mut self, span: Keys) {
        let Attention { d_k, d_v, scale, .. } = *self.attention;
        let [k_width, v_width] = [d_k, d_v].map(|d| d.next_multiple_of(width::<S, T>()));
        for j in span.start..span.end {
            let sums = &self.scratch.d_k[(j - span.start) * k_width..];
            for (out, &sum) in (self.d_k_row)(j).iter_mut().zip(sums) {
                *out = sum * scale;
            }
            let sums = &self.scratch.d_v[(j - span.start) * v_width..][..d_v];
            (self.d_v_row)(j).copy_from_slice(sums);
        }
    }
}

/// `w = exp(s - m) / l` in place of the scores, and `ds = w (dw - D)` in place of the gradient of the weights.
#[inline(always)]
fn score_gradients<S: Simd, T: Float>(
    simd: S,
    weights: &mut [T],
    d_scores: &mut [T],
    [max, shares, delta]: [&[T]; 3],
) {
    let vector = |lanes| Vector::<S, T>::new(simd, lanes);
    let across = max.len();
    let (max, _) = T::vectors(simd, max);
    let (shares, _) = T::vectors(simd, shares);
    let (delta, _) = T::vectors(simd, delta);
    for (weights, d_scores) in weights.chunks_exact_mut(across).zip(d_scores.chunks_exact_mut(across)) {
        let (weights, _) = T::vectors_mut(simd, weights);
        let (d_scores, _) = T::vectors_mut(simd, d_scores);
        for ((((w, ds), &max), &share), &delta) in
            weights.iter_mut().zip(d_scores).zip(max).zip(shares).zip(delta)
        {
            let weight = (vector(*w) - vector(max)).exp() * vector(share);
            *w = weight.lanes();
            *ds = (weight * (vector(*ds) - vector(delta))).lanes();
        }
    }
}
