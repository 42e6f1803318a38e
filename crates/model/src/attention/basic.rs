//! Self-attention without parameters: the starting point, which cannot learn.

use burn::tensor::Tensor;

use super::mask::Mask;
use super::score::Dot;
use super::spec::{AttentionOutput, AttentionSpec, attention_with_weights};

/// Queries, keys and values are the input itself.
///
/// ```text
/// context = softmax(x xᵀ) x
/// ```
///
/// There is nothing to train here: [`SelfAttention`](crate::SelfAttention) puts three learnable matrices in front.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::{BasicAttention, Mask};
///
/// // Equal inputs: every position attends to all positions alike.
/// let x = Tensor::<3>::ones([1, 4, 2], &Device::flex());
/// let weights = BasicAttention.forward(x, &Mask::none()).weights;
/// assert_eq!(weights.into_data().to_vec::<f32>().unwrap(), [0.25; 16]);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct BasicAttention;

impl BasicAttention {
    /// The context and the attention weights of every position.
    ///
    /// # Shapes
    /// - `x`: `[batch, seq_len, d_in]`
    /// - `output`: `[batch, seq_len, d_in]`
    /// - `weights`: `[batch, 1, seq_len, seq_len]`, always returned: there is nothing else to see
    pub fn forward(&self, x: Tensor<3>, mask: &Mask) -> AttentionOutput {
        let x = x.unsqueeze_dim::<4>(1);
        let spec = AttentionSpec::new(&Dot {});
        let attended = attention_with_weights(&spec, x.clone(), x.clone(), x, mask);
        AttentionOutput { output: attended.context.squeeze_dim(1), weights: attended.weights }
    }
}
