//! Which keys a query may see. Hidden means a score of minus infinity, a weight of exactly zero and no gradient.

use burn::tensor::{Bool, Device, Tensor, TensorData};

/// On which corner the causal triangle stands where there are more keys than queries, or fewer. [`Mask`] has the table of
/// who does what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CausalAlign {
    /// Query `i` sees keys `0..=i`: both sequences start together.
    TopLeft,
    /// Query `i` sees keys `0..=i + k_len - q_len`: both sequences end together.
    BottomRight,
}

/// What is hidden from whom, and what is added to the scores. Masks combine with [`and`](Self::and): a key is seen
/// only if every part shows it, and all biases add up.
///
/// A query from which every key is hidden gets weights and a context of zero, and gradients of zero.
///
/// # Beside other libraries
///
/// | | here | PyTorch 2.15 `scaled_dot_product_attention` | ONNX `Attention` 23, 24 | Burn 0.22 `attention` |
/// |---|---|---|---|---|
/// | default scale | `1/√d_k`, of [`ScaledDot`](crate::ScaledDot) | `1/√d_k` | `1/√d_k` | `1/√d_k` |
/// | `true` in a Boolean mask | said by the name: [`hidden`](Self::hidden), [`shown`](Self::shown) | shown | shown | hidden |
/// | causal, `q_len ≠ k_len` | said by [`CausalAlign`] | top-left | top-left, shifted by the cache | bottom-right |
/// | causal and a mask together | both apply | refused | both apply | both apply |
/// | a float mask | added to the scaled scores | the same | the same | the same |
/// | a cap on the scores | before masks and biases | none | before them | before them |
/// | a query that sees nothing | zeros, gradients zero | zeros, gradients zero | not said; NaN in onnx 1.22's own code | zeros |
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

    /// Whether every query sees every key and nothing is added.
    pub fn is_none(&self) -> bool {
        self.parts.is_empty()
    }

    /// Its triangle and its lengths, which must fit `batch` entries of `k_len` keys; `None` where it has other parts, or two
    /// of a kind.
    pub(crate) fn triangle_and_lengths(
        &self,
        batch: usize,
        k_len: usize,
    ) -> Option<(Option<CausalAlign>, Option<Vec<usize>>)> {
        let (mut causal, mut lengths) = (None, None);
        for part in &self.parts {
            match part {
                Part::Causal(align) if causal.is_none() => causal = Some(*align),
                Part::Padding(given) if lengths.is_none() => {
                    check_lengths(given, batch, k_len);
                    lengths = Some(given.clone());
                }
                _ => return None,
            }
        }
        Some((causal, lengths))
    }

    fn one(part: Part) -> Self {
        Self { parts: vec![part] }
    }

    /// Adds the biases to `scores`, `[batch, heads, q_len, k_len]`, and puts minus infinity where a key is hidden.
    pub(crate) fn apply(&self, scores: Tensor<4>) -> Tensor<4> {
        let shape = scores.dims();
        let device = scores.device();
        self.parts.iter().fold(scores, |scores, part| match part {
            Part::Bias(bias) => scores + broadcast("bias", bias.dims(), shape, || bias.clone()),
            Part::Causal(align) => hide(scores, causal(*align, shape, &device)),
            Part::Padding(lengths) => hide(scores, padding(lengths, shape, &device)),
            Part::Hidden(hidden) => hide(scores, hidden.clone()),
        })
    }
}

fn hide(scores: Tensor<4>, hidden: Tensor<4, Bool>) -> Tensor<4> {
    let shape = scores.dims();
    let hidden = broadcast("hidden", hidden.dims(), shape, || hidden.clone().expand(shape));
    scores.mask_fill(hidden, f64::NEG_INFINITY)
}

fn causal(align: CausalAlign, [_, _, q_len, k_len]: [usize; 4], device: &Device) -> Tensor<4, Bool> {
    let offset = match align {
        CausalAlign::TopLeft => 0,
        CausalAlign::BottomRight => k_len as i64 - q_len as i64,
    };
    // Despite its name, `tril_mask` is true outside the lower triangle: exactly what is hidden.
    Tensor::<2, Bool>::tril_mask([q_len, k_len], offset, device).unsqueeze()
}

fn padding(lengths: &[usize], [batch, _, _, k_len]: [usize; 4], device: &Device) -> Tensor<4, Bool> {
    check_lengths(lengths, batch, k_len);
    let hidden: Vec<bool> = lengths.iter().flat_map(|&len| (0..k_len).map(move |key| key >= len)).collect();
    Tensor::from_data(TensorData::new(hidden, [batch, 1, 1, k_len]), device)
}

fn check_lengths(lengths: &[usize], batch: usize, k_len: usize) {
    assert_eq!(lengths.len(), batch, "padding needs one length for each of the {batch} batch entries");
    if let Some(entry) = lengths.iter().position(|&len| len > k_len) {
        panic!("padding: batch entry {entry} has a length of {}, but there are {k_len} keys", lengths[entry]);
    }
}

/// Calls `make` after checking that `part` broadcasts to the shape of the scores.
fn broadcast<T>(what: &str, part: [usize; 4], scores: [usize; 4], make: impl FnOnce() -> T) -> T {
    let fits = part.iter().zip(scores).all(|(&size, full)| size == 1 || size == full);
    assert!(
        fits,
        "{what} mask of shape {part:?} does not broadcast to the scores' [batch, heads, q_len, k_len] = {scores:?}"
    );
    make()
}
