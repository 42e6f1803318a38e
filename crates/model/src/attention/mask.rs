//! Which keys a query may see. Hidden means a score of minus infinity, a weight of exactly zero and no gradient.

use std::ops::Range;

use burn::tensor::kind::Basic;
use burn::tensor::{Bool, DType, Device, Tensor, TensorData};
use qkv_kernels::CausalAlign;

use crate::fused::all_finite;

/// Which keys are hidden from which queries, and what is added to the scores. Masks combine with [`and`](Self::and): a
/// key is seen only if every part shows it, and all biases add up.
///
/// A query from which every key is hidden gets weights and a context of zero, and gradients of zero.
///
/// # Beside other libraries
///
/// | | here | PyTorch 2.15 `scaled_dot_product_attention` | ONNX `Attention` 23, 24 | Burn 0.22 `attention` |
/// |---|---|---|---|---|
/// | default scale | `1/√d_k`, of [`ScaledDot`](crate::ScaledDot) | `1/√d_k` | `1/√d_k` | `1/√d_k` |
/// | `true` in a Boolean mask | as in [`hidden`](Self::hidden) or [`shown`](Self::shown) | shown | shown | hidden |
/// | causal, `q_len ≠ k_len` | a [`CausalAlign`] | top-left | top-left, shifted by the cache | bottom-right |
/// | causal and a mask together | both apply | refused | both apply | both apply |
/// | a float mask | added to the scaled scores | the same | the same | the same |
/// | a cap on the scores | before masks and biases | none | before them | before them |
/// | a query that sees nothing | zeros, zero gradients | zeros, zero gradients | undefined; NaN in onnx 1.22 | zeros |
///
/// Burn's layer `MultiHeadAttention` masks with -1e4 instead: its query that sees nothing attends to everything alike,
/// as PyTorch's `nn.MultiheadAttention` gives NaN with `need_weights=True`.
///
/// ```
/// use qkv_model::{CausalAlign, Mask};
///
/// let mask = Mask::causal(CausalAlign::TopLeft).and(Mask::padding(vec![3, 5]));
/// # let _ = mask;
/// ```
#[derive(Debug, Clone, Default)]
pub struct Mask {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Causal(CausalAlign),
    Padding(Vec<usize>),
    Hidden(Tensor<4, Bool>),
    Bias(Tensor<4>),
}

impl Mask {
    /// Every query sees every key.
    pub fn none() -> Self {
        Self::default()
    }

    /// A query sees no key that comes after it.
    pub fn causal(align: CausalAlign) -> Self {
        Self::one(Part::Causal(align))
    }

    /// In batch entry `b` only the first `lengths[b]` keys are real, at most all of them.
    pub fn padding(lengths: Vec<usize>) -> Self {
        Self::one(Part::Padding(lengths))
    }

    /// `true` hides. Axes of size one broadcast to `[batch, heads, q_len, k_len]`.
    pub fn hidden(hidden: Tensor<4, Bool>) -> Self {
        Self::one(Part::Hidden(hidden))
    }

    /// `true` shows, as in PyTorch's `scaled_dot_product_attention`. Axes of size one broadcast.
    pub fn shown(shown: Tensor<4, Bool>) -> Self {
        Self::hidden(shown.bool_not())
    }

    /// Added to the scaled scores; minus infinity hides. Axes of size one broadcast.
    pub fn bias(bias: Tensor<4>) -> Self {
        Self::one(Part::Bias(bias))
    }

