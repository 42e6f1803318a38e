//! One tile of scores: some queries of one head against some keys, keys down and queries across.
//!
//! The tile is transposed on purpose. A query is a lane, so the softmax over the keys is arithmetic between whole
//! vectors, with no sum or maximum across lanes, and the only operands that must be transposed are those that belong to
//! the queries, once for all keys.

use pulp::Simd;

use super::Attention;
use super::dropout::RowKey;
use super::product::{Left, Product, Store};
use crate::memory::Rows;
use crate::simd::{Float, Vector, width};

/// Queries of a tile: four AVX-512 vectors of `f32`, the widest block of a product.
pub(super) const Q_TILE: usize = 64;

/// Keys of a tile: 128 × 64 scores are 32 KiB, which the first-level cache holds beside the keys.
pub(super) const K_TILE: usize = 128;

/// Keys of a step on the diagonal of a causal mask: one vector, below which queries cannot be left out anyway.
const DIAGONAL: usize = 16;

/// The queries `start..start + len` of one head.
#[derive(Clone, Copy)]
pub(super) struct Queries {
    pub(super) batch: usize,
    pub(super) head: usize,
    pub(super) start: usize,
    pub(super) len: usize,
}

impl Queries {
    /// Without the first `skip` queries.
    #[inline(always)]
    pub(super) fn without(&self, skip: usize) -> Self {
        Self { start: self.start + skip, len: self.len - skip, ..*self }
    }

    /// Lanes that the queries take: whole vectors.
    #[inline(always)]
    pub(super) fn lanes<S: Simd, T: Float>(&self) -> usize {
        self.len.next_multiple_of(width::<S, T>())
    }
}

/// Queries that are transposed together: one store for eight numbers.
const TOGETHER: usize = 8;

/// `out [rows.d, lanes] = factor · rowsᵀ` for the rows of `queries`; lanes without a query are zero.
#[inline(always)]
pub(super) fn transpose<T: Float>(
    rows: Rows<'_, T>,
    queries: Queries,
    lanes: usize,
    factor: T,
    out: &mut [T],
) {
    let Queries { start, len, .. } = queries;
    let mut i = 0;
    while i + TOGETHER <= len {
        let columns: [&[T]; TOGETHER] = std::array::from_fn(|n| &rows.row(start + i + n)[..rows.d]);
        for (c, out) in out.chunks_exact_mut(lanes).take(rows.d).enumerate() {
            let out = &mut out[i..i + TOGETHER];
            for n in 0..TOGETHER {
                out[n] = columns[n][c] * factor;
            }
        }
        i += TOGETHER;
    }
    for i in i..len {
        for (&x, out) in rows.row(start + i).iter().zip(out.chunks_exact_mut(lanes)) {
            out[i] = x * factor;
        }
    }
    if len < lanes {
        for out in out.chunks_exact_mut(lanes) {
            out[len..].fill(T::ZERO);
        }
    }
}

/// The keys that a tile takes next.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// Number of keys.
    pub(super) n_keys: usize,
    /// Queries at the start of the tile from which all of them are hidden: whole vectors.
    pub(super) skip: usize,
}

impl Step {
    /// From `first_key` on, before `key_end`, at most `most` keys. On the diagonal of a causal mask the steps are
    /// short, and half of the scores are skipped.
    #[inline(always)]
    pub(super) fn new<S: Simd, T: Float>(
        attention: &Attention<'_, T>,
        queries: Queries,
        (first_key, key_end): (usize, usize),
        most: usize,
    ) -> Self {
        let left = key_end - first_key;
        let Some(offset) = attention.causal_offset() else { return Self { n_keys: left.min(most), skip: 0 } };
        // Query start + i sees key j if start + i + offset ≥ j: the first key that the first query does not see.
        let first_hidden = (queries.start as isize + offset + 1).max(0) as usize;
        if first_key + left.min(most) <= first_hidden {
            return Self { n_keys: left.min(most), skip: 0 };
        }
        if first_key + DIAGONAL <= first_hidden {
            // Up to the diagonal in one step.
            return Self { n_keys: (first_hidden - first_key) / DIAGONAL * DIAGONAL, skip: 0 };
        }
        let n_hidden = (first_key + 1).saturating_sub(first_hidden);
        Self { n_keys: left.min(most).min(DIAGONAL), skip: n_hidden / width::<S, T>() * width::<S, T>() }
    }
}

