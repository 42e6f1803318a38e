//! The backward pass: the weights are made again from the scores and the kept normalizer, tile by tile.
//!
//! One task owns some keys of one head of keys and values and walks over all queries that see them, so the gradients of
//! keys and values have one writer. Where there are few heads the keys of a head are split among tasks; each but the
//! first then keeps a sum of its own for the queries, and these are added in order. How keys are split depends on the
//! shapes alone.

use super::Attention;
use super::forward::AttentionInputs;
use super::gradients::{Gradients, K_TILE, Keys, Outputs, Scratch, scratch_sizes};
use super::tile::Q_TILE;
use crate::memory::{Axes, SharedView, View, ViewMut, size, with_scratch};
use crate::parallel;
use crate::simd::{Float, Level};

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
    let Attention { batch, q_len, k_len, n_heads, n_kv_heads, .. } = *attention;
    assert_eq!(saved.normalizer.len(), attention.normalizer_len(), "two numbers for each query of each head");

    let n_sequences = size([batch, n_kv_heads]);
    let wanted = MIN_TASKS.div_ceil(n_sequences.max(1)).min(k_len / MIN_KEYS).max(1);
    let chunk_len = k_len.div_ceil(wanted).next_multiple_of(K_TILE).max(1);
    let n_chunks = k_len.div_ceil(chunk_len).max(1);
    let d_q = SharedView::new("d_q", d_q, attention.q_axes());
    let d_k = SharedView::new("d_k", d_k, attention.k_axes());
    let d_v = SharedView::new("d_v", d_v, attention.v_axes());
    let n_partials = n_chunks - 1;
    let mut partial_d_q = vec![T::ZERO; size([n_partials, batch, n_heads, q_len, attention.d_k])];
    // Chunk `c` of batch entry `b` adds to entry `(c - 1) · batch + b` here, the first chunk to `d_q` itself.
    let axes = Axes { batch: size([n_partials, batch]), ..attention.q_axes() };
    let partials = ViewMut::contiguous(&mut partial_d_q, q_len, n_heads, attention.d_k);
    let partials = SharedView::new("partial sums of d_q", partials, axes);
    let group = n_heads / n_kv_heads;
    let level = Level::current();
    // Five products of the forward's two sizes.
    let work_ns = attention.n_pairs() * ((3 * attention.d_k + 2 * attention.d_v) as f64 / 30.0 + 1.0);
    parallel::for_each(0..size([n_sequences, n_chunks]), work_ns, |task| {
        let (sequence, chunk) = (task / n_chunks, task % n_chunks);
        let (batch_idx, kv_head) = (sequence / n_kv_heads, sequence % n_kv_heads);
        let start = chunk * chunk_len;
        let keys = Keys { batch: batch_idx, kv_head, start, end: (start + chunk_len).min(k_len) };
        let heads = kv_head * group..(kv_head + 1) * group;
        // SAFETY: this task alone has these keys of this head of keys and values, and this chunk for these queries:
        // chunk 0 writes to `d_q`, and every other one to an entry of its own of the partial sums.
        #[expect(unsafe_code)]
        let outputs = unsafe {
            let kv_heads = kv_head..kv_head + 1;
            let d_q = match chunk {
                0 => d_q.rows(batch_idx, heads, 0..q_len),
                _ => partials.rows((chunk - 1) * batch + batch_idx, heads, 0..q_len),
            };
            let d_k = d_k.rows(batch_idx, kv_heads.clone(), keys.start..keys.end);
            Outputs { d_q, d_k, d_v: d_v.rows(batch_idx, kv_heads, keys.start..keys.end) }
        };
        with_scratch(scratch_sizes(attention, keys, level.lanes::<T>()), |parts| {
            let scratch = Scratch::new(parts);
            level.dispatch(Gradients { attention, saved, keys, scratch, outputs });
        });
    });

    if n_partials > 0 {
        // Memory-bound: a number takes about half a nanosecond.
        let work_ns = partial_d_q.len() as f64 / 2.0;
        let n_tiles = q_len.div_ceil(Q_TILE);
        parallel::for_each(0..batch * n_heads * n_tiles, work_ns, |task| {
            let (sequence, tile) = (task / n_tiles, task % n_tiles);
            let (batch_idx, head) = (sequence / n_heads, sequence % n_heads);
            let positions = tile * Q_TILE..q_len.min((tile + 1) * Q_TILE);
            // SAFETY: this task alone has these queries of this head, and the tasks above are done.
            #[expect(unsafe_code)]
            let mut d_q = unsafe { d_q.rows(batch_idx, head..head + 1, positions.clone()) };
            for i in positions {
                let row = d_q.row(head, i);
                for chunk in 0..n_partials {
                    let position = (chunk * batch + batch_idx) * q_len + i;
                    let start = (position * n_heads + head) * attention.d_k;
                    for (sum, &term) in row.iter_mut().zip(&partial_d_q[start..]) {
                        *sum += term;
                    }
                }
            }
        });
    }
}
