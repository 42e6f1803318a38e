//! The feed-forward half of a block: it works on each position alone.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::activation::{Activate, AnyActivation, Gelu, gelu, plus};
use crate::fused::{self, HostBackend, MlpWeights};
use crate::init::{Init, Training};
use crate::linear::{linear, linear_onto};

/// Two linear maps with a nonlinearity between them: an [`Activate`].
///
/// ```text
/// gelu, relu    y = f(x W_in + b_in) W_out + b_out
/// gated         y = (f(x W_in) ⊙ (x W_gate)) W_out            swiglu: f(x) = x σ(x)
/// ```
#[derive(Module, Debug)]
pub struct Mlp {
    /// `[d_model, d_mlp]`.
    pub w_in: Param<Tensor<2>>,
    /// `[d_model, d_mlp]`; of a gated one only.
    pub w_gate: Option<Param<Tensor<2>>>,
    /// `[d_mlp]`; absent in a gated one.
    pub b_in: Option<Param<Tensor<1>>>,
    /// `[d_mlp, d_model]`.
    pub w_out: Param<Tensor<2>>,
    /// `[d_model]`; absent in a gated one.
    pub b_out: Option<Param<Tensor<1>>>,
    /// Stands between the two maps.
    pub activation: AnyActivation,
}

impl Mlp {
    /// Initial weights are uniform within `1/√(fan in)`; `init` stands at the place of the MLP.
    pub fn new(activation: AnyActivation, init: &Init, d_model: usize, d_mlp: usize) -> Self {
        let bound = |fan_in: usize| 1.0 / (fan_in as f64).sqrt();
        let matrix =
            |name, rows, columns| init.uniform(name, [rows, columns], bound(rows), Training::Learned);
        let gated = activation.is_gated();
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
    pub fn forward_onto(&self, residual: Tensor<3>, x: Tensor<3>) -> Tensor<3> {
        if let (true, Some(b_in), Some(b_out)) = (self.is_gelu(), &self.b_in, &self.b_out)
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
        let hidden = linear(x.clone(), self.w_in.val(), None);
        let shape = hidden.dims();
        let bias = self.b_in.as_ref().map(Param::val);
        let hidden = match self.is_gelu() {
            true => gelu(hidden, bias),
            false => self.activation.forward(plus(hidden, bias)),
        };
        let got = hidden.dims();
        assert!(got == shape, "an activation must keep the shape {shape:?}, got {got:?}");
        match &self.w_gate {
            Some(w_gate) => hidden * linear(x, w_gate.val(), None),
            None => hidden,
        }
    }

    /// Whether the activation is the one that kernels compute together with the maps around it.
    fn is_gelu(&self) -> bool {
        self.activation.downcast_ref::<Gelu>().is_some()
    }
}
