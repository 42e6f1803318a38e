//! Every shape of one head whose queries and keys are as wide as each other, and whose values are not.

use anyhow::Result;
use burn::tensor::Device;
use qkv_model::{Init, Mask, SelfAttentionConfig, Training};

use super::comparison::Comparison;

/// The widths of the author's article on self-attention: 6 tokens of width 16, `d_q = d_k = 24`, `d_v = 28`.
const SEQ_LEN: usize = 6;
const D_IN: usize = 16;
const D_K: usize = 24;
const D_V: usize = 28;

/// Walks through one query and prints the shape of everything on the way.
pub fn show(page: &mut Comparison, device: &Device) -> Result<()> {
    let title = format!("9. every shape, with d_q = d_k = {D_K} and d_v = {D_V}");
    let rule = "queries and keys must be equally wide, because they are multiplied; values\nneed not be";
    page.step(&title, rule)?;
    let init = Init::new(device, 0);
    let config = SelfAttentionConfig { d_v: D_V, ..SelfAttentionConfig::new(D_IN, D_K) };
    let layer = config.init(&init)?;
    let x = init.normal("x", [SEQ_LEN, D_IN], 1.0, Training::Frozen).val();
    page.shape("x", &x)?;
    let trace = layer.trace(x, &Mask::none(), 1, 0);
    for (name, matrix) in [("W_Q", &trace.w_q), ("W_K", &trace.w_k), ("W_V", &trace.w_v)] {
        page.shape(name, matrix)?;
    }
    page.shape("x_2", &trace.x)?;
    page.shape("q_2 = x_2 W_Q", &trace.q)?;
    page.shape("k = x W_K", &trace.k)?;
    page.shape("v = x W_V", &trace.v)?;
    page.shape("scores of q_2 with all keys", &trace.scores)?;
    page.shape(&format!("scaled × 1/√{D_K} = {:.4}", trace.scale), &trace.scaled)?;
    let sum = trace.weights.clone().sum().into_scalar::<f64>();
    page.shape(&format!("weights, their sum {sum:.4}"), &trace.weights)?;
    page.shape("context of x_2", &trace.context)?;
    Ok(())
}
