//! Attention without the T × T matrix: what it computes, what hides a key, and the checks at the door.
//!
//! [`attention_forward`] and [`attention_backward`] cut the work into tasks. Both walk over tiles of scores
//! (`tile.rs`), by products that stay in the cache (`product.rs`); the forward's step over a tile is the online softmax
//! (`softmax.rs`), the backward's is in `gradients.rs`. What belongs here runs over queries and keys; what reads whole
//! rows belongs to `dense`.

mod backward;
mod dropout;
mod forward;
mod gradients;
mod product;
mod softmax;
mod tile;

pub use backward::{AttentionGradients, AttentionSaved, attention_backward};
pub use dropout::Dropout;
pub use forward::{AttentionInputs, attention_forward};

use serde::{Deserialize, Serialize};

use crate::memory::{Axes, MaskView, size};
use crate::simd::Float;

/// Scaled dot-product attention over `n_heads` heads: its sizes, its scale, and which keys are visible to a query.
///
/// ```text
/// s_ij = scale · (q_i · k_j) + bias_ij      -∞ where query i does not see key j
/// w_ij = exp(s_ij) / (Σ_j exp(s_ij) + quiet)                 quiet = 1 for `Softmax::Quiet`, else 0
/// o_i  = Σ_j dropout(w_ij) v_j                               zero where query i sees no key
/// ```
///
/// All conditions on the keys combine: a key is seen only if each of them shows it. Head `h` reads the keys and values
/// of head `h / (n_heads / n_kv_heads)`.
///
/// A NaN or an infinity in what a query sees reaches its context and gradients as it would through the equations. One
/// that is hidden from a query may reach it too (zero times infinity is NaN) or may not (hidden tiles are skipped).
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a, T> {
    /// Independent sequences.
    pub batch: usize,
    /// Number of queries of a sequence.
    pub q_len: usize,
    /// Number of keys and values of a sequence.
    pub k_len: usize,
    /// Number of query heads.
    pub n_heads: usize,
    /// Number of key and value heads; divides `n_heads`.
    pub n_kv_heads: usize,
    /// Width of a query and of a key.
    pub d_k: usize,
    /// Width of a value and of a context.
    pub d_v: usize,
    /// What the dot products are multiplied by, usually `1/√d_k`.
    pub scale: T,
    /// What the weights add up to.
    pub softmax: Softmax,
    /// Whether later keys are hidden.
    pub causal: Option<CausalAlign>,
    /// In batch entry `b` only the first `lengths[b]` keys are real, `[batch]`.
    pub lengths: Option<&'a [usize]>,
    /// `true` hides.
    pub hidden: Option<MaskView<'a, bool>>,
    /// Added to the scaled scores; minus infinity hides. A constant: no gradient of it is computed.
    pub bias: Option<MaskView<'a, T>>,
    /// Weights that are dropped after the softmax.
    pub dropout: Option<Dropout>,
}

/// What the weights of one query add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Softmax {
    /// To one.
    #[default]
    Standard,
    /// To one together with an attention sink of score zero and value zero, so that a query may attend to nothing at
    /// all: `exp(s) / (1 + Σ exp(s))` ([Miller 2023](https://www.evanmiller.org/attention-is-off-by-one.html)).
    Quiet,
}

/// On which corner the causal triangle stands where there are more keys than queries, or fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CausalAlign {
    /// Query `i` sees keys `0..=i`: both sequences start together.
    TopLeft,
    /// Query `i` sees keys `0..=i + k_len - q_len`: both sequences end together.
    BottomRight,
}

impl CausalAlign {
    /// Query `i` sees keys up to `i + offset`.
    #[inline(always)]
    pub fn offset(self, q_len: usize, k_len: usize) -> isize {
        match self {
            Self::TopLeft => 0,
            Self::BottomRight => k_len as isize - q_len as isize,
        }
    }
}

impl<T: Float> Attention<'_, T> {
    /// Self-attention in which every query sees every key: `q_len = k_len`, `d_k = d_v`, scale `1/√d`.
    pub fn new(batch: usize, seq_len: usize, n_heads: usize, d: usize) -> Self {
        Self {
            batch,
            q_len: seq_len,
            k_len: seq_len,
            n_heads,
            n_kv_heads: n_heads,
            d_k: d,
            d_v: d,
            scale: T::from_f64(1.0 / (d as f64).sqrt()),
            softmax: Softmax::Standard,
            causal: None,
            lengths: None,
            hidden: None,
            bias: None,
            dropout: None,
        }
    }

    /// # Panics
    ///
    /// If the sizes contradict each other or a mask is too short.
    #[track_caller]
    fn check(&self) {
        let Self { n_heads, n_kv_heads, .. } = *self;
        assert!(
            n_kv_heads > 0 && n_heads.is_multiple_of(n_kv_heads),
            "{n_kv_heads} heads of keys and values do not divide {n_heads} heads of queries"
        );
        // Positions are compared as signed numbers.
        let most = isize::MAX as usize / 2;
        assert!(
            self.q_len <= most && self.k_len <= most,
            "{} queries and {} keys, expected at most {most}",
            self.q_len,
            self.k_len
        );
        if let Some(lengths) = self.lengths {
            assert_eq!(lengths.len(), self.batch, "one length for each batch entry");
        }
        let sizes = [self.batch, self.n_heads, self.q_len, self.k_len];
        if let Some(hidden) = &self.hidden {
            hidden.check("hidden", sizes);
        }
        if let Some(bias) = &self.bias {
            bias.check("bias", sizes);
        }
        if let Some(dropout) = &self.dropout {
            dropout.check();
        }
    }

    fn q_axes(&self) -> Axes {
        Axes { batch: self.batch, seq_len: self.q_len, n_heads: self.n_heads, d: self.d_k }
    }

    fn k_axes(&self) -> Axes {
        Axes { batch: self.batch, seq_len: self.k_len, n_heads: self.n_kv_heads, d: self.d_k }
    }

    fn v_axes(&self) -> Axes {
        Axes { d: self.d_v, ..self.k_axes() }
    }

    fn context_axes(&self) -> Axes {
        Axes { d: self.d_v, ..self.q_axes() }
    }

    /// Of the two numbers of each query.
    #[track_caller]
    fn normalizer_len(&self) -> usize {
        size([self.batch, self.n_heads, self.q_len, 2])
    }

    /// The head of keys and values that `head` reads.
    #[inline(always)]
    fn kv_head(&self, head: usize) -> usize {
        head / (self.n_heads / self.n_kv_heads)
    }

    /// Query `i` sees keys `j ≤ i + offset` at most.
    #[inline(always)]
    fn causal_offset(&self) -> Option<isize> {
        Some(self.causal?.offset(self.q_len, self.k_len))
    }

    /// Queries before `q_end` see no key from here on.
    #[inline(always)]
    fn key_end(&self, batch: usize, q_end: usize) -> usize {
        let real = self.lengths.map_or(self.k_len, |lengths| lengths[batch].min(self.k_len));
        match self.causal_offset() {
            Some(offset) => real.min((q_end as isize + offset).max(0) as usize),
            None => real,
        }
    }

    /// Pairs of a query and a key for which a score is computed, counted as whole triangles.
    fn n_pairs(&self) -> f64 {
        let axes = [self.batch, self.n_heads, self.q_len, self.k_len];
        let pairs: f64 = axes.iter().map(|&axis| axis as f64).product();
        if self.causal.is_some() && self.q_len > tile::Q_TILE { pairs / 2.0 } else { pairs }
    }
}