    /// Both masks apply.
    pub fn and(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// Of the mask of a whole sequence, for scores `[batch, heads, seq_len, seq_len]`, that of its last `n` queries.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use qkv_model::{AttentionSpec, CausalAlign, Mask, attention_with_weights};
    /// # use burn::tensor::Tensor;
    ///
    /// let causal = Mask::causal(CausalAlign::TopLeft);
    /// // The last position sees everything.
    /// assert!(causal.last_rows(1, 5).is_none());
    /// let zeros = |len: usize| Tensor::<4>::zeros([1, 1, len, 2], &Device::flex());
    /// let (spec, mask) = (AttentionSpec::default(), causal.last_rows(2, 3));
    /// let weights = attention_with_weights(&spec, zeros(2), zeros(3), zeros(3), &mask).weights;
    /// assert_eq!(weights.to_data().to_vec::<f32>().unwrap()[..3], [0.5, 0.5, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there are fewer rows, or a part of the mask is for another number of queries.
    pub fn last_rows(&self, n: usize, seq_len: usize) -> Self {
        let first = seq_len.checked_sub(n).expect("no more rows than the mask has");
        let parts = self.parts.iter().filter_map(|part| match part {
            // The last query sees all keys.
            Part::Causal(_) => (n > 1).then_some(Part::Causal(CausalAlign::BottomRight)),
            Part::Hidden(hidden) => Some(Part::Hidden(rows(hidden.clone(), first, n))),
            Part::Bias(bias) => Some(Part::Bias(rows(bias.clone(), first, n))),
            Part::Padding(_) => Some(part.clone()),
        });
        Self { parts: parts.collect() }
    }

    /// Whether every query sees every key and nothing is added.
    pub fn is_none(&self) -> bool {
        self.parts.is_empty()
    }

    /// One part of each kind that together do what all parts do to scores of that shape and precision.
    pub(super) fn merge(&self, scores: [usize; 4], dtype: DType) -> MergedMask {
        let [_, _, q_len, k_len] = scores;
        let mut merged = MergedMask::default();
        for part in &self.parts {
            part.check(scores);
            match part {
                Part::Causal(align) => {
                    let align = *align;
                    let tighter =
                        |other: &CausalAlign| other.offset(q_len, k_len) < align.offset(q_len, k_len);
                    merged.causal = Some(merged.causal.filter(tighter).unwrap_or(align));
                }
                Part::Padding(lengths) => {
                    let others = merged.lengths.take().unwrap_or_else(|| lengths.clone());
                    merged.lengths = Some(others.iter().zip(lengths).map(|(&a, &b)| a.min(b)).collect());
                }
                Part::Hidden(hidden) => {
                    merged.hidden = Some(match merged.hidden.take() {
                        Some(other) => other.expand(scores).bool_or(hidden.clone().expand(scores)),
                        None => hidden.clone(),
                    });
                }
                Part::Bias(bias) => {
                    let bias = bias.clone().cast(dtype);
                    merged.bias = Some(match merged.bias.take() {
                        Some(other) => other + bias,
                        None => bias,
                    });
                }
            }
        }
        merged
    }

    /// Zeros in the padding of `x`, `[batch, n, d]`, the last rows of which the first `offset` are not here, if anything
    /// of `x` is not finite.
    pub(super) fn clear_padding(&self, mut x: Tensor<3>, offset: usize) -> Tensor<3> {
        let shape @ [batch, n_rows, _] = x.dims();
        let seq_len = offset + n_rows;
        for part in &self.parts {
            if let Part::Padding(lengths) = part
                && !all_finite(&x)
            {
                part.check([batch, 1, n_rows, seq_len]);
                let hidden = padding(lengths, offset..seq_len, &x.device()).reshape([batch, n_rows, 1]);
                x = x.mask_fill(hidden.expand(shape), 0.0);
            }
        }
        x
    }

    fn one(part: Part) -> Self {
        Self { parts: vec![part] }
    }

    /// Adds the biases to `scores`, `[batch, heads, q_len, k_len]`, and puts minus infinity where a key is hidden.
    pub(super) fn apply(&self, scores: Tensor<4>) -> Tensor<4> {
        let shape @ [_, _, q_len, k_len] = scores.dims();
        let device = scores.device();
        let hide = |scores: Tensor<4>, hidden: Tensor<4, Bool>| {
            scores.mask_fill(hidden.expand(shape), f64::NEG_INFINITY)
        };
        self.parts.iter().fold(scores, |scores, part| {
            part.check(shape);
            match part {
                Part::Bias(bias) => {
                    let dtype = scores.dtype();
                    scores + bias.clone().cast(dtype)
                }
                // Despite its name, `tril_mask` is true outside the lower triangle: exactly what is hidden.
                Part::Causal(align) => {
                    let offset = align.offset(q_len, k_len) as i64;
                    hide(scores, Tensor::<2, Bool>::tril_mask([q_len, k_len], offset, &device).unsqueeze())
                }
                Part::Padding(lengths) => hide(scores, padding(lengths, 0..k_len, &device)),
                Part::Hidden(hidden) => hide(scores, hidden.clone()),
            }
        })
    }
}

/// The parts of a [`Mask`], at most one of each kind.
#[derive(Debug, Default)]
pub(super) struct MergedMask {
    pub(super) causal: Option<CausalAlign>,
    pub(super) lengths: Option<Vec<usize>>,
    pub(super) hidden: Option<Tensor<4, Bool>>,
    pub(super) bias: Option<Tensor<4>>,
}

impl Part {
    /// # Panics
    /// If it does not fit scores of that shape.
    fn check(&self, scores: [usize; 4]) {
        let [batch, _, _, k_len] = scores;
        let (what, shape) = match self {
            Self::Causal(_) => return,
            Self::Padding(lengths) => {
                assert_eq!(
                    lengths.len(),
                    batch,
                    "padding needs one length for each of the {batch} batch entries"
                );
                if let Some(entry) = lengths.iter().position(|&len| len > k_len) {
                    let length = lengths[entry];
                    panic!(
                        "padding: batch entry {entry} has a length of {length}, but there are {k_len} keys"
                    );
                }
                return;
            }
            Self::Hidden(hidden) => ("hidden", hidden.dims()),
            Self::Bias(bias) => ("bias", bias.dims()),
        };
        let fits = shape.iter().zip(scores).all(|(&size, full)| size == 1 || size == full);
        assert!(
            fits,
            "{what} mask of shape {shape:?} does not broadcast to the scores' [batch, heads, q_len, k_len] = {scores:?}"
        );
    }
}

/// Rows of a part that differ from query to query; all of one that is the same for all queries.
fn rows<K: Basic>(part: Tensor<4, K>, first: usize, n: usize) -> Tensor<4, K> {
    if part.dims()[2] == 1 { part } else { part.narrow(2, first, n) }
}

/// Which of these keys are padding, `[batch, 1, 1, n_keys]`.
fn padding(lengths: &[usize], keys: Range<usize>, device: &Device) -> Tensor<4, Bool> {
    let shape = [lengths.len(), 1, 1, keys.len()];
    let hidden = lengths.iter().flat_map(|&len| keys.clone().map(move |key| key >= len));
    Tensor::from_data(TensorData::new(hidden.collect::<Vec<bool>>(), shape), device)
}
