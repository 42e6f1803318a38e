//! Queries and keys RMS-normalised per head before they are compared.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::init::Init;
use crate::norm::rms_norm;

/// Qwen3's; queries of a small model are far longer.
const EPSILON: f64 = 1e-6;

/// RMS norm of every head's queries and keys, which bounds the scores however large W_Q and W_K grow
/// ([Dehghani et al. 2023, section 2](https://arxiv.org/abs/2302.05442), as in
/// [Qwen3](https://arxiv.org/abs/2505.09388)).
///
/// ```text
/// q = q / √(mean(q²) + 1e-6) · γ_q      k = k / √(mean(k²) + 1e-6) · γ_k      mean over d_k
/// ```
#[derive(Module, Debug)]
pub struct QkNorm {
    /// `[d_k]`, one at the start; all heads share it.
    pub gamma_q: Param<Tensor<1>>,
    /// `[d_k]`, one at the start; all heads share it.
    pub gamma_k: Param<Tensor<1>>,
}

impl QkNorm {
    pub(crate) fn new(init: &Init, d_k: usize) -> Self {
        Self { gamma_q: init.constant([d_k], 1.0), gamma_k: init.constant([d_k], 1.0) }
    }

    /// `[batch, heads, q_len, d_k]` and `[batch, kv_heads, k_len, d_k]` to the same.
    pub fn forward(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        [
            rms_norm(q, EPSILON) * self.gamma_q.val().unsqueeze(),
            rms_norm(k, EPSILON) * self.gamma_k.val().unsqueeze(),
        ]
    }
}
