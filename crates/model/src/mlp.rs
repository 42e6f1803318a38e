//! The feed-forward half of a block: it works on each position alone.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::fused::{self, HostBackend, MlpWeights};
use crate::init::{Init, Training};
use crate::linear::{linear, linear_onto};

/// What stands between an MLP's two maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `x Φ(x)`, exact ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415)).
    #[default]
    Gelu,
    /// `max(x, 0)`.
    Relu,
    /// A second map, gated by the first through `x σ(x)`; no biases
    /// ([Shazeer 2020, equation 6](https://arxiv.org/abs/2002.05202)).
    Swiglu,
}

/// Two linear maps with a nonlinearity between them.
///
/// ```text
/// gelu, relu    y = f(x W_in + b_in) W_out + b_out
/// swiglu        y = (silu(x W_in) ⊙ (x W_gate)) W_out         silu(x) = x σ(x)
/// ```
#[derive(Module, Debug)]
pub struct Mlp {
    /// `[d_model, d_mlp]`.
    pub w_in: Param<Tensor<2>>,
    /// `[d_model, d_mlp]`; SwiGLU only.
    pub w_gate: Option<Param<Tensor<2>>>,
    /// `[d_mlp]`; absent under SwiGLU.
    pub b_in: Option<Param<Tensor<1>>>,
    /// `[d_mlp, d_model]`.
    pub w_out: Param<Tensor<2>>,
    /// `[d_model]`; absent under SwiGLU.
    pub b_out: Option<Param<Tensor<1>>>,
    #[module(skip)]
    activation: Activation,
}

impl Mlp {
    pub(crate) fn new(activation: Activation, init: &Init, d_model: usize, d_mlp: usize) -> Self {
        let bound = |fan_in: usize| 1.0 / (fan_in as f64).sqrt();
        let matrix =
            |name, rows, columns| init.uniform(name, [rows, columns], bound(rows), Training::Learned);
        let gated = activation == Activation::Swiglu;
        let bias = |name, width, fan_in| {
            (!gated).then(|| init.uniform(name, [width], bound(fan_in), Training::Learned))
        };
        Self {
            w_in: matrix("w_in", d_model, d_mlp),
            w_gate: gated.then(|| matrix("w_gate", d_model, d_mlp)),
            b_in: bias("b_in", d_mlp, d_model),
            w_out: matrix("w_out", d_mlp, d_model),
            b_out: bias("b_out", d_model, d_mlp),
            activation,
        }
    }

    /// The output of the MLP, `[batch, seq_len, d_model]` like `x`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        linear(self.hidden(x), self.w_out.val(), self.b_out.as_ref().map(Param::val))
    }

    /// `residual + forward(x)`, both `[batch, seq_len, d_model]`.
    pub(crate) fn forward_onto(&self, residual: Tensor<3>, x: Tensor<3>) -> Tensor<3> {
        if let (Activation::Gelu, Some(b_in), Some(b_out)) = (self.activation, &self.b_in, &self.b_out)
            && let Some(backend) = HostBackend::of(&x)
        {
            let (w_in, w_out) = (self.w_in.val(), self.w_out.val());
            let weights = MlpWeights { w_in, b_in: b_in.val(), w_out, b_out: b_out.val() };
            return fused::gelu_mlp(backend, residual, x, weights);
        }
        linear_onto(residual, self.hidden(x), self.w_out.val(), self.b_out.as_ref().map(Param::val))
    }

    /// `[batch, seq_len, d_mlp]`, after the nonlinearity.
    fn hidden(&self, x: Tensor<3>) -> Tensor<3> {
        let bias = |b: &Option<Param<Tensor<1>>>| b.as_ref().map(Param::val);
        let hidden = linear(x.clone(), self.w_in.val(), None);
        let hidden = match (self.activation, bias(&self.b_in)) {
            (Activation::Gelu, bias) => gelu(hidden, bias),
            (Activation::Relu, bias) => activation::relu(plus(hidden, bias)),
            (Activation::Swiglu, bias) => silu(plus(hidden, bias)),
        };
        match &self.w_gate {
            Some(w_gate) => hidden * linear(x, w_gate.val(), None),
            None => hidden,
        }
    }
}

/// `gelu(x) = x Φ(x) = x/2 (1 + erf(x/√2))`, exact, of `x + bias`
/// ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415)).
///
/// In tensor operations, because Burn's own has the gradient of its tanh approximation on the ndarray backend, 1e-5
/// off.
fn gelu(x: Tensor<3>, bias: Option<Tensor<1>>) -> Tensor<3> {
    if let (Some(backend), Some(bias)) = (HostBackend::of(&x), &bias) {
        return fused::gelu(backend, x, bias.clone());
    }
    let x = plus(x, bias);
    let phi = x.clone().mul_scalar(std::f64::consts::FRAC_1_SQRT_2).erf().add_scalar(1.0).mul_scalar(0.5);
    x * phi
}

fn plus(x: Tensor<3>, bias: Option<Tensor<1>>) -> Tensor<3> {
    match bias {
        Some(bias) => x + bias.unsqueeze(),
        None => x,
    }
}

/// `silu(x) = x σ(x) = x/2 (1 + tanh(x/2))`
/// ([Elfwing et al. 2018](https://arxiv.org/abs/1702.03118)).
///
/// In tensor operations, because Burn's own computes its sigmoid in single precision on the ndarray backend.
fn silu(x: Tensor<3>) -> Tensor<3> {
    let sigmoid = x.clone().mul_scalar(0.5).tanh().add_scalar(1.0).mul_scalar(0.5);
    x * sigmoid
}
