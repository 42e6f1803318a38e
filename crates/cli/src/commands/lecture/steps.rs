//! Steps 1 to 6, from attention without parameters to several heads, on the author's six tokens.

use std::io::Write;

use anyhow::Result;
use burn::module::Param;
use burn::tensor::{Tensor, einsum};
use qkv_model::{BasicAttention, CausalAlign, Mask, Mode, Score, SelfAttention};

use super::comparison::Comparison;
use super::published::Published;

/// Replays the six steps and compares every published number.
pub fn replay<W: Write>(page: &mut Comparison<W>, published: &Published) -> Result<()> {
    basic(page, published)?;
    learnable(page, published)?;
    linear(page, published)?;
    causal(page, published)?;
    heads(page, published)?;
    output_projection(page, published)
}

fn basic<W: Write>(page: &mut Comparison<W>, published: &Published) -> Result<()> {
    page.step("1. attention without parameters", "context = softmax(x xᵀ) x: nothing in it can learn")?;
    let x = published.inputs();
    page.shape("x", &x)?;
    page.compare("scores x xᵀ", einsum!("bqd,bkd->bqk", &x, x.clone()), published.matrix("/basic/scores"))?;
    let output = BasicAttention.forward(x, &Mask::none());
    let weights = output.weights;
    page.compare("weights", weights, published.matrix("/basic/weights"))?;
    page.compare("context", output.output, published.matrix("/basic/context"))?;
    Ok(())
}

fn learnable<W: Write>(page: &mut Comparison<W>, published: &Published) -> Result<()> {
    let equation = "q = x W_Q, k = x W_K, v = x W_V;  context = softmax(q kᵀ / √d_k) v";
    page.step("2. three learnable matrices, scaled", equation)?;
    let layer = published.layer(&["v1_seed123"], 1, None)?;
    for (name, matrix) in [("W_Q", layer.w_q(0)), ("W_K", layer.w_k(0)), ("W_V", layer.w_v(0))] {
        page.shape(name, &matrix)?;
    }
    projected(page, published, &layer, "v1_seed123")
}

fn linear<W: Write>(page: &mut Comparison<W>, published: &Published) -> Result<()> {
    let layout =
        "the same from PyTorch's nn.Linear, whose weights are [out × in] and are transposed on the way in";
    page.step("3. better initial weights", layout)?;
    let layer = published.layer(&["v2_seed789"], 1, None)?;
    projected(page, published, &layer, "v2_seed789")
}

/// Scores, scaled scores, weights and context of one head without a mask.
fn projected<W: Write>(
    page: &mut Comparison<W>,
    published: &Published,
    layer: &SelfAttention,
    step: &str,
) -> Result<()> {
    let x = published.inputs();
    let [q, k, v] = layer.project(x.clone());
    for (name, tensor) in [("q = x W_Q", &q), ("k = x W_K", &k), ("v = x W_V", &v)] {
        page.shape(name, tensor)?;
    }
    let scores = layer.score.scores(q, k);
    page.compare("scores q kᵀ", scores.clone(), published.matrix(&format!("/{step}/scores")))?;
    let scale = layer.score.scale(layer.d_k());
    page.shape(&format!("scaled scores × {scale:.4}"), &scores.mul_scalar(scale))?;
    compare_output(page, published, layer, &Mask::none(), step)
}

fn compare_output<W: Write>(
    page: &mut Comparison<W>,
    published: &Published,
    layer: &SelfAttention,
    mask: &Mask,
    step: &str,
) -> Result<()> {
    let output = layer.forward_with_weights(published.inputs(), mask, Mode::Evaluate);
    let weights = output.weights;
    page.compare("weights", weights, published.matrix(&format!("/{step}/weights")))?;
    page.compare("context", output.output, published.matrix(&format!("/{step}/context")))?;
    Ok(())
}

fn causal<W: Write>(page: &mut Comparison<W>, published: &Published) -> Result<()> {
    let mask = Mask::causal(CausalAlign::TopLeft);
    page.step("4. causal mask", "a query sees no key after it: those scores become -∞, their weights 0")?;
    let layer = published.layer(&["v2_seed789"], 1, None)?;
    compare_output(page, published, &layer, &mask, "v2_seed789_causal")?;
    let layer = published.layer(&["causal_seed123"], 1, None)?;
    compare_output(page, published, &layer, &mask, "causal_seed123")
}

fn heads<W: Write>(page: &mut Comparison<W>, published: &Published) -> Result<()> {
    page.step("5. two heads side by side", "context = [context_1 context_2]")?;
    let layer = published.layer(&["causal_seed123", "wrapper_head2_seed123"], 2, None)?;
    let context = layer.forward(published.inputs(), &Mask::causal(CausalAlign::TopLeft), Mode::Evaluate);
    page.compare("context", context, published.matrix("/wrapper_head2_seed123/context_concat"))?;
    Ok(())
}

fn output_projection<W: Write>(page: &mut Comparison<W>, published: &Published) -> Result<()> {
    page.step("6. multi-head attention", "context = [context_1 context_2] W_O + b_O")?;
    let w_o: Tensor<2> = published.matrix("/mha_seed123/out_proj.weight").transpose();
    let [_, d_out] = w_o.dims();
    let mut layer = published.layer(&["mha_seed123"], 2, Some(d_out))?;
    page.shape("W_O", &w_o)?;
    layer.w_o = Some(Param::from_tensor(w_o));
    layer.b_o = Some(Param::from_tensor(published.vector("/mha_seed123/out_proj.bias")));
    let context = layer.forward(published.inputs(), &Mask::causal(CausalAlign::TopLeft), Mode::Evaluate);
    page.compare("context", context, published.matrix("/mha_seed123/output"))?;
    Ok(())
}
