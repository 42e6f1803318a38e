//! Steps 1 to 6, from attention without parameters to several heads, on the author's six tokens.

use anyhow::Result;
use burn::module::Param;
use burn::tensor::einsum;
use qkv_model::{BasicAttention, CausalAlign, Mask, Mode, Score, SelfAttention};

use super::comparison::Comparison;

/// Replays the six steps and compares every published number.
pub fn replay(page: &mut Comparison) -> Result<()> {
    basic(page)?;
    learnable(page)?;
    linear(page)?;
    causal(page)?;
    heads(page)?;
    output_projection(page)
}

fn basic(page: &mut Comparison) -> Result<()> {
    page.step("1. attention without parameters", "context = softmax(x xᵀ) x: nothing in it can learn")?;
    let x = page.published.inputs();
    page.shape("x", &x)?;
    page.compare("scores x xᵀ", einsum!("bqd,bkd->bqk", &x, x.clone()), "/basic/scores")?;
    let output = BasicAttention.forward(x, &Mask::none());
    page.compare("weights", output.weights, "/basic/weights")?;
    Ok(page.compare("context", output.output, "/basic/context")?)
}

fn learnable(page: &mut Comparison) -> Result<()> {
    let equation = "q = x W_Q, k = x W_K, v = x W_V;  context = softmax(q kᵀ / √d_k) v";
    page.step("2. three learnable matrices, scaled", equation)?;
    let layer = page.published.layer(&["v1_seed123"], 1)?;
    for (name, matrix) in [("W_Q", layer.w_q(0)), ("W_K", layer.w_k(0)), ("W_V", layer.w_v(0))] {
        page.shape(name, &matrix)?;
    }
    projected(page, &layer, "v1_seed123")
}

fn linear(page: &mut Comparison) -> Result<()> {
    let layout =
        "the same from PyTorch's nn.Linear, whose weights are [out × in] and are transposed on the way in";
    page.step("3. better initial weights", layout)?;
    let layer = page.published.layer(&["v2_seed789"], 1)?;
    projected(page, &layer, "v2_seed789")
}

/// Scores, scaled scores, weights and context of one head without a mask.
fn projected(page: &mut Comparison, layer: &SelfAttention, step: &str) -> Result<()> {
    let [q, k, v] = layer.project(page.published.inputs());
    for (name, tensor) in [("q = x W_Q", &q), ("k = x W_K", &k), ("v = x W_V", &v)] {
        page.shape(name, tensor)?;
    }
    let scores = layer.score.scores(q, k);
    page.compare("scores q kᵀ", scores.clone(), &format!("/{step}/scores"))?;
    let scale = layer.score.scale(layer.d_k());
    page.shape(&format!("scaled scores × {scale:.4}"), &scores.mul_scalar(scale))?;
    compare_output(page, layer, &Mask::none(), step)
}

fn compare_output(page: &mut Comparison, layer: &SelfAttention, mask: &Mask, step: &str) -> Result<()> {
    let output = layer.forward_with_weights(page.published.inputs(), mask, Mode::Evaluate);
    page.compare("weights", output.weights, &format!("/{step}/weights"))?;
    Ok(page.compare("context", output.output, &format!("/{step}/context"))?)
}

fn causal(page: &mut Comparison) -> Result<()> {
    page.step("4. causal mask", "a query sees no key after it: those scores become -∞, their weights 0")?;
    for (weights, step) in [("v2_seed789", "v2_seed789_causal"), ("causal_seed123", "causal_seed123")] {
        let layer = page.published.layer(&[weights], 1)?;
        compare_output(page, &layer, &Mask::causal(CausalAlign::TopLeft), step)?;
    }
    Ok(())
}

fn heads(page: &mut Comparison) -> Result<()> {
    page.step("5. two heads side by side", "context = [context_1 context_2]")?;
    let layer = page.published.layer(&["causal_seed123", "wrapper_head2_seed123"], 2)?;
    compare_context(page, &layer, "/wrapper_head2_seed123/context_concat")
}

fn output_projection(page: &mut Comparison) -> Result<()> {
    page.step("6. multi-head attention", "context = [context_1 context_2] W_O + b_O")?;
    let mut layer = page.published.layer(&["mha_seed123"], 2)?;
    let w_o = page.published.array::<2>("/mha_seed123/out_proj.weight").transpose();
    page.shape("W_O", &w_o)?;
    layer.w_o = Some(Param::from_tensor(w_o));
    layer.b_o = Some(Param::from_tensor(page.published.array("/mha_seed123/out_proj.bias")));
    compare_context(page, &layer, "/mha_seed123/output")
}

fn compare_context(page: &mut Comparison, layer: &SelfAttention, pointer: &str) -> Result<()> {
    let mask = Mask::causal(CausalAlign::TopLeft);
    let context = layer.forward(page.published.inputs(), &mask, Mode::Evaluate);
    Ok(page.compare("context", context, pointer)?)
}