/// `out [n, lanes] = left · right` for the rows `start..start + n` of `left` and a `right [left.d, lanes]` whose rows
/// lie `stride` apart.
#[inline(always)]
pub(super) fn rows_times<S: Simd, T: Float>(
    simd: S,
    (left, start, n): (Rows<'_, T>, usize, usize),
    (b, b_stride): (&[T], usize),
    lanes: usize,
    out: &mut [T],
) {
    let a = Left::Rows { data: left.starting_at(start), stride: left.stride };
    let store = Store::Replace;
    Product { m: n, n: lanes, k: left.d, a, b, b_stride, c: out, c_stride: lanes, store }.run(simd);
}

/// Adds the bias to the scaled `scores [n_keys, lanes]` of keys `first_key..` and sets those to -∞ that are hidden.
#[inline(always)]
pub(super) fn hide<T: Float>(
    attention: &Attention<'_, T>,
    queries: Queries,
    first_key: usize,
    lanes: usize,
    scores: &mut [T],
) {
    let Queries { batch, head, start, len } = queries;
    if let Some(bias) = &attention.bias {
        let origin = bias.start(batch, head);
        for (j, scores) in scores.chunks_exact_mut(lanes).enumerate() {
            for (i, score) in scores[..len].iter_mut().enumerate() {
                *score += bias.data[origin + (start + i) * bias.q_stride + (first_key + j) * bias.k_stride];
            }
        }
    }
    if let Some(hidden) = &attention.hidden {
        let origin = hidden.start(batch, head);
        for (j, scores) in scores.chunks_exact_mut(lanes).enumerate() {
            for (i, score) in scores[..len].iter_mut().enumerate() {
                if hidden.data[origin + (start + i) * hidden.q_stride + (first_key + j) * hidden.k_stride] {
                    *score = T::NEG_INFINITY;
                }
            }
        }
    }
    if let Some(offset) = attention.causal_offset() {
        for (j, scores) in scores.chunks_exact_mut(lanes).enumerate() {
            // Query start + i sees key j if start + i + offset ≥ j.
            let n_hidden = (first_key + j) as isize - offset - start as isize;
            if n_hidden > 0 {
                scores[..len.min(n_hidden as usize)].fill(T::NEG_INFINITY);
            }
        }
    }
}

/// The dropout hashes of all queries of a tile.
pub(super) fn row_keys<T: Float>(attention: &Attention<'_, T>, queries: Queries) -> [RowKey; Q_TILE] {
    let mut keys = [RowKey::default(); Q_TILE];
    if let Some(dropout) = &attention.dropout {
        for (i, key) in keys[..queries.len].iter_mut().enumerate() {
            *key = dropout.row_key(queries.batch, queries.head, queries.start + i);
        }
    }
    keys
}

/// Rows whose width fills whole vectors, as the second operand of a product must.
#[inline(always)]
pub(super) fn padded<'a, S: Simd, T: Float>(
    (rows, start, n): (Rows<'a, T>, usize, usize),
    room: &'a mut [T],
) -> (&'a [T], usize) {
    let stride = rows.d.next_multiple_of(width::<S, T>());
    if stride == rows.d {
        return (rows.starting_at(start), rows.stride);
    }
    for (i, out) in room.chunks_exact_mut(stride).take(n).enumerate() {
        out[..rows.d].copy_from_slice(rows.row(start + i));
        out[rows.d..].fill(T::ZERO);
    }
    (room, stride)
}

/// `x = x · factor`, lane by lane, for slices of whole vectors.
#[inline(always)]
pub(super) fn multiply<S: Simd, T: Float>(simd: S, x: &mut [T], factor: &[T]) {
    let (x, _) = T::vectors_mut(simd, x);
    for (x, &factor) in x.iter_mut().zip(T::vectors(simd, factor).0) {
        *x = (Vector::<S, T>::new(simd, *x) * Vector::new(simd, factor)).lanes();
    }
}

/// `Σ a_c b_c` of two rows.
#[inline(always)]
pub(super) fn dot<S: Simd, T: Float>(simd: S, a: &[T], b: &[T]) -> T {
    let lanes = width::<S, T>();
    let mut sum = Vector::splat(simd, T::ZERO);
    for (a, b) in a.chunks(lanes).zip(b.chunks(lanes)) {
        sum = Vector::load(simd, a).mul_add(Vector::load(simd, b), sum);
    }
    sum.sum()
}
