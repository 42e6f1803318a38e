//! The whole command line with an attention layer of your own in it: every head is gated at every position.
//!
//! ```text
//! cargo run --release --example own_layer -- train reverse --set model.layer=gated-heads --set model.n_heads=4 \
//!     --out runs/g
//! cargo run --release --example own_layer -- explain runs/g
//! ```

use std::process::ExitCode;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use qkv::Registry;
use qkv::model::{
    AttentionLayer, Catalog, Hook, Init, LayerDescription, Mask, Mode, ModelError, Query, SelfAttention,
    SelfAttentionConfig, Stage, Trace, Training,
};
use serde::{Deserialize, Serialize};

fn main() -> ExitCode {
    qkv::run(Registry::new().attention("gated-heads", GatedHeads::build))
}

/// `output = [g_1 context_1 … g_n context_n] W_O`, with `g = σ(sharpness · x W_gate)`.
#[derive(Module, Debug)]
pub struct GatedHeads {
    heads: SelfAttention,
    /// `[d_model, heads]`.
    w_gate: Param<Tensor<2>>,
    sharpness: f64,
}

/// What a config may set beside the name: `--set model.layer.sharpness=2`.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    sharpness: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { sharpness: 1.0 }
    }
}

impl GatedHeads {
    /// `config` is the layer that the block asks for: its widths, heads, score and positions.
    pub fn build(
        &Settings { sharpness }: &Settings,
        init: &Init,
        config: &SelfAttentionConfig,
        catalog: &Catalog,
    ) -> Result<Self, ModelError> {
        let w_gate = init.uniform("w_gate", [config.d_in, config.n_heads], 1.0, Training::Learned);
        Ok(Self { heads: config.init_with(&init.enter("heads"), catalog)?, w_gate, sharpness })
    }

    /// `[batch, heads, seq_len, 1]`.
    fn gate(&self, x: Tensor<3>) -> Tensor<4> {
        let gate = x.matmul(self.w_gate.val().unsqueeze()) * self.sharpness;
        // Not `sigmoid`, which rounds to single precision on ndarray.
        gate.neg().exp().add_scalar(1.0).recip().swap_dims(1, 2).unsqueeze_dim(3)
    }

    fn gated<'a>(&self, x: Tensor<3>, hook: &'a mut dyn Hook) -> impl Hook + 'a {
        let gate = self.gate(x);
        move |layer: usize, stage, x: Tensor<4>| {
            hook.at(layer, stage, if stage == Stage::Context { x * gate.clone() } else { x })
        }
    }
}

impl AttentionLayer for GatedHeads {
    /// The fused kernels compute the contexts.
    fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        self.heads.project_out(self.heads.context(x.clone(), mask, mode) * self.gate(x))
    }

    fn forward_with_hook(
        &self,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
        layer: usize,
        hook: &mut dyn Hook,
    ) -> Tensor<3> {
        let mut gated = self.gated(x.clone(), hook);
        self.heads.forward_with_hook(x, mask, mode, layer, &mut gated)
    }

    fn describe(&self) -> LayerDescription {
        LayerDescription { field: Some("heads"), ..self.heads.describe() }
    }

    fn trace(&self, x: Tensor<2>, mask: &Mask, place: Query, hook: &mut dyn Hook) -> Option<Trace> {
        let mut gated = self.gated(x.clone().unsqueeze(), hook);
        Some(self.heads.trace_with_hook(x, mask, place, &mut gated))
    }
}
