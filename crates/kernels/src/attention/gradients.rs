//! The gradients that go through some keys: one task of the backward pass, which walks over all queries that see them.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::Attention;
use super::backward::AttentionSaved;
use super::product::{Left, Product, Store};
use super::softmax::score_gradients;
use super::tile::{self, Q_TILE, Queries, Step, dot};
use crate::memory::RowsMut;
use crate::simd::{Float, width};

/// Keys of a tile: scores and their gradients are two tiles of 64 × 64, 32 KiB together.
pub(super) const K_TILE: usize = 64;

/// Keys whose gradients a task sums at once: at d 64 they take 512 KiB, a quarter of the second-level cache.
const SPAN: usize = 1024;

/// The keys of a task.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    pub(super) batch: usize,
    pub(super) kv_head: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Where a task writes.
pub(super) struct Outputs<'a, T> {
    /// All queries of the heads that read the task's head of keys and values.
    pub(super) d_q: RowsMut<'a, T>,
    /// The task's keys.
    pub(super) d_k: RowsMut<'a, T>,
    pub(super) d_v: RowsMut<'a, T>,
}

/// Numbers of each part of a task's working memory. `across` are the queries of a tile in whole vectors.
pub(super) fn scratch_sizes<T>(attention: &Attention<'_, T>, keys: Keys, lanes: usize) -> [usize; 14] {
    let Attention { d_k, d_v, q_len, .. } = *attention;
    let queries = Q_TILE.min(q_len);
    let across = queries.next_multiple_of(lanes);
    let [k_width, v_width] = [d_k, d_v].map(|d| d.next_multiple_of(lanes));
    let [span, tile] = [SPAN, K_TILE].map(|most| most.min(keys.end - keys.start));
    let factors = if attention.dropout.is_some() { tile * across } else { 0 };
    let padded = |rows: usize, d: usize, width: usize| if width == d { 0 } else { rows * width };
    [
        d_k * across,                  // q_t: qᵀ, scaled
        d_v * across,                  // d_context_t: the gradient of the context, transposed
        across,                        // max: m
        across,                        // inv_denominator: 1/l
        across,                        // delta: D
        tile * across,                 // weights: scores, then weights
        tile * across,                 // d_scores: gradient of the weights, then of the scores
        factors,                       // of the dropout
        padded(queries, d_k, k_width), // q_padded: queries in whole vectors
        padded(queries, d_v, v_width), // d_context_padded
        padded(tile, d_k, k_width),    // k_padded
        queries * k_width,             // d_q: sums of the gradients
        span * k_width,                // d_k
        span * v_width,                // d_v
    ]
}

/// Working memory of a task, in parts of [`scratch_sizes`].
pub(super) struct Scratch<'a, T> {
    q_t: &'a mut [T],
    d_context_t: &'a mut [T],
    max: &'a mut [T],
    inv_denominator: &'a mut [T],
    delta: &'a mut [T],
    weights: &'a mut [T],
    d_scores: &'a mut [T],
    factors: &'a mut [T],
    q_padded: &'a mut [T],
    d_context_padded: &'a mut [T],
    k_padded: &'a mut [T],
    d_q: &'a mut [T],
    d_k: &'a mut [T],
    d_v: &'a mut [T],
}

impl<'a, T> Scratch<'a, T> {
    pub(super) fn new(parts: [&'a mut [T]; 14]) -> Self {
        let [
            q_t,
            d_context_t,
            max,
            inv_denominator,
            delta,
            weights,
            d_scores,
            factors,
            q_padded,
            d_context_padded,
            k_padded,
            d_q,
            d_k,
            d_v,
        ] = parts;
        Self {
            q_t,
            d_context_t,
            max,
            inv_denominator,
            delta,
            weights,
            d_scores,
            factors,
            q_padded,
            d_context_padded,
            k_padded,
            d_q,
            d_k,
            d_v,
        }
    }
}

/// What a task computes: the gradients of its keys and values, and what goes through them to the queries.
pub(super) struct Gradients<'a, T> {
    pub(super) attention: &'a Attention<'a, T>,
    pub(super) saved: AttentionSaved<'a, T>,
    pub(super) keys: Keys,
    pub(super) scratch: Scratch<'a, T>,
    pub(super) outputs: Outputs<'a, T>,
}

impl<T: Float> WithSimd for Gradients<'_, T> {
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

