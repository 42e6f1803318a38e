//! The whole command line with a mask, a norm and an activation of your own in it.
//!
//! ```text
//! cargo run --release --example own_parts -- train copy --set model.mask=window --set model.norm_kind=scale \
//!     --set model.activation=swish --set model.d_mlp=32 --out runs/w
//! cargo run --release --example own_parts -- explain runs/w
//! ```
//!
//! `--set model.mask.before=20` sets what the mask has to set.

use std::process::ExitCode;

use burn::module::{Module, Param};
use burn::tensor::{Bool, Int, Tensor};
use qkv::Registry;
use qkv::model::{Activate, CausalAlign, Init, Mask, MaskRule, ModelError, NoSettings, Normalize};
use serde::{Deserialize, Serialize};

fn main() -> ExitCode {
    let registry = Registry::new().mask("window", Window::build).norm("scale", ScaleNorm::build);
    qkv::run(registry.activation("swish", Swish::build))
}

/// A position sees itself and so many before it. It is its own settings, too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Window {
    before: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { before: 16 }
    }
}

impl Window {
    fn build(&self) -> Result<Self, ModelError> {
        Ok(self.clone())
    }
}

impl MaskRule for Window {
    fn mask(&self, tokens: &Tensor<3, Int>) -> Mask {
        let [_, seq_len, _] = tokens.dims();
        let far = Tensor::<2, Bool>::triu_mask([seq_len; 2], -(self.before as i64), &tokens.device());
        Mask::causal(CausalAlign::TopLeft).and(Mask::hidden(far.unsqueeze()))
    }

    /// Tasks whose inputs hold their answers, such as `copy`, take no other.
    fn is_causal(&self) -> bool {
        true
    }
}

/// `y = g x / |x|`, with one learned length for all vectors
/// ([Nguyen and Salazar 2019](https://arxiv.org/abs/1910.05895)).
#[derive(Module, Debug)]
struct ScaleNorm {
    length: Param<Tensor<1>>,
}

impl ScaleNorm {
    fn build(_: &NoSettings, init: &Init, d_model: usize) -> Result<Self, ModelError> {
        Ok(Self { length: init.constant([1], (d_model as f64).sqrt()) })
    }
}

impl Normalize for ScaleNorm {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let length = x.clone().powi_scalar(2).sum_dim(2).add_scalar(1e-12).sqrt();
        x / length * self.length.val().unsqueeze()
    }
}

/// `f(x) = x σ(β x)` with a learned β ([Ramachandran et al. 2017](https://arxiv.org/abs/1710.05941)).
#[derive(Module, Debug)]
struct Swish {
    beta: Param<Tensor<1>>,
}

impl Swish {
    fn build(_: &NoSettings, init: &Init, _d_mlp: usize) -> Result<Self, ModelError> {
        Ok(Self { beta: init.constant([1], 1.0) })
    }
}

impl Activate for Swish {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let half = x.clone() * self.beta.val().unsqueeze() * 0.5;
        x * (half.tanh() + 1.0) * 0.5
    }
}
