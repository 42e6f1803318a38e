//! The feed-forward half of a block: it works on each position alone.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, module::linear};

use crate::init::{Init, Training};

/// Two linear maps with a nonlinearity between them.
///
/// ```text
/// y = gelu(x W_in + b_in) W_out + b_out
/// ```
#[derive(Module, Debug)]
pub struct Mlp {
    /// `[d_model, d_mlp]`.
    pub w_in: Param<Tensor<2>>,
    /// `[d_mlp]`.
    pub b_in: Param<Tensor<1>>,
    /// `[d_mlp, d_model]`.
    pub w_out: Param<Tensor<2>>,
    /// `[d_model]`.
    pub b_out: Param<Tensor<1>>,
}

impl Mlp {
    pub(crate) fn new(init: &Init, d_model: usize, d_mlp: usize) -> Self {
        let bound = |fan_in: usize| 1.0 / (fan_in as f64).sqrt();
        Self {
            w_in: init.uniform("w_in", [d_model, d_mlp], bound(d_model), Training::Learned),
            b_in: init.uniform("b_in", [d_mlp], bound(d_model), Training::Learned),
            w_out: init.uniform("w_out", [d_mlp, d_model], bound(d_mlp), Training::Learned),
            b_out: init.uniform("b_out", [d_model], bound(d_mlp), Training::Learned),
        }
    }

    /// `[batch, seq_len, d_model]` to the same.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let hidden = gelu(linear(x, self.w_in.val(), Some(self.b_in.val())));
        linear(hidden, self.w_out.val(), Some(self.b_out.val()))
    }
}

/// `gelu(x) = x Φ(x) = x/2 (1 + erf(x/√2))`, exact
/// ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415)).
///
/// Written out, because Burn's own has the gradient of its tanh approximation on the ndarray backend: 1e-5 off.
fn gelu(x: Tensor<3>) -> Tensor<3> {
    let phi = x.clone().mul_scalar(std::f64::consts::FRAC_1_SQRT_2).erf().add_scalar(1.0).mul_scalar(0.5);
    x * phi
}