impl<T: Float> Gradients<'_, T> {
    /// Everything that goes between `queries` and the keys of `span`.
    #[inline(always)]
    fn tile<S: Simd>(&mut self, simd: S, queries: Queries, span: Keys) {
        let scale = self.attention.scale;
        let Queries { batch, head, start, len } = queries;
        let is_first = span.start == self.keys.start;
        let key_end = span.end.min(self.attention.key_end(batch, start + len));
        if key_end <= span.start {
            if is_first {
                (start..start + len).for_each(|i| self.outputs.d_q.row(head, i).fill(T::ZERO));
            }
            return;
        }
        let across = queries.lanes::<S, T>();
        let [k_width, v_width] = self.widths::<S>();
        let AttentionSaved { inputs, context, .. } = self.saved;
        let q_rows = inputs.q.rows(batch, head, self.attention.q_axes());
        let d_context_rows = self.saved.d_context.rows(batch, head, self.attention.context_axes());
        let context_rows = context.rows(batch, head, self.attention.context_axes());
        let k_rows = inputs.k.rows(batch, span.kv_head, self.attention.k_axes());
        let v_rows = inputs.v.rows(batch, span.kv_head, self.attention.v_axes());
        let row_keys = tile::row_keys(self.attention, queries);
        let scratch = &mut self.scratch;

        tile::transpose(q_rows, queries, across, scale, scratch.q_t);
        tile::transpose(d_context_rows, queries, across, T::ONE, scratch.d_context_t);
        // A query that saw nothing keeps these: all its scores are -∞, so its weights are exp(-∞ - 0) · 0.
        for part in [&mut *scratch.max, &mut *scratch.inv_denominator, &mut *scratch.delta] {
            part.fill(T::ZERO);
        }
        let first = (batch * self.attention.n_heads + head) * self.attention.q_len + start;
        for (i, normalizer) in self.saved.normalizer[first * 2..(first + len) * 2].chunks_exact(2).enumerate()
        {
            if normalizer[0] != T::NEG_INFINITY || normalizer[1] != T::ZERO {
                scratch.max[i] = normalizer[0];
                scratch.inv_denominator[i] = T::ONE / normalizer[1];
                scratch.delta[i] = dot(simd, d_context_rows.row(start + i), context_rows.row(start + i));
            }
        }
        let (q, q_stride) = tile::padded::<S, T>((q_rows, start, len), scratch.q_padded);
        let (d_context, d_context_stride) =
            tile::padded::<S, T>((d_context_rows, start, len), scratch.d_context_padded);

        scratch.d_q.fill(T::ZERO);
        let mut first_key = span.start;
        while first_key < key_end {
            let Step { n_keys, skip } =
                Step::new::<S, T>(self.attention, queries, (first_key, key_end), K_TILE);
            let visible = queries.without(skip);
            let lanes = across - skip;
            let [weights, d_scores] =
                [&mut *scratch.weights, &mut *scratch.d_scores].map(|part| &mut part[..n_keys * lanes]);
            // Forward (1): s_ij = scale · q_i · k_j + bias_ij.
            let q_t = (&scratch.q_t[skip..], across);
            tile::rows_times(simd, (k_rows, first_key, n_keys), q_t, lanes, weights);
            tile::hide(self.attention, visible, first_key, lanes, weights);
            // Forward (3): o_i = Σ_j f_ij w_ij v_j. Here do_i · v_j.
            let d_context_t = (&scratch.d_context_t[skip..], across);
            tile::rows_times(simd, (v_rows, first_key, n_keys), d_context_t, lanes, d_scores);
            if let Some(dropout) = &self.attention.dropout {
                let factors = &mut scratch.factors[..n_keys * lanes];
                dropout.fill(&row_keys[skip..across], first_key, factors);
                tile::multiply(simd, d_scores, factors);
            }
            // Forward (2): w_ij = exp(s_ij - m_i) / l_i.
            let per_query = [&*scratch.max, scratch.inv_denominator, scratch.delta].map(|x| &x[skip..across]);
            score_gradients(simd, weights, d_scores, per_query);
            if self.attention.dropout.is_some() {
                tile::multiply(simd, weights, &scratch.factors[..n_keys * lanes]);
            }

            let store = Store::Accumulate;
            let offset = first_key - span.start;
            let a = Left::Rows { data: weights, stride: lanes };
            let (b, b_stride) = (&d_context[skip * d_context_stride..], d_context_stride);
            let c = &mut scratch.d_v[offset * v_width..];
            Product { m: n_keys, n: v_width, k: visible.len, a, b, b_stride, c, c_stride: v_width, store }
                .run(simd);

            let a = Left::Rows { data: d_scores, stride: lanes };
            let (b, b_stride) = (&q[skip * q_stride..], q_stride);
            let c = &mut scratch.d_k[offset * k_width..];
            Product { m: n_keys, n: k_width, k: visible.len, a, b, b_stride, c, c_stride: k_width, store }
                .run(simd);

            let a = Left::Columns { data: d_scores, stride: lanes };
            let (b, b_stride) = tile::padded::<S, T>((k_rows, first_key, n_keys), scratch.k_padded);
            let c = &mut scratch.d_q[skip * k_width..];
            Product { m: visible.len, n: k_width, k: n_keys, a, b, b_stride, c, c_stride: k_width, store }
                .run(simd);
            first_key += n_keys;
        }

        write(&mut self.outputs.d_q, head, start..start + len, (scratch.d_q, k_width), |out, sum| {
            *out = if is_first { sum * scale } else { *out + sum * scale };
        });
    }

    /// Writes the sums of the span out.
    #[inline(always)]
    fn write_keys<S: Simd>(&mut self, span: Keys) {
        let [k_width, v_width] = self.widths::<S>();
        let scale = self.attention.scale;
        let Scratch { d_k, d_v, .. } = &self.scratch;
        let Outputs { d_k: k_out, d_v: v_out, .. } = &mut self.outputs;
        write(k_out, span.kv_head, span.start..span.end, (d_k, k_width), |out, sum| *out = sum * scale);
        write(v_out, span.kv_head, span.start..span.end, (d_v, v_width), |out, sum| *out = sum);
    }

    /// `d_k` and `d_v` in whole vectors.
    #[inline(always)]
    fn widths<S: Simd>(&self) -> [usize; 2] {
        [self.attention.d_k, self.attention.d_v].map(|d| d.next_multiple_of(width::<S, T>()))
    }
}

/// Takes `sums [positions, width]` to the rows of `positions`, whose width is `width` or less.
#[inline(always)]
fn write<T: Float>(
    rows: &mut RowsMut<'_, T>,
    head: usize,
    positions: Range<usize>,
    (sums, width): (&[T], usize),
    store: impl Fn(&mut T, T),
) {
    for (i, position) in positions.enumerate() {
        for (out, &sum) in rows.row(head, position).iter_mut().zip(&sums[i * width..]) {
            store(out, sum);
        }
    }
}
