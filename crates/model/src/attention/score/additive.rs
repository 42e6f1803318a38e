//! Bahdanau's score: a small learned network compares query and key, where the dot product only multiplies them.

use std::num::NonZeroUsize;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, einsum};
use serde::{Deserialize, Serialize};

use super::Score;
use crate::error::{ModelError, size};
use crate::head_shape::HeadShape;
use crate::init::{Init, Training};

/// Additive score ([Bahdanau et al. 2015, appendix A.1.2](https://arxiv.org/abs/1409.0473)), one network per head.
///
/// ```text
/// s_ij = v_a · tanh(q_i W_a + k_j U_a)
/// ```
///
/// Needs memory for `[batch, heads, q_len, k_len, d_hidden]`, where the dot product needs
/// `[batch, heads, q_len, k_len]`.
#[derive(Module, Debug)]
pub struct Additive {
    /// What is read from the query, `[heads, d_k, d_hidden]`.
    pub w_a: Param<Tensor<3>>,
    /// What is read from the key, `[heads, d_k, d_hidden]`.
    pub u_a: Param<Tensor<3>>,
    /// How much each hidden unit counts, `[heads, d_hidden]`.
    pub v_a: Param<Tensor<2>>,
}

/// Settings of `additive` in a config file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AdditiveSettings {
    d_hidden: NonZeroUsize,
}

impl Default for AdditiveSettings {
    fn default() -> Self {
        Self { d_hidden: NonZeroUsize::new(32).expect("it is not 0") }
    }
}

impl Additive {
    /// Initial weights are uniform within `1/√(fan in)`.
    pub(crate) fn build(
        settings: &AdditiveSettings,
        init: &Init,
        HeadShape { n_heads, d_k }: HeadShape,
    ) -> Result<Self, ModelError> {
        let d_hidden = size("d_hidden", settings.d_hidden.get())?;
        let matrix = [n_heads, d_k, d_hidden];
        let bound = |fan_in: usize| 1.0 / (fan_in as f64).sqrt();
        Ok(Self {
            w_a: init.uniform("w_a", matrix, bound(d_k), Training::Learned),
            u_a: init.uniform("u_a", matrix, bound(d_k), Training::Learned),
            v_a: init.uniform("v_a", [n_heads, d_hidden], bound(d_hidden), Training::Learned),
        })
    }
}

impl Score for Additive {
    fn is_pairwise(&self) -> bool {
        true
    }

    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        let from_q = einsum!("bhqd,hdn->bhqn", q, self.w_a.val());
        let from_k = einsum!("bhkd,hdn->bhkn", k, self.u_a.val());
        let hidden = (from_q.unsqueeze_dim::<5>(3) + from_k.unsqueeze_dim::<5>(2)).tanh();
        einsum!("bhqkn,hn->bhqk", hidden, self.v_a.val())
    }
}
